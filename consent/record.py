"""The values that consent is made of: the offer, the record, the withdrawal and the two receipts.

Rules:

* Fields follow ISO/IEC TS 27560:2023 as W3C DPV profiles it (guide "Consent Records and Receipts", section 7.2),
  with the content of GDPR Art. 13. Times are integer milliseconds since the epoch, UTC.
* Never in any of them: host name, user name, IP, MAC, e-mail of the volunteer.
* A record copies the offer's terms word for word, so that it stands alone; the server refuses one that differs.
* Documents name one another by the SHA-256 of the compact JWS (``record_sha256``), never by content.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from consent.catalogue import TABLES
from consent.errors import RecordError

SCHEMA_VERSION = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr;1"
#: GDPR Art. 7 and EDPB Guidelines 05/2020 section 111: consent is refreshed at intervals.
LONGEST_TERM_DAYS = 366
_DAY_MS = 86_400_000
#: A UUID in its canonical, lower-case form (RFC 9562 section 4).
UUID_PATTERN = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: What the volunteer's software says about itself is short and prints, so that whoever shows it shows nothing else.
LONGEST_CLIENT = 80
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Method(StrEnum):
    """How the yes was expressed."""

    PROMPT = "prompt"
    UNATTENDED = "unattended"


class Quiz(StrEnum):
    """Whether the comprehension questions were answered."""

    PASSED = "passed"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, slots=True)
class NoticeReference:
    """Which text was shown: id, semantic version, locale, SHA-256 (hex) of its exact UTF-8 bytes."""

    id: str
    version: str
    locale: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Controller:
    """Who is responsible (GDPR Art. 13(1)(a)), and the RFC 7638 thumbprint of the key they sign with."""

    name: str
    address: str
    contact: str
    key_thumbprint: str


@dataclass(frozen=True, slots=True)
class Offered:
    """One table that may be granted or refused alone. ``period_seconds`` is the shortest sampling period."""

    purpose: str
    table: str
    columns: tuple[str, ...]
    period_seconds: int


@dataclass(frozen=True, slots=True)
class Processing:
    """One table and the answer that was given for it."""

    purpose: str
    table: str
    columns: tuple[str, ...]
    period_seconds: int
    granted: bool


@dataclass(frozen=True, slots=True)
class Retention:
    """GDPR Art. 13(2)(a): the longest life of a sample in hours, of the proof in days after the consent ends."""

    samples_hours: int
    proof_days: int


@dataclass(frozen=True, slots=True)
class Offer:  # pylint: disable=too-many-instance-attributes  # the fields that ISO/IEC TS 27560 names
    """What the server proposes; signed by the operator as ``notice+jws``. ``text`` is the rendered notice."""

    schema_version: str
    notice: NoticeReference
    text: str
    controller: Controller
    offered: tuple[Offered, ...]
    lawful_basis: str
    collection_method: str
    storage_location: str
    retention: Retention
    recipients: tuple[str, ...]
    transfers: str
    jurisdiction: str
    withdrawal_methods: tuple[str, ...]
    rights: tuple[str, ...]
    authority: str


@dataclass(frozen=True, slots=True)
class Event:
    """The state this record brings about, when, and until when it holds (ms)."""

    state: str
    time: int
    valid_until: int


@dataclass(frozen=True, slots=True)
class Ceremony:
    """How the yes was given: at a prompt on a terminal in so many seconds, or unattended by flags."""

    method: Method
    tty: bool
    seconds: int
    quiz: Quiz


@dataclass(frozen=True, slots=True)
class Client:
    """Which software showed the notice."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ConsentRecord:  # pylint: disable=too-many-instance-attributes  # the fields that ISO/IEC TS 27560 names
    """What the volunteer signs. ``nonce`` is the server's, single use; ``previous`` the SHA-256 of a former record."""

    schema_version: str
    record_id: str
    instance_id: str
    notice: NoticeReference
    controller: Controller
    processing: tuple[Processing, ...]
    lawful_basis: str
    collection_method: str
    storage_location: str
    retention: Retention
    recipients: tuple[str, ...]
    transfers: str
    jurisdiction: str
    withdrawal_methods: tuple[str, ...]
    rights: tuple[str, ...]
    authority: str
    event: Event
    ceremony: Ceremony
    client: Client
    previous: str | None
    nonce: str

    @property
    def granted(self) -> dict[str, int]:
        """The granted tables and the shortest period in seconds at which each may be sampled."""
        return {entry.table: entry.period_seconds for entry in self.processing if entry.granted}


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """GDPR Art. 7(3): signed by the volunteer's key, made offline, final."""

    schema_version: str
    record_id: str
    instance_id: str
    record_sha256: str
    time: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """The operator's countersignature: this exact record was received and is in force."""

    schema_version: str
    record_id: str
    instance_id: str
    record_sha256: str
    notice_sha256: str
    state: str
    received_at: int
    valid_until: int
    origin: str


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """The operator's word that the rows are gone: counts per table, when, and how long the proof is kept (ms)."""

    schema_version: str
    record_id: str
    instance_id: str
    record_sha256: str
    withdrawal_sha256: str | None
    rows: dict[str, int]
    erased_at: int
    proof_until: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What the volunteer chose: the granted tables, the term in days, and how it was expressed."""

    granted: frozenset[str]
    term_days: int
    ceremony: Ceremony


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
