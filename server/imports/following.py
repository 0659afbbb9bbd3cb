"""Files that grow: read to their end, then on as they grow, until somebody says stop.

Rules:

* One thread reads one file and puts its chunks into one queue; at most ``MOST_FILES`` at once.
* A file that was replaced (another one has its name) is read to its end, then the new one from its beginning. So is
  one that was cut off, also when it is as long again by now. What is read twice is stored once, see ``import-rows``.
* Every ``poll_seconds`` is looked for growth, and in directories for new files. Nothing is read while nothing grows.
* ``stop`` ends every reading as if its file ended there, so that what was complete is handed on.
"""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import BinaryIO, cast

from server.errors import ImportFailed
from server.imports import collectd
from server.imports.finding import Source, find, metrics_in
from server.imports.format import Report
from server.imports.values import Imported

MOST_FILES = 256
_QUEUED = 256
#: Bytes before the position by which a file is known again.
_REMEMBERED = 128

#: Reads one source, telling what is wrong to the report.
Reader = Callable[[Source, Report], Iterator[Imported]]


class Growing(io.RawIOBase):
    """The bytes of one file as they come. It ends on ``stop``, and when the file was replaced or cut off: then ``over``
    is True and whatever has its name now is to be read from its beginning."""

    def __init__(self, path: Path, stop: Event, poll_seconds: float) -> None:
        super().__init__()
        self._path = path
        self._stop = stop
        self._poll_seconds = poll_seconds
        self._file = io.FileIO(path)
        self._last = b""
        self.over = False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        super().close()

    def read(self, size: int = -1, /) -> bytes:
        """What there is, at least one byte, at most ``size``; b"" at the end."""
        while True:
            stopped, replaced = self._stop.is_set(), self._replaced()
            if self._cut_off():
                self.over = True
                return b""
            block = self._file.read(size)
            if block:
                self._last = (self._last + block)[-_REMEMBERED:]
                return block
            if stopped or replaced:
                self.over = replaced
                return b""
            self._stop.wait(self._poll_seconds)

    def _replaced(self) -> bool:
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except OSError:
            return True

    def _cut_off(self) -> bool:
        """Whether what was read last is not there any more, even where the file is as long again by now."""
        position = self._file.tell()
        self._file.seek(position - len(self._last))
        there = self._file.read(len(self._last))
        self._file.seek(position)
        return there != self._last


class Follower:
    """Everything that the command line named, as it grows. ``chunks`` is to be iterated by one thread."""

    def __init__(self, names: Sequence[str], read: Reader, stop: Event, *, strict: bool, poll_seconds: float) -> None:
        self._names = names
        self._read = read
        self._stop = stop
        self._strict = strict
        self._poll_seconds = poll_seconds
        self._queue: Queue[Imported] = Queue(_QUEUED)
        self._threads: dict[str, Thread] = {}
        self._told: set[str] = set()
        self.reports: list[Report] = []
        self.failures: list[str] = []

    def chunks(self) -> Iterator[list[Imported]]:
        """What came since the last time, in order; an empty list when nothing did. Ends after ``stop``."""
        while not self._stop.is_set():
            self._look()
            yield self._waiting(self._poll_seconds)
            if all(not thread.is_alive() for thread in self._threads.values()) and self._all_end():
                break
        for thread in list(self._threads.values()):
            while thread.is_alive() and not thread.name.startswith("-"):
                thread.join(0.05)
                yield self._waiting(0)
        yield self._waiting(0)

    def _all_end(self) -> bool:
        """Whether nothing is followed that may grow: standard input alone."""
        return all(name == "-" for name in self._names) and self._queue.empty()

    def _waiting(self, seconds: float) -> list[Imported]:
        found: list[Imported] = []
        try:
            found.append(self._queue.get(timeout=seconds) if seconds else self._queue.get_nowait())
            while len(found) < _QUEUED:
                found.append(self._queue.get_nowait())
        except Empty:
            pass
        return found

    def _look(self) -> None:
        """Begin with files that are new."""
        for source in find(self._names, self._leave_out):
            if source.name in self._threads:
                continue
            if len(self._threads) >= MOST_FILES:
                self._leave_out(source.name, f"more than {MOST_FILES} files cannot be followed at once")
                continue
            thread = Thread(target=self._follow, args=(source,), daemon=True)
            self._threads[source.name] = thread
            thread.start()

    def _leave_out(self, name: str, reason: str) -> None:
        if name not in self._told:
            self._told.add(name)
            self.failures.append(f"{name}: {reason}")

    def _follow(self, source: Source) -> None:
        """Read one source for ever, from its beginning again whenever it was replaced or shortened."""
        report = Report(source.name, self._strict)
        self.reports.append(report)
        while not self._stop.is_set():
            growing = _Opened(self._growing(source))
            try:
                for chunk in self._read(growing.source, report):
                    self._put(chunk)
            except ImportFailed as error:
                self._leave_out(source.name, str(error).removeprefix(f"{source.name}: "))
                if self._strict:
                    self._stop.set()
            if source.path is None:
                return
            while not self._stop.wait(self._poll_seconds) and not growing.is_past(source.path):
                pass

    def _growing(self, source: Source) -> Source:
        path, directory = source.path, source.directory
        if path is not None:
            return replace(source, open=lambda: cast(BinaryIO, Growing(path, self._stop, self._poll_seconds)))
        if directory is not None:
            return replace(source, open=lambda: cast(BinaryIO, collectd.Tree(self._metrics(directory))))
        return source

    def _metrics(self, directory: Path) -> Iterator[list[Path]]:
        yield metrics_in(directory)
        while not self._stop.wait(self._poll_seconds):
            yield metrics_in(directory)

    def _put(self, chunk: Imported) -> None:
        while True:
            try:
                self._queue.put(chunk, timeout=self._poll_seconds)
                return
            except Full:
                continue


class _Opened:
    """A source of which one remembers what was opened last, to tell when it is to be read again."""

    def __init__(self, source: Source) -> None:
        self._open = source.open
        self._path = source.path
        self._raw: BinaryIO | None = None
        self._seen: os.stat_result | None = None
        self.source = replace(source, open=self._remember)

    def _remember(self) -> BinaryIO:
        self._seen = self._path.stat() if self._path else None
        self._raw = self._open()
        return self._raw

    def is_past(self, path: Path) -> bool:
        """Whether another file has the name, or the same one begins anew. One that could not be read at all stays as
        it is until then."""
        try:
            now = path.stat()
        except OSError:
            return False
        if self._seen is None or (isinstance(self._raw, Growing) and self._raw.over):
            return True
        return not os.path.samestat(now, self._seen) or now.st_size < self._seen.st_size
