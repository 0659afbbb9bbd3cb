"""``GET /api/v1/sparks``: the last hour of many machines in one answer, for the small lines of the overview.

Rules:

* One question to the store, however many machines are named.
* Who may not see a machine gets the answer that they get for one that is not there: it is absent.
* Numbers are as exact as a line of twenty pixels needs: ratios to a thousandth, rates to a byte.
"""

import msgspec
from flask import Blueprint, Response

from consent.wire import MEDIA_TYPE
from server.api.instances import named_instances
from server.api.state import runtime
from server.api.viewer import current_viewer, may_see
from server.store.protocol import Spark

blueprint = Blueprint("sparks", __name__)

BUCKET_MS = 60_000
BUCKETS = 60


@blueprint.get("/api/v1/sparks")
def get_sparks() -> Response:
    """Means of each minute of the last hour; the minute that has begun is the last one."""
    viewer, sources = current_viewer(), runtime().registry.sources()
    named = [name for name in named_instances() if may_see(viewer, name, sources)]
    end_ms = (runtime().now_ms() // BUCKET_MS + 1) * BUCKET_MS
    start_ms = end_ms - BUCKETS * BUCKET_MS
    found = runtime().store.sparks(named, start_ms, end_ms, BUCKET_MS) if named else {}
    shown = {name: _shown(spark) for name, spark in found.items()}
    answer = {"start": start_ms, "end": end_ms, "bucket_ms": BUCKET_MS, "sparks": shown}
    return Response(msgspec.json.encode(answer), content_type=MEDIA_TYPE)


def _shown(spark: Spark) -> dict[str, list[float | None]]:
    return {
        "cpu_busy": _rounded(spark.cpu_busy, 3),
        "memory_used_ratio": _rounded(spark.memory_used_ratio, 3),
        "disk_bytes_per_second": _rounded(spark.disk_bytes_per_second, None),
    }


def _rounded(values: list[float | None], places: int | None) -> list[float | None]:
    return [None if value is None else round(value, places) for value in values]
