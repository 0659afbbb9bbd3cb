"""Pauses of machines, and sealed withdrawals that wait for a code."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pauses",
        sa.Column("lookup", sa.LargeBinary, nullable=False),
        sa.Column("from_ms", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("lookup", "from_ms", name="pk_pauses"),
    )
    op.create_table(
        "codes",
        sa.Column("record_id", sa.String(36), nullable=False),
        sa.Column("lookup", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("record_id", name="pk_codes"),
        sa.ForeignKeyConstraint(["record_id"], ["consents.record_id"], name="fk_codes_record_id_consents"),
        sa.UniqueConstraint("lookup", name="uq_codes_lookup"),
    )
