"""``POST /api/v1/links``: a one-time link to the dashboard, for a signed request or the operator's token."""

from flask import Blueprint, Response, jsonify, request

from consent.wire import LINK_TAG, Problem
from server.api.body import Nothing, check_media_type, parse_json, read_body
from server.api.signed import signed_by
from server.api.state import runtime
from server.errors import ProblemError
from server.gate import check_in_force
from server.links import Grant
from server.registry import Scope

blueprint = Blueprint("links", __name__)

LARGEST_BODY = 1024


@blueprint.post("/api/v1/links")
def post_link() -> tuple[Response, int]:
    """Open a link for whoever proves who they are."""
    check_media_type()
    raw = read_body(LARGEST_BODY)
    parse_json(raw, Nothing)
    grant = _operator() if request.authorization is not None else _volunteer(raw)
    token, expires = runtime().links.create(grant)
    return jsonify(url=f"{runtime().config.origin}/open/{token}", expires=expires), 201


def _operator() -> Grant:
    authorization = request.authorization
    secret = authorization.token if authorization is not None and authorization.type == "bearer" else None
    token = runtime().registry.check_token(secret or "", runtime().now_ms())
    if token is None or token.scope is not Scope.OPERATOR:
        raise ProblemError(Problem.UNAUTHORIZED, "the token is unknown, revoked, expired, or not an operator's")
    return Grant("operator", token_id=token.id)


def _volunteer(raw: bytes) -> Grant:
    instance, status = signed_by(LINK_TAG, raw)
    current = runtime().registry.current_version() or status.notice_version
    check_in_force(status, current, runtime().now_ms())
    return Grant("volunteer", instance=instance)
