"""``Authorization: Bearer <token>``: the token of this request, if it may be used now.

Tokens come in the header only, so that no other site can act with a browser's session; the registry compares them in
constant time.
"""

from flask import request

from consent.wire import Problem
from server.api.state import runtime
from server.errors import ProblemError
from server.registry import Scope, Token


def has_bearer() -> bool:
    """Whether the request comes with a token, valid or not."""
    return request.authorization is not None and request.authorization.type == "bearer"


def bearer_token() -> Token | None:
    """The valid token of this request, or None."""
    authorization = request.authorization
    if authorization is None or authorization.type != "bearer":
        return None
    return runtime().registry.check_token(authorization.token or "", runtime().now_ms())


def operator_token() -> Token:
    """The valid operator token of this request. Raises ProblemError(UNAUTHORIZED)."""
    token = bearer_token()
    if token is None or token.scope is not Scope.OPERATOR:
        raise ProblemError(Problem.UNAUTHORIZED, "the token is unknown, revoked, expired, or not an operator's")
    return token
