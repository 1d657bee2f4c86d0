"""What each control task does: a request in, ids out. No Airflow here."""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from any2caption.errors import A2CError, ConflictError, NotFoundError, UnavailableError
from any2caption.orchestration.jobs import job_spec
from any2caption.orchestration.lifecycle import new_id
from any2caption.orchestration.run_request import require
from any2caption.progress import ProgressLog
from any2caption.settings import Settings
from any2caption.storage import open_store
from any2caption.storage.scratch import sweep
from any2caption.storage.space import require_room

ROLLBACK_ROOM = 2 << 20  # bytes: lines of the catalogue, code and configuration of the steps
_DAY = 86_400.0

Request = dict[str, Any]
Action = Callable[[Settings, Request], Request]


@contextmanager
def reported(settings: Settings, request: Mapping[str, Any], stage: str) -> Iterator[ProgressLog]:
    """Yield the life cycle's progress log; an error inside is written there before it goes on."""
    log = ProgressLog(settings.progress_log, str(request["lifecycle"]))
    try:
        yield log
    except A2CError as error:
        log.emit(
            stage,
            str(error),
            status="retrying" if error.retryable else "failed",
            error=type(error).__name__,
        )
        raise


def plan_ingest(settings: Settings, request: Request) -> Request:
    """Write down the command that reads the source."""
    with reported(settings, request, "ingest"):
        hint = "give the param `source` or set A2C_SOURCE to a folder with a manifest"
        source = str(require(request, "source", hint)).rstrip("/")
        planned = {**request, "source": source}
        return {**planned, "ingest": job_spec.ingest(settings, planned).as_dict()}


def published(settings: Settings, request: Request) -> Request:
    """Add the id of the snapshot that the ingest published, and tell MLflow of it.

    An MLflow that does not answer stops nothing: store and catalogue have the result.
    """
    from any2caption.registry.datasets import log_data_set

    path = Path(request["ingest"]["folder"]) / "result.json"
    with reported(settings, request, "ingest") as log:
        if not path.exists():
            raise NotFoundError(f"{path}: the ingest left no result")
        result = json.loads(path.read_text())
        try:
            log_data_set(settings, result)
        except UnavailableError as error:
            log.emit("ingest", f"not in MLflow: {error}")
        return {**request, "snapshot": result["snapshot"]}


def plan_training(settings: Settings, request: Request) -> Request:
    """Name the training run by what it depends on, and enter it in the catalogue.

    A policy that does not exist, or by which no model of the snapshot could ever be judged, is
    refused here: after the training it would be too late.
    """
    from any2caption.datasets.catalogue import Catalogue
    from any2caption.evaluation.gates import policy_of

    with reported(settings, request, "finetune") as log:
        if "policy" in request:
            policy_of(request["policy"])
        catalogue = Catalogue(settings.catalogue_url)
        catalogue.migrate()
        snapshot = request.get("snapshot")
        if not snapshot:
            latest = catalogue.latest_snapshot()
            if latest is None:
                raise NotFoundError("there is no snapshot to train on; run ingest_conditions first")
            snapshot = latest.id
        if "policy" in request:
            _look_ahead(settings, snapshot, request["policy"], log)
        recipe = recipe_content(request["recipe"])
        planned = {**request, "snapshot": snapshot}
        planned["run"] = job_spec.run_key(
            snapshot, request["preset"], recipe, str(request.get("weights", ""))
        )
        catalogue.record_training_run(
            planned["run"],
            snapshot_id=snapshot,
            preset=request["preset"],
            recipe=request["recipe"],
            lifecycle=request["lifecycle"],
        )
        catalogue.close()
        reused = job_spec.bundle(settings, planned["run"]).exists()
        said = "is there already and is reused" if reused else f"{request['preset']} starts"
        log.emit("finetune", f"training run {planned['run']} {said}", run=planned["run"])
        return {
            **planned,
            "prepare": job_spec.prepare(settings, planned).as_dict(),
            "train": job_spec.train(settings, planned).as_dict(),
        }


