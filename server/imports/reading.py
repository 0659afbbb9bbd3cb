"""One source read by its format: the one way in for whoever imports."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from server.errors import ImportFailed
from server.imports import by_name, detect
from server.imports.finding import Source
from server.imports.format import Content, Report
from server.imports.values import STEPS, Imported


@dataclass(frozen=True, slots=True)
class Reading:
    """How sources are read. ``kind`` is the name of a format, or None to tell it by the content; ``machine`` the name
    to store under, or None for the one in the file; ``steps`` 0 hands on each row at once."""

    now_ms: int
    kind: str | None = None
    machine: str | None = None
    zone: ZoneInfo | None = None
    steps: int = STEPS

    def read(
        self, source: Source, report: Report, progress: Callable[[int], None] = lambda position: None
    ) -> Iterator[Imported]:
        """The chunks of a source. ``progress`` hears how many of its bytes were read. Raises ImportFailed."""
        try:
            with source.open() as raw:
                content = Content(
                    raw,
                    source.name,
                    report,
                    now_ms=self.now_ms,
                    source=self.machine,
                    zone=self.zone,
                    steps=self.steps,
                )
                kind = by_name(self.kind) if self.kind else detect(content.head, source.name)
                for chunk in kind.read(content, report):
                    yield chunk
                    progress(content.position)
                progress(content.position)
        except OSError as error:
            raise ImportFailed(source.name, "", f"cannot be read: {error.strerror or error}") from error
