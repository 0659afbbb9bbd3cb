"""Invites: leave to enrol. The secret is in the link that ``create`` returns, and nowhere else."""

from typing import Annotated

from msgspec import Meta

from server.administration.acts import Desk, Json, act
from server.clock import DAY_MS
from server.enrolment import enrolment_url


@act("invite-create")
def create(
    desk: Desk,
    *,
    uses: Annotated[int, Meta(ge=1, le=10_000)] = 1,
    days: Annotated[int, Meta(ge=1, le=366)] = 7,
    note: Annotated[str, Meta(max_length=200)] = "",
) -> Json:
    """A new invite and the enrolment link that holds it."""
    now = desk.now_ms
    invite_id, secret = desk.registry.create_invite(uses, now + days * DAY_MS, note, now, actor=desk.actor)
    url = enrolment_url(desk.config, desk.runtime.thumbprint, secret)
    return {"id": invite_id, "enrolment_url": url, "uses": uses, "expires": now + days * DAY_MS}


@act("invite-list")
def list_all(desk: Desk) -> Json:
    """Every invite with where it stands; no secrets."""
    now = desk.now_ms
    desk.note("invites.listed", "invites")
    invites = [
        {
            "id": invite.id,
            "state": _state(invite.revoked_ms, invite.expires_ms, invite.uses - invite.used, now),
            "uses": invite.uses,
            "used": invite.used,
            "created": invite.created_ms,
            "expires": invite.expires_ms,
            "note": invite.note,
        }
        for invite in desk.registry.list_invites()
    ]
    return {"enrolment": desk.config.enrolment, "invites": invites}


@act("invite-revoke")
def revoke(desk: Desk, *, id: str) -> Json:  # pylint: disable=redefined-builtin  # the word of the JSON contract
    """Nobody enrols with it any more; who did stays."""
    desk.registry.revoke_invite(id, desk.now_ms, actor=desk.actor)
    return {"id": id, "state": "revoked"}


def _state(revoked_ms: int | None, expires_ms: int, left: int, now_ms: int) -> str:
    if revoked_ms is not None:
        return "revoked"
    if expires_ms <= now_ms:
        return "expired"
    return "open" if left > 0 else "used"
