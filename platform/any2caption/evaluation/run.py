"""Evaluate a bundle on held-out records and write `report.json` and `report.html`.

`python -m any2caption.evaluation.run --bundle DIR --snapshot ID --policy tiny --out DIR` ends with
exit code 0 whatever the verdict: the verdict is in the report.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render, strict
from any2caption.commands import run_command
from any2caption.conditions.types import Condition
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import load_condition, load_snapshot
from any2caption.datasets.supervision.questions import asked_of, keep
from any2caption.errors import NotFoundError
from any2caption.evaluation import gates
from any2caption.evaluation.camera import camera_paths, cameras_of
from any2caption.evaluation.captioning import CaptionCache, Item, Texter, caption_all
from any2caption.evaluation.code import code_digest
from any2caption.evaluation.endpoint import endpoint_texts
from any2caption.evaluation.figures.clip_t import clip_t
from any2caption.evaluation.figures.closed_loop import closed_loop
from any2caption.evaluation.figures.irscore import irscore
from any2caption.evaluation.measure import (
    Measured,
    Selection,
    control,
    references_of,
    score,
)
from any2caption.evaluation.metrics import Prediction
from any2caption.evaluation.reports import report_html
from any2caption.evaluation.reports.cases import Case, cases, shown
from any2caption.evaluation.reports.report import Subject, build, not_measured
from any2caption.evaluation.reports.thumbnails import picture_of
from any2caption.evaluation.slices import pick, selection_digest
from any2caption.evaluation.statistics.outlook import look
from any2caption.evaluation.whole import Reference
from any2caption.grounding.compose import compose
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather
from any2caption.progress import ProgressLog
from any2caption.settings import Settings
from any2caption.storage import open_store, signatures
from any2caption.storage.atomic import write_atomically
from any2caption.storage.base import ObjectStore
from any2caption.storage.digest import listing_digest
from any2caption.storage.signing_keys import Keys

if TYPE_CHECKING:
    from any2caption.evaluation.figures.likeness import Clip

FREE_PER_SLICE = 4
"""Records of each slice that are captioned without the grammar too."""
_TOLD = ("preset", "recipe", "recipe_digest", "snapshot", "steps", "seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much at once (`batch`), and records per slice where the policy's number does not fit.

    `version` and `champion_version` are numbers in the registry, for readers of the report.
    """

    per_slice: int | None = None
    batch: int = 32
    version: int | None = None
    champion_version: int | None = None


def texter_of(bundle: Path, store: ObjectStore) -> Texter:
    """Load a bundle and return what captions items with it in this process."""
    from any2caption.model.inference import Captioner, Request

    captioner = Captioner(bundle)

    def write(items: Sequence[Item]) -> list[str]:
        requests = [
            Request(
                text=item.record.prompt, conditions=_conditions(store, item.donor or item.record)
            )
            for item in items
        ]
        return captioner.write(requests)  # what is no whole caption is for the gate to refuse

    return write


def free_texts(bundle: Path, store: ObjectStore, records: Sequence[Record]) -> list[str]:
    """Caption records with a bundle and without the grammar: what the model writes by itself."""
    from any2caption.model.inference import Captioner, Request

    asked = [Request(text=one.prompt, conditions=_conditions(store, one)) for one in records]
    return Captioner(bundle).write(asked, free=True)


def _conditions(store: ObjectStore, record: Record) -> list[Condition]:
    return [load_condition(store, condition) for condition in record.conditions]


@dataclass(frozen=True, slots=True)
class RunContext:
    """Everything two models share: the same records, what is known of them, store and plan."""

    settings: Settings
    store: ObjectStore
    selection: Selection
    references: Mapping[str, Reference]
    policy: gates.Policy
    plan: Plan
    progress: ProgressLog

    def _control_of(self, name: str) -> int:
        return self.policy.control_of(name, self.plan.per_slice or self.policy.per_slice)

    def measure(self, bundle: Path, digest: str, what: str) -> Measured:
        """Caption and judge with one bundle, whose digest is known."""
        name = f"{digest}-{code_digest()[:16]}.jsonl"
        cache = CaptionCache(self.settings.home / "cache" / "captions" / name)
        plain = [Item(record) for group in self.selection.values() for record in group]
        by_id = {item.record.id: item.record for item in plain}
        swapped = [
            Item(by_id[record], donor)
            for pairs in control(self.selection, self._control_of).values()
            for record, donor in pairs.items()
        ]
        texts = caption_all(
            [*plain, *swapped],
            lambda: texter_of(bundle, self.store),
            cache,
            batch=self.plan.batch,
            progress=self.progress,
            what=what,
        )
        own = {item.record.id: text for item, text in zip(plain, texts, strict=False)}
        other = {
            item.record.id: text for item, text in zip(swapped, texts[len(plain) :], strict=True)
        }
        return score(self.selection, own, other, self.references)

    def baselines(self) -> dict[str, Measured]:
        """Measure the writers that need no model: rules over facts, and the prompt as it is.

        The endpoint that writes captions, too, if one is set: as it is, without the check.
        """
        texts = {
            name: {record: write(one) for record, one in self.references.items()}
            for name, write in BASELINES.items()
        }
        if self.settings.writer.base_url:
            texts["endpoint"] = endpoint_texts(
                self.settings.writer,
                {name: one.facts for name, one in self.references.items()},
                lambda name: _conditions(self.store, self.references[name].record),
            )
        return {
            name: score(self.selection, one, {}, self.references) for name, one in texts.items()
        }


