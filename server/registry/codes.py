"""Sealed withdrawals that wait for a code: see ``consent.withdrawal_code``.

Rules:

* Stored are the sealed bytes, under the consent's data key like all evidence, and an HMAC of the lookup value; the
  code itself is known to the volunteer only. Nothing here can be opened or used without it.
* One per consent; a new one replaces the old. Both go with the proof of the consent.
* It stays when the consent has ended: whoever enters the code again sees the same receipt again.
"""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from server.errors import Conflict, NotFound
from server.evidence import Kind
from server.registry.audit import append
from server.registry.database import Database
from server.registry.documents import Documents
from server.registry.schema import codes, consents


@dataclass(frozen=True, slots=True)
class SealedWithdrawal:
    """What the code opens, and of which consent it is."""

    record_id: str
    sealed: bytes


class Codes(Database):
    """The sealed withdrawals of one registry."""

    def leave_code(self, instance_id: str, lookup: bytes, sealed: bytes, now_ms: int) -> None:
        """Keep a sealed withdrawal for the consent of ``instance_id`` in place of an earlier one.

        Raises NotFound (no such consent), Conflict (the lookup value is another consent's).
        """
        found_by = self.vault.lookup(lookup.hex())
        with self.writing() as connection:
            mine = consents.c.lookup == self.vault.lookup(instance_id)
            record_id = connection.execute(select(consents.c.record_id).where(mine)).scalar()
            if record_id is None:
                raise NotFound("there is no such consent")
            taken = connection.execute(select(codes.c.record_id).where(codes.c.lookup == found_by)).scalar()
            if taken not in (None, record_id):
                raise Conflict("this code was left before; make a new one")
            connection.execute(delete(codes).where(codes.c.record_id == record_id))
            connection.execute(insert(codes).values(record_id=record_id, lookup=found_by))
            documents = Documents(connection, self.vault, record_id)
            documents.drop(Kind.SEALED_WITHDRAWAL)
            documents.put(Kind.SEALED_WITHDRAWAL, sealed)
            append(connection, "volunteer", "code.left", record_id, now_ms)

    def sealed_withdrawal(self, lookup: bytes) -> SealedWithdrawal | None:
        """What a code's lookup value finds, or None. Raises EvidenceUnreadable."""
        found_by = self.vault.lookup(lookup.hex())
        with self.reading() as connection:
            record_id = connection.execute(select(codes.c.record_id).where(codes.c.lookup == found_by)).scalar()
            if record_id is None:
                return None
            sealed = Documents(connection, self.vault, record_id).get(Kind.SEALED_WITHDRAWAL)
            return SealedWithdrawal(record_id, sealed)

    def has_code(self, record_id: str) -> bool:
        """Whether a sealed withdrawal is kept for this consent."""
        with self.reading() as connection:
            mine = codes.c.record_id == record_id
            return connection.execute(select(codes.c.record_id).where(mine)).first() is not None
