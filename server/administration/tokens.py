"""Tokens for the API."""

from typing import Annotated, Literal

from msgspec import Meta

from server.administration.acts import LOCAL, Desk, Json, act
from server.clock import DAY_MS
from server.errors import InvalidRequest


@act("token-create")
def create(
    desk: Desk,
    *,
    name: Annotated[str, Meta(min_length=1, max_length=60)],
    scope: Literal["operator", "read"] = "read",
    days: Annotated[int, Meta(ge=1, le=3660)] | None = None,
) -> Json:
    """A new token; ``secret`` is shown this once. ``read`` sees what the operator sees and changes nothing."""
    if not name.isprintable() or name == LOCAL:
        raise InvalidRequest(f"a token needs a printable name other than {LOCAL!r}, which means this machine")
    now = desk.now_ms
    expires = None if days is None else now + days * DAY_MS
    token_id, secret = desk.registry.create_token(name, scope, expires, now, actor=desk.actor)
    return {"id": token_id, "name": name, "scope": scope, "secret": secret, "expires": expires}


@act("token-list")
def list_all(desk: Desk) -> Json:
    """Every token without its secret."""
    now = desk.now_ms
    desk.note("tokens.listed", "tokens")
    tokens = [
        {
            "id": token.id,
            "name": token.name,
            "scope": token.scope.value,
            "state": _state(token.revoked_ms, token.expires_ms, now),
            "created": token.created_ms,
            "expires": token.expires_ms,
            "last_used": token.last_used_ms,
        }
        for token in desk.registry.list_tokens()
    ]
    return {"tokens": tokens}


@act("token-revoke")
def revoke(desk: Desk, *, id: str) -> Json:  # pylint: disable=redefined-builtin  # the word of the JSON contract
    """It opens nothing any more, sessions that came from it included."""
    desk.registry.revoke_token(id, desk.now_ms, actor=desk.actor)
    return {"id": id, "state": "revoked"}


def _state(revoked_ms: int | None, expires_ms: int | None, now_ms: int) -> str:
    if revoked_ms is not None:
        return "revoked"
    return "expired" if expires_ms is not None and expires_ms <= now_ms else "valid"