def _look_ahead(settings: Settings, snapshot: str, policy: str, log: ProgressLog) -> None:
    """Say what the gate will be able to measure; GateRefused where it could never say yes."""
    from any2caption.datasets.snapshots import load_snapshot
    from any2caption.errors import GateRefused
    from any2caption.evaluation.gates import policy_of
    from any2caption.evaluation.statistics.outlook import outlook

    store = open_store(settings.object_store, settings.s3_endpoint_url)
    found = outlook(load_snapshot(store, snapshot).records("test"), policy_of(policy))
    for sight in found.sights:
        log.emit("finetune", f"the gate {policy} will see {sight}")
    if found.objections:
        raise GateRefused(
            f"no model of snapshot {snapshot[:12]} could pass policy {policy}: "
            + "; ".join(found.objections)
        )


def recipe_content(name: str) -> dict[str, Any]:
    """Return everything in a recipe that can change what training yields."""
    from any2caption.training.recipes.builtin import recipe_content as content

    return dict(content(name))


def register(settings: Settings, request: Request) -> Request:
    """Register the run's bundle as a version (the same bundle: the same version)."""
    from any2caption.datasets.catalogue import Catalogue
    from any2caption.registry.commands import run_register

    with reported(settings, request, "register") as log:
        found = run_register(
            settings, bundle=job_spec.bundle(settings, request["run"]), **_of(request)
        )
        catalogue = Catalogue(settings.catalogue_url)
        catalogue.record_training_run(
            request["run"],
            snapshot_id=request["snapshot"],
            preset=request["preset"],
            recipe=request["recipe"],
            status="finished",
            mlflow_run=found["run_id"],
            lifecycle=request["lifecycle"],
        )
        catalogue.close()
        _send_metrics(settings, [job_spec.bundle(settings, request["run"]).parent], log, "register")
        return {**request, "version": found["version"]}


def _send_metrics(
    settings: Settings, folders: Iterable[Path], log: ProgressLog, stage: str
) -> list[str]:
    """Send what MLflow lacks of finished runs; return a sentence for each that had a rest."""
    from any2caption.training.loop.metrics import send_pending

    sentences = [
        f"training run {folder.parent.name}: {lacks or 'its last metrics are in MLflow now'}"
        for folder, lacks in send_pending(folders, settings.mlflow_url).items()
    ]
    for sentence in sentences:
        log.emit(stage, sentence)
    return sentences


def _of(request: Mapping[str, Any]) -> dict[str, Any]:
    """What a registered version is tagged with."""
    return {
        "snapshot": request["snapshot"],
        "run_key": request["run"],
        "preset": request["preset"],
        "recipe": request["recipe"],
        "lifecycle": request["lifecycle"],
    }


def plan_evaluation(settings: Settings, request: Request) -> Request:
    """Fetch the champion to compare with; a version that is champion keeps its old report.

    What the version is and comes from is read from the catalogue, never from MLflow's tags.
    """
    from any2caption.registry.best import best_former
    from any2caption.registry.client import MODEL
    from any2caption.registry.commands import champion_bundle, version_bundle
    from any2caption.registry.promotion import champion_version, open_ledger

    with reported(settings, request, "evaluate") as log:
        version = int(require(request, "version", "give the param `version` of a registered model"))
        catalogue = open_ledger(settings)
        registered = catalogue.model_version(MODEL, version)
        run = catalogue.training_run(registered.run_key)
        known = {"snapshot": run.snapshot_id, "preset": run.preset, "recipe": run.recipe}
        planned = {
            **known,
            **request,
            "version": version,
            "digest": registered.digest,
            "run": request.get("run") or run.key,
            "champion": champion_version(settings, catalogue) or 0,
        }
        best = best_former(catalogue, planned["snapshot"], {version, planned["champion"]})
        catalogue.close()
        bundle = job_spec.bundle(settings, planned["run"])
        if not bundle.exists():
            version_bundle(settings, version, bundle)
        other, leader, planned["evaluation"] = None, None, job_spec.evaluation_name(planned)
        if planned["champion"] == version:
            planned["evaluation"] = _former_evaluation(settings, planned)
        elif planned["champion"]:
            other = champion_bundle(settings)
            planned["evaluation"] += f"-vs-{planned['champion']}"
            if best:
                leader = version_bundle(settings, best)
                planned["evaluation"] += f"-and-{best}"
        against = f"against champion {planned['champion']}" if other else "with no other champion"
        against += f" and the best former one, {best}" if leader else ""
        log.emit("evaluate", f"version {version} under policy {request['policy']}, {against}")
        return {**planned, "score": job_spec.evaluate(settings, planned, other, leader).as_dict()}


