"""Consents: who may send what, since when, until when.

Rules:

* Enrolling is one transaction: nonce, invite, consent and evidence come about together or not at all.
* The same record again gives the stored receipt and takes neither nonce nor invite; other bytes under its id, or a
  second record of one instance, are refused.
* Every change of state is a step of ``consent.state``. Expiry is stored late (``purge_evidence``) and takes effect
  at once (``consent.state.effective``).
* The registry stores signed documents; whoever calls it has verified them against one another (``consent.chain``).
* A consent that ends sets the day its proof ends: the signed record says how many days that is.
"""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Row, Select, insert, select, update

from consent.errors import TransitionRefused
from consent.notice import Version
from consent.record import ConsentRecord
from consent.state import Act, State, after
from server.errors import Conflict, NotFound
from server.evidence import Kind
from server.registry.audit import append
from server.registry.database import Database
from server.registry.documents import Documents
from server.registry.invites import take_one_use
from server.registry.nonces import spend
from server.registry.schema import consents, data_keys, evidence, notices
from server.registry.values import ConsentStatus, ConsentSummary, Ending, EnrolResult, Evidence

DAY_MS = 86_400_000
#: How long a spent nonce is remembered when the caller does not say: longer than any nonce should be valid.
NONCE_KEPT_MS = DAY_MS


