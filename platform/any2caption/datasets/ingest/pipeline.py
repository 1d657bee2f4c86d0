"""The whole stage: ingest, validate, publish, enter into the catalogue. Returns ids only."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from any2caption.datasets.ingest.engine import IngestOptions, IngestResult, Progress, ingest
from any2caption.datasets.ingest.open_source import SourceOptions
from any2caption.errors import A2CError, GateRefused
from any2caption.progress import ProgressLog
from any2caption.settings import Settings
from any2caption.storage import ObjectStore, open_store
from any2caption.storage.content import MEDIA_PREFIX

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue
    from any2caption.datasets.contract.report import About
    from any2caption.datasets.contract.validation import ValidationResult
    from any2caption.datasets.snapshots import Draft

STAGE = "ingest"
_NAMED = 5  # failed expectations that the refusal names
Report = Callable[..., None]


@dataclass(frozen=True, slots=True)
class _Run:
    """What the steps of one run share."""

    settings: Settings
    catalogue: "Catalogue"
    store: ObjectStore
    report: Report
    lifecycle: str


def run_ingest(  # noqa: PLR0913 - the parameters of a run
    settings: Settings,
    source_uri: str,
    *,
    threshold: float = 0.05,
    lifecycle: str = "",
    workers: int = 2,
    prefix: str = "",
    options: SourceOptions | None = None,
    strict_drift: bool = False,
    allow_pending: bool = False,
    strict_camera: bool = False,
) -> dict[str, Any]:
    """Turn the source at `source_uri` (a manifest or a plain folder) into a published snapshot.

    Running it again on an unchanged source reads nothing and gives the same snapshot. Licences are
    held to the settings' allow-list; what was deleted on request does not come back.
    `strict_drift`: drift against the last snapshot refuses. `allow_pending`: a source whose records
    all lack captions is not an error; `snapshot` is None then. `strict_camera` (or the setting so
    named): texts that name camera movements which their path does not show are quarantined;
    without, they are counted, grouped and warned of.

    Returns:
        snapshot, source, records, rejected, quarantine (key or None), pending and pending_manifest
        (records that wait for captions), leaks, duplicates (key of the report), format, notes,
        media_sets, media_sets_parsed, splits, conditions, camera_language (texts held to their
        camera paths), data_docs and data_card (paths of the report and the card), warnings,
        unchanged, seconds of the ingest proper.

    Raises:
        InputError: there is no manifest and no known shape, or the given licence is not allowed.
        GateRefused: too many bad records, or the data contract failed; nothing was published.
        UnavailableError: a store or the catalogue does not answer.
    """
    from any2caption.datasets.catalogue import Catalogue
    from any2caption.datasets.digest_set import Digests
    from any2caption.datasets.ingest.run_cache import recall, remember, run_key
    from any2caption.datasets.licences import check_licence, parse_allowed
    from any2caption.datasets.removal import removed_keys
    from any2caption.datasets.snapshots import point

    report = ProgressLog(settings.progress_log, lifecycle).emit
    source = open_store(source_uri, settings.s3_endpoint_url)
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    chosen = IngestOptions(
        source=options or SourceOptions(),
        licences=parse_allowed(settings.licences),
        removed=removed_keys(store),
        strict_camera=strict_camera or settings.strict_camera,
    )
    if chosen.source.licence and chosen.licences is not None:
        check_licence(chosen.source.licence, chosen.licences)  # not once more for every record
    catalogue = Catalogue(settings.catalogue_url)
    run = _Run(settings, catalogue, store, report, lifecycle)
    try:
        catalogue.migrate()
        report(STAGE, f"reading {source_uri}")
        key = run_key(source, prefix, chosen, threshold)
        if (known := recall(store, key, lambda result: _still_good(catalogue, result))) is not None:
            point(store, known["snapshot"])
            report(STAGE, f"{source_uri} is unchanged", done=True, snapshot=known["snapshot"])
            return {**known, "unchanged": True, "media_sets_parsed": 0}
        result = ingest(
            source,
            prefix,
            store,
            workers=workers,
            threshold=threshold,
            progress=lambda progress: _report_progress(report, progress),
            options=chosen,
        )
        if not result.records:
            return _nothing_to_publish(result, store, allow_pending=allow_pending)
        document = _publish(run, result, source_uri, strict_drift=strict_drift)
        # The listing may have changed while it was read: then the next run looks again.
        if key == run_key(source, prefix, chosen, threshold):
            media = Digests.of(
                part["sha256"]
                for record in result.records.documents()
                for item in record["conditions"]
                for part in item["parts"]
            )
            remember(store, key, document, media)
    finally:
        catalogue.close()
    return {**document, "unchanged": False}


def _publish(
    run: _Run, result: IngestResult, source_uri: str, *, strict_drift: bool
) -> dict[str, Any]:
    from any2caption.datasets import data_card
    from any2caption.datasets.duplicates.groups import store_report
    from any2caption.datasets.snapshots import draft, publish
    from any2caption.datasets.supervision.camera_check import warnings_of

    with tempfile.TemporaryDirectory(prefix="a2c-draft-") as folder:
        found = draft(result.records, Path(folder) / "manifest.parquet")
        outcome = _validate(
            run, found, _about(result, found.id, source_uri), strict_drift=strict_drift
        )
        duplicates = store_report(run.store, found.id, result.duplicates)
        publish(run.store, found, source=source_uri)
    camera = found.statistics["camera_language"]
    doubts = warnings_of(camera)
    for doubt in doubts:
        run.report(STAGE, f"warning: {doubt}")
    run.catalogue.record_snapshot(
        found.id, source=source_uri, statistics=found.statistics, lifecycle=run.lifecycle
    )
    data_card.keep_ingest(run.store, found.id, _common(result))
    card = data_card.write(
        outcome.report.parent, data_card.facts(run.store, run.catalogue, found.id)
    )
    run.report(
        STAGE,
        f"snapshot {found.id[:12]}: {len(result.records)} records, "
        f"{result.rejected} in quarantine, {result.pending} wait for captions",
        done=True,
        snapshot=found.id,
    )
    return {
        "snapshot": found.id,
        "source": source_uri,
        "records": len(result.records),
        **_common(result),
        "splits": found.statistics["splits"],
        "conditions": found.statistics["conditions"],
        "duplicates": duplicates,
        "data_docs": str(outcome.report),
        "data_card": str(card),
        "expectations": outcome.expectations,
        "camera_language": camera,
        "warnings": [*map(str, outcome.warnings), *doubts],
    }


def _common(result: IngestResult) -> dict[str, Any]:
    return {
        "format": result.format,
        "rejected": result.rejected,
        "quarantine": result.quarantine_key,
        "pending": result.pending,
        "pending_manifest": result.pending_key,
        "leaks": result.leaks,
        "notes": list(result.notes),
        "media_sets": result.media_sets,
        "media_sets_parsed": result.media_sets_parsed,
        "seconds": result.seconds,
    }


def _nothing_to_publish(
    result: IngestResult, store: ObjectStore, *, allow_pending: bool
) -> dict[str, Any]:
    if not allow_pending:
        raise GateRefused(
            f"nothing to publish: {result.pending} good records have no six-part caption; annotate "
            f"{store.uri}/{result.pending_key} and ingest that manifest"
        )
    return {"snapshot": None, "records": 0, **_common(result), "unchanged": False}


def _about(result: IngestResult, identity: str, source: str) -> "About":
    from any2caption.datasets.contract.report import About

    return About(identity, source, result.rejected, result.quarantine_key or "", result.duplicates)


def _validate(
    run: _Run, found: "Draft", about: "About", *, strict_drift: bool
) -> "ValidationResult":
    """Run the data contract, enter its outcome, and refuse a data set that breaks it."""
    from any2caption.datasets.contract.validation import validate_manifest
    from any2caption.datasets.digest_set import Digests

    records = found.statistics["records"]
    run.report("validate", f"checking {records} records against the data contract")
    media = Digests.of(info.key.rpartition("/")[2] for info in run.store.list(MEDIA_PREFIX))
    folder = run.settings.home / "data_docs" / found.id[:16]
    last = run.catalogue.latest_snapshot()
    baseline = last.statistics if last is not None and last.id != found.id else None
    outcome = validate_manifest(found.path, media, folder, last=baseline, about=about)
    refusals = (*outcome.failures, *(outcome.warnings if strict_drift else ()))
    run.catalogue.record_validation(
        found.id,
        passed=not refusals,
        expectations=outcome.expectations,
        failures=[str(failure) for failure in (*outcome.failures, *outcome.warnings)],
        report=str(outcome.report),
        lifecycle=run.lifecycle,
    )
    if refusals:
        named = "; ".join(str(failure) for failure in refusals[:_NAMED])
        raise GateRefused(
            f"{len(refusals)} of {outcome.expectations} expectations of the data contract "
            f"failed; nothing is published. {named}. Report: {outcome.report}"
        )
    for warning in outcome.warnings:
        run.report("validate", f"warning: {warning}")
    run.report("validate", f"{outcome.expectations} expectations hold", done=True)
    return outcome


def _still_good(catalogue: "Catalogue", result: dict[str, Any]) -> bool:
    """Whether the catalogue knows the snapshot and its report is still there."""
    try:
        catalogue.snapshot(result["snapshot"])
    except A2CError:
        return False
    return Path(result["data_docs"]).is_file()


def _report_progress(report: Report, progress: Progress) -> None:
    report(
        STAGE,
        progress.stage,
        step=progress.done,
        total=progress.total,
        rate=round(progress.rate, 1),
        eta=round(progress.eta, 1),
    )