def _former_evaluation(settings: Settings, request: Request) -> str:
    """The folder of the report that made this version champion, else a fresh one."""
    name = str(request["evaluation"])
    reports = job_spec.evaluation(settings, request).parent.glob(f"{name}*/report.json")
    names = [report.parent.name for report in sorted(reports, key=lambda r: r.stat().st_mtime)]
    return names[-1] if names else name


def judge(settings: Settings, request: Request) -> Request:
    """Record the verdict in MLflow and the catalogue.

    Raises:
        GateRefused: the gate said no; the message carries its reasons.
    """
    from any2caption.registry.commands import run_register

    with reported(settings, request, "evaluate") as log:
        folder = job_spec.evaluation(settings, request)
        bundle = job_spec.bundle(settings, request["run"])
        found = run_register(
            settings,
            bundle=bundle,
            report=folder,
            requester=str(request.get("requester", "")),
            **_of(request),
        )
        log.emit(
            "evaluate",
            f"version {found['version']} passed policy {found['policy']}",
            report=str(folder / "report.html"),
        )
        return {**request, "version": found["version"]}


def describe(settings: Settings, version: int) -> str:
    """Write the page that a person reads before a promotion; what is missing is said there."""
    from any2caption.orchestration.approval.page import page

    try:
        return page(settings, version)
    except A2CError as error:
        return f"Version **{version}**: nothing can be shown of it: {error}"


def promote(settings: Settings, request: Request) -> Request:
    """Make the version champion, if the champion is still the one that it was compared with."""
    from any2caption.registry.commands import run_promote
    from any2caption.registry.promotion import Current

    with reported(settings, request, "promote"):
        version = int(require(request, "version", "give the param `version` of a challenger"))
        known = "champion" in request
        run_promote(
            settings,
            version=version,
            approver=str(request.get("approver") or "automatic"),
            reason=f"gate passed in life cycle {request['lifecycle']}",
            expected=(request["champion"] or None) if known else Current.CHAMPION,
            key=f"{request['lifecycle']} promotes {version}",
            requester=str(request.get("requester", "")),
            lifecycle=request["lifecycle"],
        )
        return {**request, "version": version}


def release(settings: Settings, request: Request) -> Request:
    """Build the champion's release from its registered bundle, and roll it out.

    Raises:
        ConflictError: the version asked for is not the champion: only promotion leads to traffic.
        GateRefused: its trial went wrong, or writes other captions than were judged.
    """
    from any2caption.registry import model_card, promotion
    from any2caption.registry.commands import judged_captions, version_bundle
    from any2caption.serving.releases.rollout import run_release

    def known(number: int) -> Request:
        return model_card.facts(settings, bundle, version, number)

    with reported(settings, request, "release") as log:
        champion = promotion.champion_version(settings)
        if champion is None:
            raise NotFoundError("there is no champion to release; promote a version first")
        version = int(request.get("version") or champion)
        if version != champion:
            raise ConflictError(
                f"version {version} is not released: the champion is version {champion}"
            )
        bundle = version_bundle(settings, version)
        result = run_release(
            settings,
            bundle,
            version,
            lifecycle=request["lifecycle"],
            say=lambda sentence: log.emit("release", sentence),
            describe=lambda number: model_card.documents(known(number)),
            judged=lambda: judged_captions(settings, version),
        )
        number = result["release"]
        log.emit("release", f"release {number} of version {version} answers", release=number)
        try:
            model_card.publish(settings, known(number))
        except A2CError as error:
            log.emit("release", f"MLflow does not show its card: {error}")
        try:
            gone = retire(settings)["releases"]
        except A2CError as error:
            log.emit("release", f"old releases stay until housekeeping: {error}")
        else:
            if gone:
                log.emit("release", f"releases {', '.join(map(str, gone))} are retired")
        return {**request, "version": version, "release": number}


def unreleased(settings: Settings, *, now: datetime | None = None) -> int | None:
    """Return the champion if it is not served and nobody is about to (`reconciler.unserved`)."""
    from any2caption.orchestration.reconciler import unserved
    from any2caption.registry.promotion import open_ledger

    with closing(open_ledger(settings)) as catalogue:
        return unserved(settings, catalogue, now=now)


