"""Who did what, when: append-only.

Rules:

* A subject is the id of a record, a token, an invite or a notice; never a value and never an instance id. An instance
  id that has a consent is refused.
* The registry writes the entries of its own acts in the same transaction as the act. Callers add what the registry
  cannot see: reads, exports, imports, erasures in the store.
* Triggers refuse every UPDATE and DELETE; only ``purge_audit`` deletes, and only entries older than it was told.
"""

from sqlalchemy import Connection, delete, insert, select

from server.errors import RegistryError
from server.registry.database import Database
from server.registry.schema import audit, audit_retention, consents
from server.registry.values import AuditEntry


class Audit(Database):
    """The audit trail of one registry."""

    def audit(self, actor: str, act: str, subject: str, now_ms: int) -> None:
        """Append one entry. Raises RegistryError when the subject is the id of an instance."""
        with self.writing() as connection:
            known = select(consents.c.record_id).where(consents.c.lookup == self.vault.lookup(subject))
            if connection.execute(known).first() is not None:
                raise RegistryError("an audit entry names a record, a token or an invite, never an instance")
            append(connection, actor, act, subject, now_ms)

    def audit_entries(self, limit: int) -> list[AuditEntry]:
        """The newest ``limit`` entries, newest first."""
        query = select(audit.c.time_ms, audit.c.actor, audit.c.act, audit.c.subject)
        with self.reading() as connection:
            return [AuditEntry(*row) for row in connection.execute(query.order_by(audit.c.id.desc()).limit(limit))]

    def purge_audit(self, before_ms: int) -> int:
        """Delete the entries older than ``before_ms``; says how many."""
        with self.writing() as connection:
            connection.execute(insert(audit_retention).values(before_ms=before_ms))
            purged = connection.execute(delete(audit).where(audit.c.time_ms < before_ms)).rowcount
            connection.execute(delete(audit_retention))
        return purged


def append(connection: Connection, actor: str, act: str, subject: str, now_ms: int) -> None:
    """One entry as part of the caller's transaction."""
    connection.execute(insert(audit).values(time_ms=now_ms, actor=actor, act=act, subject=subject))
