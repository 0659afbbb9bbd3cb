"""The operator's side of a consent being given: the offer, the nonce, and what makes a record acceptable.

Rules:

* The offer is the packaged notice with the configuration's values put in, signed by the operator's key. Once published
  it is served byte for byte; it is never rendered again for a request.
* A nonce is stateless: a time and random bits under an HMAC of ours. It proves that the volunteer fetched the notice
  from here within ``NONCE_LIFETIME_MS``; the registry sees to it that it is used once.
* A record is put in force only if its signature holds, it accepts a published notice word for word, no newer notice
  has superseded that one, its nonce is ours, its time lies between the nonce and now (clocks may differ a little),
  and an invite comes with it where the configuration asks for one.
* The same record again gets the same receipt, whatever has become of nonce, invite and notice in the meantime.
"""

import base64
import binascii
import hmac
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.catalogue import TABLES
from consent.chain import verify_record
from consent.document import to_payload
from consent.notice import Version, check_complete, describe_tables, parse, render, template, versions
from consent.record import (
    SCHEMA_VERSION,
    ConsentRecord,
    Controller,
    NoticeReference,
    Offer,
    Offered,
    Receipt,
    Retention,
)
from consent.record_rules import check_matches
from consent.signature import Typ, sha256_hex, sign, verify
from consent.state import State
from consent.wire import MAX_AHEAD_MS, Problem
from server.config import Config, said_in
from server.days import longest_life_hours
from server.key_derivation import derive
from server.errors import NonceRefused, NotFound, ProblemError
from server.registry import EnrolResult
from server.runtime import Runtime

PURPOSE = "monitoring-load-over-time"
LAWFUL_BASIS = "GDPR Art. 6(1)(a) consent; ePrivacy Directive Art. 5(3) consent"
COLLECTION_METHOD = "measured on the volunteer's machine by the sysmetric agent"
RIGHTS = (
    "access (GDPR Art. 15)",
    "rectification (GDPR Art. 16)",
    "erasure (GDPR Art. 17)",
    "restriction (GDPR Art. 18)",
    "data portability (GDPR Art. 20)",
    "withdrawal of consent (GDPR Art. 7(3))",
    "complaint to a supervisory authority (GDPR Art. 77)",
)

#: Reading takes time, and people go to lunch.
NONCE_LIFETIME_MS = 24 * 60 * 60 * 1000
#: How far the volunteer's clock may be off, either way.
CLOCK_SLACK_MS = MAX_AHEAD_MS
_MAC_BYTES = 16
_RANDOM_BYTES = 16


def make_offer(config: Config, key_thumbprint: str, locale: str, version: Version | None = None) -> Offer:
    """The offer of a packaged notice (the newest one unless ``version`` says) under this configuration.

    Raises NoticeError: no such version or locale, a value that the notice needs is missing, or an incomplete text.
    """
    version = versions()[-1] if version is None else version
    text = render(template(version, locale), notice_fields(config, locale))
    notice = parse(text)
    check_complete(notice)
    return Offer(
        schema_version=SCHEMA_VERSION,
        notice=NoticeReference(notice.id, str(notice.version), notice.locale, sha256_hex(text)),
        text=text,
        controller=Controller(
            config.controller_name, config.controller_address, config.controller_contact, key_thumbprint
        ),
        offered=tuple(
            Offered(PURPOSE, table.name, tuple(column.name for column in table.columns), config.period_seconds)
            for table in TABLES.values()
        ),
        lawful_basis=LAWFUL_BASIS,
        collection_method=COLLECTION_METHOD,
        storage_location=said_in(locale, config.storage_location),
        retention=Retention(longest_life_hours(config), config.proof_days),
        recipients=said_in(locale, config.recipients),
        transfers=said_in(locale, config.transfers),
        jurisdiction=said_in(locale, config.jurisdiction),
        withdrawal_methods=("sysmetric consent revoke", f"withdrawal code at {config.origin}/withdraw"),
        rights=RIGHTS,
        authority=said_in(locale, config.authority),
    )


def enrolment_url(config: Config, key_thumbprint: str, invite: str | None = None) -> str:
    """The link that a volunteer gets; the part after ``#`` never travels to a server (RFC 9110 section 4.2.5)."""
    return f"{config.origin}/#k={key_thumbprint}" + ("" if invite is None else f"&i={invite}")


def sign_offer(offer: Offer, operator_key: Ed25519PrivateKey) -> str:
    """The offer as ``notice+jws``."""
    return sign(to_payload(offer), operator_key, Typ.NOTICE)


def notice_fields(config: Config, locale: str) -> dict[str, str]:
    """A value for every ``${name}`` that a notice may use."""
    return {
        "controller_name": config.controller_name,
        "controller_address": config.controller_address,
        "controller_contact": config.controller_contact,
        "dpo": said_in(locale, config.dpo),
        "recipients": _listed(said_in(locale, config.recipients)),
        "transfers": said_in(locale, config.transfers),
        "jurisdiction": said_in(locale, config.jurisdiction),
        "authority": said_in(locale, config.authority),
        "storage_location": said_in(locale, config.storage_location),
        "samples_hours": str(longest_life_hours(config)),
        "proof_days": str(config.proof_days),
        "period_seconds": str(config.period_seconds),
        "origin": config.origin,
        "tables": describe_tables(locale),
    }


