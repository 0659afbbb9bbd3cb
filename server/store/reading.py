"""Answers from the partitions. Each runs in the thread that asks, on a cursor of its own, under a lease."""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Lock
from typing import Any

import duckdb

from consent.catalogue import MAX_SAFE_INTEGER, TABLES, Table
from server.store.answer import series_of, sparks_of
from server.store.cleaning import older_rows
from server.store.incoming import canonical_instance
from server.store.memory import Memory
from server.store.partition import store_error
from server.store.partition_set import PartitionSet
from server.store.protocol import Row, Series, SeriesQuery, Spark, bucket_starts, table_named
from server.store.schema import quoted
from server.store.series import SHORT_MS, count_statement, pieces, series_statement
from server.store.sparks import sparks_statement

#: Rows that ``rows`` holds of each table at a time.
PAGE_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class RowRange:
    """Which rows of an instance: of these tables, and ``start_ms <= time < end_ms``."""

    tables: tuple[Table, ...]
    start_ms: int
    end_ms: int

    @classmethod
    def of(cls, table: str | None, start_ms: int | None, end_ms: int | None) -> "RowRange":
        """What ``Store.rows`` is called with. Raises ValueError for a table that there is not."""
        tables = tuple(TABLES.values()) if table is None else (table_named(table),)
        return cls(tables, max(start_ms or 0, 0), MAX_SAFE_INTEGER if end_ms is None else end_ms)


class Reader:
    """Safe in any thread. Everything raises StoreUnavailable after the partitions were closed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, partitions: PartitionSet, memory: Memory) -> None:
        self._connection = connection
        self._partitions = partitions
        self._memory = memory
        self._lock = Lock()

    def series(self, query: SeriesQuery) -> Series:
        """One pass over the partitions that overlap the range, or several over a long range."""
        answer: list[Any] = []
        if canonical_instance(query.instance) is not None:
            with self._partitions.lease() as leased:
                partitions = [one for one in leased if one.overlaps(query.start_ms, query.end_ms)]
                if partitions and not self._memory.is_hidden(query.instance):
                    is_short = query.end_ms - query.start_ms <= SHORT_MS
                    counts = [] if is_short else self._read(*count_statement(query, partitions))
                    for piece in pieces(query, counts):
                        answer += self._read(*series_statement(query, partitions, piece))
        return series_of(query, answer)

    def sparks(self, instances: Sequence[str], start_ms: int, end_ms: int, bucket_ms: int) -> dict[str, Spark]:
        """One pass over the partitions that overlap the range."""
        starts = bucket_starts(start_ms, end_ms, bucket_ms)
        answer: list[Any] = []
        with self._partitions.lease() as leased:
            partitions = [one for one in leased if one.overlaps(start_ms, end_ms)]
            asked = [one for one in instances if canonical_instance(one) and not self._memory.is_hidden(one)]
            if partitions and asked:
                answer = self._read(*sparks_statement(asked, start_ms, end_ms, bucket_ms, partitions))
        return sparks_of(starts, answer)

    def times(self, instance: str, table: str, start_ms: int, end_ms: int) -> list[tuple[int, str | int | None]]:
        """One pass over the partitions that overlap the range."""
        part = table_named(table).part
        if canonical_instance(instance) is None:
            return []
        with self._partitions.lease() as leased:
            partitions = [one for one in leased if one.overlaps(start_ms, end_ms)]
            if not partitions or self._memory.is_hidden(instance):
                return []
            pairs = " UNION ".join(
                f"SELECT epoch_ms(time) AS time, {quoted(part.name) if part else 'NULL'} AS part "
                f"FROM {one.alias}.{quoted(table)} WHERE sym = $instance::UUID "
                "AND time >= make_timestamp_ms($start) AND time < make_timestamp_ms($end)"
                for one in partitions
            )
            bounds = {"instance": instance, "start": max(start_ms, 0), "end": end_ms}
            return self._read(f"SELECT DISTINCT time, part FROM ({pairs}) ORDER BY time, part", bounds)

    def rows(self, instance: str, wanted: RowRange) -> Iterator[tuple[str, Row]]:
        """Day by day, the tables of a day merged by time, in pages."""
        if canonical_instance(instance) is None:
            return
        with self._partitions.lease() as leased:
            days = [one.day.name for one in leased if one.overlaps(wanted.start_ms, wanted.end_ms)]
        for day in days:
            yield from heapq.merge(
                *(self._rows_of_day(instance, day, table, wanted) for table in wanted.tables),
                key=_time,
            )

    def expiring(self, before_ms: int) -> dict[str, int]:
        """Counted, nothing deleted."""
        counts = Counter({name: 0 for name in TABLES})
        with self._partitions.lease() as leased, closing(self._cursor()) as cursor:
            for partition in leased:
                if partition.first_ms is not None and partition.first_ms < before_ms:
                    counts.update(older_rows(cursor, partition, before_ms))
        return dict(counts)

    def counts(self) -> dict[str, int]:
        """From the files' own statistics."""
        counts = Counter({name: 0 for name in TABLES})
        with self._partitions.lease() as leased:
            for partition in leased:
                for name in TABLES:
                    counts[name] += self._read(f"SELECT count(*) FROM {partition.alias}.{quoted(name)}", {})[0][0]
        return dict(counts)

    def _rows_of_day(self, instance: str, day: str, table: Table, wanted: RowRange) -> Iterator[tuple[str, Row]]:
        """One table of one day in pages. A page ends where a time ends, and the next begins at the next time."""
        names = [column.name for column in table.wire_columns]
        from_ms, size = wanted.start_ms, PAGE_ROWS
        while True:
            page = self._page(day, table, {"instance": instance, "from": from_ms, "to": wanted.end_ms, "size": size})
            if len(page) == size and page[0][0] == page[-1][0]:
                size *= 2
                continue
            complete = page if len(page) < size else [row for row in page if row[0] != page[-1][0]]
            for row in complete:
                yield table.name, dict(zip(names, row, strict=True))
            if len(page) < size:
                return
            from_ms, size = page[-1][0], PAGE_ROWS

    def _page(self, day: str, table: Table, parameters: dict[str, str | int]) -> list[Any]:
        columns = ", ".join(quoted(column.name) for column in table.wire_columns[1:])
        order = f"time, {quoted(table.part.name)}" if table.part else "time"
        with self._partitions.lease() as leased:
            for partition in leased:
                if partition.day.name == day and not self._memory.is_hidden(str(parameters["instance"])):
                    return self._read(
                        f"SELECT epoch_ms(time), {columns} FROM {partition.alias}.{quoted(table.name)} "
                        f"WHERE sym = $instance::UUID AND time >= make_timestamp_ms($from) "
                        f"AND time < make_timestamp_ms($to) ORDER BY {order} LIMIT $size",
                        parameters,
                    )
        return []

    def _read(self, statement: str, parameters: Any) -> list[Any]:
        """Run a query on a cursor of its own; call it under a lease."""
        with closing(self._cursor()) as cursor:
            try:
                return cursor.execute(statement, parameters).fetchall()
            except duckdb.Error as error:
                raise store_error(error) from error

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        # A connection is not made for several threads, not even for asking it for cursors.
        with self._lock:
            return self._connection.cursor()


def _time(row: tuple[str, Row]) -> int:
    time = row[1]["time"]
    assert isinstance(time, int)
    return time