class Consents(Database):
    """The consents of one registry."""

    def enrol(
        self,
        record: ConsentRecord,
        record_jws: str,
        public_key: Ed25519PublicKey,
        receipt_jws: str,
        *,
        invite: str | None,
        nonce: str,
        now_ms: int,
        nonce_expires_ms: int | None = None,
    ) -> EnrolResult:
        """Put a verified record in force and store the receipt for it; ``invite`` None where none is needed.

        Raises Conflict (record id or instance used before, or a consent that has ended), NonceRefused, InviteRefused,
        NotFound (a notice that was never published here).
        """
        record_sha256 = hashlib.sha256(record_jws.encode()).digest()
        with self.writing() as connection:
            stored = self._stored_receipt(connection, record, record_sha256)
            if stored is not None:
                return EnrolResult(stored, repeated=True)
            spend(connection, nonce, now_ms + NONCE_KEPT_MS if nonce_expires_ms is None else nonce_expires_ms, now_ms)
            if invite is not None:
                take_one_use(connection, invite, now_ms)
            self._insert(connection, record, record_sha256, now_ms)
            documents = Documents(connection, self.vault, record.record_id)
            documents.create_key()
            documents.put(Kind.RECORD, record_jws.encode())
            documents.put(Kind.RECEIPT, receipt_jws.encode())
            documents.put(Kind.INSTANCE_ID, record.instance_id.encode())
            documents.put(Kind.PUBLIC_KEY, public_key.public_bytes_raw())
            append(connection, "volunteer", "consent.given", record.record_id, now_ms)
        return EnrolResult(receipt_jws, repeated=False)

    def consent_of(self, instance_id: str) -> ConsentStatus | None:
        """The consent of an instance, ended or not, or None if there is none (any more)."""
        query = (
            select(
                consents.c.record_id,
                consents.c.state,
                consents.c.granted,
                consents.c.valid_until_ms,
                notices.c.version,
                data_keys.c.wrapped,
                evidence.c.sealed,
            )
            .join(notices, notices.c.sha256 == consents.c.notice_sha256)
            .join(data_keys, data_keys.c.record_id == consents.c.record_id)
            .join(evidence, evidence.c.record_id == consents.c.record_id)
            .where(consents.c.lookup == self.vault.lookup(instance_id), evidence.c.kind == Kind.PUBLIC_KEY.value)
        )
        with self.reading() as connection:
            found = connection.execute(query).first()
        if found is None:
            return None
        raw_key = self.vault.open(found.wrapped, found.record_id, Kind.PUBLIC_KEY, found.sealed)
        return ConsentStatus(
            record_id=found.record_id,
            state=State(found.state),
            granted=found.granted,
            valid_until_ms=found.valid_until_ms,
            notice_version=Version.parse(found.version),
            public_key=Ed25519PublicKey.from_public_bytes(raw_key),
        )

    def evidence(self, record_id: str) -> Evidence:
        """The documents of one consent. Raises NotFound, EvidenceUnreadable."""
        query = select(notices.c.compact).join(consents, consents.c.notice_sha256 == notices.c.sha256)
        with self.reading() as connection:
            notice = connection.execute(query.where(consents.c.record_id == record_id)).scalar()
            if notice is None:
                raise _no_consent(record_id)
            documents = Documents(connection, self.vault, record_id)
            return Evidence(
                notice_jws=notice,
                record_jws=documents.get(Kind.RECORD).decode(),
                receipt_jws=documents.get(Kind.RECEIPT).decode(),
                withdrawal_jws=documents.find_text(Kind.WITHDRAWAL),
                erasure_receipt_jws=documents.find_text(Kind.ERASURE_RECEIPT),
            )

    def instance_of(self, record_id: str) -> str:
        """The instance id of one consent, ended or not. Raises NotFound, EvidenceUnreadable."""
        with self.reading() as connection:
            _find(connection, record_id)
            return Documents(connection, self.vault, record_id).get(Kind.INSTANCE_ID).decode()

    def consent(self, record_id: str) -> ConsentSummary:
        """One consent as in ``list_consents``. Raises NotFound."""
        with self.reading() as connection:
            found = connection.execute(_summaries().where(consents.c.record_id == record_id)).first()
            if found is None:
                raise _no_consent(record_id)
            return self._summary(connection, found)

    def list_consents(self) -> list[ConsentSummary]:
        """Every consent, newest first; instance ids only of those that are given."""
        newest_first = _summaries().order_by(consents.c.received_ms.desc(), consents.c.record_id)
        with self.reading() as connection:
            return [self._summary(connection, row) for row in connection.execute(newest_first).all()]

    def withdraw(self, record_id: str, withdrawal_jws: str, now_ms: int) -> Ending:
        """The volunteer withdraws: final, and possible in every state. Again, it answers what is stored.

        An erasure receipt of an earlier termination is dropped: the one to come answers this withdrawal.
        Raises NotFound.
        """
        with self.writing() as connection:
            found = _find(connection, record_id)
            documents = Documents(connection, self.vault, record_id)
            repeated = found.state == State.WITHDRAWN
            proof_until_ms = _end(connection, found, Act.WITHDRAW, now_ms)
            if not repeated:
                documents.drop(Kind.ERASURE_RECEIPT)
                documents.put(Kind.WITHDRAWAL, withdrawal_jws.encode())
                append(connection, "volunteer", "consent.withdrawn", record_id, now_ms)
            return _ending(documents, State.WITHDRAWN, proof_until_ms, repeated)

    def terminate(self, record_id: str, now_ms: int, *, actor: str = "operator") -> Ending:
        """The operator ends a consent; doing it again answers what is stored.

        Raises NotFound; Conflict where the volunteer has withdrawn.
        """
        with self.writing() as connection:
            found = _find(connection, record_id)
            documents = Documents(connection, self.vault, record_id)
            repeated = found.state == State.TERMINATED
            if repeated:
                return _ending(documents, State.TERMINATED, found.proof_until_ms, repeated)
            proof_until_ms = _end(connection, found, Act.TERMINATE, now_ms)
            append(connection, actor, "consent.terminated", record_id, now_ms)
            return _ending(documents, State.TERMINATED, proof_until_ms, repeated)

    def set_erasure_receipt(self, record_id: str, erasure_receipt_jws: str) -> None:
        """Keep the proof that the rows are gone; the same bytes again change nothing.

        Raises NotFound; Conflict for other bytes, and while the consent is given.
        """
        with self.writing() as connection:
            found = _find(connection, record_id)
            documents = Documents(connection, self.vault, record_id)
            stored = documents.find_text(Kind.ERASURE_RECEIPT)
            if stored not in (None, erasure_receipt_jws):
                raise Conflict(f"another erasure receipt is stored for consent {record_id}")
            if found.state == State.GIVEN:
                raise Conflict(f"consent {record_id} has not ended, so nothing was erased for good")
            if stored is None:
                documents.put(Kind.ERASURE_RECEIPT, erasure_receipt_jws.encode())

    def pending_erasures(self) -> list[Ending]:
        """Consents that were withdrawn or terminated and have no erasure receipt: an erasure to finish at start."""
        ended = consents.c.state.in_([State.WITHDRAWN.value, State.TERMINATED.value])
        confirmed = select(evidence.c.record_id).where(evidence.c.kind == Kind.ERASURE_RECEIPT.value)
        query = select(consents).where(ended, consents.c.record_id.not_in(confirmed)).order_by(consents.c.ended_ms)
        with self.reading() as connection:
            return [
                _ending(Documents(connection, self.vault, row.record_id), State(row.state), row.proof_until_ms, True)
                for row in connection.execute(query).all()
            ]

    def _stored_receipt(self, connection: Connection, record: ConsentRecord, record_sha256: bytes) -> str | None:
        known = (consents.c.record_id == record.record_id) | (
            consents.c.lookup == self.vault.lookup(record.instance_id)
        )
        found = connection.execute(select(consents).where(known)).first()
        if found is None:
            return None
        if (found.record_id, found.record_sha256) != (record.record_id, record_sha256):
            raise Conflict("this record id or this instance was enrolled before with another record")
        if found.state != State.GIVEN:
            raise Conflict(f"this consent is {found.state}; joining again takes a new key and a new instance")
        return Documents(connection, self.vault, record.record_id).get(Kind.RECEIPT).decode()

    def _insert(self, connection: Connection, record: ConsentRecord, record_sha256: bytes, now_ms: int) -> None:
        published = select(notices.c.sha256).where(notices.c.sha256 == record.notice.sha256)
        if connection.execute(published).first() is None:
            raise NotFound("the notice that this record accepts was never published here")
        connection.execute(
            insert(consents).values(
                record_id=record.record_id,
                lookup=self.vault.lookup(record.instance_id),
                record_sha256=record_sha256,
                notice_sha256=record.notice.sha256,
                state=State.GIVEN.value,
                granted=record.granted,
                proof_days=record.retention.proof_days,
                received_ms=now_ms,
                valid_until_ms=record.event.valid_until,
            )
        )

    def _summary(self, connection: Connection, row: Row[*tuple[object, ...]]) -> ConsentSummary:
        state = State(row.state)
        documents = Documents(connection, self.vault, row.record_id)
        return ConsentSummary(
            record_id=row.record_id,
            instance_id=documents.get(Kind.INSTANCE_ID).decode() if state is State.GIVEN else None,
            state=state,
            granted=row.granted,
            notice_version=Version.parse(row.version),
            locale=row.locale,
            received_ms=row.received_ms,
            valid_until_ms=row.valid_until_ms,
            ended_ms=row.ended_ms,
            proof_until_ms=row.proof_until_ms,
            erasure_confirmed=row.erasure is not None,
        )


