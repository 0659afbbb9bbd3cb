"""``POST /api/v1/links``: a one-time link to the dashboard, for a signed request or the operator's token."""

from flask import Blueprint, Response, jsonify, request

from consent.wire import LINK_TAG
from server.api.bearer import operator_token
from server.api.body import Nothing, check_media_type, parse_json, read_body
from server.api.signed import signed_by
from server.api.state import runtime
from server.gate import check_in_force
from server.links import Grant

blueprint = Blueprint("links", __name__)

LARGEST_BODY = 1024


@blueprint.post("/api/v1/links")
def post_link() -> tuple[Response, int]:
    """Open a link for whoever proves who they are."""
    check_media_type()
    raw = read_body(LARGEST_BODY)
    parse_json(raw, Nothing)
    by_token = request.authorization is not None
    grant = Grant("operator", token_id=operator_token().id) if by_token else _volunteer(raw)
    token, expires = runtime().links.create(grant)
    return jsonify(url=f"{runtime().config.origin}/open/{token}", expires=expires), 201


def _volunteer(raw: bytes) -> Grant:
    instance, status = signed_by(LINK_TAG, raw)
    current = runtime().registry.current_version() or status.notice_version
    check_in_force(status, current, runtime().now_ms())
    return Grant("volunteer", instance=instance)
