"""A model card, made from what is on record: Markdown and HTML, and the facts themselves.

Nothing is guessed: a section whose facts cannot be had says so, and why. The Markdown begins with
the metadata that Hugging Face's hub reads of a model's README.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import any2caption
from any2caption.datasets.data_card import hub_licence
from any2caption.errors import A2CError, ConflictError, IntegrityError, NotFoundError
from any2caption.evaluation.reports.judged import read_report
from any2caption.evaluation.scores import ALL
from any2caption.model.bundle_facts import bundle_facts
from any2caption.model.presets import FROM_SCRATCH, SMOL
from any2caption.pages import markdown, page_of
from any2caption.registry.client import MODEL, mlflow_client
from any2caption.registry.descriptions import described
from any2caption.registry.pages import training_page, version_artifact, version_page
from any2caption.registry.promotion import open_ledger
from any2caption.revision import revision
from any2caption.settings import Settings
from any2caption.storage import open_store, signatures
from any2caption.storage.digest import listing_digest
from any2caption.storage.signing_keys import Keys

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue, Verdict

SCHEMA = "a2c.model-card/1"
README, PAGE, FACTS = "README.md", "model_card.html", "model_card.json"
_SMOL = "HuggingFaceTB/SmolLM2-135M-Instruct"
_TASK = "video-text-to-text"
_GATE = ("policy", "records", "synthetic", "champion", "code", "baselines", "not_measured")


def facts(
    settings: Settings, bundle: Path, version: int | None = None, release: int | None = None
) -> dict[str, Any]:
    """Return what is known of the model in a bundle, and as which version and release.

    `missing` names sections that are None, and why. The bundle's signature is checked, not its
    files.

    Raises:
        IntegrityError: the bundle is not signed by our key, or a file of it is damaged.
    """
    digest = listing_digest(signatures.signed_digests(bundle, keys=Keys.of(settings)))
    known: dict[str, Any] = {
        "schema": SCHEMA,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": MODEL,
        "version": version,
        "release": release,
        "licence": settings.model_licence,
        "code": {"version": any2caption.__version__, "revision": revision()},
        "bundle": {"digest": digest, **bundle_facts(bundle)},
        "missing": {},
    }
    meta = known["bundle"]["meta"]

    def section(name: str, find: Callable[[], Any]) -> None:
        try:
            known[name] = find()
        except A2CError as error:
            known[name], known["missing"][name] = None, str(error)

    with closing(open_ledger(settings)) as ledger:
        section("training", lambda: _training(ledger, version, digest, meta))
        section("gate", lambda: _gate(ledger, version, digest))
        section("promotions", lambda: _promotions(ledger, version))
        snapshot = (known["training"] or meta).get("snapshot", "")
        section("data", lambda: _data(settings, ledger, snapshot))
    return known


def documents(known: Mapping[str, Any]) -> dict[str, str]:
    """Return the card as `{file name: content}`: Markdown, a page, and the facts as JSON."""
    title = f"Any2Caption, {_name(known)}"
    text = markdown(
        "any2caption.registry", "model_card.md", title=title, meta=_front(known, title), **known
    )
    content = json.dumps(known, indent=1, ensure_ascii=False) + "\n"
    return {README: text, PAGE: page_of(title, text), FACTS: content}


def publish(settings: Settings, known: Mapping[str, Any]) -> None:
    """Show a version's card in MLflow: as artifacts of its run, and as the description of both.

    Before it stand links to the gate's report and the training's run, and the life cycle's id.

    Raises:
        NotFoundError: MLflow does not know the version.
        UnavailableError: it does not answer.
    """
    version, texts = known["version"], documents(known)
    shown = described(texts[README], _links(settings, known))
    with mlflow_client(settings) as client:
        run = client.get_model_version(MODEL, str(version)).run_id
        for name, content in texts.items():
            client.log_text(run, content, f"card/{name}")
        client.update_model_version(MODEL, str(version), description=shown)
        client.set_tag(run, "mlflow.note.content", shown)


def _links(settings: Settings, known: Mapping[str, Any]) -> dict[str, str]:
    version, gate, training = known["version"], known["gate"], known["training"]
    links = {"Version": version_page(settings, version)}
    if gate:
        report = f"evaluation/{gate['policy']}/report.html"
        links["Gate report"] = version_artifact(settings, version, report)
    if training and training["run"]:
        links["Training run"] = training_page(settings, settings.runs / training["run"])
        links["Life cycle"] = training["lifecycle"]
    return links


def _name(known: Mapping[str, Any]) -> str:
    if known["version"] is None:
        return f"bundle {known['bundle']['digest'][:12]}"
    release = f", release {known['release']}" if known["release"] is not None else ""
    return f"version {known['version']}{release}"


def _training(
    ledger: "Catalogue", version: int | None, digest: str, meta: Mapping[str, Any]
) -> dict[str, Any]:
    """What the bundle says of its training, and the catalogue of the run."""
    found: dict[str, Any] = {"snapshot": meta.get("snapshot", ""), "run": "", **meta}
    if version is not None:
        run = ledger.training_run(_registered(ledger, version, digest))
        found |= {
            "run": run.key,
            "snapshot": run.snapshot_id,
            "preset": run.preset,
            "recipe": run.recipe,
            "lifecycle": run.lifecycle,
        }
    if not found.get("preset"):
        raise NotFoundError("the bundle does not say how it was trained")
    return {**found, "weights": _weights(found["preset"])}


def _weights(preset: str) -> str:
    if preset in FROM_SCRATCH:
        return "from scratch"
    if preset == SMOL.preset:
        return f"from {_SMOL} (Apache-2.0), unless other weights were given"
    return "from weights that whoever trained it brought; no licence of them is on record"


def _registered(ledger: "Catalogue", version: int, digest: str) -> str:
    """Return the run of a version that is this bundle."""
    row = ledger.model_version(MODEL, version)
    if row.digest != digest:
        raise ConflictError(f"the catalogue here knows version {version} as another bundle")
    return str(row.run_key)


def _gate(ledger: "Catalogue", version: int | None, digest: str) -> dict[str, Any]:
    if version is None:
        raise NotFoundError("a bundle alone has no verdict; give a version")
    _registered(ledger, version, digest)
    row = ledger.verdict_on(version)
    if row is None:
        raise NotFoundError(f"version {version} was never evaluated")
    return {
        "policy": row.policy,
        "passed": row.passed,
        "for_release": row.for_release,
        "reasons": row.reasons,
        "judged": row.created.isoformat(timespec="seconds"),
        "report": _report(row),
    }


def _report(row: "Verdict") -> dict[str, Any] | str:
    """What the judged report holds; a sentence where it is not there any more."""
    from any2caption.evaluation.reports.figures import figures, outcomes_of, weak
    from any2caption.evaluation.statistics.paired import Comparison

    try:
        report = read_report(row)
    except NotFoundError:
        return "the report's file is gone from this machine; MLflow has it"
    except IntegrityError:
        return "report.json is not the report that was judged"
    outcomes = outcomes_of(report)
    everything = report.get("slices", {}).get(ALL, {})
    return {
        **{name: report.get(name) for name in _GATE},
        "checks": report["verdict"]["checks"],
        "comparisons": [asdict(Comparison(**one)) for one in report["verdict"]["comparisons"]],
        "structure": everything.get("structure"),
        "wholes": everything.get("wholes", {}),
        "figures": figures(outcomes),
        "weak": weak(outcomes),
    }


def _promotions(ledger: "Catalogue", version: int | None) -> list[dict[str, Any]]:
    return [
        {
            "kind": line.kind,
            "approver": line.approver,
            "reason": line.reason,
            "created": line.created.isoformat(timespec="seconds"),
        }
        for line in ledger.ledger(MODEL)
        if line.version == version
    ]


def _data(settings: Settings, ledger: "Catalogue", snapshot: str) -> dict[str, Any]:
    from any2caption.datasets import data_card

    if not snapshot:
        raise NotFoundError("the bundle does not say what it was trained on")
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    found = data_card.facts(store, ledger, snapshot)
    return {name: found[name] for name in ("snapshot", "source", "withdrawn", "gaps", "statistics")}


def _front(known: Mapping[str, Any], title: str) -> str:
    import yaml

    data, gate, training = known["data"], known["gate"], known["training"]
    report = gate["report"] if gate and isinstance(gate["report"], dict) else None
    licence = hub_licence(known["licence"]) if known["licence"] else "other"
    named = {} if licence != "other" else {"license_name": known["licence"] or "not-stated"}
    kinds = known["bundle"]["meta"].get("kinds") or []
    synthetic = bool(data) and data["statistics"]["synthetic"] == data["statistics"]["records"]
    content = {
        "license": licence,
        **named,
        "language": ["en"],
        "library_name": "any2caption",
        "pipeline_tag": _TASK,
        "tags": [
            *("any2caption", "video-captioning", "controllable-video-generation"),
            *kinds,
            *([f"preset-{training['preset']}"] if training else []),
            *(["trained-on-synthetic-data"] if synthetic else []),
        ],
        **({"model-index": [_results(title, data, report)]} if data and report else {}),
    }
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _results(title: str, data: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """The gate's figures as the hub's evaluation results."""
    shown = [one for one in report["figures"] if one["slice"] == ALL]
    return {
        "name": title,
        "results": [
            {
                "task": {"type": _TASK, "name": "structured captions from conditions"},
                "dataset": {
                    "type": "a2c-snapshot",
                    "name": f"held-out records of snapshot {data['snapshot'][:12]}",
                    "split": "test",
                    "revision": data["snapshot"],
                },
                "metrics": [
                    {
                        "type": "accuracy",
                        "name": f"answers {one['group'] or 'in all'}",
                        "value": round(one["value"], 4),
                    }
                    for one in shown
                ],
            }
        ],
    }
