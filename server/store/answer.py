"""Series and sparks out of the rows that a store answers with, the same for every store. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from consent.catalogue import TABLES, Table
from server.store.protocol import STATISTICS, Group, Series, SeriesQuery, Spark, Statistics, series_columns

#: part, 1 for a summary, bucket number, column name, and the statistics in the order of STATISTICS.
AnswerRow = tuple[Any, ...]
#: instance, field of Spark, bucket number (from the epoch), mean or None.
SparkRow = tuple[str, str, int, float | None]


def series_of(query: SeriesQuery, rows: Sequence[AnswerRow]) -> Series:
    """The series from the rows of all pieces. Every bucket is there, None where there are no samples."""
    table = TABLES[query.table]
    starts = list(query.bucket_starts)
    groups: dict[Any, Group] = {}
    if not query.by_part or table.part is None:
        groups[None] = _empty_group(table, None, len(starts))
    for part, is_summary, bucket, name, *numbers in rows:
        if part not in groups:
            groups[part] = _empty_group(table, str(part), len(starts))
        if is_summary:
            groups[part].summary[name] = Statistics(*numbers)
            continue
        lists = groups[part].buckets[name]
        for statistic, number in zip(STATISTICS, numbers, strict=True):
            lists[statistic][bucket - query.start_ms // query.bucket_ms] = number
    return Series(table.name, query.start_ms, query.bucket_ms, starts, list(groups.values()))


def sparks_of(starts: range, rows: Iterable[SparkRow]) -> dict[str, Spark]:
    """The sparks from the rows of every instance that has any. ``starts`` are the buckets."""
    sparks: dict[str, Spark] = {}
    for instance, name, bucket, mean in rows:
        if instance not in sparks:
            sparks[instance] = Spark(*(list[float | None]([None]) * len(starts) for _ in fields(Spark)))
        getattr(sparks[instance], name)[bucket - starts.start // starts.step] = mean
    return sparks


def _empty_group(table: Table, part: str | None, length: int) -> Group:
    columns = [column.name for column in series_columns(table)]
    return Group(
        part,
        {name: {statistic: [None] * length for statistic in STATISTICS} for name in columns},
        {name: Statistics(*(None for _ in STATISTICS)) for name in columns},
    )
