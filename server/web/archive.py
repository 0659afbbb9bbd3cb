"""Everything that is held of one volunteer as one ZIP file, streamed in bounded memory.

Rules: the documents byte for byte as they were signed, the text that was agreed to, and every sample as one JSON object
per line, ended by the number of rows (``server.row_formats``). Nothing of it is written to a file on the way.
"""

import zipfile
from collections.abc import Iterable, Iterator, Mapping

_CHUNK = 64 * 1024


class _Sink:
    """What ``zipfile`` writes to: it cannot seek, so sizes stand behind the content they are of."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, content: bytes) -> int:
        """Keep it until it is taken."""
        self.written += content
        return len(content)

    def flush(self) -> None:
        """There is nothing below."""

    def take(self) -> bytes:
        """What came since the last time."""
        taken = bytes(self.written)
        self.written.clear()
        return taken


def archive(files: Mapping[str, str], samples: Iterable[bytes]) -> Iterator[bytes]:
    """A ZIP file of ``files`` (name to text) and of ``samples`` as ``samples.ndjson``."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as opened:  # type: ignore[call-overload]  # any writer does
        for name, text in files.items():
            opened.writestr(name, text.encode())
            yield sink.take()
        with opened.open("samples.ndjson", "w", force_zip64=True) as entry:
            for line in samples:
                entry.write(line)
                if len(sink.written) >= _CHUNK:
                    yield sink.take()
    yield sink.take()
