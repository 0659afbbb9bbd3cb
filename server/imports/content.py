"""The bytes of an import file, bounded, and the JSON documents in them.

Rules:

* At most ``MAX_BYTES`` are read, counted after gzip: neither a huge file nor a small one that unpacks to a huge one
  fills the memory.
* A file holds one JSON document or several one after another, with or without white space between them: what a loop
  of ``curl >> file`` leaves (Prometheus ends its answers without a newline).
* What is plainly something else (a web page, an exporter's text, UTF-16) is named as such.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from server.errors import ImportFailed

#: The longest file, unpacked: about four million samples, or a day of sixteen 4-core machines at 15 s.
MAX_BYTES = 128 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: A string, skipped as a whole, or the seam between two documents: within one, objects have a comma between them.
_SEAM = re.compile(rb'"(?:[^"\\]++|\\.)*+"|\}\s*+(?=\{)', re.DOTALL)


def read_content(stream: BinaryIO, name: str, maximum: int = MAX_BYTES) -> bytes:
    """All bytes, unpacked if they are gzip. Raises ImportFailed: too large, empty, damaged gzip."""
    content = _bounded(stream, name, maximum)
    if content.startswith(_GZIP):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as unpacked:
                content = _bounded(unpacked, name, maximum)
        except (OSError, EOFError, zlib.error) as error:
            raise ImportFailed(name, "", "the gzip data is damaged or cut off; copy the file again") from error
    content = content.removeprefix(_BYTE_ORDER_MARK).strip()
    if not content:
        raise ImportFailed(name, "", "the file is empty")
    return content


def check_looks_like_json(content: bytes, name: str) -> None:
    """Raises ImportFailed with what the file is instead, where that can be told."""
    if content.startswith(b"{"):
        return
    if content.startswith(b"<"):
        what = "this is a web page, not JSON; save the answer of /api/v1/query_range instead of the page that shows it"
    elif content.startswith((b"# HELP", b"# TYPE", b"node_")):
        what = "this is an exporter's own text; import the answer of Prometheus's /api/v1/query_range instead"
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        what = "the text is UTF-16; save it again as UTF-8 (curl -o FILE does)"
    else:
        what = "this is not an answer of Prometheus's HTTP API: expected a JSON object"
    raise ImportFailed(name, "", what)


def split_documents(content: bytes) -> Iterator[memoryview]:
    """The documents of ``content``, which holds more than one; not yet checked to be JSON."""
    view = memoryview(content)
    start = 0
    for found in _SEAM.finditer(content):
        if content[found.start()] == ord("}"):
            yield view[start : found.start() + 1]
            start = found.end()
    yield view[start:]


def _bounded(stream: BinaryIO | gzip.GzipFile, name: str, maximum: int) -> bytes:
    content = stream.read(maximum + 1)
    if len(content) > maximum:
        raise ImportFailed(
            name,
            "",
            f"the file is longer than {maximum // 1024 // 1024} MB of JSON; export a shorter time range per file",
        )
    return content
