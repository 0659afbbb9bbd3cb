"""Making a record of an offer and a choice, and the rules that a record keeps beyond its types.

Rules:

* A record that breaks one of them is never made and never believed: ``RecordError`` names the field.
* It accepts an offer word for word, or not at all (``check_matches``).
"""

import re

from consent.catalogue import TABLES
from consent.errors import RecordError
from consent.record import (
    LONGEST_CLIENT,
    LONGEST_TERM_DAYS,
    SCHEMA_VERSION,
    UUID_PATTERN,
    Choices,
    Client,
    ConsentRecord,
    Event,
    Offer,
    Offered,
    Processing,
)

_DAY_MS = 86_400_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


def make_record(
    offer: Offer, choices: Choices, *, record_id: str, instance_id: str, nonce: str, client: Client, now_ms: int
) -> ConsentRecord:
    """The record for an offer and the choices made about it. Raises RecordError if it would not be a valid one."""
    record = ConsentRecord(
        schema_version=SCHEMA_VERSION,
        record_id=record_id,
        instance_id=instance_id,
        notice=offer.notice,
        controller=offer.controller,
        processing=tuple(
            Processing(entry.purpose, entry.table, entry.columns, entry.period_seconds, entry.table in choices.granted)
            for entry in offer.offered
        ),
        lawful_basis=offer.lawful_basis,
        collection_method=offer.collection_method,
        storage_location=offer.storage_location,
        retention=offer.retention,
        recipients=offer.recipients,
        transfers=offer.transfers,
        jurisdiction=offer.jurisdiction,
        withdrawal_methods=offer.withdrawal_methods,
        rights=offer.rights,
        authority=offer.authority,
        event=Event("given", now_ms, now_ms + choices.term_days * _DAY_MS),
        ceremony=choices.ceremony,
        client=client,
        previous=None,
        nonce=nonce,
    )
    unknown = choices.granted - {entry.table for entry in offer.offered}
    if unknown:
        raise RecordError("processing", f"the notice does not offer {', '.join(sorted(unknown))}")
    check_record(record)
    return record


def check_record(record: ConsentRecord) -> None:
    """What the types cannot say. Raises RecordError."""
    if record.schema_version != SCHEMA_VERSION:
        raise RecordError("schema_version", "unknown")
    for name in ("record_id", "instance_id"):
        check_uuid(getattr(record, name), name)
    if record.event.state != "given":
        raise RecordError("event.state", "a record gives consent; withdrawing is a document of its own")
    if not 0 < record.event.valid_until - record.event.time <= LONGEST_TERM_DAYS * _DAY_MS:
        raise RecordError("event.valid_until", "must be after event.time and at most 12 months later")
    _check_said(record)
    if not record.granted:
        raise RecordError("processing", "nothing is granted")
    for index, entry in enumerate(record.processing):
        if entry.table not in TABLES:
            raise RecordError(f"processing[{index}].table", "not in the catalogue")
        if entry.period_seconds < 1:
            raise RecordError(f"processing[{index}].period_seconds", "must be at least 1")
    if len({entry.table for entry in record.processing}) != len(record.processing):
        raise RecordError("processing", "a table is named twice")


def _check_said(record: ConsentRecord) -> None:
    """What the volunteer's software says in its own words, none of which the offer holds. Raises RecordError."""
    if not 0 <= record.ceremony.seconds <= LONGEST_TERM_DAYS * _DAY_MS // 1000:
        raise RecordError("ceremony.seconds", "must be at least 0 and at most 12 months")
    for name, text in (("name", record.client.name), ("version", record.client.version)):
        if not 0 < len(text) <= LONGEST_CLIENT or not text.isprintable():
            raise RecordError(f"client.{name}", f"must be 1 to {LONGEST_CLIENT} printable characters")
    if record.previous is not None and not _SHA256.fullmatch(record.previous):
        raise RecordError("previous", "expected a SHA-256 in lower-case hex")


def check_matches(record: ConsentRecord, offer: Offer) -> None:
    """The record accepts exactly this offer, word for word. Raises RecordError naming the field that differs."""
    for name in (
        "schema_version",
        "notice",
        "controller",
        "lawful_basis",
        "collection_method",
        "storage_location",
        "retention",
        "recipients",
        "transfers",
        "jurisdiction",
        "withdrawal_methods",
        "rights",
        "authority",
    ):
        if getattr(record, name) != getattr(offer, name):
            raise RecordError(name, "differs from the notice that was offered")
    asked = tuple(
        Offered(entry.purpose, entry.table, entry.columns, entry.period_seconds) for entry in record.processing
    )
    if asked != offer.offered:
        raise RecordError("processing", "differs from the notice that was offered")


def check_uuid(text: str, path: str) -> None:
    """A canonical lower-case UUID. Raises RecordError."""
    if not re.fullmatch(UUID_PATTERN, text):
        raise RecordError(path, "expected a lower-case UUID")
