"""The evaluation report as plain JSON values, and reading a verdict back from it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from any2caption.captions.text import render
from any2caption.errors import InputError
from any2caption.evaluation.camera import Paths, agreement
from any2caption.evaluation.code import code_digest, judge_digest, revision
from any2caption.evaluation.gates import Check, Policy, Verdict, policy_digest
from any2caption.evaluation.measure import Measured, Selection, overlap_of, overlap_tables
from any2caption.evaluation.metrics import METRICS, WHOLE
from any2caption.evaluation.reports import side_by_side
from any2caption.evaluation.reports.cases import Case
from any2caption.evaluation.scores import ALL, GROUPS, Rate, Scores, Selector
from any2caption.evaluation.statistics.paired import Comparison
from any2caption.evaluation.whole import CHECKS
from any2caption.storage import digest_of

SCHEMA = "a2c.evaluation/1"
DIGESTS = ("selection", "judge", "code", "captions")
NOT_MEASURED: tuple[tuple[str, str, str], ...] = (
    ("", "BERTScore", "an encoder comes with the extra `metrics`: python bench/metrics.py --slow"),
    ("", "METEOR 1.5", "a Java program of the extra `metrics`: python bench/metrics.py --slow"),
    ("clip_t", "CLIP-T", "set A2C_CLIP_WEIGHTS to a folder with CLIP as transformers saves it"),
    (
        "",
        "CLIP-I, DINO-I",
        (
            "compare generated frames with pictures of identities; previs, the generator here, "
            "draws stand-ins, so they would measure its drawing. Functions for given weights: "
            "evaluation.figures.likeness"
        ),
    ),
    (
        "",
        "VBench",
        "needs videos of a pretrained generator; for those, with given weights: bench/vbench.py",
    ),
    (
        "irscore",
        "IRScore by a language model (right or wrong, quality 0…5)",
        "set A2C_JUDGE_BASE_URL and A2C_JUDGE_MODEL; the judge of this report follows rules",
    ),
)
"""The report's key that holds a figure ("": none does), the figure, what it would take."""
NOTES: tuple[str, ...] = (
    (
        "Intent accuracy: a deterministic judge reads the predicted caption alone; mentioning "
        "several candidates counts as wrong. Only questions that the inputs determine are asked."
    ),
    (
        "Camera part and geometry: the movements that the written camera part names are held to "
        "those that the path of the condition shows; not part of the gate."
    ),
    (
        "Shuffled control: prompts kept, conditions taken from another record; right answers are "
        "then chance."
    ),
    "The paper's own test set is unpublished, so its figures are not comparable to these.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was evaluated: digests of bundles and selection, the snapshot, how many requests.

    `partial` says that fewer records were taken than the policy asks for; `version` and
    `champion_version` are their numbers in the registry, where they have any; `training` what the
    bundle says of how it came to be.
    """

    bundle: str
    snapshot: str
    champion: str | None
    synthetic: int
    records: int
    selection: str = ""
    partial: bool = False
    version: int | None = None
    champion_version: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)


def _rate(rate: Rate) -> dict[str, Any]:
    return {"hits": rate.hits, "n": rate.n, "value": rate.value}


def _accuracies(scores: Scores, name: str, *, shuffled: bool) -> dict[str, Any]:
    """Accuracy per group, and per slot within it, for one slice."""
    table: dict[str, Any] = {}
    for group in (None, *GROUPS):
        chosen = Selector(slice=name, group=group, shuffled=shuffled)
        slots = sorted({o.slot for o in scores.outcomes if chosen.takes(o)})
        if not slots:
            continue
        table[group or "determinable"] = {
            **_rate(scores.accuracy(chosen)),
            "slots": {
                slot: _rate(
                    scores.accuracy(Selector(slice=name, group=group, slot=slot, shuffled=shuffled))
                )
                for slot in slots
            },
        }
    return table


def build(  # noqa: PLR0913 - the report's own parts
    subject: Subject,
    selection: Selection,
    measured: Measured,
    *,
    verdict: Verdict,
    policy: Policy,
    samples: list[dict[str, Any]],
    paths: Paths | None = None,
    baselines: Mapping[str, Measured] | None = None,
    champion: Measured | None = None,
    cases: Iterable[Case] = (),
) -> dict[str, Any]:
    """Put the whole report together; every value is JSON.

    `paths` are the movements of the records' camera conditions (`camera.camera_paths`), `baselines`
    what writers without a model scored on the same records, `cases` all records, worst first, and
    `samples` those that are shown whole.
    """
    scores = measured.scores
    others = {name: one.scores for name, one in (baselines or {}).items()}
    overlap = overlap_tables(selection, measured.predictions)
    geometry = agreement(selection, measured.predictions, paths or {})
    aspects = sorted({o.aspect for o in scores.outcomes})
    return {
        "schema": SCHEMA,
        **asdict(subject),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": revision(),
        "code": code_digest(),
        "judge": judge_digest(),
        "captions": measured.captions,
        "policy": {
            "name": policy.name,
            "summary": policy.summary,
            "digest": policy_digest(policy),
        },
        "verdict": {**asdict(verdict), "reasons": list(verdict.reasons)},
        "aspects": {a: _rate(scores.accuracy(Selector(aspect=a))) for a in aspects},
        "slices": {
            name: {
                "records": sum(len(g) for n, g in selection.items() if name in (ALL, n)),
                "structure": _rate(scores.integrity(name)),
                "accuracy": _accuracies(scores, name, shuffled=False),
                "shuffled": _accuracies(scores, name, shuffled=True),
                "camera_geometry": {
                    what: _rate(rate) for what, rate in geometry.get(name, {}).items()
                },
                "overlap": overlap[name],
                "wholes": {check: _rate(scores.sound(check, name)) for check in CHECKS},
            }
            for name in (ALL, *selection)
        },
        "checks": dict(CHECKS),
        "baselines": {
            name: {
                "groups": {
                    group or "determinable": _rate(one.scores.accuracy(Selector(group=group)))
                    for group in (None, *GROUPS)
                },
                "wholes": {check: _rate(one.scores.sound(check)) for check in CHECKS},
                "overlap": overlap_of(selection, one.predictions)[WHOLE],
            }
            for name, one in {"model": measured, **(baselines or {})}.items()
        },
        "side_by_side": side_by_side.rows(scores, champion.scores if champion else None, others),
        "outcomes": _outcomes(scores, champion.scores if champion else None),
        "regressions": _regressions(cases, scores),
        "texts": _texts(selection, measured, champion),
        "faults": [
            {"record": one.record, "slice": one.slice, "told": list(one.told)}
            for one in scores.wholes
            if one.failed
        ],
        "samples": samples,
        "not_measured": not_measured({}),
        "conventions": {name: metric.convention for name, metric in METRICS.items()},
        "notes": list(NOTES),
    }


def not_measured(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """Say what the report lacks, and what it would take."""
    return [
        {"metric": metric, "reason": reason}
        for key, metric, reason in NOT_MEASURED
        if key not in report
    ]


def _outcomes(scores: Scores, champion: Scores | None) -> list[dict[str, Any]]:
    """Every judged question; `champion` says whether the champion had it right."""
    before = {
        (one.record, one.index, one.shuffled): one.correct
        for one in (champion.outcomes if champion else ())
    }
    return [
        {**asdict(one), "champion": before.get((one.record, one.index, one.shuffled))}
        for one in scores.outcomes
    ]


def _regressions(cases: Iterable[Case], scores: Scores) -> list[dict[str, Any]]:
    """Every record that got worse, with the slots of the answers it lost."""
    slots = {(one.record, one.index): one.slot for one in scores.outcomes}
    return [
        {**asdict(one), "slots": [slots[one.record, index] for index in one.lost]}
        for one in cases
        if one.regressed
    ]


def _texts(
    selection: Selection, measured: Measured, champion: Measured | None
) -> dict[str, dict[str, str]]:
    """What each record was captioned with: by its data, by the model, by the champion."""
    found = {
        record.id: {"gold": render(record.caption), "model": measured.predictions[record.id].text}
        for group in selection.values()
        for record in group
    }
    for record, one in (champion.predictions if champion else {}).items():
        found[record]["champion"] = one.text
    return found


@dataclass(frozen=True, slots=True)
class Finding:
    """What a report decided, and on what: digests of the bundles, the snapshot and the policy.

    `champion` is the digest of the champion that it compared with, None if there was none.
    `report_digest` identifies the report itself; `digests` are those of the selection, judge, code
    and captions, as the catalogue's verdict keeps them. A `partial` one promotes nothing.
    """

    verdict: Verdict
    bundle: str
    champion: str | None
    snapshot: str
    policy_digest: str
    report_digest: str
    digests: dict[str, str] = field(default_factory=dict)
    partial: bool = False


def load_finding(path: Path) -> Finding:
    """Read the decision back from a `report.json`; InputError if it is not one."""
    try:
        content = path.read_bytes()
        found: Mapping[str, Any] = json.loads(content)
        if found["schema"] != SCHEMA:
            raise InputError(f"schema {found['schema']!r}, expected {SCHEMA!r}", file=str(path))
        verdict = found["verdict"]
        return Finding(
            verdict=Verdict(
                policy=verdict["policy"],
                for_release=verdict["for_release"],
                passed=verdict["passed"],
                checks=tuple(Check(**check) for check in verdict["checks"]),
                comparisons=tuple(Comparison(**each) for each in verdict["comparisons"]),
                mode=verdict.get("mode", "enabled"),
            ),
            bundle=found["bundle"],
            champion=found["champion"],
            snapshot=found["snapshot"],
            policy_digest=found["policy"].get("digest", ""),
            report_digest=digest_of(content),
            digests={f"{name}_digest": str(found.get(name, "")) for name in DIGESTS},
            partial=bool(found.get("partial")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"not an evaluation report: {error}", file=str(path)) from error
