"""``GET /api/v1/series.csv``: what ``/api/v1/series`` answers as a table for a spreadsheet, exactly what a chart shows.

One line per bucket, empty where nothing was sampled; one column per part, column and statistic, its unit in the header.
"""

from collections.abc import Iterator

from flask import Blueprint, Response

from consent.alias import alias_of
from consent.catalogue import TABLES, Table
from consent.wire import Value
from server.api.series import answered
from server.row_formats import CSV_TYPE, TIME_HEAD, csv_blocks, file_name, iso
from server.store.protocol import Series

blueprint = Blueprint("series_csv", __name__)


@blueprint.get("/api/v1/series.csv")
def get_series_csv() -> Response:
    """The parameters, the rights and the numbers are those of ``/api/v1/series``."""
    query, series = answered()
    name = file_name(f"{alias_of(query.instance)}-chart", query.table, query.start_ms, query.end_ms, "csv")
    response = Response(b"".join(as_csv(series)), content_type=CSV_TYPE)  # small: no thread waits for a slow reader
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def as_csv(series: Series) -> Iterator[bytes]:
    """A series as a CSV file."""
    table = TABLES[series.table]
    columns = {
        head(table, group.part, column, statistic): values
        for group in series.groups
        for column, statistics in group.buckets.items()
        for statistic, values in statistics.items()
    }
    lines: Iterator[list[Value]] = (
        [iso(time), *(values[place] for values in columns.values())] for place, time in enumerate(series.time)
    )
    return csv_blocks([TIME_HEAD, *columns], lines)


def head(table: Table, part: str | None, column: str, statistic: str) -> str:
    """``user mean (1)``, or ``core 0 user mean (1)`` where a series is by part."""
    unit = next((known.unit for known in table.columns if known.name == column), "1")  # busy is a share
    of_part = f"{table.part.name} {part} " if table.part and part is not None else ""
    return f"{of_part}{column} {statistic} ({unit})"
