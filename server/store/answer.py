"""Series and sparks out of the rows that a store answers with, the same for every store. Pure.

Rule: every part has every bucket, filled or not. So a series of more than ``MOST_NUMBERS`` is refused, not made:
a machine says itself how many cores it has.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from consent.catalogue import TABLES, Table
from consent.wire import Problem
from server.errors import ProblemError
from server.store.protocol import STATISTICS, Group, Series, SeriesQuery, Spark, Statistics, series_columns

#: About 150 MB while it is written as JSON; 500 cores in 480 buckets, the most that a page asks for.
MOST_NUMBERS = 12_000_000
#: part, 1 for a summary, bucket number, column name, and the statistics in the order of STATISTICS.
AnswerRow = tuple[Any, ...]
#: instance, field of Spark, bucket number (from the epoch), mean or None.
SparkRow = tuple[str, str, int, float | None]


def series_of(query: SeriesQuery, rows: Sequence[AnswerRow]) -> Series:
    """The series from the rows of all pieces. Every bucket is there, None where there are no samples.

    Raises ProblemError(INVALID_REQUEST) when that is too much.
    """
    table = TABLES[query.table]
    starts = list(query.bucket_starts)
    most_groups = MOST_NUMBERS // (len(series_columns(table)) * len(STATISTICS) * max(1, len(starts)))
    groups: dict[Any, Group] = {}
    if not query.by_part or table.part is None:
        groups[None] = _empty_group(table, None, len(starts))
    for part, is_summary, bucket, name, *numbers in rows:
        if part not in groups:
            if len(groups) >= most_groups:
                raise ProblemError(
                    Problem.INVALID_REQUEST, "the machine has too many parts; ask for fewer points", path="points"
                )
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
