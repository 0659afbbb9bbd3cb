"""Who is looking, and what they may see.

Rules:

* The operator sees all, a volunteer only their own instance, everybody else the imported open servers only.
* A session is a claim from the past. It is checked against the registry on every request: a consent that is no longer
  given and a token that was revoked or has expired leave a public viewer, at once.
* ``Authorization: Bearer <token>`` counts before the session. A token that is not valid is refused, not ignored:
  who sends one wants to know.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from flask import session

from consent.state import State
from consent.wire import Problem
from server.api.bearer import bearer_token, has_bearer
from server.api.state import runtime
from server.errors import ProblemError
from server.links import Grant

Role = Literal["operator", "volunteer", "public"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """``instance`` is the volunteer's own; None for the others."""

    role: Role
    instance: str | None = None


PUBLIC = Viewer("public")
OPERATOR = Viewer("operator")


def current_viewer() -> Viewer:
    """The viewer of this request. Raises ProblemError(UNAUTHORIZED) for a bearer token that is not valid."""
    if has_bearer():
        if bearer_token() is None:
            raise ProblemError(Problem.UNAUTHORIZED, "the token is unknown, revoked or expired")
        return OPERATOR
    match session.get("role"):
        case "operator" if _token_holds(session.get("token_id")):
            return OPERATOR
        case "volunteer" if _consent_holds(session.get("instance")):
            return Viewer("volunteer", str(session["instance"]))
    return PUBLIC


def may_see(viewer: Viewer, instance: str, sources: Container[str]) -> bool:
    """Whether ``viewer`` may see ``instance``; ``sources`` are the instances of imported open servers."""
    match viewer.role:
        case "operator":
            return True
        case "volunteer":
            return instance == viewer.instance
        case "public":
            return instance in sources


def sign_in(grant: Grant) -> None:
    """Begin a session with what a one-time link grants; nothing of an earlier session stays."""
    session.clear()
    session["role"] = grant.role
    if grant.role == "volunteer":
        session["instance"] = grant.instance
    else:
        session["token_id"] = grant.token_id


def sign_out() -> None:
    """End the session."""
    session.clear()


def _token_holds(token_id: object) -> bool:
    now = runtime().now_ms()
    return any(
        token.id == token_id and token.revoked_ms is None and (token.expires_ms is None or token.expires_ms > now)
        for token in runtime().registry.list_tokens()
    )


def _consent_holds(instance: object) -> bool:
    if not isinstance(instance, str):
        return False
    status = runtime().registry.consent_of(instance)
    return status is not None and status.state is State.GIVEN and runtime().now_ms() < status.valid_until_ms
