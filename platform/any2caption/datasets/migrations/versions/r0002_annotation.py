"""Annotation runs, and what people said of their records."""

import sqlalchemy as sa
from alembic import op

revision = "0002_annotation"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "annotation_runs",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("annotator", sa.String(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("lifecycle", sa.String(length=64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_annotation_runs")),
    )
    op.create_table(
        "annotation_reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_key", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.String(length=200), nullable=False),
        sa.Column("reading", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotation_reviews")),
        sa.UniqueConstraint(
            "run_key",
            "record_id",
            "reading",
            name=op.f("uq_annotation_reviews_run_key_record_id_reading"),
        ),
    )
    op.create_index(
        op.f("ix_annotation_reviews_run_key"), "annotation_reviews", ["run_key"], unique=False
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_index(op.f("ix_annotation_reviews_run_key"), table_name="annotation_reviews")
    op.drop_table("annotation_reviews")
    op.drop_table("annotation_runs")
