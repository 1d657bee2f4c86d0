"""What each control task does: a request in, ids out. No Airflow here; heavy libraries load where they are used."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from any2caption.errors import A2CError, GateRefused, NotFoundError
from any2caption.orchestration import work
from any2caption.orchestration.requests import require
from any2caption.progress import ProgressLog
from any2caption.settings import Settings

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


def ingest(settings: Settings, request: Request) -> Request:
    """Parse, probe, quarantine, validate and publish a source; adds the snapshot's id."""
    from any2caption.datasets.ingest import run_ingest

    with reported(settings, request, "ingest") as log:
        source = require(
            request, "source", "give the param `source` or set A2C_SOURCE to a folder with a manifest"
        )
        log.emit("ingest", f"reading {source}")
        result = run_ingest(settings, source, lifecycle=request["lifecycle"])
        return {**request, "snapshot": result["snapshot"]}


def plan_training(settings: Settings, request: Request) -> Request:
    """Name the training run by what it depends on, and enter it in the catalogue."""
    from any2caption.datasets.catalogue import Catalogue

    with reported(settings, request, "finetune") as log:
        catalogue = Catalogue(settings.catalogue_url)
        catalogue.migrate()
        snapshot = request.get("snapshot")
        if not snapshot:
            latest = catalogue.latest_snapshot()
            if latest is None:
                raise NotFoundError("there is no snapshot to train on; run ingest_conditions first")
            snapshot = latest.id
        recipe = recipe_content(request["recipe"])
        planned = {**request, "snapshot": snapshot}
        planned["run"] = work.run_key(snapshot, request["preset"], recipe)
        catalogue.record_training_run(
            planned["run"],
            snapshot_id=snapshot,
            preset=request["preset"],
            recipe=request["recipe"],
            lifecycle=request["lifecycle"],
        )
        catalogue.close()
        reused = work.bundle(settings, planned["run"]).exists()
        said = "is there already and is reused" if reused else f"{request['preset']} starts"
        log.emit("finetune", f"training run {planned['run']} {said}", run=planned["run"])
        return {
            **planned,
            "prepare": work.prepare(settings, planned).as_dict(),
            "train": work.train(settings, planned).as_dict(),
        }


def recipe_content(name: str) -> dict[str, Any]:
    """Return everything in a recipe that can change what training yields."""
    from any2caption.training.recipes import recipe_content as content

    return dict(content(name))


def register(settings: Settings, request: Request) -> Request:
    """Register the run's bundle as a version (the same bundle: the same version)."""
    from any2caption.datasets.catalogue import Catalogue
    from any2caption.registry import models

    with reported(settings, request, "register") as log:
        bundle = work.bundle(settings, request["run"])
        found = models.register(
            settings,
            bundle,
            snapshot=request["snapshot"],
            run_key=request["run"],
            preset=request["preset"],
            recipe=request["recipe"],
        )
        catalogue = Catalogue(settings.catalogue_url)
        catalogue.record_training_run(
            request["run"],
            snapshot_id=request["snapshot"],
            preset=request["preset"],
            recipe=request["recipe"],
            status="finished",
            mlflow_run=found.run_id,
            lifecycle=request["lifecycle"],
        )
        catalogue.close()
        log.emit("register", f"version {found.version} is registered", version=found.version)
        return {**request, "version": found.version}


def plan_evaluation(settings: Settings, request: Request) -> Request:
    """Fetch the champion to compare with; a version that is champion itself keeps its old report."""
    from any2caption.registry import models, promotion

    with reported(settings, request, "evaluate") as log:
        version = int(require(request, "version", "give the param `version` of a registered model"))
        tags = models.get(settings, version).tags
        planned = {
            **request,
            "version": version,
            "run": request.get("run") or tags["a2c.run_key"],
            "snapshot": request.get("snapshot") or tags["a2c.snapshot"],
        }
        _restore_bundle(settings, planned)
        champion = promotion.champion_version(settings)
        other, planned["evaluation"] = None, request["policy"]
        if champion is not None and champion != version:
            folder = settings.home / "champions" / str(champion)
            other = models.fetch_bundle(settings, champion, folder)
            planned["evaluation"] = f"{request['policy']}-vs-{champion}"
        elif champion == version:
            planned["evaluation"] = _former_evaluation(settings, planned)
        against = f"against champion {champion}" if other else "without a champion beside it"
        log.emit("evaluate", f"version {version} under policy {request['policy']}, {against}")
        return {**planned, "score": work.evaluate(settings, planned, other).as_dict()}


