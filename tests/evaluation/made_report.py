"""A report on the synthetic world with its real pictures: a model that errs, and a champion."""

from gate_writers import read, world

from any2caption.captions.text import render
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.datasets.records import SourceRecord
from any2caption.datasets.synthetic.captioning import caption_of
from any2caption.datasets.synthetic.corpus import make_scenes
from any2caption.evaluation import run
from any2caption.evaluation.camera import cameras_of
from any2caption.evaluation.figures.closed_loop import closed_loop
from any2caption.evaluation.figures.irscore import PROMPTS, Grade, _row, in_turn, registered_as
from any2caption.evaluation.gates import decide, policy_of
from any2caption.evaluation.measure import control, references_of, score
from any2caption.evaluation.reports.cases import cases, shown
from any2caption.evaluation.reports.report import Subject, build, not_measured
from any2caption.evaluation.slices import pick

SCENES = 14


def media_of(scenes):
    """Return what stands in the place of `load_condition`: media made anew, nothing stored."""
    lines, files = make_scenes(seed=5, first=0, last=scenes)
    sources = {
        path: one
        for line in lines
        for one in SourceRecord.model_validate_json(line).conditions
        for path in one.paths
    }

    def load(_store, kept):
        one = sources[kept.parts[0].name]
        parts = [Part(path.rsplit("/", 1)[-1], files[path]) for path in one.paths]
        return parse_condition(one.kind, parts, role=one.role, number=1, options=one.options)

    return load


def asked_of_a_model(model):
    """What a server that falls silent after a while leaves of IRScore; no server is asked here."""
    pairs = [
        (one, Grade("said", one.correct, 4) if at % 3 else Grade(fault="slow"))
        for at, one in enumerate(in_turn(o for o in model.scores.outcomes if not o.shuffled))
    ]
    aspects = sorted({one.aspect for one, _ in pairs})
    parts = {name: [pair for pair in pairs if pair[0].aspect == name] for name in aspects}
    return {
        "model": "an-endpoint/with-a-name-as-long-as-names-of-models-are-vl-72b-instruct",
        "prompts": {"version": 1, "digest": "e" * 64, "registered": [*map(registered_as, PROMPTS)]},
        "aspects": {name: _row(found) for name, found in {**parts, "all": pairs}.items()},
        "unanswered": {"slow": len(pairs[::3])},
        "stopped": "slow",
        "spent": {"requests": 1200},
        "budget": 2000,
    }


def made_report(monkeypatch, *, policy="tiny", champion=True, slips=0.15, alter=lambda r: r):
    """Build the report as `evaluate` does; `alter` changes records first."""
    made = world(SCENES)
    selection = {
        name: [alter(record) for record in group] for name, group in pick(made.records, 8).items()
    }
    records = [record for group in selection.values() for record in group]
    rules = policy_of(policy)
    references = references_of(selection, lambda one: made.facts[one.id])

    def measured(errs, blind=""):
        def text(name, other):
            return render(caption_of(read(known[name], known[other], errs, only=blind)))

        pairs = control(selection, lambda _: 6).values()
        mixed = {name: text(name, donor.id) for found in pairs for name, donor in found.items()}
        return score(selection, {name: text(name, name) for name in by_id}, mixed, references)

    known = {record.id: record for record in made.records}
    by_id = {record.id: record for record in records}
    model, before = measured(slips), measured(0.02, "camera") if champion else None
    others = {name: {i: w(r) for i, r in references.items()} for name, w in run.BASELINES.items()}
    baselines = {name: score(selection, one, {}, references) for name, one in others.items()}
    order = cases(model.scores, before.scores if before else None)
    load = media_of(SCENES)
    monkeypatch.setattr(run, "load_condition", load)
    samples = [run._sample(None, one, by_id[one.record], model, before) for one in shown(order)]
    subject = Subject(
        bundle="b" * 64,
        snapshot="5" * 64,
        champion="c" * 64 if champion else None,
        synthetic=len(records),
        records=len(records),
        version=7,
        champion_version=4 if champion else None,
        training={
            "preset": "tiny",
            "recipe": "tiny",
            "recipe_digest": "d" * 64,
            "steps": 1200,
            "seconds": 512.0,
        },
    )
    report = build(
        *(subject, selection, model),
        verdict=decide(
            model.scores,
            before.scores if before else None,
            rules,
            baselines={name: one.scores for name, one in baselines.items()},
        ),
        policy=rules,
        samples=samples,
        baselines=baselines,
        champion=before,
        cases=order,
    )
    everything = [one.record for one in references.values()]
    writers = {name: run._captions(one) for name, one in {"model": model, **baselines}.items()}
    cameras = cameras_of(everything, lambda kept: load(None, kept))
    report["closed_loop"] = closed_loop(everything, cameras, writers)
    report["clip_t"] = {"records": 40, "means": dict.fromkeys(("gold", *writers), 21.375)}
    report["irscore"] = asked_of_a_model(model)
    report["not_measured"] = not_measured(report)
    sight = {"records": 32, "scenes": 20, "questions": 190, "smallest": 0.06}
    report["outlook"] = [{"slice": name, **sight} for name in ("all", *selection)]
    return report
