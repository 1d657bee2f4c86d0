"""The catalogue's tables as typed SQLAlchemy models. Times are UTC; documents are JSON.

Every table has rows that are written once, except the `status` (and what comes with it) of training
runs, releases and deployments, and what deliveries have done. `promotions` is the ledger; of it, of
`verdicts`, `model_versions` and `preferences` triggers refuse every update and every deletion.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A time with a zone in Python, UTC in the database (SQLite keeps no zones)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; a time without a zone is a bug."""
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError("the catalogue takes times with a zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC, with its zone."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can refer to it on any database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - how SQLAlchemy declares it
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }


class Snapshot(Base):
    """A published data set; `id` is the digest of its content."""

    __tablename__ = "snapshots"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    source: Mapped[str]
    records: Mapped[int]
    statistics: Mapped[dict[str, Any]]
    lifecycle: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(default=now, index=True)


class Validation(Base):
    """A run of the data contract. A data set that was refused has an id but no snapshot."""

    __tablename__ = "validations"

    id: Mapped[int] = mapped_column(primary_key=True)
    snapshot_id: Mapped[str] = mapped_column(String(64), index=True)
    passed: Mapped[bool]
    expectations: Mapped[int]
    failures: Mapped[list[str]]
    report: Mapped[str]
    lifecycle: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(default=now)


class TrainingRun(Base):
    """A training run; `key` is the digest of snapshot, preset and recipe."""

    __tablename__ = "training_runs"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    snapshot_id: Mapped[str] = mapped_column(String(64), index=True)
    preset: Mapped[str]
    recipe: Mapped[str]
    status: Mapped[str] = mapped_column(String(32))
    mlflow_run: Mapped[str | None]
    metrics: Mapped[dict[str, Any]]
    lifecycle: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(default=now)
    updated: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class ModelVersion(Base):
    """A registered bundle: what version `version` of a model is, whatever the registry says."""

    __tablename__ = "model_versions"
    __table_args__ = (UniqueConstraint("model", "digest"),)

    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64))
    run_key: Mapped[str] = mapped_column(String(64), index=True)
    lifecycle: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(default=now)


class Verdict(Base):
    """What a gate said about a training run's model, against which champion, and why.

    `digest` and `champion_digest` are those of the two bundles, `selection_digest` that of the
    records evaluated, `policy_digest` that of the policy's content, `judge_digest` and
    `code_digest` those of the sources, `captions_digest` that of the texts judged, `report_digest`
    that of `report.json`. They are "" in rows from before they were kept; such a row promotes
    nothing. `requester` is who started the run, "" where nobody did.
    """

    __tablename__ = "verdicts"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_key: Mapped[str] = mapped_column(String(64), index=True)
    version: Mapped[int | None]
    champion: Mapped[int | None]
    policy: Mapped[str]
    passed: Mapped[bool]
    reasons: Mapped[list[str]]
    report: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64), server_default="")
    champion_digest: Mapped[str] = mapped_column(String(64), server_default="")
    snapshot_id: Mapped[str] = mapped_column(String(64), server_default="")
    policy_digest: Mapped[str] = mapped_column(String(64), server_default="")
    report_digest: Mapped[str] = mapped_column(String(64), server_default="")
    selection_digest: Mapped[str] = mapped_column(String(64), server_default="")
    judge_digest: Mapped[str] = mapped_column(String(64), server_default="")
    code_digest: Mapped[str] = mapped_column(String(64), server_default="")
    captions_digest: Mapped[str] = mapped_column(String(64), server_default="")
    requester: Mapped[str] = mapped_column(String(200), server_default="")
    for_release: Mapped[bool] = mapped_column(server_default=false())
    lifecycle: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(default=now)


