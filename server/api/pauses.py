"""``POST /api/v1/pauses``: a volunteer's machine tells that it is paused, so that the gap can say why it is one.

Signed under a tag of its own. Only the beginning and the end are told, and they are kept as long as the samples.
"""

from typing import Literal

import msgspec
from flask import Blueprint, Response, jsonify

from consent.wire import MAX_AHEAD_MS, PAUSE_TAG, Problem
from server.api.body import check_media_type, parse_json, read_body
from server.api.signed import signed_by
from server.api.state import runtime
from server.clock import DAY_MS
from server.days import retention_floor_ms
from server.errors import ProblemError
from server.gate import check_in_force

blueprint = Blueprint("pauses", __name__)

LARGEST_BODY = 1024
#: A pause lasts at most as long as a consent.
LONGEST_MS = 366 * DAY_MS


class _Report(msgspec.Struct, forbid_unknown_fields=True, rename={"from_ms": "from", "until_ms": "until"}):
    format: Literal[1]
    from_ms: int
    until_ms: int | None


@blueprint.post("/api/v1/pauses")
def post_pause() -> Response:
    """Note a pause that began, that has got another end, or that is over. Raises ProblemError."""
    check_media_type()
    raw = read_body(LARGEST_BODY)
    report: _Report = parse_json(raw, _Report)
    instance, status = signed_by(PAUSE_TAG, raw)
    now_ms = runtime().now_ms()
    check_in_force(status, runtime().registry.current_version() or status.notice_version, now_ms)
    if not 0 <= report.from_ms <= now_ms + MAX_AHEAD_MS:
        raise ProblemError(Problem.INVALID_REQUEST, "the pause begins in the future", path="from")
    if report.until_ms is not None and not report.from_ms <= report.until_ms <= report.from_ms + LONGEST_MS:
        raise ProblemError(Problem.INVALID_REQUEST, "the pause ends before it begins, or lasts too long", path="until")
    floor_ms = retention_floor_ms(now_ms, runtime().config)
    if report.until_ms is None or report.until_ms > floor_ms:
        runtime().registry.note_pause(instance, max(report.from_ms, floor_ms), report.until_ms)
    return jsonify(format=1)
