"""``GET /api/v1/instances``: the machines that the viewer may see, each with its newest values."""

from typing import Any

from flask import Blueprint, Response, jsonify

from consent.alias import alias_of
from server.api.state import runtime
from server.store.protocol import InstanceSummary
from server.api.viewer import Viewer, current_viewer, may_see

blueprint = Blueprint("instances", __name__)

#: An agent sends every few seconds; one that sampled within this long, or three of its periods, is live.
LIVE_MS = 15_000
#: Beyond this it is gone rather than late.
LATE_MS = 5 * 60_000


@blueprint.get("/api/v1/instances")
def get_instances() -> Response:
    """The overview of this request's viewer."""
    return jsonify(overview(current_viewer()))


def overview(viewer: Viewer) -> dict[str, Any]:
    """What ``/api/v1/instances`` answers. ``cursor`` is read first, so ``/api/v1/live`` after it misses nothing."""
    store, now_ms = runtime().store, runtime().now_ms()
    sources = runtime().registry.sources()
    cursor = store.cursor()
    live_ms = max(LIVE_MS, 3 * 1000 * runtime().config.period_seconds)
    visible = [summary for summary in store.latest() if may_see(viewer, summary.instance, sources)]
    shown = [_shown(summary, sources.get(summary.instance), now_ms, live_ms) for summary in visible]
    return {"cursor": cursor, "now": now_ms, "instances": shown}


def state_of(age_ms: int, live_ms: int) -> str:
    """``live``, ``late`` or ``gone``, from the age of the newest sample."""
    if age_ms <= live_ms:
        return "live"
    return "late" if age_ms <= max(LATE_MS, 2 * live_ms) else "gone"


def _shown(summary: InstanceSummary, name: str | None, now_ms: int, live_ms: int) -> dict[str, object]:
    shown: dict[str, object] = {
        "instance": summary.instance,
        "alias": alias_of(summary.instance),
        "source": "volunteer" if name is None else "open-server",
        "last_seen": summary.last_time,
        "state": state_of(now_ms - summary.last_time, live_ms),
        "cpu_busy": summary.cpu_busy,
        "memory_used_ratio": summary.memory_used_ratio,
        "disk_read_bytes_per_second": summary.disk_read_bytes_per_second,
        "disk_write_bytes_per_second": summary.disk_write_bytes_per_second,
        "cores": summary.cores,
        "memory_total_bytes": summary.memory_total_bytes,
    }
    return shown if name is None else {**shown, "name": name}