def _composed(reference: Reference) -> str:
    return render(compose(reference.facts).caption)


def _prompt(reference: Reference) -> str:
    prompt = reference.record.prompt.strip() or "A video."
    return render(StructuredCaption(**dict.fromkeys(PARTS, prompt)))


BASELINES: Mapping[str, Callable[[Reference], str]] = {"compose": _composed, "prompt": _prompt}


def _facts(store: ObjectStore, record: Record) -> Facts:
    """Gather what a record's request states."""
    return gather(record.prompt, _conditions(store, record))


def _digest_of(settings: Settings, bundle: Path) -> str:
    """Check a bundle's signature and every file of it; return its digest."""
    if not bundle.is_dir():
        raise NotFoundError(f"{bundle}: no model bundle there")
    return listing_digest(signatures.verify(bundle, keys=Keys.of(settings)))


def _clip(settings: Settings) -> "Clip | None":
    if settings.clip_weights is None:
        return None
    from any2caption.evaluation.figures.likeness import Clip

    return Clip(settings.clip_weights)


def evaluate(  # noqa: PLR0913 - what is evaluated, where, and how much
    settings: Settings,
    *,
    bundle: Path,
    snapshot: str,
    policy: str,
    out: Path,
    champion: Path | None = None,
    best: Path | None = None,
    plan: Plan | None = None,
    lifecycle: str = "",
) -> gates.Verdict:
    """Caption, judge, decide and write the report into `out`; returns the verdict.

    `champion` is what is served now, `best` the former champion that was best.

    Raises:
        NotFoundError: bundle or snapshot is missing, or the snapshot has no test records.
        IntegrityError: a bundle is not what our key signed.
        ConfigError: the policy is unknown, or `A2C_CLIP_WEIGHTS` names no weights of CLIP.
    """
    rules, plan, started = gates.policy_of(policy), plan or Plan(), time.monotonic()
    # Both before the first caption: hours may lie between.
    digest = _digest_of(settings, bundle)
    champion_digest = _digest_of(settings, champion) if champion else ""
    best_digest = _digest_of(settings, best) if best else ""
    clip = _clip(settings)
    progress = ProgressLog(settings.progress_log, lifecycle)
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    chosen = pick(load_snapshot(store, snapshot).records("test"), plan.per_slice or rules.per_slice)
    if not chosen:
        raise NotFoundError(f"snapshot {snapshot} has no test records")
    questions = keep(store, snapshot, (record for group in chosen.values() for record in group))
    selection = {name: [asked_of(record) for record in group] for name, group in chosen.items()}
    count = sum(len(group) for group in selection.values())
    progress.emit("evaluate", f"{count} held-out records in {len(selection)} slices", total=count)
    references = references_of(selection, lambda record: _facts(store, record))
    context = RunContext(settings, store, selection, references, rules, plan, progress)
    challenger = context.measure(bundle, digest, "challenger")
    former = context.measure(champion, champion_digest, "champion") if champion else None
    leader = context.measure(best, best_digest, "best former champion") if best else None
    baselines = context.baselines()
    verdict = gates.decide(
        challenger.scores,
        former.scores if former else None,
        rules,
        best=leader.scores if leader else None,
        baselines={name: one.scores for name, one in baselines.items()},
    )
    subject = Subject(
        bundle=digest,
        snapshot=snapshot,
        champion=champion_digest or None,
        synthetic=sum(r.synthetic for group in selection.values() for r in group),
        records=count,
        selection=selection_digest(selection),
        partial=plan.per_slice is not None and plan.per_slice < rules.per_slice,
        version=plan.version,
        champion_version=plan.champion_version,
        training=_training(bundle),
    )
    found = cases(challenger.scores, former.scores if former else None)
    by_id = {record.id: record for group in selection.values() for record in group}
    samples = [_sample(store, one, by_id[one.record], challenger, former) for one in shown(found)]
    everything = [one.record for one in references.values()]
    paths = camera_paths(everything, lambda kept: load_condition(store, kept))
    report = build(
        *(subject, selection, challenger),
        verdict=verdict,
        policy=rules,
        samples=samples,
        paths=paths,
        baselines=baselines,
        champion=former,
        cases=found,
    )
    report["questions"] = questions
    sample = [one for group in selection.values() for one in group[:FREE_PER_SLICE]]
    written = free_texts(bundle, store, sample)
    report["structure"] = {
        "records": len(sample),
        "free": sum(map(strict, written)),
        "constrained": sum(strict(challenger.predictions[one.id].text) for one in sample),
    }
    writers = {"model": challenger, **baselines}
    report["closed_loop"] = closed_loop(
        everything,
        cameras_of(everything, lambda kept: load_condition(store, kept)),
        {name: _captions(one) for name, one in writers.items()},
    )
    if clip:
        report["clip_t"] = clip_t(
            clip,
            everything,
            lambda record: _conditions(store, record),
            {name: _dense(one) for name, one in writers.items()},
        )
    if settings.judge.base_url:
        progress.emit("evaluate", f"IRScore by {settings.judge.model}")
        report["irscore"] = irscore(
            settings.judge,
            store,
            challenger.scores.outcomes,
            {record.id: record.qa for record in everything},
            {name: one.text for name, one in challenger.predictions.items()},
        )
    report["not_measured"] = not_measured(report)
    report["outlook"] = [{**asdict(one), "told": str(one)} for one in look(selection, rules).sights]
    _write(out, {**report, "seconds": round(time.monotonic() - started, 1)})
    state = "passed" if verdict.passed else f"refused: {'; '.join(verdict.reasons)}"
    progress.emit("evaluate", f"gate {policy} {state}", passed=verdict.passed)
    return verdict