class Promotion(Base):
    """One line of the ledger: line `sequence` of a model made `version` its champion.

    The unique pair (model, sequence) is what makes compare-and-swap safe: of any number of writers
    who read the same last line, one can add the next. `key` names the request, so that the same
    request sent again adds nothing. `verdict` is the row that was relied on; `digest` is that of
    this line and of the line before (`promotions.line_digest`), so that none can be changed alone.
    """

    __tablename__ = "promotions"
    __table_args__ = (
        UniqueConstraint("model", "sequence"),
        Index("ix_promotions_model_key", "model", "key", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200))
    sequence: Mapped[int]
    version: Mapped[int]
    previous: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(16))
    approver: Mapped[str]
    reason: Mapped[str]
    key: Mapped[str | None] = mapped_column(String(200))
    verdict: Mapped[int | None]
    digest: Mapped[str] = mapped_column(String(64), server_default="")
    created: Mapped[datetime] = mapped_column(default=now)


class Delivery(Base):
    """The outbox: what a line of the ledger still has to bring about, written with the line.

    `aliased` is when MLflow's alias first followed, `released` when the version answered. Only the
    last line's row is worked on: what an earlier one left undone, the last one overtakes.
    """

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("model", "sequence"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200))
    sequence: Mapped[int]
    version: Mapped[int]
    aliased: Mapped[datetime | None]
    released: Mapped[datetime | None]
    created: Mapped[datetime] = mapped_column(default=now)


class Correction(Base):
    """An alias that somebody had moved by hand, and that was moved back (None: there was none)."""

    __tablename__ = "corrections"

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200))
    alias: Mapped[str] = mapped_column(String(200))
    found: Mapped[int | None]
    restored: Mapped[int | None]
    created: Mapped[datetime] = mapped_column(default=now)


class Release(Base):
    """A Triton release built from one model version; numbers are never used again."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("model", "version", "digest"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200))
    version: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    uri: Mapped[str]
    status: Mapped[str] = mapped_column(String(32))
    lifecycle: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(default=now)
    updated: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class Deployment(Base):
    """A release on a server: rolling out, live, replaced, failed or rolled back, and why."""

    __tablename__ = "deployments"

    id: Mapped[int] = mapped_column(primary_key=True)
    release: Mapped[int] = mapped_column(ForeignKey("releases.number"), index=True)
    target: Mapped[str]
    status: Mapped[str] = mapped_column(String(32))
    message: Mapped[str]
    lifecycle: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(default=now)
    updated: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class AnnotationRun(Base):
    """An annotation of a source; `key` is the digest of source, annotator and extractors."""

    __tablename__ = "annotation_runs"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    source: Mapped[str]
    annotator: Mapped[str]
    report: Mapped[dict[str, Any]]
    lifecycle: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(default=now)
    updated: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class AnnotationReview(Base):
    """What one person said of one annotated record: accepted, edited or rejected.

    `reading` is 1, or 2 where a second person saw the same record. `changes` holds edited texts.
    """

    __tablename__ = "annotation_reviews"
    __table_args__ = (UniqueConstraint("run_key", "record_id", "reading"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_key: Mapped[str] = mapped_column(String(64), index=True)
    record_id: Mapped[str] = mapped_column(String(200))
    reading: Mapped[int]
    reviewer: Mapped[str]
    outcome: Mapped[str] = mapped_column(String(16))
    changes: Mapped[dict[str, Any]]
    created: Mapped[datetime] = mapped_column(default=now)


PREFERENCES = ("left", "right", "the same", "both are wrong")


class Preference(Base):
    """Which of two captions of one request a person prefers: a word of `PREFERENCES`.

    `item` names the request: a record's id, or the digest of a request that is no record. `left_by`
    and `right_by` say who wrote what stood left and right: a bundle's digest, or where and by which
    writer. A `study` compares two writers over many records, and a person is asked once for each;
    None is a comparison by the way, as often as one likes. `details` may hold texts and choices.
    """

    __tablename__ = "preferences"
    __table_args__ = (UniqueConstraint("study", "item", "rater"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study: Mapped[str | None] = mapped_column(String(64), index=True)
    item: Mapped[str] = mapped_column(String(200))
    rater: Mapped[str] = mapped_column(String(200))
    blind: Mapped[bool]
    left_by: Mapped[str] = mapped_column(String(200))
    right_by: Mapped[str] = mapped_column(String(200))
    verdict: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str]
    details: Mapped[dict[str, Any]]
    created: Mapped[datetime] = mapped_column(default=now)
