"""Invites: leave to enrol, a number of times, until a time.

Rules:

* The secret has 128 random bits and is shown once; the registry keeps its SHA-256.
* A use is taken in the transaction of the enrolment by one conditional UPDATE, so a race has one winner.
* Which invite a volunteer came by is not stored: the note of an invite may name a person.
"""

import hashlib
import secrets

from sqlalchemy import Connection, insert, select, update

from server.errors import InviteRefused, NotFound, RegistryError
from server.registry.audit import append
from server.registry.database import Database
from server.registry.schema import invites
from server.registry.values import Invite

_SECRET_BYTES = 16


class Invites(Database):
    """The invites of one registry."""

    def create_invite(
        self, uses: int, expires_ms: int, note: str, now_ms: int, *, actor: str = "operator"
    ) -> tuple[str, str]:
        """A new invite as (id, secret). Raises RegistryError for no uses or an end that is past."""
        if uses < 1 or expires_ms <= now_ms:
            raise RegistryError("an invite needs at least one use and an end in the future")
        invite_id, secret = secrets.token_hex(6), secrets.token_urlsafe(_SECRET_BYTES)
        values = {"id": invite_id, "secret_sha256": _digest(secret), "uses": uses, "used": 0}
        values |= {"expires_ms": expires_ms, "note": note, "created_ms": now_ms}
        with self.writing() as connection:
            connection.execute(insert(invites).values(values))
            append(connection, actor, "invite.created", invite_id, now_ms)
        return invite_id, secret

    def list_invites(self) -> list[Invite]:
        """Every invite, newest first."""
        query = select(
            invites.c.id,
            invites.c.uses,
            invites.c.used,
            invites.c.expires_ms,
            invites.c.note,
            invites.c.created_ms,
            invites.c.revoked_ms,
        ).order_by(invites.c.created_ms.desc(), invites.c.id)
        with self.reading() as connection:
            return [Invite(*row) for row in connection.execute(query)]

    def revoke_invite(self, invite_id: str, now_ms: int, *, actor: str = "operator") -> None:
        """Nobody enrols with it any more; revoking twice is the same as once. Raises NotFound."""
        with self.writing() as connection:
            found = connection.execute(select(invites.c.revoked_ms).where(invites.c.id == invite_id)).first()
            if found is None:
                raise NotFound(f"there is no invite {invite_id[:32]!r}; run: sysmetric-server invite list")
            if found.revoked_ms is None:
                connection.execute(update(invites).where(invites.c.id == invite_id).values(revoked_ms=now_ms))
                append(connection, actor, "invite.revoked", invite_id, now_ms)


def take_one_use(connection: Connection, secret: str, now_ms: int) -> None:
    """Use an invite up by one in the caller's transaction. Raises InviteRefused, which does not say why."""
    usable = (
        (invites.c.secret_sha256 == _digest(secret))
        & (invites.c.used < invites.c.uses)
        & (invites.c.expires_ms > now_ms)
        & invites.c.revoked_ms.is_(None)
    )
    if connection.execute(update(invites).where(usable).values(used=invites.c.used + 1)).rowcount != 1:
        raise InviteRefused("this invite is not valid (any more); ask the operator for a new one")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
