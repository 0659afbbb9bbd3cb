"""Every error of the API as problem+json (RFC 9457).

Rules:

* ``type`` is one of ``consent.wire.Problem``; whatever else goes wrong inside becomes ``internal``, without a word
  about why in the answer.
* Nothing that came with the request is echoed, except the path of what is wrong in it, and that is bounded.
* The log says which kind of error and where in the code; never a message, which may hold an id or a value.
"""

import logging
import traceback

from flask import Response, json, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.http import http_date
from werkzeug.wrappers import Response as WerkzeugResponse

from consent.errors import ConsentError, RecordError, SignatureInvalid
from consent.wire import STATUS, Problem
from server.errors import (
    Conflict,
    DecodeError,
    InstanceErased,
    InviteRefused,
    NonceRefused,
    NotFound,
    ProblemError,
    RegistryError,
    SequenceReused,
    ServerError,
    StorageFull,
    StoreError,
)

MEDIA_TYPE = "application/problem+json"
_LONGEST_DETAIL = 600
_RETRY_AFTER_SECONDS = {Problem.SLOW_DOWN: 2, Problem.UNAVAILABLE: 5, Problem.STORAGE_FULL: 300}

TITLES: dict[Problem, str] = {
    Problem.SIGNATURE_INVALID: "The signature does not verify",
    Problem.CLOCK_SKEW: "The clocks differ too much",
    Problem.REPLAYED: "This request was received before",
    Problem.UNAUTHORIZED: "A token is needed",
    Problem.CONSENT_REQUIRED: "No consent covers this",
    Problem.CONSENT_EXPIRED: "The consent has ended",
    Problem.NOTICE_SUPERSEDED: "A newer notice needs a new consent",
    Problem.NOT_CONSENTED: "This was not consented to",
    Problem.INVITE_REFUSED: "The invite is not valid",
    Problem.NOT_FOUND: "Nothing is here",
    Problem.METHOD_NOT_ALLOWED: "This method does not work here",
    Problem.SEQUENCE_REUSED: "This sequence number holds other samples",
    Problem.CONFLICT: "This was used before with other content",
    Problem.CONSENT_WITHDRAWN: "The consent was withdrawn",
    Problem.TOO_LARGE: "The request is too large",
    Problem.UNSUPPORTED: "The content is of an unsupported type",
    Problem.INVALID_BATCH: "The batch is not valid",
    Problem.INVALID_RECORD: "The document is not valid",
    Problem.INVALID_REQUEST: "The request is not valid",
    Problem.SLOW_DOWN: "Too many requests",
    Problem.INTERNAL: "The server failed",
    Problem.UNAVAILABLE: "The server cannot do this now",
    Problem.STORAGE_FULL: "There is no room left",
}

#: What a status from Flask or Werkzeug itself means.
_OF_STATUS: dict[int, Problem] = {
    401: Problem.UNAUTHORIZED,
    404: Problem.NOT_FOUND,
    405: Problem.METHOD_NOT_ALLOWED,
    413: Problem.TOO_LARGE,
    415: Problem.UNSUPPORTED,
    429: Problem.SLOW_DOWN,
    503: Problem.UNAVAILABLE,
}

_log = logging.getLogger(__name__)


def handle(error: Exception) -> WerkzeugResponse:
    """The app's error handler. Below ``/api/`` every error is a problem; a page gets Werkzeug's plain one."""
    if isinstance(error, HTTPException):
        if not request.path.startswith("/api/"):
            return error.get_response()
        response = problem_response(of_status(error.code or 500))
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response
    return problem_response(of_error(error))


def problem_response(error: ProblemError) -> Response:
    """The answer to a problem. ``retry_after`` (seconds) among the extras becomes the header as well."""
    status = STATUS[error.problem]
    document = {
        "type": error.problem.value,
        "title": TITLES[error.problem],
        "status": status,
        "detail": error.detail[:_LONGEST_DETAIL],
        **error.extra,
    }
    response = Response(json.dumps(document), status, content_type=MEDIA_TYPE)
    wait = error.extra.get("retry_after", _RETRY_AFTER_SECONDS.get(error.problem))
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
    server_time = error.extra.get("server_time")
    if isinstance(server_time, int):
        response.headers["Date"] = http_date(server_time // 1000)
    if error.problem is Problem.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def of_status(status: int) -> ProblemError:
    """The problem that a plain HTTP status stands for."""
    other = Problem.INVALID_REQUEST if 400 <= status < 500 else Problem.INTERNAL
    problem = _OF_STATUS.get(status, other)
    return ProblemError(problem, TITLES[problem])


def of_error(error: Exception) -> ProblemError:  # pylint: disable=too-many-return-statements  # one line per kind
    """The problem that an error of ours stands for; ``internal`` for what nobody expected."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, DecodeError):
        return ProblemError(Problem.INVALID_BATCH, str(error), path=error.path)
    if isinstance(error, SignatureInvalid):
        return ProblemError(Problem.SIGNATURE_INVALID, str(error))
    if isinstance(error, RecordError):
        return ProblemError(Problem.INVALID_RECORD, str(error), path=error.path)
    if isinstance(error, ConsentError):
        return ProblemError(Problem.INVALID_RECORD, str(error))
    for kind, problem, detail in _OF_ERROR:
        if isinstance(error, kind):
            if problem in (Problem.UNAVAILABLE, Problem.STORAGE_FULL):
                _log.error("%s: the %s refuses", type(error).__name__, "store" if kind in _OF_STORE else "registry")
            return ProblemError(problem, detail or str(error))
    log_unexpected(error)
    return ProblemError(Problem.INTERNAL, "the server failed on this request; its log says where")


def log_unexpected(error: Exception) -> None:
    """Where in the code it happened. The message stays out: it may hold an id, an address or a value."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(frames[-6:]))
    _log.error("unexpected %s in %s", type(error).__name__, where)


_OF_STORE = (StorageFull, StoreError)
_OF_ERROR: tuple[tuple[type[ServerError], Problem, str], ...] = (
    (NotFound, Problem.NOT_FOUND, ""),
    (Conflict, Problem.CONFLICT, ""),
    (InviteRefused, Problem.INVITE_REFUSED, "the invite is unknown, used up or expired; ask the operator for another"),
    (NonceRefused, Problem.INVALID_RECORD, "the notice was fetched too long ago or used before; fetch it again"),
    (RegistryError, Problem.UNAVAILABLE, "the registry cannot be used now; the server's log says why"),
    (SequenceReused, Problem.SEQUENCE_REUSED, ""),
    (InstanceErased, Problem.CONSENT_WITHDRAWN, "this consent was withdrawn; nothing of it is stored"),
    (StorageFull, Problem.STORAGE_FULL, "the server has no room left; keep the samples and try again later"),
    (StoreError, Problem.UNAVAILABLE, "the store is away; keep the samples and try again later"),
)
