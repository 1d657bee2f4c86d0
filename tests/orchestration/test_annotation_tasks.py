"""`annotate_conditions`: commands, what answers mean, and that a repeat asks nobody twice."""

import pytest

from any2caption.annotation.plan import Plan
from any2caption.annotation.run import run_annotation
from any2caption.annotation.verification import TEXTS
from any2caption.errors import ConfigError
from any2caption.orchestration import annotation_actions
from any2caption.orchestration.annotation_actions import OPTIONS, said_in
from any2caption.orchestration.jobs.job_spec import from_dict
from any2caption.orchestration.run_request import resolve
from any2caption.settings import Settings
from any2caption.storage import open_store


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, object_store=f"memory://{tmp_path.name}")


def answer(option, who="ann", **texts):
    return {
        "chosen_options": [option],
        "params_input": {**dict.fromkeys(TEXTS, ""), **texts},
        "responded_by_user": {"id": who, "name": who},
    }


def request(**changes):
    params = {
        "source": "file:///s/",
        "annotator": "rules",
        "extract": [],
        "captions": "missing",
        "prompts": "missing",
        "threshold": 0.05,
        "limit": 0,
        "complete_only": False,
    }
    return resolve({**params, **changes}, None, "manual__1", Settings())


def test_the_command_says_all_that_the_params_say(settings):
    planned = annotation_actions.plan(
        settings, request(limit=3, complete_only=True, extract=["first-frame"], threshold=0)
    )
    work = from_dict(planned["annotate"])
    text = " ".join(work.arguments)
    assert text.startswith("-m any2caption.annotation --source file:///s ")
    for part in ("--limit 3", "--complete-only", "--extract first-frame", "--threshold 0"):
        assert part in text
    assert work.environment == "control"
    assert work.done == ""


def test_the_same_params_are_the_same_job_and_models_run_in_the_training_environment(settings):
    first, again = (annotation_actions.plan(settings, request())["annotate"] for _ in range(2))
    assert first["key"] == again["key"]
    other = annotation_actions.plan(settings, request(extract=["depth-model=/m"]))["annotate"]
    assert other["key"] != first["key"]
    assert other["environment"] == "train"


def test_without_a_source_it_says_how_to_give_one(settings):
    with pytest.raises(ConfigError, match="no source; give the param"):
        annotation_actions.plan(settings, request(source=""))


def test_what_an_answer_means():
    assert said_in(answer("Accept")) == ("ann", "accepted", {})
    assert said_in(answer("Accept", style="ignored")) == ("ann", "accepted", {})
    assert said_in(answer("Edit", style=" New\nstyle. ")) == (
        "ann",
        "edited",
        {"style": "New style."},
    )
    assert said_in(answer("Edit")) == ("ann", "accepted", {})
    assert said_in(answer("Reject")) == ("ann", "rejected", {})
    assert said_in(answer("Skip")) is None
    assert said_in({"chosen_options": ["Skip"], "responded_by_user": None}) is None
    assert set(OPTIONS) == {"Accept", "Edit", "Reject", "Skip"}


def test_answers_get_into_the_catalogue_and_are_not_asked_for_again(settings, tmp_path):
    source = open_store(f"memory://source-{tmp_path.name}")
    lines = [
        f'{{"id":"r{n}","source":"s","licence":"l","prompt":"a red ball on a beach"}}'
        for n in range(5)
    ]
    source.put("manifest.jsonl", "\n".join(lines).encode())
    report = run_annotation(settings, Plan(source=source.uri))
    asked = {
        **request(),
        "annotation": report["key"],
        "review_share": 1.0,
        "second_share": 0.2,
        "review_most": 50,
    }
    entries = annotation_actions.review_queue(settings, asked)
    assert [entry["reading"] for entry in entries].count(2) == 1
    options = ["Accept", "Edit", "Reject", "Skip", "Accept", "Accept"]
    answers = [
        answer(option, "bob" if entry["reading"] == 2 else "ann", style="New.")
        for option, entry in zip(options, entries, strict=True)
    ]
    told = annotation_actions.record_reviews(settings, asked, entries, answers)["reviews"]
    assert told["records"] == 5 - told["dropped"]
    assert sorted(told["reviewers"]) == ["ann", "bob"]
    again = annotation_actions.review_queue(settings, asked)
    assert len(again) == 1  # the skipped one
    empty = annotation_actions.record_reviews(settings, asked, [], [])["reviews"]
    assert empty["records"] == told["records"]


def test_the_texts_of_the_form_are_those_that_can_be_changed():
    from any2caption.orchestration import annotation_tasks

    assert annotation_tasks.TEXTS == TEXTS
