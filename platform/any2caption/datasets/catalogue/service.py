"""What the platform asks of the catalogue and writes into it. Every method is one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select

from any2caption.datasets.catalogue import database
from any2caption.datasets.catalogue.ledger import Ledger, last_line, last_verdict
from any2caption.datasets.catalogue.tables import (
    PREFERENCES,
    AnnotationReview,
    AnnotationRun,
    Base,
    Deployment,
    ModelVersion,
    Preference,
    Promotion,
    Release,
    Snapshot,
    TrainingRun,
    Validation,
    Verdict,
)
from any2caption.errors import ConflictError, InputError, NotFoundError

Document = Mapping[str, Any]
Row = TypeVar("Row", bound=Base)


class Catalogue(Ledger):
    """The catalogue at an SQLAlchemy URL (SQLite or PostgreSQL); rows come back detached.

    Errors: NotFoundError, ConflictError, ConfigError (no tables: call `migrate`), UnavailableError.
    """

    def __init__(self, url: str) -> None:
        self.engine = database.connect(url)

    def migrate(self) -> None:
        """Create or upgrade the tables; nothing happens when they are up to date."""
        database.migrate(self.engine)

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def record_snapshot(
        self, snapshot_id: str, *, source: str, statistics: Document, lifecycle: str = ""
    ) -> Snapshot:
        """Enter a published snapshot; entering it again changes nothing."""
        row = Snapshot(
            id=snapshot_id,
            source=source,
            records=int(statistics["records"]),
            statistics=dict(statistics),
            lifecycle=lifecycle,
        )
        return self._add_once(row, snapshot_id)

    def snapshot(self, snapshot_id: str) -> Snapshot:
        """Return a snapshot's row."""
        return self._get(Snapshot, snapshot_id)

    def latest_snapshot(self) -> Snapshot | None:
        """Return the snapshot that was entered last."""
        with database.reading(self.engine) as session:
            return session.scalar(select(Snapshot).order_by(Snapshot.created.desc()).limit(1))

    def record_validation(  # noqa: PLR0913 - the row's own columns
        self,
        snapshot_id: str,
        *,
        passed: bool,
        expectations: int,
        failures: Sequence[str] = (),
        report: str = "",
        lifecycle: str = "",
    ) -> Validation:
        """Enter a run of the data contract."""
        return self._add(
            Validation(
                snapshot_id=snapshot_id,
                passed=passed,
                expectations=expectations,
                failures=list(failures),
                report=report,
                lifecycle=lifecycle,
            )
        )

    def record_training_run(  # noqa: PLR0913 - the row's own columns
        self,
        key: str,
        *,
        snapshot_id: str,
        preset: str,
        recipe: str,
        status: str = "running",
        mlflow_run: str | None = None,
        metrics: Document | None = None,
        lifecycle: str = "",
    ) -> TrainingRun:
        """Enter a training run, or update status, MLflow run and metrics of one that is there."""
        with database.writing(self.engine) as session:
            row = session.get(TrainingRun, key)
            if row is None:
                row = TrainingRun(
                    key=key, snapshot_id=snapshot_id, preset=preset, recipe=recipe, metrics={}
                )
                session.add(row)
            row.status, row.lifecycle = status, lifecycle
            row.mlflow_run = mlflow_run or row.mlflow_run
            row.metrics = {**row.metrics, **(metrics or {})}
        return row

    def training_run(self, key: str) -> TrainingRun:
        """Return a training run's row."""
        return self._get(TrainingRun, key)

    def trained_on(self, snapshots: Sequence[str]) -> list[dict[str, Any]]:
        """Return the training runs on these snapshots, with what became of their models.

        Each is `{"run", "snapshot", "preset", "recipe", "status", "mlflow_run", "versions",
        "champion_of", "releases"}`; `champion_of` names models whose champion it is now.
        """
        found = []
        with database.reading(self.engine) as session:
            runs = select(TrainingRun).where(TrainingRun.snapshot_id.in_(snapshots))
            for run in session.scalars(runs.order_by(TrainingRun.created)):
                verdicts = select(Verdict.version).where(
                    Verdict.run_key == run.key, Verdict.version.is_not(None)
                )
                versions = sorted({int(item) for item in session.scalars(verdicts) if item})
                models = session.scalars(
                    select(Promotion.model).where(Promotion.version.in_(versions)).distinct()
                ).all()
                last = {model: session.scalar(last_line(model)) for model in models}
                releases = select(Release.number).where(Release.version.in_(versions))
                found.append(
                    {
                        "run": run.key,
                        "snapshot": run.snapshot_id,
                        "preset": run.preset,
                        "recipe": run.recipe,
                        "status": run.status,
                        "mlflow_run": run.mlflow_run,
                        "versions": versions,
                        "champion_of": [
                            model
                            for model, line in last.items()
                            if line and line.version in versions
                        ],
                        "releases": sorted(session.scalars(releases)),
                    }
                )
        return found

    def snapshots(self, limit: int = 100) -> list[Snapshot]:
        """Return the snapshots that were entered last, newest first."""
        statement = select(Snapshot).order_by(Snapshot.created.desc()).limit(limit)
        with database.reading(self.engine) as session:
            return list(session.scalars(statement))

    def validations(self, snapshot_id: str) -> list[Validation]:
        """Return the contract's runs on a data set, newest first."""
        statement = select(Validation).where(Validation.snapshot_id == snapshot_id)
        with database.reading(self.engine) as session:
            return list(session.scalars(statement.order_by(Validation.id.desc())))

    def record_model_version(
        self, model: str, version: int, *, digest: str, run_key: str, lifecycle: str = ""
    ) -> ModelVersion:
        """Enter what a registered version is; entering the same again changes nothing.

        Raises:
            ConflictError: the version is entered with another digest, or the digest as another
                version.
        """
        row = ModelVersion(
            model=model, version=version, digest=digest, run_key=run_key, lifecycle=lifecycle
        )
        found = self._add_once(row, (model, version))
        if found.digest != digest:
            raise ConflictError(
                f"version {version} of {model} is bundle {found.digest[:12]}… in the catalogue, "
                f"not {digest[:12]}…"
            )
        return found

    def model_version(self, model: str, version: int) -> ModelVersion:
        """Return what a version is; NotFoundError says how to enter one that is missing."""
        with database.reading(self.engine) as session:
            row = session.get(ModelVersion, (model, version))
        if row is None:
            raise NotFoundError(
                f"the catalogue does not know version {version} of {model}; registering its bundle "
                "(run `finetune` again on the same snapshot and recipe: nothing is trained twice) "
                "enters it"
            )
        return row

    def record_verdict(  # noqa: PLR0913 - the row's own columns
        self,
        run_key: str,
        *,
        policy: str,
        passed: bool,
        reasons: Sequence[str] = (),
        report: str = "",
        version: int | None = None,
        champion: int | None = None,
        digest: str = "",
        champion_digest: str = "",
        snapshot_id: str = "",
        policy_digest: str = "",
        report_digest: str = "",
        selection_digest: str = "",
        judge_digest: str = "",
        code_digest: str = "",
        captions_digest: str = "",
        requester: str = "",
        for_release: bool = False,
        lifecycle: str = "",
    ) -> Verdict:
        """Enter a gate's verdict on a run's model.

        A report counts once for a version: handed in again, its first row is returned, so that it
        cannot be made newer than a refusal.
        """
        with database.writing(self.engine) as session:
            if report_digest:
                same = select(Verdict).where(
                    Verdict.version == version, Verdict.report_digest == report_digest
                )
                if (found := session.scalar(same.limit(1))) is not None:
                    return found
            row = Verdict(
                run_key=run_key,
                version=version,
                champion=champion,
                policy=policy,
                passed=passed,
                reasons=list(reasons),
                report=report,
                digest=digest,
                champion_digest=champion_digest,
                snapshot_id=snapshot_id,
                policy_digest=policy_digest,
                report_digest=report_digest,
                selection_digest=selection_digest,
                judge_digest=judge_digest,
                code_digest=code_digest,
                captions_digest=captions_digest,
                requester=requester,
                for_release=for_release,
                lifecycle=lifecycle,
            )
            session.add(row)
        return row

    def verdict_on(self, version: int) -> Verdict | None:
        """Return the last verdict on a registered version."""
        with database.reading(self.engine) as session:
            return session.scalar(last_verdict(version))

    def verdicts(self, version: int | None = None) -> list[Verdict]:
        """Return the verdicts (on a version), oldest first."""
        statement = select(Verdict).order_by(Verdict.id)
        if version is not None:
            statement = statement.where(Verdict.version == version)
        with database.reading(self.engine) as session:
            return list(session.scalars(statement))

    def record_release(
        self, model: str, version: int, *, digest: str, uri: str = "", lifecycle: str = ""
    ) -> Release:
        """Give a model version's build (named by its content's digest) its release number.

        The same build gets the same number again.
        """
        with database.writing(self.engine) as session:
            statement = select(Release).where(
                Release.model == model, Release.version == version, Release.digest == digest
            )
            row = session.scalar(statement)
            if row is None:
                row = Release(
                    model=model,
                    version=version,
                    digest=digest,
                    uri=uri,
                    status="building",
                    lifecycle=lifecycle,
                )
                session.add(row)
        return row

    def update_release(self, number: int, *, status: str, uri: str | None = None) -> Release:
        """Set a release's status and where it lies.

        `building`, `ready`, `failed`, `rolled back` (after it was switched to), `retired` (gone).
        """
        with database.writing(self.engine) as session:
            row = _required(session.get(Release, number), f"release {number}")
            row.status = status
            row.uri = row.uri if uri is None else uri
        return row

    def release(self, number: int) -> Release:
        """Return a release's row."""
        return self._get(Release, number)

    def releases(self, model: str, version: int | None = None) -> list[Release]:
        """Return a model's releases (of one version), newest first."""
        statement = select(Release).where(Release.model == model)
        if version is not None:
            statement = statement.where(Release.version == version)
        with database.reading(self.engine) as session:
            return list(session.scalars(statement.order_by(Release.number.desc())))

    def record_deployment(
        self, release: int, *, target: str, status: str, message: str = "", lifecycle: str = ""
    ) -> Deployment:
        """Enter the start or the outcome of a roll-out to a server."""
        return self._add(
            Deployment(
                release=release, target=target, status=status, message=message, lifecycle=lifecycle
            )
        )

    def update_deployment(self, deployment: int, *, status: str, message: str = "") -> Deployment:
        """Set a deployment's status and the reason."""
        with database.writing(self.engine) as session:
            row = _required(session.get(Deployment, deployment), f"deployment {deployment}")
            row.status, row.message = status, message
        return row

    def deployed_since(self, model: str, version: int, since: datetime) -> Deployment | None:
        """Return the last roll-out of a version that was begun since then."""
        begun = (
            select(Deployment)
            .join(Release, Release.number == Deployment.release)
            .where(Release.model == model, Release.version == version, Deployment.created >= since)
        )
        with database.reading(self.engine) as session:
            return session.scalar(begun.order_by(Deployment.id.desc()).limit(1))

    def deployments(self, release: int) -> list[Deployment]:
        """Return the roll-outs of a release, newest first."""
        statement = select(Deployment).where(Deployment.release == release)
        with database.reading(self.engine) as session:
            return list(session.scalars(statement.order_by(Deployment.id.desc())))

    def latest_deployment(self, target: str) -> Deployment | None:
        """Return the last roll-out to a server, whatever became of it."""
        statement = select(Deployment).where(Deployment.target == target)
        with database.reading(self.engine) as session:
            return session.scalar(statement.order_by(Deployment.id.desc()).limit(1))

    def live_deployment(self, target: str) -> Deployment | None:
        """Return the last deployment on a server whose status is `live`."""
        statement = select(Deployment).where(
            Deployment.target == target, Deployment.status == "live"
        )
        with database.reading(self.engine) as session:
            return session.scalar(statement.order_by(Deployment.id.desc()).limit(1))

    def record_annotation_run(
        self, key: str, *, source: str, annotator: str, report: Document, lifecycle: str = ""
    ) -> AnnotationRun:
        """Enter an annotation run, or update the report of one that is there."""
        with database.writing(self.engine) as session:
            row = session.get(AnnotationRun, key)
            if row is None:
                row = AnnotationRun(key=key, source=source, annotator=annotator)
                session.add(row)
            row.report, row.lifecycle = dict(report), lifecycle
        return row

    def annotation_run(self, key: str) -> AnnotationRun:
        """Return an annotation run's row."""
        return self._get(AnnotationRun, key)

    def record_reviews(self, run_key: str, reviews: Sequence[Document]) -> int:
        """Enter what people said, in one transaction; return how many of it was new.

        A record is read once per `reading`: what is there already stays as it is.
        """
        known = {(row.record_id, row.reading) for row in self.reviews(run_key)}
        fresh = [one for one in reviews if (one["record_id"], one["reading"]) not in known]
        with database.writing(self.engine) as session:
            session.add_all(AnnotationReview(run_key=run_key, **one) for one in fresh)
        return len(fresh)

    def reviews(self, run_key: str) -> list[AnnotationReview]:
        """Return what people said of a run's records, in order of record and reading."""
        statement = select(AnnotationReview).where(AnnotationReview.run_key == run_key)
        ordered = statement.order_by(AnnotationReview.record_id, AnnotationReview.reading)
        with database.reading(self.engine) as session:
            return list(session.scalars(ordered))

    def record_preference(  # noqa: PLR0913 - the row's own columns
        self,
        item: str,
        verdict: str,
        *,
        left_by: str,
        right_by: str,
        rater: str,
        blind: bool,
        study: str | None = None,
        reason: str = "",
        details: Document | None = None,
    ) -> Preference:
        """Enter which of two captions a person prefers; InputError for an unknown `verdict`.

        In a study a person is asked once for each item: what is there already is returned.
        """
        if verdict not in PREFERENCES:
            raise InputError(f"choose {', '.join(PREFERENCES)}", field="which was better")
        with database.writing(self.engine) as session:
            if study is not None:
                same = select(Preference).filter_by(study=study, item=item, rater=rater)
                if (found := session.scalar(same)) is not None:
                    return found
            row = Preference(
                study=study,
                item=item,
                rater=rater,
                blind=blind,
                left_by=left_by,
                right_by=right_by,
                verdict=verdict,
                reason=reason,
                details=dict(details or {}),
            )
            session.add(row)
        return row

    def preferences(self, study: str | None = None) -> list[Preference]:
        """Return what people prefer, oldest first: in a study, or by the way."""
        statement = select(Preference).where(Preference.study == study).order_by(Preference.id)
        with database.reading(self.engine) as session:
            return list(session.scalars(statement))

    def _get(self, table: type[Row], key: object) -> Row:
        with database.reading(self.engine) as session:
            return _required(session.get(table, key), f"{table.__tablename__[:-1]} {key}")

    def _add(self, row: Row) -> Row:
        with database.writing(self.engine) as session:
            session.add(row)
        return row

    def _add_once(self, row: Row, key: object) -> Row:
        with database.writing(self.engine) as session:
            found = session.get(type(row), key)
            if found is not None:
                return found
            session.add(row)
        return row


def _required(row: Row | None, what: str) -> Row:
    if row is None:
        raise NotFoundError(f"the catalogue has no {what}")
    return row
