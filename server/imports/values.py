"""What every format of an open server's log file is turned into, and how rows become chunks.

Rules:

* A row that does not fit the catalogue never leaves a reader: the ``Chunker`` makes a fault of it.
* Memory is bounded: at most ``PENDING_ROWS`` rows wait, of however many machines.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from consent.catalogue import TABLES, Column, Kind
from consent.wire import Columns, Value

#: Time steps of one machine in a chunk.
STEPS = 600
#: Rows in a chunk: below the body limit of the act ``import-rows`` whatever the values are.
CHUNK_ROWS = 12_000
#: Rows that wait for their chunk to fill, of all machines together.
PENDING_ROWS = 60_000

Row = tuple[Value, ...]

#: The wire columns of each table, and the type that their values mostly have: those are checked in passing.
_COLUMNS = {
    name: [
        (column, {Kind.FLOAT: float, Kind.SYMBOL: None}.get(column.kind, int)) for column in TABLES[name].wire_columns
    ]
    for name in TABLES
}


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


@dataclass(slots=True)
class _Pending:
    """The rows of one machine that wait, by table and then by (time, part)."""

    tables: dict[str, dict[tuple[Value, Value], Row]] = field(default_factory=dict)
    times: set[int] = field(default_factory=set)
    rows: int = 0


class Chunker:
    """Rows, as they come, to chunks. ``Content.chunker()`` makes one.

    ``steps``: time steps in a chunk; 0 hands each row on at once (a file that is followed). ``fault(place, reason)``
    hears of rows that cannot be taken.
    """

    def __init__(self, steps: int, fault: Callable[[str, str], None]) -> None:
        self._steps = steps
        self._fault = fault
        self._pending: dict[str, _Pending] = {}
        self._waiting = 0

    def add(self, source: str, table: str, row: Row, place: str = "") -> Iterator[Imported]:
        """One row in the order of ``TABLES[table].wire_columns``; what is full comes out. To be iterated.

        A row is a fault when it does not fit the catalogue, or says something else than a waiting one of the same time
        and part; said twice it counts once. ``place`` is where it stands in the file (``line 17``).
        """
        wrong = misfit(table, row)
        if wrong:
            self._fault(place or table, wrong)
            return
        pending = self._pending.setdefault(source, _Pending())
        time = cast(int, row[0])
        full = time not in pending.times and len(pending.times) >= max(1, self._steps)
        if full or pending.rows >= CHUNK_ROWS:
            yield from self._emit(source)
            pending = self._pending.setdefault(source, _Pending())
        key = (time, row[1] if TABLES[table].part else None)
        known = pending.tables.setdefault(table, {}).setdefault(key, row)
        if known is not row:
            if known != row:
                self._fault(place or table, f"a second row of {table} at the same time says something else")
            return
        pending.times.add(time)
        pending.rows += 1
        self._waiting += 1
        if not self._steps:
            yield from self._emit(source)
        elif self._waiting >= PENDING_ROWS:
            yield from self.rest()

    def add_all(self, source: str, tables: Mapping[str, list[Row]], place: str = "") -> Iterator[Imported]:
        """``add`` for every row of every table, as ``Counters.add`` answers them. To be iterated."""
        for table, rows in tables.items():
            for row in rows:
                yield from self.add(source, table, row, place)

    def rest(self) -> Iterator[Imported]:
        """Everything that still waits. To be iterated, at the end of the file."""
        for source in list(self._pending):
            yield from self._emit(source)

    def _emit(self, source: str) -> Iterator[Imported]:
        pending = self._pending.pop(source)
        self._waiting -= pending.rows
        tables = {
            name: columns_of(name, list(pending.tables[name].values())) for name in TABLES if name in pending.tables
        }
        if tables:
            yield Imported(source, tables)


def columns_of(table: str, rows: list[Row]) -> Columns:
    """Rows, at least one, as the wire has them: by column, ordered by time and then by part."""
    width = 2 if TABLES[table].part else 1
    ordered = sorted(rows, key=lambda row: cast(tuple[int, int], row[:width]))
    names = [column.name for column in TABLES[table].wire_columns]
    return dict(zip(names, (list(values) for values in zip(*ordered, strict=True)), strict=True))


def misfit(table: str, row: Row) -> str:
    """Why a row does not fit the catalogue; empty when it does."""
    columns = _COLUMNS[table]
    if len(row) != len(columns):
        return f"a row of {table} has {len(columns)} values, not {len(row)}"
    for (column, usual), value in zip(columns, row, strict=True):
        if value.__class__ is usual and column.minimum <= value <= column.maximum:
            continue
        if not _fits(column, value):
            return f"{table}.{column.name} cannot be {str(value)[:40]!r}"
    return ""


def _fits(column: Column, value: object) -> bool:
    if value is None:
        return column.nullable
    if column.kind is Kind.SYMBOL:
        return isinstance(value, str) and column.minimum <= len(value) <= column.maximum and value.isprintable()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if column.kind is not Kind.FLOAT and not isinstance(value, int):
        return False
    return math.isfinite(value) and column.minimum <= value <= column.maximum
