"""``GET /api/v1/series``: one table of one instance in time buckets, with statistics."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
from flask import Blueprint, Response, request

from consent.catalogue import TABLES
from consent.wire import MEDIA_TYPE, Problem
from server.api.parameters import one_of, time_range, whole
from server.api.state import runtime
from server.api.visible import visible_instance
from server.errors import ProblemError
from server.store.protocol import STATISTICS, Group, Series, SeriesQuery, Statistics, series_columns

blueprint = Blueprint("series", __name__)

DEFAULT_POINTS = 300
MOST_POINTS = 3000
_SECOND, _MINUTE, _HOUR = 1000, 60_000, 3_600_000
#: Widths that divide a minute, an hour or a day, so that bucket edges fall where people expect them.
BUCKETS_MS = (
    *(seconds * _SECOND for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 6, 12, 24)),
)


@blueprint.get("/api/v1/series")
def get_series() -> Response:
    """The series that the query asks for, in the narrowest buckets that give at most ``points`` of them."""
    query, series = answered()
    shown = as_json(query.instance, query.end_ms, series)
    return Response(msgspec.json.encode(shown), content_type=MEDIA_TYPE)


def answered() -> tuple[SeriesQuery, Series]:
    """What this request asks for, and the answer, of the columns and statistics that it names.

    Raises NotFound, ProblemError, StoreError.
    """
    query = _asked()
    columns = _chosen("columns", tuple(column.name for column in series_columns(TABLES[query.table])))
    statistics = _chosen("statistics", STATISTICS)
    return query, only(runtime().store.series(query), columns, statistics)


def _asked() -> SeriesQuery:
    instance = visible_instance(request.args.get("instance", ""))
    table = one_of("table", tuple(TABLES))
    start_ms, end_ms = time_range()
    points = whole("points", 1, MOST_POINTS, DEFAULT_POINTS)
    by_part = one_of("by", ("whole", "part"), "whole") == "part"
    return SeriesQuery(instance, table, start_ms, end_ms, bucket_for(start_ms, end_ms, points), by_part)


def only(series: Series, columns: Sequence[str], statistics: Sequence[str]) -> Series:
    """``series`` with these columns and, in its buckets, these statistics; the summaries stay whole."""
    groups = [
        Group(
            group.part,
            {name: {each: group.buckets[name][each] for each in statistics} for name in columns},
            {name: group.summary[name] for name in columns},
        )
        for group in series.groups
    ]
    return replace(series, groups=groups)


def _chosen(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Some of ``known``, written with commas; all of them unless asked. Raises ProblemError(INVALID_REQUEST)."""
    text = request.args.get(name)
    if text is None:
        return known
    asked_for = text.split(",")
    if not set(asked_for) <= set(known):
        raise ProblemError(Problem.INVALID_REQUEST, f"{name} must be some of: {', '.join(known)}", path=name)
    return tuple(entry for entry in known if entry in asked_for)


def bucket_for(start_ms: int, end_ms: int, points: int) -> int:
    """The width in ms of the narrowest buckets, aligned to the epoch, of which the range touches at most ``points``.

    Raises ProblemError(INVALID_REQUEST) when even days are too many.
    """
    for width in BUCKETS_MS:
        if -(-end_ms // width) - start_ms // width <= points:
            return width
    raise ProblemError(Problem.INVALID_REQUEST, "the range is too long for so few points", path="points")


def as_json(instance: str, end_ms: int, series: Series) -> dict[str, object]:
    """The answer's JSON value."""
    return {
        "instance": instance,
        "table": series.table,
        "start": series.start_ms,
        "end": end_ms,
        "bucket_ms": series.bucket_ms,
        "time": series.time,
        "groups": [_group(group) for group in series.groups],
    }


def _group(group: Group) -> dict[str, object]:
    return {
        "part": group.part,
        "columns": group.buckets,
        "summary": {name: _statistics(summary) for name, summary in group.summary.items()},
    }


def _statistics(summary: Statistics) -> dict[str, float | None]:
    return {
        "mean": summary.mean,
        "median": summary.median,
        "min": summary.minimum,
        "max": summary.maximum,
        "p5": summary.p5,
        "p95": summary.p95,
    }
