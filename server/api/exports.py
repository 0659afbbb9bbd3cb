"""``POST /api/v1/exports``: everything held of the machine that signed the request (GDPR Art. 15 and 20).

Rules: one JSON object per line, streamed in bounded memory; the last line is ``{"end": {table: rows}}``, so that a
reader knows that nothing is missing. Signed under its own tag. A consent that has ended does not end the right to a
copy.
"""

from flask import Blueprint, Response

from consent.state import State
from consent.wire import EXPORT_TAG, Problem
from server.api.body import Nothing, check_media_type, parse_json, read_body
from server.api.downloads import stream
from server.api.signed import signed_by
from server.api.state import runtime
from server.errors import ProblemError
from server.row_formats import NDJSON_TYPE, every_table

blueprint = Blueprint("exports", __name__)

LARGEST_BODY = 1024


@blueprint.post("/api/v1/exports")
def post_export() -> Response:
    """Every row of the volunteer's own machine, in time order. ProblemError: signature-invalid, consent-withdrawn."""
    check_media_type()
    raw = read_body(LARGEST_BODY)
    parse_json(raw, Nothing)
    instance, status = signed_by(EXPORT_TAG, raw)
    if status.state is State.WITHDRAWN:
        raise ProblemError(Problem.CONSENT_WITHDRAWN, "the consent was withdrawn and its samples were erased")
    return stream(lambda: every_table(runtime().store.rows(instance)), NDJSON_TYPE)
