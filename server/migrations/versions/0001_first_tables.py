"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

AUDIT_TRIGGERS = (
    """CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
    """CREATE TRIGGER audit_is_deleted_by_retention_only BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_retention WHERE OLD.time_ms < before_ms)
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
)


def upgrade() -> None:
    op.create_table(
        "properties",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_properties"),
    )
    op.create_table(
        "notices",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("notice_id", sa.String(80), nullable=False),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("locale", sa.String(20), nullable=False),
        sa.Column("compact", sa.Text, nullable=False),
        sa.Column("published_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_notices"),
        sa.UniqueConstraint("notice_id", "version", "locale", name="uq_notices_notice_id_version_locale"),
    )
    op.create_table(
        "invites",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("revoked_ms", sa.BigInteger),
        sa.CheckConstraint("used >= 0 AND used <= uses", name=op.f("ck_invites_uses")),
        sa.PrimaryKeyConstraint("id", name="pk_invites"),
        sa.UniqueConstraint("secret_sha256", name="uq_invites_secret_sha256"),
    )
    op.create_table(
        "spent_nonces",
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_spent_nonces"),
    )
    op.create_index("ix_spent_nonces_expires_ms", "spent_nonces", ["expires_ms"])
    op.create_table(
        "consents",
        sa.Column("record_id", sa.String(36), nullable=False),
        sa.Column("lookup", sa.LargeBinary, nullable=False),
        sa.Column("record_sha256", sa.LargeBinary, nullable=False),
        sa.Column("notice_sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("granted", sa.JSON, nullable=False),
        sa.Column("proof_days", sa.Integer, nullable=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.Column("valid_until_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("proof_until_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("record_id", name="pk_consents"),
        sa.UniqueConstraint("lookup", name="uq_consents_lookup"),
        sa.ForeignKeyConstraint(["notice_sha256"], ["notices.sha256"], name="fk_consents_notice_sha256_notices"),
    )
    op.create_index("ix_consents_proof_until_ms", "consents", ["proof_until_ms"])
    op.create_table(
        "data_keys",
        sa.Column("record_id", sa.String(36), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("record_id", name="pk_data_keys"),
        sa.ForeignKeyConstraint(["record_id"], ["consents.record_id"], name="fk_data_keys_record_id_consents"),
    )
    op.create_table(
        "evidence",
        sa.Column("record_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("record_id", "kind", name="pk_evidence"),
        sa.ForeignKeyConstraint(["record_id"], ["consents.record_id"], name="fk_evidence_record_id_consents"),
    )
    op.create_table(
        "sources",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("instance", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sources"),
        sa.UniqueConstraint("instance", name="uq_sources_instance"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scope", sa.String(20), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("revoked_ms", sa.BigInteger),
        sa.Column("last_used_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("act", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_time_ms", "audit", ["time_ms"])
    op.create_table(
        "audit_retention",
        sa.Column("before_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("before_ms", name="pk_audit_retention"),
    )
    op.create_table(
        "days",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("finished_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_days"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for trigger in AUDIT_TRIGGERS:
            op.execute(trigger)
