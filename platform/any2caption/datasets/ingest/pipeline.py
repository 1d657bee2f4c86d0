"""The whole stage: ingest, validate, publish, enter into the catalogue. Returns ids only."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from any2caption.datasets.ingest.engine import IngestResult, Progress, ingest
from any2caption.errors import GateRefused
from any2caption.progress import ProgressLog
from any2caption.settings import Settings
from any2caption.storage import ObjectStore, open_store
from any2caption.storage.content import MEDIA_PREFIX

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue

STAGE = "ingest"
_NAMED = 5  # failed expectations that the refusal names
Report = Callable[..., None]


def run_ingest(  # noqa: PLR0913 - the parameters of a run
    settings: Settings,
    source_uri: str,
    *,
    threshold: float = 0.05,
    lifecycle: str = "",
    workers: int = 2,
    prefix: str = "",
) -> dict[str, Any]:
    """Turn the source at `source_uri` (which holds `manifest.jsonl`) into a published snapshot.

    Running it again on an unchanged source parses nothing and gives the same snapshot.

    Returns:
        snapshot, records, rejected, quarantine (key or None), media_sets, media_sets_parsed,
        splits, conditions, data_docs (path of the report), seconds of the ingest proper.

    Raises:
        InputError: there is no manifest.
        GateRefused: too many bad records, or the data contract failed; nothing was published.
        UnavailableError: a store or the catalogue does not answer.
    """
    from any2caption.datasets.catalogue import Catalogue
    from any2caption.datasets.snapshots import publish, snapshot_id

    report = ProgressLog(settings.progress_log, lifecycle).emit
    source = open_store(source_uri, settings.s3_endpoint_url)
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    catalogue = Catalogue(settings.catalogue_url)
    try:
        catalogue.migrate()
        report(STAGE, f"reading {source_uri}")
        result = ingest(
            source,
            prefix,
            store,
            workers=workers,
            threshold=threshold,
            progress=lambda progress: _report_progress(report, progress),
        )
        identity = snapshot_id(result.records)
        data_docs = _validate(settings, catalogue, store, result, identity, report, lifecycle)
        snapshot = publish(store, result.records, source=source_uri)
        catalogue.record_snapshot(
            snapshot.id, source=source_uri, statistics=snapshot.statistics, lifecycle=lifecycle
        )
    finally:
        catalogue.close()
    report(
        STAGE,
        f"snapshot {snapshot.id[:12]}: {len(snapshot)} records, {result.rejected} in quarantine",
        done=True,
        snapshot=snapshot.id,
    )
    return {
        "snapshot": snapshot.id,
        "records": len(snapshot),
        "rejected": result.rejected,
        "quarantine": result.quarantine_key,
        "media_sets": result.media_sets,
        "media_sets_parsed": result.media_sets_parsed,
        "splits": snapshot.statistics["splits"],
        "conditions": snapshot.statistics["conditions"],
        "data_docs": data_docs,
        "seconds": result.seconds,
    }


def _validate(  # noqa: PLR0913, PLR0917 - one step of the function above
    settings: Settings,
    catalogue: "Catalogue",
    store: ObjectStore,
    result: IngestResult,
    identity: str,
    report: Report,
    lifecycle: str,
) -> str:
    """Run the data contract, enter its outcome, and refuse a data set that breaks it."""
    from any2caption.datasets.contract import validate

    report("validate", f"checking {len(result.records)} records against the data contract")
    media = {info.key.rpartition("/")[2] for info in store.list(MEDIA_PREFIX)}
    outcome = validate(result.records, media, settings.home / "data_docs" / identity[:16])
    catalogue.record_validation(
        identity,
        passed=outcome.passed,
        expectations=outcome.expectations,
        failures=[str(failure) for failure in outcome.failures],
        report=str(outcome.report),
        lifecycle=lifecycle,
    )
    if not outcome.passed:
        named = "; ".join(str(failure) for failure in outcome.failures[:_NAMED])
        raise GateRefused(
            f"{len(outcome.failures)} of {outcome.expectations} expectations of the data contract "
            f"failed; nothing is published. {named}. Report: {outcome.report}"
        )
    report("validate", f"{outcome.expectations} expectations hold", done=True)
    return str(outcome.report)


def _report_progress(report: Report, progress: Progress) -> None:
    report(
        STAGE,
        progress.stage,
        step=progress.done,
        total=progress.total,
        rate=round(progress.rate, 1),
        eta=round(progress.eta, 1),
    )
