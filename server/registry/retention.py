"""The end of the proof: evidence is kept for a bounded time after a consent ends, and then destroyed.

Rules:

* A consent that ran out ends at its ``valid_until``, whenever this is run; withdrawn and terminated ones ended then.
* Nothing of a consent stays but its audit entries: the data key, the evidence, the lookup value and the row go in one
  transaction.
"""

from sqlalchemy import Connection, delete, select, update

from consent.notice import Version
from consent.state import Act, State, after, effective
from server.clock import DAY_MS
from server.registry.audit import append
from server.registry.database import Database
from server.registry.documents import Documents
from server.registry.pauses import drop_pauses
from server.registry.schema import codes, consents, notices


class Retention(Database):
    """The retention of one registry's evidence."""

    def purge_evidence(self, now_ms: int) -> list[str]:
        """Destroy what is due; says which record ids are gone. Run it daily."""
        with self.writing() as connection:
            _expire(connection, now_ms)
            due = select(consents.c.record_id, consents.c.lookup).where(consents.c.proof_until_ms <= now_ms)
            purged = []
            for record_id, lookup in connection.execute(due.order_by(consents.c.record_id)).all():
                purged.append(record_id)
                drop_pauses(connection, lookup)
                connection.execute(delete(codes).where(codes.c.record_id == record_id))
                Documents(connection, self.vault, record_id).destroy()
                connection.execute(delete(consents).where(consents.c.record_id == record_id))
                append(connection, "retention", "evidence.purged", record_id, now_ms)
        return purged


def _expire(connection: Connection, now_ms: int) -> None:
    query = select(consents, notices.c.version).join(notices, notices.c.sha256 == consents.c.notice_sha256)
    for row in connection.execute(query.where(consents.c.state == State.GIVEN.value)).all():
        version = Version.parse(row.version)
        now = effective(State.GIVEN, valid_until_ms=row.valid_until_ms, notice=version, current=version, now_ms=now_ms)
        if now is State.EXPIRED:
            connection.execute(
                update(consents)
                .where(consents.c.record_id == row.record_id)
                .values(
                    state=after(State.GIVEN, Act.EXPIRE).value,
                    ended_ms=row.valid_until_ms,
                    proof_until_ms=row.valid_until_ms + row.proof_days * DAY_MS,
                )
            )
            append(connection, "retention", "consent.expired", row.record_id, now_ms)
