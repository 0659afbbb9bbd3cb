"""Consents: who may send what, since when, until when.

Rules:

* Enrolling is one transaction: nonce, invite, consent and evidence come about together or not at all.
* The same record again gives the stored receipt and takes neither nonce nor invite; other bytes under its id, or a
  second record of one instance, are refused.
* A volunteer's machine chooses its own instance id, and those of open servers are public. Nobody enrols under one: the
  consent would let its holder add to what the public sees of that server, and erase it.
* The registry stores signed documents; whoever calls it has verified them against one another (``consent.chain``).
* The state that is answered is the stored one. Expiry and a superseded notice take effect without anything being
  stored: ``consent.state.effective`` says what a state means now.
"""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Row, Select, insert, select

from consent.notice import Version
from consent.record import ConsentRecord
from consent.state import State
from server.errors import Conflict, NotFound
from server.evidence import Kind
from server.registry.audit import append
from server.registry.database import Database
from server.registry.documents import Documents
from server.registry.invites import take_one_use
from server.registry.nonces import spend
from server.registry.schema import consents, data_keys, evidence, notices, sources
from server.registry.values import ConsentStatus, ConsentSummary, EnrolResult, Evidence

_document = evidence.alias("document")
_TAKEN = "this record id or this instance was enrolled before with another record"


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
        nonce_expires_ms: int,
        now_ms: int,
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
            spend(connection, nonce, nonce_expires_ms, now_ms)
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
        """The consent of an instance, ended or not, or None if there is none (any more). Cheap: asked per batch."""
        lookup = self.vault.lookup(instance_id)
        return self.remembered(lookup, lambda: self._read_status(lookup))

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

    def consent(self, record_id: str) -> ConsentSummary:
        """One consent as in ``list_consents``. Raises NotFound."""
        with self.reading() as connection:
            query = _with_notice_and(Kind.INSTANCE_ID).where(consents.c.record_id == record_id)
            found = connection.execute(query).first()
        if found is None:
            raise _no_consent(record_id)
        return self._summary(found)

    def list_consents(self) -> list[ConsentSummary]:
        """Every consent, newest first; instance ids only of those that are given."""
        query = _with_notice_and(Kind.INSTANCE_ID).order_by(consents.c.received_ms.desc(), consents.c.record_id)
        with self.reading() as connection:
            rows = connection.execute(query).all()
        return [self._summary(row) for row in rows]

    def _stored_receipt(self, connection: Connection, record: ConsentRecord, record_sha256: bytes) -> str | None:
        known = (consents.c.record_id == record.record_id) | (
            consents.c.lookup == self.vault.lookup(record.instance_id)
        )
        found = connection.execute(select(consents).where(known)).first()
        if found is None:
            return None
        if (found.record_id, found.record_sha256) != (record.record_id, record_sha256):
            raise Conflict(_TAKEN)
        if found.state != State.GIVEN:
            raise Conflict(f"this consent is {found.state}; joining again takes a new key and a new instance")
        return Documents(connection, self.vault, record.record_id).get(Kind.RECEIPT).decode()

    def _insert(self, connection: Connection, record: ConsentRecord, record_sha256: bytes, now_ms: int) -> None:
        published = select(notices.c.sha256).where(notices.c.sha256 == record.notice.sha256)
        if connection.execute(published).first() is None:
            raise NotFound("the notice that this record accepts was never published here")
        public = select(sources.c.name).where(sources.c.instance == record.instance_id)
        if connection.execute(public).first() is not None:
            raise Conflict(_TAKEN)
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

    def _read_status(self, lookup: bytes) -> ConsentStatus | None:
        query = _with_notice_and(Kind.PUBLIC_KEY).where(consents.c.lookup == lookup)
        with self.reading() as connection:
            found = connection.execute(query).first()
        if found is None:
            return None
        raw_key = self._open(found, Kind.PUBLIC_KEY)
        return ConsentStatus(
            record_id=found.record_id,
            state=State(found.state),
            granted=found.granted,
            valid_until_ms=found.valid_until_ms,
            notice_version=Version.parse(found.version),
            public_key=Ed25519PublicKey.from_public_bytes(raw_key),
        )

    def _summary(self, row: Row[*tuple[object, ...]]) -> ConsentSummary:
        state = State(row.state)
        return ConsentSummary(
            record_id=row.record_id,
            instance_id=self._open(row, Kind.INSTANCE_ID).decode() if state is State.GIVEN else None,
            state=state,
            granted=row.granted,
            notice_version=Version.parse(row.version),
            locale=row.locale,
            received_ms=row.received_ms,
            valid_until_ms=row.valid_until_ms,
            ended_ms=row.ended_ms,
            proof_until_ms=row.proof_until_ms,
            erasure_confirmed=row.confirmed,
        )

    def _open(self, row: Row[*tuple[object, ...]], kind: Kind) -> bytes:
        return self.vault.open(row.wrapped, row.record_id, kind, row.sealed)


def _with_notice_and(kind: Kind) -> Select[*tuple[object, ...]]:
    """Every consent with its notice, its data key and one sealed document: what a list needs in one query."""
    confirmed = (
        select(evidence.c.record_id)
        .where(evidence.c.record_id == consents.c.record_id, evidence.c.kind == Kind.ERASURE_RECEIPT.value)
        .correlate(consents)
        .exists()
    )
    one = _document.c
    return (
        select(
            consents, notices.c.version, notices.c.locale, data_keys.c.wrapped, one.sealed, confirmed.label("confirmed")
        )
        .join(notices, notices.c.sha256 == consents.c.notice_sha256)
        .join(data_keys, data_keys.c.record_id == consents.c.record_id)
        .join(_document, (one.record_id == consents.c.record_id) & (one.kind == kind.value))
    )


def find_consent(connection: Connection, record_id: str) -> Row[*tuple[object, ...]]:
    """The row of one consent. Raises NotFound."""
    found = connection.execute(select(consents).where(consents.c.record_id == record_id)).first()
    if found is None:
        raise _no_consent(record_id)
    return found


def _no_consent(record_id: str) -> NotFound:
    return NotFound(f"there is no consent {record_id[:40]!r}; run: sysmetric-server consents list")
