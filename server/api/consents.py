"""``POST /api/v1/consents`` puts a signed record in force; ``.../withdrawal`` ends it and erases."""

import re

import msgspec
from flask import Blueprint, Response, jsonify

from consent.record import UUID_PATTERN
from server import enrolment, withdrawal
from server.api.body import read_json
from server.api.state import runtime
from server.errors import NotFound

blueprint = Blueprint("consents", __name__)

LARGEST_BODY = 300 * 1024


class _Enrolment(msgspec.Struct, forbid_unknown_fields=True):
    record: str
    invite: str | None = None


class _Withdrawal(msgspec.Struct, forbid_unknown_fields=True):
    withdrawal: str


@blueprint.post("/api/v1/consents")
def post_consent() -> tuple[Response, int]:
    """Verify, put in force, countersign: 201; 200 with the same receipt when it is in force already."""
    body: _Enrolment = read_json(LARGEST_BODY, _Enrolment)
    result = enrolment.accept(runtime(), body.record, body.invite)
    return jsonify(receipt=result.receipt_jws), 200 if result.repeated else 201


@blueprint.post("/api/v1/consents/<record_id>/withdrawal")
def post_withdrawal(record_id: str) -> Response:
    """Withdraw and erase. The signature inside the document is the proof, so it may be delivered by anyone."""
    if not re.fullmatch(UUID_PATTERN, record_id):
        raise NotFound("there is no such consent")
    body: _Withdrawal = read_json(LARGEST_BODY, _Withdrawal)
    return jsonify(erasure_receipt=withdrawal.withdraw(runtime(), record_id, body.withdrawal))