def _captions(measured: Measured) -> Callable[[Record], StructuredCaption | None]:
    return lambda record: measured.predictions[record.id].caption


def _dense(measured: Measured) -> Callable[[Record], str]:
    def dense(record: Record) -> str:
        said = measured.predictions[record.id]
        return said.caption.dense if said.caption else said.text

    return dense


def _sample(
    store: ObjectStore, case: Case, record: Record, measured: Measured, former: Measured | None
) -> dict[str, Any]:
    """Everything that the report shows of a record, its conditions drawn."""
    told = {one.record: one.told for one in measured.scores.wholes}
    return {
        "record": record.id,
        "slice": case.slice,
        "regressed": case.regressed,
        "prompt": record.prompt,
        "gold": record.caption.model_dump(),
        "model": _written(measured.predictions[record.id]),
        "champion": _written(former.predictions[record.id]) if former else None,
        "found": list(told.get(record.id, ())),
        "newly": list(case.newly),
        "conditions": [
            {
                "label": f"{kept.kind} {kept.number}{f' ({kept.role})' if kept.role else ''}, "
                f"{kept.format}, {kept.frames} frame{'s' if kept.frames > 1 else ''}",
                "picture": picture_of(load_condition(store, kept)),
            }
            for kept in record.conditions
        ],
        "questions": [
            {
                **qa.model_dump(mode="json"),
                "correct": index not in case.wrong,
                "lost": index in case.lost,
            }
            for index, qa in enumerate(record.qa)
        ],
    }


def _written(one: Prediction) -> dict[str, Any]:
    parts = one.caption.model_dump() if one.caption else {}
    return {"text": one.text, "problem": one.problem, "parts": parts}


def _training(bundle: Path) -> dict[str, Any]:
    """What a verified bundle says of how it came to be; nothing of one that says nothing."""
    try:
        meta = json.loads((bundle / "meta.json").read_bytes())
    except FileNotFoundError:
        return {}
    return {name: meta[name] for name in _TOLD if name in meta}


def _write(out: Path, report: dict[str, Any]) -> None:
    """Write both files, each at once; the JSON, which says that the evaluation is done, last."""
    out.mkdir(parents=True, exist_ok=True)
    contents = {
        "report.html": report_html.page(report),
        "report.json": json.dumps(report, indent=1, ensure_ascii=False),
    }
    for name, content in contents.items():
        write_atomically(out / name, content)


def main(  # noqa: PLR0913, PLR0917 - a command's options
    bundle: Annotated[Path, typer.Option(help="Folder of the model bundle")],
    snapshot: Annotated[str, typer.Option(help="Id of the snapshot")],
    out: Annotated[Path, typer.Option(help="Folder for the report")],
    policy: Annotated[str, typer.Option(help=f"One of {', '.join(gates.POLICIES)}")] = "tiny",
    champion: Annotated[Path | None, typer.Option(help="Folder of the champion's bundle")] = None,
    best: Annotated[
        Path | None, typer.Option(help="Folder of the best former champion's bundle")
    ] = None,
    per_slice: Annotated[
        int | None, typer.Option(min=1, help="Override of the policy's records per slice")
    ] = None,
    batch: Annotated[int, typer.Option(min=1)] = 32,
    version: Annotated[int | None, typer.Option(help="Its number in the registry")] = None,
    champion_version: Annotated[int | None, typer.Option(help="The champion's")] = None,
    lifecycle: Annotated[str, typer.Option()] = "",
) -> None:
    """Evaluate and write the report; a refusal by the gate is not an error."""
    verdict = evaluate(
        Settings(),
        bundle=bundle,
        snapshot=snapshot,
        policy=policy,
        out=out,
        champion=champion,
        best=best,
        plan=Plan(
            per_slice=per_slice, batch=batch, version=version, champion_version=champion_version
        ),
        lifecycle=lifecycle,
    )
    result = {
        "passed": verdict.passed,
        "policy": verdict.policy,
        "reasons": list(verdict.reasons),
        "report": str(out / "report.html"),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    sys.exit(run_command(main))
