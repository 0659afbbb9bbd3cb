"""What ``sysmetric-server import`` does: reads, hands on, counts.

Rules: what cannot be read ends its own file only, unless ``strict``; what the server cannot store ends the command, and
the same command again goes on. While files are followed, the server may be away: rows wait, and reading with them.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from typing import cast

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from server.clock import clock_ms
from server.commands.terminal import say
from server.config import Config
from server.errors import AlreadyRunning, ImportFailed, InvalidRequest, ServerUnreachable, StoreUnavailable
from server.imports import Chunker, Imported, Report
from server.imports.finding import Source, find
from server.imports.following import Follower
from server.imports.reading import Reading
from server.imports.values import STEPS
from server.reach import Ask

POLL_SECONDS = 1.0
_OUTCOMES = ("rows", "already", "too_old", "in_the_future")
_Office = Callable[[], AbstractContextManager[tuple[Ask, Config]]]


@dataclass(slots=True)
class FileResult:
    """What became of one file; ``rows`` counts per outcome and table."""

    name: str
    rows: dict[str, Counter[str]] = field(default_factory=lambda: {outcome: Counter() for outcome in _OUTCOMES})
    sources: set[str] = field(default_factory=set)
    faults: int = 0
    first: list[str] = field(default_factory=list)
    failed: str | None = None
    chunks: int = 0


def total(results: Sequence[FileResult], outcome: str) -> dict[str, int]:
    """The rows of all files with one outcome, per table."""
    return dict(sum((result.rows[outcome] for result in results), Counter[str]()))


class Import:
    """One run of the command and its result."""

    def __init__(self, reading: Reading, *, strict: bool, quiet: bool) -> None:
        self._reading = reading
        self._strict = strict
        self._quiet = quiet
        self.results: list[FileResult] = []
        self.left_out: list[str] = []
        self.shift_ms = 0
        self.stopped = False

    @property
    def anything(self) -> bool:
        """Whether any file could be read."""
        return any(result.chunks or not result.failed for result in self.results)

    def once(self, names: Sequence[str], ask: Ask, shift_to_now: bool) -> None:
        """Import what there is. Raises ServerError where the server cannot store."""
        sources = find(names, lambda name, reason: self.left_out.append(f"{name}: {reason}"))
        if not sources:
            self.left_out.append(f"{', '.join(names)}: there is no file in it that could be imported")
        with _progress(sources, self._quiet) as shown:
            if shift_to_now:
                self.shift_ms = self._shift(sources)
            for source in sources:
                result = FileResult(source.name)
                self.results.append(result)
                self._one(source, result, ask, shown)
                if self.stopped:
                    break

    def _one(self, source: Source, result: FileResult, ask: Ask, shown: "_Shown") -> None:
        report = Report(source.name, self._strict)
        try:
            for chunk in self._reading.read(source, report, shown.at):
                self._hand_on(chunk, result, ask)
                shown.rows(sum(chunk.rows.values()), report.faults)
        except (ImportFailed, InvalidRequest) as error:
            words = str(error)
            result.failed = words if isinstance(error, ImportFailed) else f"{source.name}: {words}"
            self.stopped = self._strict
        finally:
            result.faults, result.first = report.faults, report.first
            if result.failed in result.first:  # said once
                result.first.remove(result.failed)
                result.faults -= 1
        shown.done(source)

    def _hand_on(self, chunk: Imported, result: FileResult, ask: Ask) -> None:
        answer = ask("import-rows", source=chunk.source, tables=chunk.tables, shift_ms=self.shift_ms)
        for outcome in _OUTCOMES:
            result.rows[outcome].update(answer[outcome])
        result.sources.add(chunk.source)
        result.chunks += 1

    def _shift(self, sources: Sequence[Source]) -> int:
        """One offset for all files, so that what was recorded together stays together."""
        last = 0
        for source in sources:
            try:
                for chunk in self._reading.read(source, Report(source.name)):
                    last = max(last, *(cast(int, columns["time"][-1]) for columns in chunk.tables.values()))
            except ImportFailed:
                continue  # told when it is imported
        return clock_ms() - last if last else 0

    def follow(self, names: Sequence[str], office: _Office, stop: Event) -> None:
        """Import what there is and what comes, until ``stop``."""
        reading = replace(self._reading, steps=0)
        follower = Follower(names, reading.read, stop, strict=self._strict, poll_seconds=POLL_SECONDS)
        result = FileResult(", ".join(names))
        self.results.append(result)
        for chunks in follower.chunks():
            together = list(_together(chunks))
            while together and not self._flush(together, result, office):
                if stop.wait(POLL_SECONDS):
                    break
        self.stopped = self._strict and (stop.is_set() and bool(follower.failures))
        result.faults = sum(report.faults for report in follower.reports)
        result.first = [line for report in follower.reports for line in report.first]
        self.left_out += follower.failures

    def _flush(self, chunks: list[Imported], result: FileResult, office: _Office) -> bool:
        """Hand on what came; what was taken leaves the list. False when the server is away."""
        try:
            with office() as (ask, _):
                while chunks:
                    try:
                        self._hand_on(chunks[0], result, ask)
                    except InvalidRequest as error:
                        result.faults += 1
                        self.left_out.append(f"{chunks[0].source}: {error}")
                    del chunks[0]
        except (AlreadyRunning, ServerUnreachable, StoreUnavailable) as error:
            say(f"Waiting: {error}")
            return False
        return True


def _together(chunks: Sequence[Imported]) -> Iterator[Imported]:
    """Fewer chunks of the same rows."""
    chunker = Chunker(STEPS, lambda place, reason: None)  # checked before
    for chunk in chunks:
        for table, columns in chunk.tables.items():
            for row in zip(*columns.values(), strict=True):
                yield from chunker.add(chunk.source, table, row)
    yield from chunker.rest()


class _Shown:
    """The progress of all files as one bar."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._before = 0
        self._rows = 0
        self._began = time.monotonic()

    def at(self, position: int) -> None:
        """Bytes of the present file that were read."""
        self._progress.update(self._task, completed=self._before + position)

    def rows(self, rows: int, faults: int) -> None:
        """Rows that were handed on, and faults of the present file."""
        self._rows += rows
        rate = self._rows / max(0.001, time.monotonic() - self._began)
        errors = f", {faults:,} errors" if faults else ""
        self._progress.update(self._task, said=f"{self._rows:,} rows, {rate:,.0f} rows/s{errors}")

    def done(self, source: Source) -> None:
        """One file is at its end."""
        self._before += source.size or 0
        self._progress.update(self._task, completed=self._before)


@contextmanager
def _progress(sources: Sequence[Source], quiet: bool) -> Iterator[_Shown]:
    sizes = [source.size for source in sources]
    whole = None if None in sizes else sum(size or 0 for size in sizes)
    columns = (TextColumn("Importing"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[said]}"))
    console = Console(stderr=True)
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        yield _Shown(progress, progress.add_task("", total=whole, said=""))
