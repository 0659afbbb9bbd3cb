"""The registry: notices, invites, consents with their evidence, open servers, tokens, audit.

One file per subject (``notices``, ``invites``, ``consents``, ``endings``, ``retention``, ``sources``, ``days``,
``tokens``, ``pauses``, ``codes``, ``audit``), each a class on ``database.Database``; ``Registry`` is all of them as one
object. ``nonces`` and ``documents`` are parts of a consent's transaction, ``values`` is what the registry answers with,
``schema`` the tables, ``migration`` how a file gets them.

Every method is one transaction, safe to call from many threads, and takes the clock as ``now_ms`` where it needs one.
What is wrong with the file or the key as a whole comes out as RegistryUnusable; see ``server.errors`` for the rest.
"""

import hmac
from pathlib import Path

from sqlalchemy import Connection, insert, select

from server.errors import RegistryUnusable
from server.evidence import Vault
from server.registry.audit import Audit
from server.registry.codes import Codes
from server.registry.consents import Consents
from server.registry.database import Database, connect
from server.registry.days import Days
from server.registry.endings import Endings
from server.registry.invites import Invites
from server.registry.migration import migrate
from server.registry.notices import Notices
from server.registry.pauses import Pauses
from server.registry.retention import Retention
from server.registry.schema import properties
from server.registry.sources import Sources
from server.registry.tokens import Tokens
from server.registry.values import (
    AuditEntry,
    ConsentStatus,
    ConsentSummary,
    EndOfDay,
    Ending,
    EnrolResult,
    Evidence,
    Invite,
    PublishedNotice,
    Scope,
    Token,
)

__all__ = [
    "AuditEntry",
    "ConsentStatus",
    "ConsentSummary",
    "EndOfDay",
    "Ending",
    "EnrolResult",
    "Evidence",
    "Invite",
    "PublishedNotice",
    "Registry",
    "Scope",
    "Token",
    "open_registry",
]

_KEY_CHECK = "key-check"


# pylint: disable-next=too-many-ancestors  # one level deep: each subject is a class of its own on Database
class Registry(Notices, Invites, Consents, Endings, Retention, Codes, Pauses, Sources, Days, Tokens, Audit):
    """All subjects as one object; made by ``open_registry``, closed by ``close``."""


def open_registry(path: Path, key_encryption_key: bytes) -> Registry:
    """The registry at ``path``, created (0600) or migrated as needed. Raises RegistryUnusable."""
    vault = Vault(key_encryption_key)
    registry = Registry(connect(path), path, vault)
    try:
        with registry.writing() as connection:
            _check_sound(connection, path)
            migrate(connection, path)
            _check_key(connection, vault, path)
    except BaseException:  # an interrupt too: no connection stays open behind a start that failed
        registry.close()
        raise
    return registry


def _check_sound(connection: Connection, path: Path) -> None:
    if connection.dialect.name != "sqlite":
        return
    found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    if found != "ok":
        reason = found.splitlines()[-1]  # the line before it is a heading
        raise RegistryUnusable(f"the registry {path} is damaged: {reason}; put back a copy that you kept")


def _check_key(connection: Connection, vault: Vault, path: Path) -> None:
    stored = connection.execute(select(properties.c.value).where(properties.c.name == _KEY_CHECK)).scalar()
    if stored is None:
        connection.execute(insert(properties).values(name=_KEY_CHECK, value=vault.key_check))
    elif not hmac.compare_digest(stored, vault.key_check):
        raise RegistryUnusable(
            f"the key-encryption key is not the one of the registry {path}; "
            "put back the key-encryption.key that it was created with"
        )
