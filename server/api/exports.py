"""``POST /api/v1/exports``: everything held of the machine that signed the request (GDPR Art. 15 and 20).

Rules: one JSON object per line, streamed in bounded memory; the last line is ``{"end": {table: rows}}``, so that a
reader knows that nothing is missing. Signed under its own tag. A consent that has ended does not end the right to a
copy.
"""

from collections import Counter
from collections.abc import Iterator

import msgspec
from flask import Blueprint, Response

from consent.catalogue import TABLES
from consent.state import State
from consent.wire import EXPORT_TAG, Problem
from server.api.body import Nothing, check_media_type, parse_json, read_body
from server.api.signed import signed_by
from server.api.state import runtime
from server.errors import ProblemError
from server.store.protocol import Row

blueprint = Blueprint("exports", __name__)

LARGEST_BODY = 1024
MEDIA_TYPE = "application/x-ndjson"


@blueprint.post("/api/v1/exports")
def post_export() -> Response:
    """Every row of the volunteer's own machine, in time order. ProblemError: signature-invalid, consent-withdrawn."""
    check_media_type()
    raw = read_body(LARGEST_BODY)
    parse_json(raw, Nothing)
    instance, status = signed_by(EXPORT_TAG, raw)
    if status.state is State.WITHDRAWN:
        raise ProblemError(Problem.CONSENT_WITHDRAWN, "the consent was withdrawn and its samples were erased")
    return Response(lines(runtime().store.rows(instance)), mimetype=MEDIA_TYPE)


def lines(rows: Iterator[tuple[str, Row]]) -> Iterator[bytes]:
    """The export, line by line."""
    counts = Counter({table: 0 for table in TABLES})
    for table, row in rows:
        counts[table] += 1
        yield msgspec.json.encode({"table": table, **row}) + b"\n"
    yield msgspec.json.encode({"end": dict(counts)}) + b"\n"
