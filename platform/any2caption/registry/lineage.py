"""Where a version comes from: its verdicts, its run, its snapshot, every source and licence."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from any2caption.datasets.snapshots import load_snapshot
from any2caption.errors import A2CError, NotFoundError, UnavailableError
from any2caption.model.presets import FROM_SCRATCH
from any2caption.registry.client import MODEL
from any2caption.registry.promotion import open_ledger
from any2caption.settings import Settings
from any2caption.storage import open_store

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue


def lineage(settings: Settings, version: int | None = None) -> dict[str, Any]:
    """Follow a version (None: the champion) back to its sources.

    Returns `{"version", "digest", "promoted", "verdict", "run", "preset", "recipe", "weights",
    "snapshot", "source", "records", "sources"}`; `sources` are `{"source", "licence", "records"}`.

    Raises:
        NotFoundError: there is no champion, or catalogue or store do not know what it comes from.
        IntegrityError: the stored snapshot is not what its id says.
    """
    with closing(open_ledger(settings)) as ledger:
        if version is None:
            champion = ledger.champion(MODEL)
            if champion is None:
                raise NotFoundError("there is no champion; give a version")
            version = champion.version
        known = ledger.model_version(MODEL, version)
        run = ledger.training_run(known.run_key)
        snapshot = ledger.snapshot(run.snapshot_id)
        return {
            "version": version,
            "digest": known.digest,
            "promoted": _promotions(ledger, version),
            "verdict": _verdict(ledger, version),
            "run": run.key,
            "preset": run.preset,
            "recipe": run.recipe,
            "weights": "from scratch"
            if run.preset in FROM_SCRATCH
            else "brought by whoever trained; the catalogue holds no licence of them",
            "snapshot": snapshot.id,
            "source": snapshot.source,
            "records": snapshot.records,
            "sources": _sources(settings, snapshot.id),
        }


def _promotions(ledger: "Catalogue", version: int) -> list[dict[str, Any]]:
    return [
        {
            "sequence": line.sequence,
            "kind": line.kind,
            "approver": line.approver,
            "reason": line.reason,
            "created": line.created.isoformat(timespec="seconds"),
        }
        for line in ledger.ledger(MODEL)
        if line.version == version
    ]


def _verdict(ledger: "Catalogue", version: int) -> dict[str, Any] | None:
    row = ledger.verdict_on(version)
    if row is None:
        return None
    return {"policy": row.policy, "passed": row.passed, "report": row.report, "id": row.id}


def _sources(settings: Settings, snapshot: str) -> list[dict[str, Any]]:
    """Count the records of each source under each licence; a withdrawn snapshot is read too."""
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    records = load_snapshot(store, snapshot, withdrawn=True).manifest.documents()
    found = Counter((record["source"], record["licence"]) for record in records)
    return [
        {"source": source, "licence": licence, "records": count}
        for (source, licence), count in sorted(found.items())
    ]


def findings(settings: Settings) -> list[tuple[bool | None, str]]:
    """Hold ledger, verdicts and MLflow to each other; return `(right, sentence)` for each.

    `right` is None where that could not be looked at.
    """
    from any2caption.registry import models, promotion

    found: list[tuple[bool | None, str]] = []

    def check(what: str | UnavailableError, done: str) -> None:
        away = isinstance(what, UnavailableError)
        found.append((None if away else not what, str(what) or done))

    with closing(open_ledger(settings)) as ledger:
        lines = ledger.ledger(MODEL)
        check(_said(lambda: ledger.check_ledger(MODEL)), f"ledger: {len(lines)} lines, unbroken")
        rows = {row.id: row for row in ledger.verdicts()}
        for line in lines:
            if line.verdict is not None:
                row = rows.get(line.verdict)
                right = row is not None and row.passed and row.version == line.version
                check(
                    "" if right else f"line {line.sequence}: verdict {line.verdict} allows nothing",
                    f"line {line.sequence}: verdict {line.verdict} passed version {line.version}",
                )
        if not lines:
            return found
        version = lines[-1].version

        def stored() -> None:
            promotion.check_stored(settings, ledger, version)

        def aliased() -> None:
            alias = models.by_alias(settings, promotion.CHAMPION)
            if alias is None or alias.version != version:
                said = f"version {alias.version}" if alias else "nothing"
                raise NotFoundError(f"alias champion: {said}, the ledger says version {version}")

        check(_said(stored), f"MLflow: version {version} is the bundle that was registered")
        check(_said(aliased), f"alias champion: version {version}")
    return found


def _said(check: Callable[[], object]) -> str | UnavailableError:
    try:
        check()
    except UnavailableError as error:
        return error
    except A2CError as error:
        return str(error)
    return ""
