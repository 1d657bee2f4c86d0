"""A ledger that nobody can alter unseen, what its lines bring about, and whole verdicts."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from any2caption.datasets.catalogue.promotions import line_digest
from any2caption.datasets.catalogue.tables import UtcDateTime

revision = "0004_ledger"
down_revision = "0003_trust"
branch_labels = None
depends_on = None

_DIGESTS = ("selection_digest", "judge_digest", "code_digest", "captions_digest")
_ONLY_ADDED = ("promotions", "verdicts", "model_versions")
_LINE = ("model", "sequence", "version", "previous", "kind", "approver", "reason", "key", "verdict")


def upgrade() -> None:
    """Add columns and tables, chain the lines that are there, then forbid to change them."""
    for name in _DIGESTS:
        op.add_column(
            "verdicts", sa.Column(name, sa.String(length=64), server_default="", nullable=False)
        )
    op.add_column(
        "verdicts", sa.Column("requester", sa.String(length=200), server_default="", nullable=False)
    )
    op.add_column("promotions", sa.Column("verdict", sa.Integer(), nullable=True))
    op.add_column(
        "promotions", sa.Column("digest", sa.String(length=64), server_default="", nullable=False)
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("aliased", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("model", "sequence", name=op.f("uq_deliveries_model_sequence")),
    )
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("alias", sa.String(length=200), nullable=False),
        sa.Column("found", sa.Integer(), nullable=True),
        sa.Column("restored", sa.Integer(), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    _chain()
    _forbid()


def _chain() -> None:
    """Give the lines that are there their digests, and each model's last one its delivery."""
    lines = _table("promotions", "id", "digest", *_LINE)
    bind = op.get_bind()
    before: dict[str, str] = {}
    last: dict[str, sa.Row[Any]] = {}
    for line in bind.execute(sa.select(lines).order_by(lines.c.model, lines.c.sequence)).all():
        before[line.model] = line_digest(before.get(line.model, ""), line)
        last[line.model] = line
        found = sa.update(lines).where(lines.c.id == line.id)
        bind.execute(found.values(digest=before[line.model]))
    names = ("model", "sequence", "version")
    deliveries = _table("deliveries", *names)
    for line in last.values():
        row = {name: getattr(line, name) for name in (*names, "created")}
        bind.execute(sa.insert(deliveries).values(**row))


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *map(sa.column, columns), sa.column("created", UtcDateTime()))


def _forbid() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION a2c_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION '%: rows are only ever added', TG_TABLE_NAME; END $$"
        )
        for table in _ONLY_ADDED:
            op.execute(
                f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION a2c_only_added()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION a2c_only_added()"
            )
        return
    for table in _ONLY_ADDED:
        for what in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{what} BEFORE {what} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table}: rows are only ever added'); END"
            )
    # INSERT OR REPLACE deletes without asking the trigger above.
    op.execute(
        "CREATE TRIGGER promotions_no_replace BEFORE INSERT ON promotions WHEN EXISTS (SELECT 1 "
        "FROM promotions WHERE id = NEW.id OR (model = NEW.model AND sequence >= NEW.sequence)) "
        "BEGIN SELECT RAISE(ABORT, 'promotions: rows are only ever added'); END"
    )


def downgrade() -> None:
    """Take back what `upgrade` added."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION a2c_only_added() CASCADE")
    else:
        for table in _ONLY_ADDED:
            for what in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{what}")
        op.execute("DROP TRIGGER promotions_no_replace")
    op.drop_table("corrections")
    op.drop_table("deliveries")
    op.drop_column("promotions", "digest")
    op.drop_column("promotions", "verdict")
    op.drop_column("verdicts", "requester")
    for name in reversed(_DIGESTS):
        op.drop_column("verdicts", name)