def _listed(lines: tuple[str, ...]) -> str:
    return lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)


def issue_nonce(operator_key: Ed25519PrivateKey, now_ms: int) -> str:
    """A nonce for one enrolment: base64url of the time, random bits and their HMAC."""
    stamped = now_ms.to_bytes(8, "big") + secrets.token_bytes(_RANDOM_BYTES)
    return base64.urlsafe_b64encode(stamped + _mac(operator_key, stamped)).decode()


def nonce_issued_ms(operator_key: Ed25519PrivateKey, nonce: str, now_ms: int) -> int:
    """When a nonce of ours was issued. Raises NonceRefused: not ours, or too old."""
    try:
        raw = base64.b64decode(nonce.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise NonceRefused("the nonce was not issued here") from error
    stamped, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if len(raw) != 8 + _RANDOM_BYTES + _MAC_BYTES or not hmac.compare_digest(mac, _mac(operator_key, stamped)):
        raise NonceRefused("the nonce was not issued here")
    if base64.urlsafe_b64encode(raw).decode() != nonce:  # else one nonce would have several spellings, each used once
        raise NonceRefused("the nonce was not issued here")
    issued_ms = int.from_bytes(stamped[:8], "big")
    if now_ms >= issued_ms + NONCE_LIFETIME_MS:
        raise NonceRefused("this nonce has expired; fetch the notice again")
    return issued_ms


def accept(runtime: Runtime, record_jws: str, invite: str | None) -> EnrolResult:
    """Put a record in force and countersign it. ``repeated`` when the same record was in force before.

    Raises ConsentError (the record does not verify), RegistryError, or ProblemError: notice-superseded, clock-skew,
    invite-refused.
    """
    now_ms = runtime.now_ms()
    record, _ = verify_record(record_jws)
    stored = _receipt_of(runtime, record, record_jws)
    if stored is not None:
        return EnrolResult(stored, repeated=True)
    _check_offer(runtime, record)
    issued_ms = nonce_issued_ms(runtime.operator_key, record.nonce, now_ms)
    if not issued_ms - CLOCK_SLACK_MS <= record.event.time <= now_ms + CLOCK_SLACK_MS:
        raise ProblemError(
            Problem.CLOCK_SKEW, "the record's time is not between fetching the notice and now", server_time=now_ms
        )
    if record.event.valid_until <= now_ms:
        raise ProblemError(Problem.CONSENT_EXPIRED, "the record has expired already; its term is too short")
    needed = runtime.config.enrolment == "invite"
    if needed and not invite:
        raise ProblemError(Problem.INVITE_REFUSED, "joining takes an invite; ask the operator for an enrolment link")
    return runtime.registry.enrol(
        record,
        record_jws,
        verify(record_jws, Typ.RECORD).public_key,
        _receipt(runtime, record, record_jws, now_ms),
        invite=invite if needed else None,
        nonce=record.nonce,
        nonce_expires_ms=issued_ms + NONCE_LIFETIME_MS,
        now_ms=now_ms,
    )


def _receipt_of(runtime: Runtime, record: ConsentRecord, record_jws: str) -> str | None:
    """The receipt for exactly this record, if it is in force."""
    try:
        evidence = runtime.registry.evidence(record.record_id)
    except NotFound:
        return None
    in_force = runtime.registry.consent(record.record_id).state is State.GIVEN
    return evidence.receipt_jws if in_force and evidence.record_jws == record_jws else None


def _check_offer(runtime: Runtime, record: ConsentRecord) -> None:
    """The record accepts a notice of ours that still counts. Raises RecordError or ProblemError."""
    try:
        published = runtime.registry.notice_by_sha256(record.notice.sha256)
    except NotFound:
        raise ProblemError(
            Problem.INVALID_RECORD, "the record accepts a notice that was never published here"
        ) from None
    check_matches(record, published.offer)
    current = runtime.registry.current_version()
    if current is not None and published.version.major < current.major:
        raise ProblemError(Problem.NOTICE_SUPERSEDED, "the notice has changed in substance; fetch and read the new one")


def _receipt(runtime: Runtime, record: ConsentRecord, record_jws: str, now_ms: int) -> str:
    receipt = Receipt(
        schema_version=SCHEMA_VERSION,
        record_id=record.record_id,
        instance_id=record.instance_id,
        record_sha256=sha256_hex(record_jws),
        notice_sha256=record.notice.sha256,
        state="given",
        received_at=now_ms,
        valid_until=record.event.valid_until,
        origin=runtime.config.origin,
    )
    return sign(to_payload(receipt), runtime.operator_key, Typ.RECEIPT)


def _mac(operator_key: Ed25519PrivateKey, stamped: bytes) -> bytes:
    return hmac.digest(derive(operator_key, "enrolment nonce"), stamped, "sha256")[:_MAC_BYTES]
