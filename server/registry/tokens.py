"""API tokens of the operator and of readers.

Rules:

* A token is ``sysmetric_<id>_<secret>``: the id finds the row, the secret (256 random bits) is compared as SHA-256
  in constant time. The prefix lets secret scanners recognise a leaked one.
* It is shown once, when it is made. An unknown, wrong, expired or revoked one gives the same ``None``.
* ``last_used_ms`` is written at most once a minute, so that reading does not become writing.
"""

import hashlib
import hmac
import re
import secrets

from sqlalchemy import Row, insert, select, update

from server.errors import NotFound, RegistryError
from server.registry.audit import append
from server.registry.database import Database
from server.registry.schema import tokens
from server.registry.values import Scope, Token

_SECRET_BYTES = 32
_FORM = re.compile(r"sysmetric_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_TOUCH_MS = 60_000


class Tokens(Database):
    """The tokens of one registry."""

    def create_token(
        self, name: str, scope: Scope | str, expires_ms: int | None, now_ms: int, *, actor: str = "operator"
    ) -> tuple[str, str]:
        """A new token as (id, secret); the secret is the whole string to send. Raises RegistryError."""
        if scope not in list(Scope):
            raise RegistryError(f"a token's scope is one of {', '.join(Scope)}, not {str(scope)[:20]!r}")
        if expires_ms is not None and expires_ms <= now_ms:
            raise RegistryError("a token needs an end in the future, or none")
        token_id = secrets.token_hex(6)
        secret = f"sysmetric_{token_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        values = {"id": token_id, "name": name, "scope": str(scope), "secret_sha256": _digest(secret)}
        with self.writing() as connection:
            connection.execute(insert(tokens).values(values | {"created_ms": now_ms, "expires_ms": expires_ms}))
            append(connection, actor, "token.created", token_id, now_ms)
        return token_id, secret

    def check_token(self, secret: str, now_ms: int) -> Token | None:
        """The token this secret belongs to, if it may be used now."""
        form = _FORM.fullmatch(secret)
        if form is None:
            return None
        with self.reading() as connection:
            found = connection.execute(select(tokens).where(tokens.c.id == form[1])).first()
        stored = bytes(32) if found is None else found.secret_sha256
        if not hmac.compare_digest(stored, _digest(secret)) or found is None:
            return None
        if found.revoked_ms is not None or (found.expires_ms is not None and found.expires_ms <= now_ms):
            return None
        if found.last_used_ms is None or now_ms - found.last_used_ms >= _TOUCH_MS:
            with self.writing() as connection:
                connection.execute(update(tokens).where(tokens.c.id == found.id).values(last_used_ms=now_ms))
        return _token(found)

    def list_tokens(self) -> list[Token]:
        """Every token, newest first."""
        with self.reading() as connection:
            rows = connection.execute(select(tokens).order_by(tokens.c.created_ms.desc(), tokens.c.id))
            return [_token(row) for row in rows]

    def revoke_token(self, token_id: str, now_ms: int, *, actor: str = "operator") -> None:
        """It opens nothing any more; revoking twice is the same as once. Raises NotFound."""
        with self.writing() as connection:
            found = connection.execute(select(tokens.c.revoked_ms).where(tokens.c.id == token_id)).first()
            if found is None:
                raise NotFound(f"there is no token {token_id[:32]!r}; run: sysmetric-server token list")
            if found.revoked_ms is None:
                connection.execute(update(tokens).where(tokens.c.id == token_id).values(revoked_ms=now_ms))
                append(connection, actor, "token.revoked", token_id, now_ms)


def _token(row: Row[*tuple[object, ...]]) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        scope=Scope(row.scope),
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        revoked_ms=row.revoked_ms,
        last_used_ms=row.last_used_ms,
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