def roll_back(  # noqa: PLR0913 - the decision's own inputs
    settings: Settings,
    *,
    approver: str,
    reason: str,
    key: str | None = None,
    sequence: int | None = None,
    say: Callable[[str], None],
) -> Request:
    """Make the former champion champion again and serve it, without Airflow.

    Returns `{"version", "previous", "release", "changed"}`. Ledger, alias and server end in
    agreement: what cannot be served is not champion either. The request `key` sent again goes no
    second step back, but serves what its first try was stopped from serving.

    Raises:
        A2CError: nothing changed, or what changed was taken back; the message is the reason.
    """
    from any2caption.registry import promotion
    from any2caption.serving.releases import recall, rollout

    live = rollout.live_repository(settings)
    sweep(live.releases)  # on a full disk the first thing to go
    require_room(settings.home, ROLLBACK_ROOM, "a rollback")
    ledger = promotion.open_ledger(settings)
    try:
        made = ledger.repeated(rollout.MODEL, key)
        target = made.version if made else ledger.rollback_target(rollout.MODEL, sequence=sequence)
        found = recall.find_release(settings, ledger, target)
        held = target if found else None
        done = promotion.rollback(
            settings, approver, reason, key=key, sequence=sequence, held=held, ledger=ledger
        )
        say(f"ledger: version {done.version} is champion (before: {done.previous})")
        lifecycle = f"rollback-{new_id()}"
        try:
            if found is None or done.version != target:
                say(f"no release of version {done.version} is left here: building it again")
                request = {"lifecycle": lifecycle, "version": done.version}
                served = release(settings, request)
            else:
                served = recall.serve_again(settings, ledger, found, lifecycle=lifecycle, say=say)
        except A2CError as error:
            if done.changed:
                promotion.undo_rollback(settings, done, approver, str(error), ledger=ledger)
                back = f"version {done.previous} is champion again"
                say(f"ledger: {back}; serving was left as it was")
            raise
    finally:
        ledger.close()
    say(f"serving: release {served['release']} of version {done.version} answers")
    log = ProgressLog(settings.progress_log, lifecycle)
    log.emit("promote", f"rolled back to version {done.version}: {reason}", version=done.version)
    return {**asdict(done), "release": served["release"]}


def retire(settings: Settings) -> dict[str, list[int]]:
    """Remove releases and downloaded bundles beyond A2C_KEEP_RELEASES."""
    from any2caption.serving.releases.retention import retire as retire_releases

    return retire_releases(settings)


def sweep_store(settings: Settings) -> int:
    """Remove what writers that were killed left half written in the object store a day ago."""
    return open_store(settings.object_store, settings.s3_endpoint_url).sweep(older=_DAY)


def reconcile(settings: Settings) -> dict[str, Any]:
    """Point MLflow's alias at the ledger's champion again."""
    from any2caption.registry.commands import run_reconcile

    return run_reconcile(settings)


def send_metrics(settings: Settings) -> list[str]:
    """Send what MLflow lacks of every finished training run: what an outage at its end left."""
    log = ProgressLog(settings.progress_log)
    return _send_metrics(settings, sorted(settings.runs.glob("*/train")), log, "housekeeping")


def retain(settings: Settings, *, days: int, now: float | None = None) -> list[str]:
    """Remove what training can make again from runs older than `days` days; return their keys.

    Bundles, metrics and reports stay. A run without a bundle is unfinished and is left alone.
    """
    limit = (now or time.time()) - days * _DAY
    removed = []
    for run in sorted(settings.runs.glob("*/")):
        data, checkpoints = run / "data", run / "train" / "checkpoints"
        bundle = run / "train" / "bundle"
        if not bundle.exists() or bundle.stat().st_mtime > limit:
            continue
        present = [folder for folder in (data, checkpoints) if folder.exists()]
        for folder in present:
            shutil.rmtree(folder)
        if present:
            removed.append(run.name)
    return removed


def watch(settings: Settings) -> list[dict[str, Any]]:
    """Bring back the serving steps whose worker process died; say how each answered."""
    from any2caption.serving.control import connect
    from any2caption.serving.releases.rollout import live_repository
    from any2caption.serving.releases.watchdog import watch as probe_all
    from any2caption.storage.signing_keys import Keys

    with connect(settings) as control:
        live = live_repository(settings)
        return [asdict(probe) for probe in probe_all(control, live, keys=Keys.of(settings))]
