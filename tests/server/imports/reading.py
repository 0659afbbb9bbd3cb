"""Read bytes by a format of the import, as the command line does."""

import io
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from consent.catalogue import TABLES
from server.imports import Content, Format, Imported, Report, detect
from server.imports.values import Row

NOW_MS = 1_790_000_000_000


@dataclass(frozen=True, slots=True)
class Read:
    """What came of a file: its chunks, and the report."""

    chunks: list[Imported]
    report: Report

    def rows(self, table: str, source: str | None = None) -> list[Row]:
        """The rows of a table in wire order, of one machine or of all."""
        names = [column.name for column in TABLES[table].wire_columns]
        found: list[Row] = []
        for chunk in self.chunks:
            if table in chunk.tables and source in (None, chunk.source):
                found += zip(*(chunk.tables[table][name] for name in names), strict=True)
        return found

    @property
    def sources(self) -> set[str]:
        """The machines."""
        return {chunk.source for chunk in self.chunks}


def read_bytes(
    content: bytes,
    kind: Format | None = None,
    *,
    source: str | None = None,
    zone: str = "UTC",
    strict: bool = False,
    steps: int = 600,
    now_ms: int = NOW_MS,
) -> Read:
    """Read a file of these bytes; the format is told by the content unless given. Raises ImportFailed."""
    report = Report("file", strict)
    opened = Content(
        io.BytesIO(content), "file", report, now_ms=now_ms, source=source, zone=ZoneInfo(zone), steps=steps
    )
    chosen = kind or detect(opened.head, "file")
    return Read(list(chosen.read(opened, report)), report)
