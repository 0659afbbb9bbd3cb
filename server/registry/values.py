"""What the registry answers with: frozen values, no database in them.

Times are integer milliseconds since the epoch, UTC; ``None`` where a thing has not happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from consent.chain import Documents
from consent.notice import Version
from consent.record import Offer
from consent.state import State


@dataclass(frozen=True, slots=True)
class PublishedNotice:
    """One version in one locale: the offer, the ``notice+jws`` it was signed as, and the SHA-256 (hex) of its text."""

    offer: Offer
    compact: str
    sha256: str
    version: Version
    published_ms: int


@dataclass(frozen=True, slots=True)
class Invite:
    """Leave to enrol ``uses`` times. The secret itself is known to whoever was given it, and to nobody else."""

    id: str
    uses: int
    used: int
    expires_ms: int
    note: str
    created_ms: int
    revoked_ms: int | None


@dataclass(frozen=True, slots=True)
class EnrolResult:
    """The receipt that is in force: the caller's, or with ``repeated`` the one that was stored the first time."""

    receipt_jws: str
    repeated: bool


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """What deciding about a batch takes. ``state`` is the stored one: give it to ``consent.state.effective``."""

    record_id: str
    state: State
    granted: Mapping[str, int]
    valid_until_ms: int
    notice_version: Version
    public_key: Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class ConsentSummary:
    """One line of the operator's list. ``instance_id`` is there only while the stored state is ``given``."""

    record_id: str
    instance_id: str | None
    state: State
    granted: Mapping[str, int]
    notice_version: Version
    locale: str
    received_ms: int
    valid_until_ms: int
    ended_ms: int | None
    proof_until_ms: int | None
    erasure_confirmed: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """How a consent ended. ``repeated``: it had ended this way before, and the stored answer stands."""

    record_id: str
    instance_id: str
    state: State
    proof_until_ms: int
    erasure_receipt_jws: str | None
    repeated: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """The documents of one consent, decrypted, byte for byte as they were signed."""

    notice_jws: str
    record_jws: str
    receipt_jws: str
    withdrawal_jws: str | None
    erasure_receipt_jws: str | None

    @property
    def documents(self) -> Documents:
        """The same as ``consent.chain.verify_chain`` takes them."""
        return Documents(
            notice=self.notice_jws,
            record=self.record_jws,
            receipt=self.receipt_jws,
            withdrawal=self.withdrawal_jws,
            erasure_receipt=self.erasure_receipt_jws,
        )


class Scope(StrEnum):
    """What a token may do."""

    OPERATOR = "operator"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Token:
    """An API token without its secret. ``last_used_ms`` is exact to a minute."""

    id: str
    name: str
    scope: Scope
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None
    last_used_ms: int | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which record, token or invite, and when. Never a value, never an instance id."""

    time_ms: int
    actor: str
    act: str
    subject: str


@dataclass(frozen=True, slots=True)
class EndOfDay:
    """A midnight that was run: the day that ended (ISO date), rows deleted per table, and when it finished."""

    day: str
    counts: Mapping[str, int]
    finished_ms: int
