"""IRScore by a language model: what it is asked, what is kept, and every way to get no answer."""

import json
import re
import sys
from pathlib import Path

import pytest

from any2caption.datasets.records import QA
from any2caption.evaluation.figures import irscore as module
from any2caption.evaluation.figures.irscore import in_turn, irscore, prompts_digest
from any2caption.evaluation.scores import Outcome
from any2caption.settings import Judge
from any2caption.storage.memory import MemoryStore

sys.path.insert(0, str(Path(__file__).parents[1] / "annotation"))
from api_server import KEY, ChatServer

CAPTIONS = {"r1": "A red ball on a beach.", "r2": "A blue box on a street."}
ASKED = {"colour": ("subject", "What colour is it?"), "place": ("background", "Where is it?")}
GOLD = {"r1": ("red", "beach"), "r2": ("green", "street")}
QUESTIONS = {
    record: [
        QA(aspect=aspect, slot=slot, question=question, answer=answer, sources=("text",))
        for (slot, (aspect, question)), answer in zip(ASKED.items(), answers, strict=True)
    ]
    for record, answers in GOLD.items()
}
OUTCOMES = [
    Outcome(record, index, "mix", qa.aspect, qa.slot, "only_text", correct=True)
    for record, asked in QUESTIONS.items()
    for index, qa in enumerate(asked)
]


def material(body):
    text = body["messages"][1]["content"][-1]["text"]
    return json.loads(text.partition("\n")[0])


def reader(body):
    """A model that reads captions and grades answers, both rightly."""
    told = material(body)
    if "right answer" in told:
        right = told["right answer"] == told["given answer"]
        return json.dumps({"correct": right, "quality": 5 if right else 1})
    words = "red|blue|green" if "colour" in told["question"] else "beach|street"
    found = re.search(words, told["caption"])
    return json.dumps({"answer": found[0] if found else "not stated"})


@pytest.fixture
def chat():
    with ChatServer().serving() as server:
        server.answer = reader
        yield server


@pytest.fixture
def store():
    return MemoryStore("irscore")


@pytest.fixture
def settings(chat):
    return Judge(base_url=chat.url, api_key=KEY, model="strong", retries=0, timeout=2, places=1)


def scored(settings, store, *, outcomes=OUTCOMES, captions=CAPTIONS):
    return irscore(settings, store, outcomes, QUESTIONS, captions)


def test_answers_come_from_the_caption_alone_and_are_scored_by_aspect(settings, store, chat):
    found = scored(settings, store)
    subject, everything = found["aspects"]["subject"], found["aspects"]["all"]
    assert list(found["aspects"]) == ["subject", "background", "all"]
    assert (subject["hits"], subject["n"], subject["quality"], subject["agrees"]) == (1, 2, 3, 0.5)
    assert (everything["hits"], everything["n"], everything["questions"]) == (3, 4, 4)
    assert 0 < everything["low"] < 0.75 < everything["high"] < 1
    assert (found["unanswered"], found["stopped"]) == ({}, "")
    assert found["spent"]["requests"] == len(chat.requests) == 8
    answering = [one for one in chat.requests if "right answer" not in material(one)]
    assert [list(material(one)) for one in answering] == [["caption", "question"]] * 4
    assert {one["record"] + one["answer"] for one in found["outcomes"]} == {
        "r1red", "r1beach", "r2blue", "r2street",
    }  # fmt: skip


def test_a_prompt_is_never_changed_without_a_new_version():
    assert (module.VERSION, prompts_digest()[:12]) == (1, "0303eef9a5a8")
    assert [one["role"] for one in module.ANSWER.messages()] == ["system", "user"]
    assert "{{material}}" in module.GRADE.messages()[1]["content"]


def test_what_was_answered_is_asked_once_until_caption_model_or_prompt_change(
    settings, store, chat, monkeypatch
):
    first = scored(settings, store)
    again = scored(settings, store)
    assert len(chat.requests) == 8
    assert again["aspects"] == first["aspects"]
    assert (again["spent"]["requests"], again["spent"]["cached"]) == (0, 8)
    scored(settings, store, captions={**CAPTIONS, "r2": "A green box on a street."})
    assert len(chat.requests) == 8 + 4 - 1  # "street" is graded already
    scored(settings.model_copy(update={"model": "other"}), store)
    assert len(chat.requests) == 11 + 8
    monkeypatch.setattr(module, "VERSION", 2)
    scored(settings, store)
    assert len(chat.requests) == 19 + 8


