"""``POST /api/v1/admin/<verb>``: the operator's acts, for whoever holds an operator token.

Rules: the token is compared in constant time (``registry.tokens``) and comes in a header only, so that no other site
can act with a browser's session; the body is a JSON object of arguments; the verb is a name in
``administration.ACTS``. What an act refuses is told in full: it is the operator who reads it.
"""

from typing import Any

import msgspec
from flask import Blueprint, Response, request

from consent.errors import ConsentError
from consent.wire import MEDIA_TYPE, Problem
from server.administration import Desk, perform
from server.api.body import check_media_type, read_body
from server.api.state import runtime
from server.errors import Conflict, NotFound, ProblemError, ServerError, StoreError
from server.registry import Scope

blueprint = Blueprint("admin", __name__)

LARGEST_BODY = 16 * 1024


@blueprint.post("/api/v1/admin/<verb>")
def post_act(verb: str) -> Response:
    """Do one act and answer its JSON value."""
    desk = _desk()
    arguments = _arguments()
    try:
        value = perform(desk, verb, arguments)
    except NotFound as error:
        raise ProblemError(Problem.NOT_FOUND, str(error)) from error
    except Conflict as error:
        raise ProblemError(Problem.CONFLICT, str(error)) from error
    except (ProblemError, StoreError):
        raise
    except (ServerError, ConsentError) as error:
        raise ProblemError(Problem.INVALID_REQUEST, str(error)) from error
    return Response(msgspec.json.encode(value), content_type=MEDIA_TYPE)  # jsonify would put the keys in another order


def _desk() -> Desk:
    authorization = request.authorization
    secret = authorization.token if authorization is not None and authorization.type == "bearer" else None
    token = runtime().registry.check_token(secret or "", runtime().now_ms())
    if token is None or token.scope is not Scope.OPERATOR:
        raise ProblemError(Problem.UNAUTHORIZED, "the token is unknown, revoked, expired, or not an operator's")
    return Desk(runtime(), token.name, token.id)


def _arguments() -> dict[str, Any]:
    check_media_type()
    try:
        return msgspec.json.decode(read_body(LARGEST_BODY), type=dict[str, Any])
    except (ValueError, RecursionError):
        raise ProblemError(Problem.INVALID_REQUEST, "the body must be an object of the act's arguments") from None
