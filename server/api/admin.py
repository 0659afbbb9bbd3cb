"""``POST /api/v1/admin/<verb>``: the operator's acts, for whoever holds an operator token.

Rules: the token comes in the header (``bearer``), never with a session; the body is a JSON object of arguments; the
verb is a name in ``administration.ACTS``. What an act refuses is told in full: it is the operator who reads it.
"""

from typing import Any

import msgspec
from flask import Blueprint, Response

from consent.errors import ConsentError
from consent.wire import MEDIA_TYPE, Problem
from server.administration import Desk, perform
from server.api.bearer import operator_token
from server.api.body import check_media_type, read_body
from server.api.state import runtime
from server.errors import Conflict, NotFound, ProblemError, ServerError, StoreError

blueprint = Blueprint("admin", __name__)

LARGEST_BODY = 16 * 1024
#: Acts that take more than a few words: ``import-rows`` is a chunk of a log file.
LARGEST_BODIES = {"import-rows": 4 * 1024 * 1024}


@blueprint.post("/api/v1/admin/<verb>")
def post_act(verb: str) -> Response:
    """Do one act and answer its JSON value."""
    token = operator_token()
    desk = Desk(runtime(), token.name, token.id)
    arguments = _arguments(LARGEST_BODIES.get(verb, LARGEST_BODY))
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


def _arguments(largest: int) -> dict[str, Any]:
    check_media_type()
    try:
        return msgspec.json.decode(read_body(largest), type=dict[str, Any])
    except (ValueError, RecursionError):
        raise ProblemError(Problem.INVALID_REQUEST, "the body must be an object of the act's arguments") from None
