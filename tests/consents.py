"""A complete, freshly signed consent, for every part of the tests.

``sign_consent`` plays volunteer and operator with real keys and real signatures; nothing in it is a fake but the
clock.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.catalogue import TABLES
from consent.chain import ActiveConsent, Documents, activate
from consent.document import to_payload
from consent.record import (
    SCHEMA_VERSION,
    Ceremony,
    Choices,
    Client,
    ConsentRecord,
    Controller,
    ErasureReceipt,
    Method,
    NoticeReference,
    Offer,
    Offered,
    Quiz,
    Receipt,
    Retention,
    Withdrawal,
)
from consent.record_rules import make_record
from consent.signature import Typ, sha256_hex, sign, thumbprint

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000


@dataclass(frozen=True)
class SignedConsent:
    """One volunteer's consent with both keys, the documents and the leave they make."""

    operator_key: Ed25519PrivateKey
    key: Ed25519PrivateKey
    offer: Offer
    record: ConsentRecord
    receipt: Receipt
    documents: Documents
    active: ActiveConsent

    @property
    def instance(self) -> str:
        return self.record.instance_id


def make_offer(operator_key: Ed25519PrivateKey, *, text: str = "The text.", period_seconds: int = 1) -> Offer:
    """An offer of every table by ``operator_key``."""
    return Offer(
        schema_version=SCHEMA_VERSION,
        notice=NoticeReference("sysmetric-participation", "1.0.0", "en", sha256_hex(text)),
        text=text,
        controller=Controller("Operator", "Street 1", "privacy@example.org", thumbprint(operator_key.public_key())),
        offered=tuple(
            Offered("monitoring", table.name, tuple(column.name for column in table.columns), period_seconds)
            for table in TABLES.values()
        ),
        lawful_basis="GDPR Art. 6(1)(a)",
        collection_method="psutil",
        storage_location="EU",
        retention=Retention(49, 1096),
        recipients=("none",),
        transfers="none",
        jurisdiction="PL",
        withdrawal_methods=("sysmetric consent revoke",),
        rights=("access",),
        authority="UODO",
    )


def sign_consent(
    granted: Iterable[str] = ("cpu", "memory", "disk"),
    origin: str = "http://127.0.0.1:8080",
    now_ms: int = NOW_MS,
    term_days: int = 365,
    period_seconds: int = 1,
    *,
    operator_key: Ed25519PrivateKey | None = None,
    offer: Offer | None = None,
) -> SignedConsent:
    """Play both sides of an enrolment at ``now_ms``; volunteers of one operator share key and offer."""
    operator_key, key = operator_key or Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    offer = offer or make_offer(operator_key, period_seconds=period_seconds)
    choices = Choices(frozenset(granted), term_days, Ceremony(Method.PROMPT, True, 60, Quiz.PASSED))
    record = make_record(
        offer,
        choices,
        record_id=str(uuid.uuid4()),
        instance_id=str(uuid.uuid4()),
        nonce="nonce",
        client=Client("sysmetric", "0.1.0"),
        now_ms=now_ms,
    )
    record_jws = sign(to_payload(record), key, Typ.RECORD)
    receipt = Receipt(
        schema_version=SCHEMA_VERSION,
        record_id=record.record_id,
        instance_id=record.instance_id,
        record_sha256=sha256_hex(record_jws),
        notice_sha256=offer.notice.sha256,
        state="given",
        received_at=now_ms,
        valid_until=record.event.valid_until,
        origin=origin,
    )
    documents = Documents(
        notice=sign(to_payload(offer), operator_key, Typ.NOTICE),
        record=record_jws,
        receipt=sign(to_payload(receipt), operator_key, Typ.RECEIPT),
    )
    return SignedConsent(operator_key, key, offer, record, receipt, documents, activate(documents, key, now_ms))


def sign_withdrawal(consent: SignedConsent, now_ms: int = NOW_MS + 1) -> str:
    """The volunteer's withdrawal as a compact JWS."""
    withdrawal = Withdrawal(
        SCHEMA_VERSION, consent.record.record_id, consent.instance, sha256_hex(consent.documents.record), now_ms
    )
    return sign(to_payload(withdrawal), consent.key, Typ.WITHDRAWAL)


def sign_erasure(consent: SignedConsent, withdrawal_jws: str | None, now_ms: int = NOW_MS + 2) -> str:
    """The operator's erasure receipt as a compact JWS."""
    erasure = ErasureReceipt(
        SCHEMA_VERSION,
        consent.record.record_id,
        consent.instance,
        sha256_hex(consent.documents.record),
        None if withdrawal_jws is None else sha256_hex(withdrawal_jws),
        {"cpu": 1},
        now_ms,
        now_ms + DAY_MS,
    )
    return sign(to_payload(erasure), consent.operator_key, Typ.ERASURE_RECEIPT)
