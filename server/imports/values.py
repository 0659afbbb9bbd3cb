"""What every format of an open server's log file is turned into."""

from collections.abc import Mapping
from dataclasses import dataclass

from consent.wire import Columns


@dataclass(frozen=True, slots=True)
class Imported:
    """Some time steps of one machine. ``source`` is the name the file gives it.

    ``tables`` has the catalogue's tables that have rows, each with every column of its wire form, all of one length,
    ordered by time and then by part.
    """

    source: str
    tables: Mapping[str, Columns]

    @property
    def rows(self) -> dict[str, int]:
        """Rows per table."""
        return {name: len(columns["time"]) for name, columns in self.tables.items()}
