"""What orchestration and the command line call: ids in, ids out, every step recorded."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from any2caption.errors import ConflictError, GateRefused, IntegrityError, NotFoundError
from any2caption.evaluation.gates import policy_digest, policy_of
from any2caption.evaluation.reports.judged import Judged, read_report
from any2caption.evaluation.reports.report import Finding, load_finding
from any2caption.progress import ProgressLog
from any2caption.registry import charts, model_card, models, promotion, prompts
from any2caption.registry.client import MODEL
from any2caption.registry.models import Registered
from any2caption.registry.promotion import CHAMPION, Current
from any2caption.settings import Settings

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue


def run_register(  # noqa: PLR0913 - the run's own identity
    settings: Settings,
    *,
    bundle: Path,
    snapshot: str,
    run_key: str,
    preset: str,
    recipe: str,
    report: Path | None = None,
    requester: str = "",
    lifecycle: str = "",
) -> dict[str, Any]:
    """Register a bundle; with the folder of its evaluation `report`, record the verdict too.

    Returns `{"model", "version", "digest", "run_id", "passed", "policy", "champion"}`; `passed`
    is None without a report, `champion` is the present champion's version or None: the value to
    give to `run_promote` as `expected`. A refused model is registered and tagged with its reasons,
    then GateRefused is raised, so the chain stops and the reasons stay.

    Raises:
        GateRefused: the report's verdict is a refusal.
        ConflictError: the report is on another bundle, snapshot, selection or policy, or
            compared with another champion than the present one; or the catalogue knows the version
            as another bundle.
    """
    log = ProgressLog(settings.progress_log, lifecycle)
    log.emit("register", f"registering {bundle.name} of run {run_key}")
    found = models.register(
        settings, bundle, snapshot=snapshot, run_key=run_key, preset=preset, recipe=recipe
    )
    catalogue = promotion.open_ledger(settings)
    catalogue.record_model_version(
        MODEL, found.version, digest=found.digest, run_key=run_key, lifecycle=lifecycle
    )
    champion = promotion.champion_version(settings, catalogue)
    passed: bool | None = None
    policy = ""
    if report is not None:
        finding = load_finding(report / "report.json")
        verdict = finding.verdict
        _check_subject(finding, found, snapshot)
        compared = _check_comparison(catalogue, finding, found, champion)
        passed, policy = verdict.passed, verdict.policy
        catalogue.record_verdict(
            run_key,
            policy=verdict.policy,
            passed=verdict.passed,
            reasons=verdict.reasons,
            report=str(report / "report.html"),
            version=found.version,
            champion=champion if compared else None,
            digest=found.digest,
            champion_digest=compared,
            snapshot_id=finding.snapshot,
            policy_digest=finding.policy_digest,
            report_digest=finding.report_digest,
            **finding.digests,
            requester=requester,
            for_release=policy_of(verdict.policy).for_release,
            lifecycle=lifecycle,
        )
        models.record_verdict(settings, found.version, verdict, report)
        charts.log_gate(settings, found, verdict, finding.snapshot)
        if settings.judge.base_url:
            prompts.publish(settings)
        model_card.publish(settings, model_card.facts(settings, bundle, found.version))
        if not verdict.passed:
            log.emit("register", f"version {found.version} refused: {'; '.join(verdict.reasons)}")
            raise GateRefused(
                f"{MODEL} version {found.version} was refused by policy {verdict.policy}: "
                + "; ".join(verdict.reasons)
            )
    log.emit("register", f"{MODEL} version {found.version} is registered", version=found.version)
    return {
        "model": MODEL,
        "version": found.version,
        "digest": found.digest,
        "run_id": found.run_id,
        "passed": passed,
        "policy": policy,
        "champion": champion,
    }


def _check_subject(finding: Finding, found: Registered, snapshot: str) -> None:
    """A verdict holds only for bundle, snapshot, selection and policy that it was made on."""
    if finding.partial:
        raise ConflictError(
            "the report is on fewer records than its policy asks for: evaluate again, without "
            "--per-slice"
        )
    for what, reported, registered in (
        ("bundle", finding.bundle, found.digest),
        ("snapshot", finding.snapshot, snapshot),
        ("policy content", finding.policy_digest, policy_digest(policy_of(finding.verdict.policy))),
    ):
        if reported != registered:
            raise ConflictError(
                f"the report is on {what} {reported[:12] or 'unknown'}, not {registered[:12]}: "
                "evaluate again"
            )


def _check_comparison(
    catalogue: "Catalogue", finding: Finding, found: Registered, champion: int | None
) -> str:
    """A verdict holds only against the champion that it compared with; return its digest or ""."""
    if champion == found.version:
        return finding.champion or ""
    digest = catalogue.model_version(MODEL, champion).digest if champion else None
    if digest != finding.champion:
        compared = f"bundle {finding.champion[:12]}…" if finding.champion else "no champion"
        raise ConflictError(
            f"the report compared with {compared}, and the champion is version {champion}: "
            "evaluate again"
        )
    return digest or ""


def run_promote(  # noqa: PLR0913 - the decision's own inputs
    settings: Settings,
    *,
    version: int,
    approver: str,
    reason: str,
    expected: int | Current | None = Current.CHAMPION,
    force: bool = False,
    key: str | None = None,
    sequence: int | None = None,
    requester: str = "",
    lifecycle: str = "",
) -> dict[str, Any]:
    """Promote a version: `{"model", "version", "previous", "changed"}`; once for a `key`."""
    log = ProgressLog(settings.progress_log, lifecycle)
    done = promotion.promote(
        settings,
        version,
        approver,
        reason,
        expected=expected,
        force=force,
        key=key,
        sequence=sequence,
        requester=requester,
        ledger=promotion.open_ledger(settings),
    )
    verb = "is champion now" if done.changed else "was champion already"
    log.emit("promote", f"{MODEL} version {version} {verb}", version=version, approver=approver)
    return {"model": MODEL, **asdict(done)}


def run_rollback(  # noqa: PLR0913 - the decision's own inputs
    settings: Settings,
    *,
    approver: str,
    reason: str,
    key: str | None = None,
    sequence: int | None = None,
    lifecycle: str = "",
) -> dict[str, Any]:
    """Return to the champion before: `{"model", "version", "previous", "changed"}`.

    Sent again with the same `key`, it does not go back another step.
    """
    done = promotion.rollback(
        settings,
        approver,
        reason,
        key=key,
        sequence=sequence,
        ledger=promotion.open_ledger(settings),
    )
    ProgressLog(settings.progress_log, lifecycle).emit(
        "promote", f"rolled back to {MODEL} version {done.version}: {reason}", version=done.version
    )
    return {"model": MODEL, **asdict(done)}


def run_reconcile(settings: Settings) -> dict[str, Any]:
    """Make the alias agree with the ledger: `{"model", "alias", "version"}`."""
    version = promotion.reconcile(settings, ledger=promotion.open_ledger(settings))
    return {"model": MODEL, "alias": CHAMPION, "version": version}


def champion_bundle(settings: Settings, folder: Path | None = None) -> Path | None:
    """Fetch the champion's bundle by the ledger into a local cache; None while nobody is champion.

    The default folder is `<home>/bundles`; a bundle that is there and intact is not fetched again.
    """
    version = promotion.champion_version(settings, promotion.open_ledger(settings))
    if version is None:
        return None
    return version_bundle(settings, version, (folder or settings.home / "bundles") / f"v{version}")


def version_bundle(settings: Settings, version: int, dest: Path | None = None) -> Path:
    """Fetch a version's bundle to `dest`, checked against the digest that the catalogue holds.

    The default is a local cache.

    Raises:
        NotFoundError: catalogue or MLflow do not know the version.
        IntegrityError: what MLflow holds is another bundle, or not signed by our key.
    """
    digest = promotion.open_ledger(settings).model_version(MODEL, version).digest
    dest = dest or settings.home / "bundles" / f"v{version}"
    return models.fetch_bundle(settings, version, dest, digest=digest)


def judged_captions(settings: Settings, version: int) -> Judged | None:
    """Return the captions that a version's last verdict is on; None if it was never evaluated.

    They are read from the verdict's report, on this machine or in MLflow, held to its digest.

    Raises:
        NotFoundError: the report is in neither place.
        IntegrityError: what is there is another report.
        UnavailableError: it is not here, and MLflow does not answer.
    """
    with closing(promotion.open_ledger(settings)) as ledger:
        verdict = ledger.verdict_on(version)
    if verdict is None:
        return None
    try:
        return Judged.of(read_report(verdict))
    except (NotFoundError, IntegrityError) as here:
        try:
            return Judged.of(models.fetch_report(settings, version, verdict.policy, verdict))
        except (NotFoundError, IntegrityError) as error:
            raise type(error)(f"{here}; {error}: evaluate version {version} again") from error
