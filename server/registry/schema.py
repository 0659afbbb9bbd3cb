"""The tables of the registry, as SQLAlchemy Core sees them. ``server/migrations`` brings a file to this state.

Rules:

* No instance id in clear: ``consents.lookup`` is an HMAC (``server.evidence``), the id itself is sealed.
* Secrets (invites, tokens, nonces) are stored as SHA-256; each has at least 128 random bits, so no salt is needed.
* Notices and the instances of open servers are public and stored in clear.
* Times are integer milliseconds since the epoch. Types are those that SQLite and PostgreSQL share.
* ``audit`` takes INSERT only; DELETE passes while ``audit_retention`` names a time that the entry is older than.
"""

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: What belongs to the registry as a whole: the check value of the key-encryption key.
properties = Table(
    "properties",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("notice_id", String(80), nullable=False),
    Column("version", String(20), nullable=False),
    Column("locale", String(20), nullable=False),
    Column("compact", Text, nullable=False),
    Column("published_ms", BigInteger, nullable=False),
    UniqueConstraint("notice_id", "version", "locale"),
)

invites = Table(
    "invites",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("secret_sha256", LargeBinary, nullable=False, unique=True),
    Column("uses", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    CheckConstraint("used >= 0 AND used <= uses", name="uses"),
)

spent_nonces = Table(
    "spent_nonces",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    Column("expires_ms", BigInteger, nullable=False, index=True),
)

consents = Table(
    "consents",
    metadata,
    Column("record_id", String(36), primary_key=True),
    Column("lookup", LargeBinary, nullable=False, unique=True),
    Column("record_sha256", LargeBinary, nullable=False),
    Column("notice_sha256", String(64), ForeignKey("notices.sha256"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("granted", JSON, nullable=False),
    Column("proof_days", Integer, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("valid_until_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("proof_until_ms", BigInteger, index=True),
)

#: One per consent; deleting the row is what destroys the evidence.
data_keys = Table(
    "data_keys",
    metadata,
    Column("record_id", String(36), ForeignKey("consents.record_id"), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

#: ``kind`` is a ``server.evidence.Kind``.
evidence = Table(
    "evidence",
    metadata,
    Column("record_id", String(36), ForeignKey("consents.record_id"), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("instance", String(36), nullable=False, unique=True),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("scope", String(20), nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("last_used_ms", BigInteger),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time_ms", BigInteger, nullable=False, index=True),
    Column("actor", String(80), nullable=False),
    Column("act", String(80), nullable=False),
    Column("subject", String(80), nullable=False),
)

#: Empty but inside the transaction of ``purge_audit``.
audit_retention = Table("audit_retention", metadata, Column("before_ms", BigInteger, primary_key=True))

days = Table(
    "days",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("counts", JSON, nullable=False),
    Column("finished_ms", BigInteger, nullable=False),
)

#: When a machine was paused; ``until_ms`` is NULL while it is not known. ``lookup`` as in ``consents``.
pauses = Table(
    "pauses",
    metadata,
    Column("lookup", LargeBinary, primary_key=True),
    Column("from_ms", BigInteger, primary_key=True),
    Column("until_ms", BigInteger),
)

#: Which consent a withdrawal code is for; ``lookup`` is an HMAC of the code's own lookup value.
codes = Table(
    "codes",
    metadata,
    Column("record_id", String(36), ForeignKey("consents.record_id"), primary_key=True),
    Column("lookup", LargeBinary, nullable=False, unique=True),
)

AUDIT_TRIGGERS = (
    """CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
    """CREATE TRIGGER audit_is_deleted_by_retention_only BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_retention WHERE OLD.time_ms < before_ms)
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
)
for _trigger in AUDIT_TRIGGERS:
    # PostgreSQL writes triggers in another language; its migration brings its own.
    event.listen(audit, "after_create", DDL(_trigger).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
