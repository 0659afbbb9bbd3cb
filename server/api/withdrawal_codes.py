"""``POST /api/v1/withdrawal-codes``: a volunteer leaves a sealed withdrawal, which opens with their code only.

Rules: signed under a tag of its own by the key that gave the consent, so that nobody else can put one in its place; the
same call makes a new code and replaces the old. What is in it cannot be checked here, and is checked when it is opened.
"""

import base64
import binascii

import msgspec
from flask import Blueprint, Response, jsonify

from consent.wire import CODE_TAG, Problem
from consent.withdrawal_code import LOOKUP_BYTES, SEALED_BYTES
from server.api.body import check_media_type, parse_json, read_body
from server.api.signed import signed_by
from server.api.state import runtime
from server.errors import ProblemError
from server.gate import check_in_force

blueprint = Blueprint("withdrawal_codes", __name__)

LARGEST_BODY = 8 * 1024


class _Sealed(msgspec.Struct, forbid_unknown_fields=True):
    lookup: str
    sealed: str


@blueprint.post("/api/v1/withdrawal-codes")
def post_code() -> tuple[Response, int]:
    """Keep it for the consent of whoever signed. Raises ProblemError."""
    check_media_type()
    raw = read_body(LARGEST_BODY)
    body: _Sealed = parse_json(raw, _Sealed)
    instance, status = signed_by(CODE_TAG, raw)
    now_ms = runtime().now_ms()
    check_in_force(status, runtime().registry.current_version() or status.notice_version, now_ms)
    lookup, sealed = _bytes("lookup", body.lookup, LOOKUP_BYTES), _bytes("sealed", body.sealed, SEALED_BYTES)
    runtime().registry.leave_code(instance, lookup, sealed, now_ms)
    return jsonify(kept=True), 201


def _bytes(name: str, text: str, length: int) -> bytes:
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(raw) != length:
        raise ProblemError(Problem.INVALID_REQUEST, f"{name} must be {length} bytes in base64url", path=name)
    return raw
