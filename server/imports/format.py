"""What a format is, the file it reads, and the report of what it could not read.

Rules:

* A reader goes on: what it cannot use is a ``fault`` with its place, and the next line or sample is read. It raises
  nothing but ImportFailed, for a file that is of no use at all, and lets that of ``fault`` (``--strict``) through.
* Gzip is seen by its first bytes, never by the name of the file. Damaged gzip is a fault; what came before it counts.
* Formats by line hold one line, at most ``LONGEST_LINE`` bytes, and what waits in their ``Chunker``.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, cast
from zoneinfo import ZoneInfo

from server.errors import ImportFailed
from server.imports.values import STEPS, Chunker, Imported

#: What ``Format.matches`` sees.
HEAD = 64 * 1024
LONGEST_LINE = 1024 * 1024
LONGEST_SOURCE = 255
_KEPT_FAULTS = 20
_BLOCK = 64 * 1024
_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Report:
    """What could not be read in one file: a count, and the first lines to show."""

    name: str
    strict: bool = False
    faults: int = 0
    first: list[str] = field(default_factory=list)

    def fault(self, place: str, reason: str) -> None:
        """Count what is wrong at ``place`` (``line 17``, ``data.result[3]``). Raises ImportFailed when strict."""
        self.faults += 1
        if self.strict:
            raise ImportFailed(self.name, place, reason)
        if len(self.first) < _KEPT_FAULTS:
            self.first.append(f"{self.name}: {place}: {reason}" if place else f"{self.name}: {reason}")


class Content:
    """One file while it is read. ``stream`` is unpacked, ``position`` counts packed bytes.

    ``source`` is the name given on the command line, or None; ``zone`` is for formats that write local times;
    ``now_ms`` is when the import began. ``raw.read(n)`` may return less than ``n`` bytes, and b"" at the end only.
    """

    def __init__(
        self,
        raw: BinaryIO,
        name: str,
        report: Report,
        *,
        now_ms: int,
        source: str | None = None,
        zone: ZoneInfo | None = None,
        steps: int = STEPS,
    ) -> None:
        self.name = name
        self.report = report
        self.source = source
        self.zone = zone or ZoneInfo("UTC")
        self.now_ms = now_ms
        self.steps = steps
        self._found: str | None = None
        self._counting = _Counting(raw)
        self._unpacked = _Unpacked(self._counting, report)
        self.head = self._unpacked.peek(HEAD, whole=steps > 0).removeprefix(_BYTE_ORDER_MARK)
        self._plain = _Plain(self._unpacked, live=steps == 0)
        self.stream = cast(BinaryIO, self._plain)

    @property
    def position(self) -> int:
        """Bytes of the file consumed so far, as they lie on the disk."""
        return self._counting.position

    def lines(self) -> Iterator[tuple[int, str]]:
        """Numbered from 1, without line ends. A line that is too long or not UTF-8 is a fault and left out."""
        for number, line in enumerate(self._split(), start=1):
            if line is None:
                self.report.fault(f"line {number}", f"the line is longer than {LONGEST_LINE // 1024} KiB")
                continue
            try:
                yield number, line.decode("utf-8").removesuffix("\r")
            except UnicodeDecodeError:
                self.report.fault(f"line {number}", "the line is not UTF-8")

    def chunker(self) -> Chunker:
        """Where the rows of this file go."""
        return Chunker(self.steps, self.report.fault)

    def machine(self, found: str | None) -> str:
        """The name to store under: ``--source``, else ``found``, the one in the file.

        Raises ImportFailed where there is neither, the name is unusable, or ``--source`` would mix two machines.
        """
        if self.source is None:
            if not found:
                raise ImportFailed(self.name, "", "the file does not say which machine it is of; add --source NAME")
            if len(found) > LONGEST_SOURCE or not found.isprintable() or found != found.strip():
                raise ImportFailed(self.name, "", f"{found[:40]!r} is no usable name of a machine; add --source NAME")
            return found
        if found:
            if self._found not in (None, found):
                raise ImportFailed(self.name, "", "the file is of more than one machine; leave out --source")
            self._found = found
        return self.source

    def _split(self) -> Iterator[bytes | None]:
        """The lines; None for one that is too long, whose bytes are skipped."""
        rest, skipping, first = b"", False, True
        while block := self._plain.read1(_BLOCK):
            if first:
                block, first = block.removeprefix(_BYTE_ORDER_MARK), False
            *whole, rest = (rest + block).split(b"\n")
            for line in whole:
                yield None if skipping or len(line) > LONGEST_LINE else line
                skipping = False
            if len(rest) > LONGEST_LINE:
                rest, skipping = b"", True
        if rest or skipping:
            yield None if skipping else rest


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of log file. ``words`` say in a few words what writes it.

    ``matches`` is asked with the first 64 KiB, unpacked and without a byte order mark, and never raises. ``read``
    yields chunks and streams; see the rules above for what it raises.
    """

    name: str
    words: str
    matches: Callable[[bytes], bool]
    read: Callable[[Content, Report], Iterator[Imported]]


class _Counting:
    """A stream that counts what was read of it."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._before = b""
        self.position = 0

    def unread(self, block: bytes) -> None:
        """Have ``block`` read again."""
        self._before = block + self._before
        self.position -= len(block)

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, as gzip wants it."""
        if self._before:
            size = len(self._before) if size < 0 else size
            block, self._before = self._before[:size], self._before[size:]
        else:
            block = self._raw.read(size)
        self.position += len(block)
        return block


class _Unpacked(io.RawIOBase):
    """The bytes of a file, unpacked if they are gzip; damage is a fault and ends it."""

    def __init__(self, raw: _Counting, report: Report) -> None:
        super().__init__()
        self._report = report
        self._before = b""
        magic = raw.read(len(_GZIP))
        if len(magic) == 1:
            magic += raw.read(1)
        raw.unread(magic)
        self._source: _Counting | gzip.GzipFile = raw
        if magic == _GZIP:
            self._source = gzip.GzipFile(fileobj=cast(BinaryIO, raw))  # it asks for read alone

    def peek(self, size: int, *, whole: bool) -> bytes:
        """The first ``size`` bytes; not ``whole``: as far as there is a line by now."""
        head = b""
        while len(head) < size and (whole or b"\n" not in head):
            block = self._next(size - len(head))
            if not block:
                break
            head += block
        self._before = head + self._before
        return head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        block = self._next(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def _next(self, size: int) -> bytes:
        if self._before:
            block, self._before = self._before[:size], self._before[size:]
            return block
        try:
            return self._source.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            self._source = _Counting(io.BytesIO())
            self._report.fault("", "the gzip data is damaged or cut off here; copy the file again")
            return b""


class _Plain(io.BufferedIOBase):
    """The stream of a file. ``read1`` gives what there is by now; so does ``read`` of a file that is followed."""

    def __init__(self, raw: _Unpacked, *, live: bool) -> None:
        super().__init__()
        self._raw = raw
        self._live = live

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """``size`` bytes, fewer at the end only."""
        if size is None or size < 0:
            return b"".join(iter(self.read1, b""))
        blocks = [self.read1(size)]
        while not self._live and blocks[-1] and (missing := size - sum(map(len, blocks))):
            blocks.append(self.read1(missing))
        return b"".join(blocks)

    def read1(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes, b"" at the end only."""
        return self._raw.read(size if size >= 0 else _BLOCK) or b""
