"""The values that consent is made of: the offer, the record, the withdrawal and the two receipts.

Rules:

* Fields follow ISO/IEC TS 27560:2023 as W3C DPV profiles it (guide "Consent Records and Receipts", section 7.2),
  with the content of GDPR Art. 13. Times are integer milliseconds since the epoch, UTC.
* Never in any of them: host name, user name, IP, MAC, e-mail of the volunteer.
* A record copies the offer's terms word for word, so that it stands alone; the server refuses one that differs.
* Documents name one another by the SHA-256 of the compact JWS (``record_sha256``), never by content.
"""

from dataclasses import dataclass
from enum import StrEnum

SCHEMA_VERSION = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr;1"
#: GDPR Art. 7 and EDPB Guidelines 05/2020 section 111: consent is refreshed at intervals.
LONGEST_TERM_DAYS = 366
#: A UUID in its canonical, lower-case form (RFC 9562 section 4).
UUID_PATTERN = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: What the volunteer's software says about itself is short and prints, so that whoever shows it shows nothing else.
LONGEST_CLIENT = 80


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
