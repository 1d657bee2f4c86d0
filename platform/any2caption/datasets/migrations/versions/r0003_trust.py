"""What a verdict is about, what a version is, and which request made a line of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0003_trust"
down_revision = "0002_annotation"
branch_labels = None
depends_on = None

_DIGESTS = ("digest", "champion_digest", "snapshot_id", "policy_digest", "report_digest")


def upgrade() -> None:
    """Create the table and add the columns; rows that are there say nothing in them."""
    op.create_table(
        "model_versions",
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("run_key", sa.String(length=64), nullable=False),
        sa.Column("lifecycle", sa.String(length=64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("model", "version", name=op.f("pk_model_versions")),
        sa.UniqueConstraint("model", "digest", name=op.f("uq_model_versions_model_digest")),
    )
    op.create_index(op.f("ix_model_versions_run_key"), "model_versions", ["run_key"], unique=False)
    for name in _DIGESTS:
        column = sa.Column(name, sa.String(length=64), server_default="", nullable=False)
        op.add_column("verdicts", column)
    meant: sa.Column[bool] = sa.Column(
        "for_release", sa.Boolean(), server_default=sa.false(), nullable=False
    )
    op.add_column("verdicts", meant)
    op.add_column("promotions", sa.Column("key", sa.String(length=200), nullable=True))
    op.create_index("ix_promotions_model_key", "promotions", ["model", "key"], unique=True)


def downgrade() -> None:
    """Take back what `upgrade` added."""
    op.drop_index("ix_promotions_model_key", table_name="promotions")
    op.drop_column("promotions", "key")
    for name in ("for_release", *reversed(_DIGESTS)):
        op.drop_column("verdicts", name)
    op.drop_index(op.f("ix_model_versions_run_key"), table_name="model_versions")
    op.drop_table("model_versions")
