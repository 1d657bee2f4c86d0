"""Data that came without questions is evaluated all the same."""

import json
from dataclasses import replace

import pytest

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.datasets.ingest import run_ingest
from any2caption.datasets.records import Record, SourceRecord
from any2caption.datasets.snapshots import load_snapshot
from any2caption.datasets.splits import split_of
from any2caption.datasets.supervision.questions import ask
from any2caption.datasets.synthetic.captioning import caption_of
from any2caption.datasets.synthetic.corpus import make_scenes
from any2caption.datasets.synthetic.world import sample_scene
from any2caption.evaluation import run
from any2caption.evaluation.judge.answers import Judge
from any2caption.evaluation.metrics import Prediction
from any2caption.evaluation.policies import policy_of
from any2caption.evaluation.statistics.outlook import outlook
from any2caption.settings import Settings
from any2caption.storage import open_store, signatures

# Twelve scenes are too few for bounds on an interval: the policy `data` says so before a training.
SMALL = replace(
    policy_of("data"),
    name="small",
    thresholds=tuple(replace(one, held="value") for one in policy_of("data").thresholds),
)


def a_record(prompt="", conditions=(), **parts):
    given = dict.fromkeys(PARTS, "Nothing more is told here.") | parts
    return Record(
        id="r",
        source="s",
        licence="CC0-1.0",
        split="test",
        prompt=prompt,
        conditions=conditions,
        caption=StructuredCaption(**given),
    )


def path(*movements):
    return {"kind": "camera", "number": 1, "format": "re10k", "parts": (), "frames": 9,
            "movements": movements}  # fmt: skip


def asked(record):
    return {one.qa.slot: (one.qa.answer, one.qa.sources, one.origin) for one in ask(record)}


def test_a_camera_path_asks_for_its_movements():
    found = asked(a_record(conditions=(path("pan_left", "dolly_in"),)))
    assert found["path"] == ("pans left while dollies in", ("camera",), "geometry")


def test_the_prompts_own_words_are_asked_where_the_caption_says_them():
    record = a_record(
        "A red fox sleeps in a snowy forest, watercolour style",
        main_object="A red fox lies on moss.",
        background="A snowy forest at dusk.",
        style="A watercolour painting.",
        action="The fox sleeps.",
    )
    found = asked(record)
    assert found["stated_subject"][0] == "red fox"
    assert found["stated_place"][0] == "snowy forest"
    assert {origin for _, _, origin in found.values()} == {"prompt"}
    assert "stated_subject" not in asked(a_record("A red fox", main_object="A grey wolf."))


def test_what_must_not_be_there_is_no_answer():
    record = a_record("A street, no people", background="A street.", main_object="No people.")
    assert all("people" not in answer for answer, *_ in asked(record).values())


def test_questions_that_came_with_a_record_stay_as_they_are(records):
    assert [one.qa for one in ask(records[0])] == list(records[0].qa)
    assert {one.origin for one in ask(records[0])} == {"given"}


def test_the_gold_caption_answers_what_rules_ask(records):
    silent = [record.model_copy(update={"qa": ()}) for record in records]
    answers = [
        Judge().correct(one.qa, Prediction.read(render(record.caption)))
        for record in silent
        for one in ask(record)
    ]
    assert len(answers) > 300
    assert sum(answers) / len(answers) > 0.97


def test_the_outlook_says_what_could_be_shown_and_what_never_could(records):
    seen = outlook(records, policy_of("data"))
    assert not [one for one in seen.objections if "needed" in one]
    whole = seen.sights[0]
    assert (whole.slice, whole.records) == ("all", len(records))
    assert 0 < whole.smallest < 0.2
    assert "finds a drop of" in str(whole)
    slots = [one for one in outlook(records, policy_of("tiny")).sights if "slot " in one.slice]
    assert {one.slice for one in slots} >= {"slot camera", "slot colour"}
    assert all(0 < one.records <= len(records) for one in slots)
    few = outlook(records[:12], policy_of("tiny"))
    assert any("at least 128 needed" in one for one in few.objections)
    assert outlook([], policy_of("data")).objections[0] == "there is no test record"


def chosen(want, count):
    """Numbers of scenes that fall into a split."""
    found = (n for n in range(2_000) if split_of(caption_of(sample_scene(9, n))) == want)
    return [next(found) for _ in range(count)]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """A customer's source as the README allows it: media, prompts, captions, and no questions."""
    home = tmp_path_factory.mktemp("own")
    settings = Settings(home=home / "home")
    store, lines = open_store((home / "data").as_uri()), []
    for number in (*chosen("test", 12), *chosen("train", 8), *chosen("validation", 2)):
        made, files = make_scenes(seed=9, first=number, last=number + 1)
        for name, content in files.items():
            store.put(f"src/{name}", content)
        for line in made:
            source = SourceRecord.model_validate_json(line)
            plain = source.model_copy(update={"qa": (), "synthetic": False, "source": "own"})
            lines.append(plain.model_dump_json(exclude_defaults=True))
    store.put("src/manifest.jsonl", ("\n".join(lines) + "\n").encode())
    return settings, run_ingest(settings, f"{store.uri}/src", workers=1)["snapshot"]


def test_a_data_set_too_small_for_its_policy_is_known_before_a_training(snapshot):
    settings, identity = snapshot
    test = list(load_snapshot(open_store(settings.object_store), identity).records("test"))
    found = outlook(test, policy_of("data")).objections
    assert any(
        "with 12 scenes the interval of a faultless model begins at 0.76" in o for o in found
    )
    assert not outlook(test, SMALL).objections


@pytest.mark.parametrize(("answers", "passes"), [("gold", True), ("first", False)])
def test_a_source_without_a_question_gets_a_verdict(
    snapshot, tmp_path, monkeypatch, answers, passes
):
    settings, identity = snapshot
    first = []

    def texter_of(_bundle, _store):
        def write(items):
            shown = [item.donor or item.record for item in items]
            first.extend(shown[:1])
            told = shown if answers == "gold" else [first[0]] * len(shown)
            return [render(one.caption) for one in told]

        return write

    monkeypatch.setattr(run, "texter_of", texter_of)
    monkeypatch.setattr(run, "free_texts", lambda _, __, found: ["no six lines"] * len(found))
    bundle, out = tmp_path / answers, tmp_path / "out"
    bundle.mkdir()
    (bundle / "model.txt").write_text(answers)
    signatures.sign(bundle)
    monkeypatch.setitem(run.gates.POLICIES, "small", SMALL)
    verdict = run.evaluate(settings, bundle=bundle, snapshot=identity, policy="small", out=out)
    assert verdict.passed is passes, verdict.reasons
    report = json.loads((out / "report.json").read_text())
    assert report["records"] > 40
    assert report["slices"]["all"]["accuracy"]["determinable"]["n"] > 60
    assert set(report["baselines"]) == {"model", "compose", "prompt"}
    store = open_store(settings.object_store)
    kept = json.loads(store.get(report["questions"]))
    assert {one["origin"] for found in kept["questions"].values() for one in found} <= {
        "geometry", "prompt", "caption",
    }  # fmt: skip
    assert all(not record.qa for record in load_snapshot(store, identity).records())
