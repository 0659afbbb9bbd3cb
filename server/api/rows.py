"""``GET /api/v1/rows``: the raw rows of one table of one machine, as CSV or NDJSON, streamed.

Who may not see a machine gets the answer of one that is not there. The forms are those of ``server.row_formats``.
"""

from collections.abc import Iterable, Iterator

from flask import Blueprint, Response, request

from consent.alias import alias_of
from consent.catalogue import TABLES
from server.api.downloads import download
from server.api.parameters import one_of, time_range
from server.api.state import runtime
from server.api.visible import visible_instance
from server.row_formats import CSV_TYPE, NDJSON_TYPE, Row, csv_rows, file_name, ndjson_rows

blueprint = Blueprint("rows", __name__)

_TYPES = {"csv": CSV_TYPE, "ndjson": NDJSON_TYPE}


@blueprint.get("/api/v1/rows")
def get_rows() -> Response:
    """The rows of ``start <= time < end``, in time order. Raises NotFound, ProblemError, StoreError."""
    instance = visible_instance(request.args.get("instance", ""))
    table = TABLES[one_of("table", tuple(TABLES))]
    start_ms, end_ms = time_range()
    form, alias = one_of("format", tuple(_TYPES), "csv"), alias_of(instance)
    store = runtime().store

    def rows() -> Iterator[Row]:
        return (row for _, row in store.rows(instance, table=table.name, start_ms=start_ms, end_ms=end_ms))

    def write(found: Iterable[Row]) -> Iterator[bytes]:
        return csv_rows(table, found) if form == "csv" else ndjson_rows(instance, alias, table, found)

    return download(file_name(alias, table.name, start_ms, end_ms, form), _TYPES[form], rows, write)