def _summaries() -> Select[*tuple[object, ...]]:
    erasure = (evidence.c.record_id == consents.c.record_id) & (evidence.c.kind == Kind.ERASURE_RECEIPT.value)
    return (
        select(consents, notices.c.version, notices.c.locale, evidence.c.kind.label("erasure"))
        .join(notices, notices.c.sha256 == consents.c.notice_sha256)
        .outerjoin(evidence, erasure)
    )


def _find(connection: Connection, record_id: str) -> Row[*tuple[object, ...]]:
    found = connection.execute(select(consents).where(consents.c.record_id == record_id)).first()
    if found is None:
        raise _no_consent(record_id)
    return found


def _no_consent(record_id: str) -> NotFound:
    return NotFound(f"there is no consent {record_id[:40]!r}; run: sysmetric-server consents list")


def _end(connection: Connection, found: Row[*tuple[object, ...]], act: Act, now_ms: int) -> int:
    """Take the step and set the time its proof ends; a step that changes nothing leaves the times alone."""
    try:
        state = after(State(found.state), act)
    except TransitionRefused as error:
        raise Conflict(str(error)) from error
    if state.value == found.state:
        return int(found.proof_until_ms)
    proof_until_ms = now_ms + int(found.proof_days) * DAY_MS
    connection.execute(
        update(consents)
        .where(consents.c.record_id == found.record_id, consents.c.state == found.state)
        .values(state=state.value, ended_ms=now_ms, proof_until_ms=proof_until_ms)
    )
    return proof_until_ms


def _ending(documents: Documents, state: State, proof_until_ms: int, repeated: bool) -> Ending:
    return Ending(
        record_id=documents.record_id,
        instance_id=documents.get(Kind.INSTANCE_ID).decode(),
        state=state,
        proof_until_ms=proof_until_ms,
        erasure_receipt_jws=documents.find_text(Kind.ERASURE_RECEIPT),
        repeated=repeated,
    )
