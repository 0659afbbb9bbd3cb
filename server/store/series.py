"""A series in one pass of SQL over the partitions that overlap its range, or in several passes over a long range.

Rules:

* Parts are joined at each time first, then counted into buckets; the summary is over the same joined samples.
* A long form (one row per sample and column) keeps the statement small whatever the number of columns: DuckDB spends
  more time on planning wide aggregates than on an hour of samples.
* A median needs all its numbers in memory at once and DuckDB cannot spill them. So a long range is asked for in pieces
  of at most ``PIECE_NUMBERS`` numbers: part by part, and column by column where one part is still too much.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent.catalogue import TABLES, Across, Table
from server.store.partition import Partition
from server.store.protocol import SeriesColumn, SeriesQuery, series_columns
from server.store.schema import quoted

#: About 30 MB of DuckDB's memory.
PIECE_NUMBERS = 1_000_000
#: A range that is no longer than this is asked for in one piece, without counting first.
SHORT_MS = 2 * 3_600_000

_JOIN = {Across.MEAN: "avg", Across.SUM: "sum", Across.MAX: "max"}
#: (core number or device, None without parts; samples)
PartCount = tuple[Any, int]
Statement = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Piece:
    """What one statement answers: some columns, of all parts or of one."""

    columns: tuple[SeriesColumn, ...]
    part: Any = None


def count_statement(query: SeriesQuery, partitions: Sequence[Partition]) -> Statement:
    """A statement that answers with one PartCount per part."""
    samples, parameters = _samples(query, partitions, None)
    part = _part(TABLES[query.table])
    return f"SELECT {part} AS part, count(*) FROM ({samples}) GROUP BY {part} ORDER BY part", parameters


def pieces(query: SeriesQuery, counts: Sequence[PartCount]) -> Iterator[Piece]:
    """The pieces in which to ask. Without ``counts``, and where that is little enough, everything is one."""
    table = TABLES[query.table]
    columns = series_columns(table)
    split = query.by_part and table.part is not None
    # Parts that are joined become one number per time: as many as the part with most samples has.
    total = sum(count for _, count in counts) if split else max((count for _, count in counts), default=0)
    if total * len(columns) <= PIECE_NUMBERS:
        yield Piece(columns)
        return
    for part, count in counts if split else [(None, total)]:
        if count * len(columns) <= PIECE_NUMBERS:
            yield Piece(columns, part)
        else:
            yield from (Piece((column,), part) for column in columns)


def series_statement(query: SeriesQuery, partitions: Sequence[Partition], piece: Piece) -> Statement:
    """The statement of one piece; it answers with one AnswerRow per part, column and bucket that has samples."""
    table = TABLES[query.table]
    joins = table.part is not None and not query.by_part
    samples, parameters = _samples(query, partitions, piece.part)
    numbers = ", ".join(_number(column, joins) for column in piece.columns)
    statement = f"""
        WITH joined AS (
            SELECT {"NULL" if joins else _part(table)} AS part, epoch_ms(time) // $bucket AS bucket, [{numbers}] AS numbers
            FROM ({samples}) {"GROUP BY time" if joins else ""}
        ),
        long AS (SELECT part, bucket, unnest(numbers) AS number, unnest($names::VARCHAR[]) AS name FROM joined),
        counted AS (
            SELECT part, grouping(bucket) AS is_summary, bucket, name, avg(number) AS mean,
                quantile_cont(number, [0.5, 0.05, 0.95]) AS quantiles, min(number) AS minimum, max(number) AS maximum
            FROM long GROUP BY GROUPING SETS ((part, name, bucket), (part, name))
        )
        SELECT part, is_summary, bucket, name, mean, quantiles[1], minimum, maximum, quantiles[2], quantiles[3]
        FROM counted ORDER BY part"""
    names = [column.name for column in piece.columns]
    return statement, {**parameters, "bucket": query.bucket_ms, "names": names}


def _samples(query: SeriesQuery, partitions: Sequence[Partition], part: Any) -> Statement:
    """The rows of the range, of all parts or of one."""
    table = TABLES[query.table]
    condition = "" if part is None else f" AND {_part(table)} = $part"
    rows = " UNION ALL ".join(
        f"SELECT * FROM {partition.alias}.{quoted(table.name)} WHERE sym = $instance::UUID "
        f"AND time >= make_timestamp_ms($start) AND time < make_timestamp_ms($end){condition}"
        for partition in partitions
    )
    parameters = {"instance": query.instance, "start": query.start_ms, "end": query.end_ms}
    return rows, parameters if part is None else {**parameters, "part": part}


def _part(table: Table) -> str:
    return quoted(table.part.name) if table.part else "NULL"


def _number(column: SeriesColumn, joins: bool) -> str:
    value = quoted(column.name) if column.complement_of is None else f"1 - {quoted(column.complement_of)}"
    return f"{_JOIN[column.across]}({value})::DOUBLE" if joins else f"({value})::DOUBLE"
