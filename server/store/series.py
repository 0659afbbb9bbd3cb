"""A series in one pass of SQL over the partitions that overlap its range.

Rules:

* Parts are joined at each time first, then counted into buckets; the summary is over the same joined samples.
* A long form (one row per sample and column) keeps the statement small whatever the number of columns: DuckDB spends
  more time on planning wide aggregates than on an hour of samples.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from consent.catalogue import TABLES, Across, Table
from server.store.partition import Partition
from server.store.protocol import (
    STATISTICS,
    Group,
    Series,
    SeriesColumn,
    SeriesQuery,
    Statistics,
    series_columns,
)
from server.store.schema import quoted

_JOIN = {Across.MEAN: "avg", Across.SUM: "sum", Across.MAX: "max"}
#: part, 1 for a summary, bucket number, column number, and the statistics in the order of STATISTICS.
AnswerRow = tuple[Any, ...]


def series_statement(query: SeriesQuery, partitions: Sequence[Partition]) -> tuple[str, Mapping[str, str | int]]:
    """The statement and its parameters; it answers with one AnswerRow per part, column and bucket that has samples."""
    table = TABLES[query.table]
    part = quoted(table.part.name) if table.part and query.by_part else "NULL"
    joins = table.part is not None and not query.by_part
    columns = series_columns(table)
    values = ", ".join(_value(column, joins) for column in columns)
    rows = " UNION ALL ".join(
        f"SELECT * FROM {partition.alias}.{quoted(table.name)} WHERE sym = $instance::UUID "
        "AND time >= make_timestamp_ms($start) AND time < make_timestamp_ms($end)"
        for partition in partitions
    )
    statement = f"""
        WITH samples AS ({rows}),
        joined AS (
            SELECT {part} AS part, epoch_ms(time) // $bucket AS bucket, [{values}] AS numbers
            FROM samples {"GROUP BY time" if joins else ""}
        ),
        long AS (SELECT part, bucket, unnest(numbers) AS number, unnest(range({len(columns)})) AS position FROM joined)
        SELECT part, grouping(bucket), bucket, position,
            avg(number), median(number), min(number), max(number), quantile_cont(number, 0.95)
        FROM long GROUP BY GROUPING SETS ((part, position, bucket), (part, position))
        ORDER BY part"""
    parameters: dict[str, str | int] = {
        "instance": query.instance,
        "start": query.start_ms,
        "end": query.end_ms,
        "bucket": query.bucket_ms,
    }
    return statement, parameters


def series_of(query: SeriesQuery, rows: Sequence[AnswerRow]) -> Series:
    """The series from the rows of the statement. Every bucket is there, None where there are no samples."""
    table = TABLES[query.table]
    starts = list(query.bucket_starts)
    groups: dict[Any, Group] = {}
    if not query.by_part or table.part is None:
        groups[None] = _empty_group(table, None, len(starts))
    names = [column.name for column in series_columns(table)]
    for part, is_summary, bucket, position, *numbers in rows:
        if part not in groups:
            groups[part] = _empty_group(table, str(part), len(starts))
        name = names[position]
        if is_summary:
            groups[part].summary[name] = Statistics(*numbers)
        else:
            for statistic, number in zip(STATISTICS, numbers, strict=True):
                groups[part].buckets[name][statistic][bucket - query.start_ms // query.bucket_ms] = number
    return Series(table.name, query.start_ms, query.bucket_ms, starts, list(groups.values()))


def _value(column: SeriesColumn, joins: bool) -> str:
    value = quoted(column.name) if column.complement_of is None else f"1 - {quoted(column.complement_of)}"
    return f"{_JOIN[column.across]}({value})::DOUBLE" if joins else f"({value})::DOUBLE"


def _empty_group(table: Table, part: str | None, length: int) -> Group:
    columns = [column.name for column in series_columns(table)]
    return Group(
        part,
        {name: {statistic: [None] * length for statistic in STATISTICS} for name in columns},
        {name: Statistics(None, None, None, None, None) for name in columns},
    )