def _restore_bundle(settings: Settings, request: Request) -> None:
    """Put the registered bundle where the run left it, if it is no longer there."""
    from any2caption.registry import models

    folder = work.bundle(settings, request["run"])
    if not folder.exists():
        models.fetch_bundle(settings, request["version"], folder)


def _former_evaluation(settings: Settings, request: Request) -> str:
    """The folder of the report that made this version champion, else a fresh one."""
    policy = str(request["policy"])
    reports = (settings.runs / request["run"] / "evaluation").glob(f"{policy}*/report.json")
    names = [report.parent.name for report in sorted(reports, key=lambda r: r.stat().st_mtime)]
    names = [name for name in names if name == policy or name.startswith(f"{policy}-vs-")]
    return names[-1] if names else policy


def judge(settings: Settings, request: Request) -> Request:
    """Write the verdict to MLflow and the catalogue.

    Raises:
        GateRefused: the gate said no; the message carries its reasons.
    """
    from any2caption.datasets.catalogue import Catalogue
    from any2caption.evaluation.run import read_verdict
    from any2caption.registry import models

    with reported(settings, request, "evaluate") as log:
        folder = work.evaluation(settings, request)
        verdict = read_verdict(folder)
        models.record_verdict(settings, request["version"], verdict, folder)
        catalogue = Catalogue(settings.catalogue_url)
        catalogue.record_verdict(
            request["run"],
            policy=verdict.policy,
            passed=verdict.passed,
            reasons=verdict.reasons,
            report=str(folder / "report.html"),
            version=request["version"],
            lifecycle=request["lifecycle"],
        )
        catalogue.close()
        report = str(folder / "report.html")
        if not verdict.passed:
            raise GateRefused(
                f"version {request['version']} stays out, the champion stays: "
                f"{'; '.join(verdict.reasons)} (report: {report})"
            )
        log.emit("evaluate", "; ".join(verdict.reasons), passed=True, report=report)
        return request


def promote(settings: Settings, request: Request) -> Request:
    """Make the version champion: ledger by compare-and-swap, then MLflow's alias."""
    from any2caption.registry import promotion

    with reported(settings, request, "promote") as log:
        version = int(require(request, "version", "give the param `version` of a challenger"))
        approver = str(request.get("approver") or "automatic")
        done = promotion.promote(
            settings, version, approver, f"lifecycle {request['lifecycle']}: gate passed"
        )
        said = "is champion now" if done.changed else "is the champion already"
        log.emit("promote", f"version {version} {said}", version=version, approver=approver)
        return {**request, "version": version}


def release(settings: Settings, request: Request) -> Request:
    """Build the champion's release, roll it out, and see it answer."""
    from any2caption.registry import promotion
    from any2caption.serving.rollout import run_release

    with reported(settings, request, "release") as log:
        version = request.get("version") or promotion.champion_version(settings)
        if not version:
            raise NotFoundError("there is no champion to release; promote a version first")
        result = run_release(settings, int(version), lifecycle=request["lifecycle"])
        log.emit("release", f"release {result['release']} of version {version} answers", **result)
        return {**request, "version": int(version), "release": result["release"]}


def reconcile(settings: Settings) -> int | None:
    """Point MLflow's alias at the ledger's champion again."""
    from any2caption.registry import promotion

    return promotion.reconcile(settings)


def retain(settings: Settings, *, days: int, now: float | None = None) -> list[str]:
    """Remove what training can make again from runs that ended over `days` days ago; returns their keys.

    Bundles, metrics and reports stay. A run without a bundle is unfinished and is left alone.
    """
    limit = (now or time.time()) - days * 86_400
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


def lag(settings: Settings) -> dict[str, Any]:
    """Say what is served and whether that is the champion; used by the watchdog."""
    from any2caption.registry import promotion

    pointer = settings.home / "triton" / "CURRENT"
    served = json.loads(pointer.read_text()) if pointer.exists() else None
    return {"champion": promotion.champion_version(settings), "served": served}
