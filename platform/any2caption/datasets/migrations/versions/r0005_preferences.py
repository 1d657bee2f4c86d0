"""Which of two captions people prefer."""

import sqlalchemy as sa
from alembic import op

revision = "0005_preferences"
down_revision = "0004_ledger"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, whose rows are only ever added."""
    op.create_table(
        "preferences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study", sa.String(length=64), nullable=True),
        sa.Column("item", sa.String(length=200), nullable=False),
        sa.Column("rater", sa.String(length=200), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("left_by", sa.String(length=200), nullable=False),
        sa.Column("right_by", sa.String(length=200), nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preferences")),
        sa.UniqueConstraint("study", "item", "rater", name=op.f("uq_preferences_study_item_rater")),
    )
    op.create_index(op.f("ix_preferences_study"), "preferences", ["study"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        for name, event in (("only_added", "UPDATE OR DELETE"), ("not_emptied", "TRUNCATE")):
            each = "STATEMENT" if event == "TRUNCATE" else "ROW"
            op.execute(
                f"CREATE TRIGGER preferences_{name} BEFORE {event} ON preferences "
                f"FOR EACH {each} EXECUTE FUNCTION a2c_only_added()"
            )
        return
    for what in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER preferences_no_{what} BEFORE {what} ON preferences "
            "BEGIN SELECT RAISE(ABORT, 'preferences: rows are only ever added'); END"
        )


def downgrade() -> None:
    """Drop the table, and its triggers with it."""
    op.drop_index(op.f("ix_preferences_study"), table_name="preferences")
    op.drop_table("preferences")
