"""Documents that belong together, and the one way to an ``ActiveConsent``.

Rules:

* The chain is notice -> record -> receipt -> (withdrawal -> erasure receipt). Each link is checked by signature and
  by the SHA-256 of the document it refers to; the operator's key is pinned by the thumbprint in the enrolment link,
  which the volunteer's own signature covers in ``controller.key_thumbprint``.
* ``ActiveConsent`` can be made by ``activate`` only. Whatever samples, spools or sends takes one, so that there is no
  code path to the machine or to the network without a verified record and a verified receipt.
* No document here proves which person pressed the key.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.document import from_payload
from consent.errors import ChainBroken
from consent.record import ConsentRecord, ErasureReceipt, Offer, Receipt, Withdrawal
from consent.record_rules import check_matches, check_record
from consent.signature import Typ, sha256_hex, thumbprint, verify

_MADE_HERE = object()


@dataclass(frozen=True, slots=True)
class Chain:
    """Verified documents of one consent. ``instance_thumbprint`` is that of the volunteer's key."""

    offer: Offer
    record: ConsentRecord
    receipt: Receipt
    instance_thumbprint: str
    withdrawal: Withdrawal | None
    erasure_receipt: ErasureReceipt | None


@dataclass(frozen=True, slots=True)
class Documents:
    """The compact JWS strings of one consent, byte for byte as they were signed."""

    notice: str
    record: str
    receipt: str
    withdrawal: str | None = None
    erasure_receipt: str | None = None


class ActiveConsent:
    """Leave to sample ``granted`` tables, each no faster than its period in seconds, until ``valid_until_ms``."""

    __slots__ = ("instance_id", "record_id", "granted", "valid_until_ms", "origin", "key", "retention_hours")

    def __init__(self, chain: Chain, key: Ed25519PrivateKey, made_here: object) -> None:
        if made_here is not _MADE_HERE:
            raise ChainBroken("an ActiveConsent is made by consent.chain.activate only")
        self.instance_id = chain.record.instance_id
        self.record_id = chain.record.record_id
        self.granted = dict(chain.record.granted)
        self.valid_until_ms = valid_until_ms(chain.record, chain.receipt)
        self.origin = chain.receipt.origin
        self.retention_hours = chain.record.retention.samples_hours
        self.key = key


def activate(documents: Documents, key: Ed25519PrivateKey, now_ms: int) -> ActiveConsent:
    """Verify the chain and hand out the leave. Raises ConsentError: broken, of another key, expired or withdrawn."""
    chain = verify_chain(documents)
    if chain.withdrawal is not None:
        raise ChainBroken("this consent was withdrawn; to join again, run: sysmetric consent give URL")
    if chain.instance_thumbprint != thumbprint(key.public_key()):
        raise ChainBroken("the key file is not the one that signed the consent record")
    if not now_ms < valid_until_ms(chain.record, chain.receipt):
        raise ChainBroken("this consent has expired; to go on, run: sysmetric consent give URL")
    return ActiveConsent(chain, key, _MADE_HERE)


def valid_until_ms(record: ConsentRecord, receipt: Receipt) -> int:
    """When a consent ends by itself: the earlier of what the record and the receipt say."""
    return min(record.event.valid_until, receipt.valid_until)


def verify_offer(compact: str, operator_thumbprint: str) -> Offer:
    """A signed notice under the thumbprint of the enrolment link. Raises ConsentError."""
    offer = from_payload(Offer, verify(compact, Typ.NOTICE, operator_thumbprint).payload)
    if offer.controller.key_thumbprint != operator_thumbprint:
        raise ChainBroken("the notice names another key than the one that signed it")
    if sha256_hex(offer.text) != offer.notice.sha256:
        raise ChainBroken("the text of the notice is not the one its hash promises")
    return offer


def verify_record(compact: str) -> tuple[ConsentRecord, str]:
    """A record under the key it introduces, and that key's thumbprint. Raises ConsentError."""
    verified = verify(compact, Typ.RECORD)
    record = from_payload(ConsentRecord, verified.payload)
    check_record(record)
    return record, verified.thumbprint


def verify_receipt(compact: str, record: ConsentRecord, record_jws: str) -> Receipt:
    """The operator's receipt for exactly this record. Raises ConsentError."""
    receipt = from_payload(Receipt, verify(compact, Typ.RECEIPT, record.controller.key_thumbprint).payload)
    _same_consent("receipt", receipt, record, record_jws)
    if receipt.notice_sha256 != record.notice.sha256 or receipt.state != "given":
        raise ChainBroken("the receipt confirms another notice or state than the record")
    return receipt


def verify_withdrawal(compact: str, record: ConsentRecord, record_jws: str, instance_thumbprint: str) -> Withdrawal:
    """A withdrawal of exactly this record by the key that gave it. Raises ConsentError."""
    withdrawal = from_payload(Withdrawal, verify(compact, Typ.WITHDRAWAL, instance_thumbprint).payload)
    _same_consent("withdrawal", withdrawal, record, record_jws)
    return withdrawal


def verify_erasure_receipt(
    compact: str, record: ConsentRecord, record_jws: str, withdrawal_jws: str | None
) -> ErasureReceipt:
    """The operator's erasure receipt for this record and this withdrawal. Raises ConsentError."""
    verified = verify(compact, Typ.ERASURE_RECEIPT, record.controller.key_thumbprint)
    erasure = from_payload(ErasureReceipt, verified.payload)
    _same_consent("erasure receipt", erasure, record, record_jws)
    expected = None if withdrawal_jws is None else sha256_hex(withdrawal_jws)
    if erasure.withdrawal_sha256 != expected:
        raise ChainBroken("the erasure receipt answers another withdrawal")
    return erasure


def verify_chain(documents: Documents) -> Chain:
    """Check every document and every link between them. Raises ConsentError at the first that does not hold."""
    record, instance_thumbprint = verify_record(documents.record)
    offer = verify_offer(documents.notice, record.controller.key_thumbprint)
    check_matches(record, offer)
    receipt = verify_receipt(documents.receipt, record, documents.record)
    withdrawal = None
    if documents.withdrawal is not None:
        withdrawal = verify_withdrawal(documents.withdrawal, record, documents.record, instance_thumbprint)
    erasure = None
    if documents.erasure_receipt is not None:
        erasure = verify_erasure_receipt(documents.erasure_receipt, record, documents.record, documents.withdrawal)
    return Chain(offer, record, receipt, instance_thumbprint, withdrawal, erasure)


def _same_consent(
    what: str, document: Receipt | Withdrawal | ErasureReceipt, record: ConsentRecord, record_jws: str
) -> None:
    if (document.record_id, document.instance_id) != (record.record_id, record.instance_id):
        raise ChainBroken(f"the {what} belongs to another record")
    if document.record_sha256 != sha256_hex(record_jws):
        raise ChainBroken(f"the {what} was made for other bytes than this record")
