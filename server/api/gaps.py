"""``GET /api/v1/gaps``: where nothing was sampled in a range, and why, as far as it is known.

Rules: a gap lies between two samples, or between a volunteer's consent and now; before an open server's
first sample and after its last nothing is known, so there is none. Exact to the width of the buckets that were looked
at, a second for up to half an hour. The rest is in ``server.gaps``.
"""

from flask import Blueprint, Response, jsonify, request

from consent.catalogue import MAX_SAFE_INTEGER, TABLES
from server.api.instances import LIVE_MS
from server.api.parameters import time_range
from server.api.series import bucket_for
from server.api.state import runtime
from server.api.visible import visible_instance
from server.days import retention_floor_ms
from server.gaps import Gap, Stretch, explain, stretches, tolerance
from server.store.protocol import SeriesQuery

blueprint = Blueprint("gaps", __name__)

POINTS = 2000


@blueprint.get("/api/v1/gaps")
def get_gaps() -> Response:
    """The gaps of one visible machine, oldest first. Raises NotFound, ProblemError."""
    instance = visible_instance(request.args.get("instance", ""))
    start_ms, end_ms = time_range(MAX_SAFE_INTEGER)
    shown = [
        {"start": gap.start_ms, "end": gap.end_ms, "reason": gap.reason.value}
        for gap in gaps(instance, start_ms, end_ms)
    ]
    return jsonify(gaps=shown)


def gaps(instance: str, start_ms: int, end_ms: int) -> list[Gap]:
    """The gaps of ``instance``; nothing after now, and nothing before a volunteer's consent."""
    registry, config, now_ms = runtime().registry, runtime().config, runtime().now_ms()
    status = registry.consent_of(instance)
    if status is not None:
        start_ms = max(start_ms, registry.consent(status.record_id).received_ms)
    end_ms = min(end_ms, now_ms)
    if start_ms >= end_ms:
        return []
    floor_ms = retention_floor_ms(now_ms, config)
    held_ms = min(max(start_ms, floor_ms), end_ms)  # nothing is held from before, so no bucket is spent on it
    bucket_ms = bucket_for(held_ms, end_ms, POINTS)
    filled = _filled(instance, held_ms, end_ms, bucket_ms)
    tolerance_ms = tolerance(filled, max(LIVE_MS, 3 * 1000 * config.period_seconds, bucket_ms))
    looked_at = Stretch(start_ms, end_ms)
    if status is None:
        looked_at = Stretch(filled[0], filled[-1] + bucket_ms) if filled else Stretch(start_ms, start_ms)
    pauses = [
        Stretch(pause.from_ms, end_ms if pause.until_ms is None else pause.until_ms)
        for pause in registry.pauses_of(instance, start_ms, end_ms)
    ]
    empty = stretches(filled, bucket_ms, looked_at, tolerance_ms)
    return explain(empty, pauses, floor_ms, tolerance_ms, now_ms)


def _filled(instance: str, start_ms: int, end_ms: int, bucket_ms: int) -> list[int]:
    """The buckets with samples of the first table that has any: all granted tables are sampled together."""
    for table in sorted(TABLES, key=lambda name: TABLES[name].part is not None):
        series = runtime().store.series(SeriesQuery(instance, table, start_ms, end_ms, bucket_ms))
        buckets = next(iter(series.groups[0].buckets.values()))["mean"]
        found = [time for time, value in zip(series.time, buckets, strict=True) if value is not None]
        if found:
            return found
    return []