@pytest.mark.parametrize(
    ("step", "word"),
    [
        (("text", "It is red, I think."), "prose"),
        (("text", '{"answer": "re'), "half"),
        (("text", '{"reply": "red"}'), "schema"),
        (("finish", "length"), "cut"),
        (("sleep", 2.5), "slow"),
        (("status", 500, {}), "failed"),
        (("status", 429, {"Retry-After": "0.01"}), "busy"),
        (("status", 401, {}), "refused"),
        (("drop",), "unreachable"),
        (("raw", b"<html>"), "garbled"),
        (("refusal", "no"), "refused"),
    ],
)
def test_an_answer_that_does_not_come_is_neither_right_nor_wrong(settings, store, chat, step, word):
    chat.script.extend([step, step])
    found = scored(settings, store, outcomes=OUTCOMES[:1])
    tried = len(chat.requests)
    if tried == 1:  # nothing to show the model: it is not asked twice
        chat.script.clear()
    row = found["aspects"]["all"]
    assert found["unanswered"] == {word: 1}
    assert (row["questions"], row["n"], row["hits"], row["value"]) == (1, 0, None, None)
    later = scored(settings, store, outcomes=OUTCOMES[:1])
    assert later["aspects"]["all"]["value"] == 1
    assert not later["unanswered"]


def test_a_grade_that_does_not_come_leaves_the_question_open_too(settings, store, chat):
    chat.answer = lambda body: (
        json.dumps({"correct": True, "quality": 9})
        if "right answer" in material(body)
        else reader(body)
    )
    found = scored(settings, store)
    assert found["unanswered"] == {"schema": 4}
    assert found["aspects"]["all"]["n"] == 0


def test_no_more_requests_are_sent_than_allowed_and_a_later_run_goes_on(settings, store, chat):
    few = settings.model_copy(update={"requests": 5})
    found = scored(few, store)
    assert len(chat.requests) == found["spent"]["requests"] == 5
    assert found["stopped"] == "budget"
    assert found["unanswered"] == {"budget": 1, module.NOT_ASKED: 1}
    assert [found["aspects"][one]["n"] for one in ("subject", "background")] == [1, 1]
    assert scored(few, store)["aspects"]["all"]["n"] == 4
    assert len(chat.requests) == 8


def test_tries_count_against_the_budget(settings, store, chat):
    patient = settings.model_copy(update={"requests": 3, "retries": 5})
    chat.script.extend([("status", 503, {"Retry-After": "0.01"})] * 20)
    assert scored(patient, store)["aspects"]["all"]["n"] == 0
    assert len(chat.requests) == 3


def test_a_server_that_is_down_is_not_asked_on_and_on(settings, store, chat):
    chat.script.extend([("drop",)] * 200)
    many = [one for _ in range(15) for one in OUTCOMES]
    found = scored(settings, store, outcomes=many)
    assert len(chat.requests) == found["unanswered"]["unreachable"] == 10
    assert found["unanswered"][module.NOT_ASKED] == 50
    assert found["stopped"] == "unreachable"


def test_an_evaluations_time_ends(settings, store, chat):
    chat.script.extend([("sleep", 0.4)] * 8)
    found = scored(settings.model_copy(update={"seconds": 0.6}), store)
    assert found["stopped"] == "time"
    assert found["aspects"]["all"]["n"] < 2
    assert found["unanswered"][module.NOT_ASKED] >= 1


def test_an_empty_caption_answers_nothing_and_nobody_is_asked(settings, store, chat):
    found = scored(settings, store, captions=dict.fromkeys(CAPTIONS, " "))
    assert found["aspects"]["all"]["value"] == 0
    assert chat.requests == []


def test_every_aspect_has_its_share_of_any_beginning():
    many = [*OUTCOMES[::2] * 3, *OUTCOMES[1::2]]
    found = [one.aspect for one in in_turn(many)]
    assert found[:4] == ["background", "subject"] * 2
    assert sorted(found) == sorted(one.aspect for one in many)
