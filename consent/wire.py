"""Batch and Ack and their JSON, with a format version. Standard library only, so that the agent stays light.

Rules (fixed; other programs depend on them):

* A batch is columnar: ``{"format": 1, "instance", "record", "sequence", "cpu": {"time": [...], "core": [...], ...}}``.
* Only consented tables are present, and all columns of a table have the same length.
* (instance, sequence) is the idempotency key: the same body again is a duplicate, another body is refused.
* The request that carries a batch is signed with RFC 9421 over ``COVERED`` under ``BATCH_TAG`` when it is sent.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from consent.errors import WireError

FORMAT = 1
MEDIA_TYPE = "application/json"
BATCHES_PATH = "/api/v1/batches"
#: A batch larger than this, decompressed, is refused with 413.
MAX_BATCH_BYTES = 8 * 1024 * 1024
#: How far ahead of the server a sample may be, in milliseconds.
MAX_AHEAD_MS = 5 * 60 * 1000

#: RFC 9421 section 2: what the signature of a request covers, and the tags that tell its purposes apart.
COVERED = ("@method", "@authority", "@path", "content-digest", "content-type")
BATCH_TAG = "sysmetric-batch"
LINK_TAG = "sysmetric-link"
EXPORT_TAG = "sysmetric-export"
PAUSE_TAG = "sysmetric-pause"
CODE_TAG = "sysmetric-withdrawal-code"
PAUSES_PATH = "/api/v1/pauses"
CODES_PATH = "/api/v1/withdrawal-codes"
#: Seconds between ``created`` and ``expires`` of a request signature, and the clock skew a verifier allows.
SIGNATURE_LIFETIME_SECONDS = 300
CLOCK_SKEW_SECONDS = 60

Value = int | float | str | None
Columns = Mapping[str, Sequence[Value]]


class Problem(StrEnum):
    """The ``type`` of a problem+json answer (RFC 9457 section 3.1.1), one per thing the agent does differently."""

    SIGNATURE_INVALID = "signature-invalid"
    CLOCK_SKEW = "clock-skew"
    REPLAYED = "replayed"
    CONSENT_REQUIRED = "consent-required"
    CONSENT_EXPIRED = "consent-expired"
    NOTICE_SUPERSEDED = "notice-superseded"
    NOT_CONSENTED = "not-consented"
    SEQUENCE_REUSED = "sequence-reused"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    TOO_LARGE = "too-large"
    UNSUPPORTED = "unsupported"
    INVALID_BATCH = "invalid-batch"
    SLOW_DOWN = "slow-down"
    UNAVAILABLE = "unavailable"
    STORAGE_FULL = "storage-full"
    # beyond the batch endpoint
    NOT_FOUND = "not-found"
    UNAUTHORIZED = "unauthorized"
    INVALID_RECORD = "invalid-record"
    INVITE_REFUSED = "invite-refused"
    INVALID_REQUEST = "invalid-request"
    CONFLICT = "conflict"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    INTERNAL = "internal"


#: The HTTP status of each problem. DESIGN: the agent acts on the type, people read the status.
STATUS: dict[Problem, int] = {
    Problem.SIGNATURE_INVALID: 401,
    Problem.CLOCK_SKEW: 401,
    Problem.REPLAYED: 401,
    Problem.UNAUTHORIZED: 401,
    Problem.CONSENT_REQUIRED: 403,
    Problem.CONSENT_EXPIRED: 403,
    Problem.NOTICE_SUPERSEDED: 403,
    Problem.NOT_CONSENTED: 403,
    Problem.INVITE_REFUSED: 403,
    Problem.NOT_FOUND: 404,
    Problem.METHOD_NOT_ALLOWED: 405,
    Problem.SEQUENCE_REUSED: 409,
    Problem.CONFLICT: 409,
    Problem.CONSENT_WITHDRAWN: 410,
    Problem.TOO_LARGE: 413,
    Problem.UNSUPPORTED: 415,
    Problem.INVALID_BATCH: 422,
    Problem.INVALID_RECORD: 422,
    Problem.INVALID_REQUEST: 422,
    Problem.SLOW_DOWN: 429,
    Problem.INTERNAL: 500,
    Problem.UNAVAILABLE: 503,
    Problem.STORAGE_FULL: 507,
}


class AckStatus(StrEnum):
    """What became of a batch: stored now (201), or stored before with the same body (200)."""

    STORED = "stored"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Batch:
    """One instance's samples of a few seconds. ``tables`` maps a catalogue table to its columns, all of one length."""

    instance: str
    record: str
    sequence: int
    tables: Mapping[str, Columns]

    @property
    def rows(self) -> dict[str, int]:
        """Rows per table."""
        return {name: len(columns["time"]) for name, columns in self.tables.items()}

    def to_json(self) -> bytes:
        """The exact bytes that are sent (before gzip): compact UTF-8, no NaN or infinity (ValueError)."""
        document: dict[str, Any] = {
            "format": FORMAT,
            "instance": self.instance,
            "record": self.record,
            "sequence": self.sequence,
            **self.tables,
        }
        return json.dumps(document, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Ack:
    """The server's answer once the rows are durable. ``rows`` counts them per table; ``time`` is the server's (ms)."""

    instance: str
    sequence: int
    status: AckStatus
    rows: Mapping[str, int]
    time: int

    def to_json(self) -> bytes:
        """Compact UTF-8 JSON."""
        document = {
            "format": FORMAT,
            "instance": self.instance,
            "sequence": self.sequence,
            "status": self.status.value,
            "rows": dict(self.rows),
            "time": self.time,
        }
        return json.dumps(document, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, raw: bytes) -> "Ack":
        """Parse an ack. Raises WireError naming the part that is wrong."""
        try:
            document = json.loads(raw)
        except ValueError as error:
            raise WireError("ack", "not JSON") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise WireError("ack.format", f"expected {FORMAT}")
        for name, kind in (("instance", str), ("sequence", int), ("status", str), ("rows", dict), ("time", int)):
            if not isinstance(document.get(name), kind) or isinstance(document.get(name), bool):
                raise WireError(f"ack.{name}", f"expected {kind.__name__}")
        if document["status"] not in list(AckStatus):
            raise WireError("ack.status", "expected stored or duplicate")
        rows = document["rows"]
        for name, count in rows.items():
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                raise WireError(f"ack.rows.{name}", "expected a count")
        return cls(document["instance"], document["sequence"], AckStatus(document["status"]), rows, document["time"])
