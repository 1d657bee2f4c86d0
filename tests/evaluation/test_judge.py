import json
import sys
from pathlib import Path

import pytest

from any2caption.captions.lexicon import SLOTS, answer_of, mentions
from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.datasets.records import QA
from any2caption.evaluation.figures import irscore
from any2caption.evaluation.judge.answers import PART_OF_ASPECT, Judge
from any2caption.evaluation.judge.card import is_familiar, objection, vocabulary
from any2caption.evaluation.metrics import Prediction

sys.path.insert(0, str(Path(__file__).parents[1] / "annotation"))
from api_server import KEY, ChatServer


def predicted(**parts):
    caption = StructuredCaption(**(dict.fromkeys(PARTS, "nothing") | parts))
    return Prediction.read(render(caption))


def question(slot, answer, aspect=None, sources=("camera",)):
    aspect = aspect or SLOTS[slot].aspect
    return QA(aspect=aspect, slot=slot, question="?", answer=answer, sources=sources)


def every_answer():
    for slot in SLOTS.values():
        for term in slot.terms:
            yield pytest.param(slot, term, id=f"{slot.name}-{term.key}")


@pytest.mark.parametrize(("slot", "term"), every_answer())
def test_each_canonical_answer_is_right_for_itself_and_wrong_for_every_other(slot, term):
    prediction = predicted(**{slot.part: f"We see that: {answer_of(slot.name, (term.key,))}."})
    right = [
        other.key
        for other in slot.terms
        if Judge().correct(question(slot.name, answer_of(slot.name, (other.key,))), prediction)
    ]
    assert right == [term.key]


@pytest.mark.parametrize("slot", SLOTS.values(), ids=lambda slot: slot.name)
def test_a_caption_that_mentions_everything_answers_nothing(slot):
    everything = predicted(**{slot.part: ", ".join(term.phrase for term in slot.terms)})
    judge = Judge()
    for term in slot.terms:
        assert not judge.correct(question(slot.name, term.phrase), everything)


@pytest.mark.parametrize("slot", SLOTS.values(), ids=lambda slot: slot.name)
def test_a_caption_that_mentions_nothing_answers_nothing(slot):
    assert not any(
        Judge().correct(question(slot.name, term.phrase), predicted()) for term in slot.terms
    )


def test_a_constant_answer_is_right_only_as_often_as_it_is_true():
    camera = SLOTS["camera"].terms
    constant = predicted(camera="The camera dollies in.")
    right = [Judge().correct(question("camera", t.phrase), constant) for t in camera]
    assert sum(right) == 1


def test_two_movements_need_both_and_no_third():
    both = question("camera", answer_of("camera", ("truck_left", "pan_left")))
    judge = Judge()
    assert judge.correct(both, predicted(camera="It trucks left while panning left."))
    assert judge.correct(both, predicted(camera="It pans left while trucking left."))
    assert not judge.correct(both, predicted(camera="It trucks left."))
    assert not judge.correct(both, predicted(camera="It trucks left, pans left and zooms in."))


def test_only_the_aspects_part_counts():
    said_elsewhere = predicted(dense="The camera pans left.", action="The camera pans left.")
    assert not Judge().correct(question("camera", "pans left"), said_elsewhere)


def test_a_broken_structure_answers_nothing():
    broken = Prediction.read("4. Camera caption: pans left")
    assert broken.caption is None
    assert "lacks" in broken.problem
    assert not Judge().correct(question("camera", "pans left"), broken)


def test_free_text_wants_the_answer_word_for_word():
    qa = question("hair", "long grey hair", aspect="subject")
    judge = Judge()
    assert judge.correct(qa, predicted(main_object="A man with LONG  grey hair, seated."))
    assert not judge.correct(qa, predicted(main_object="A man with long greyish hair."))
    assert not judge.correct(qa, predicted(background="long grey hair"))


def test_free_text_that_lists_the_alternatives_is_wrong():
    questions = [question("hair", a, aspect="subject") for a in ("long hair", "short hair")]
    judge = Judge.knowing(questions)
    every = predicted(main_object="Long hair, short hair.")
    assert not any(judge.correct(qa, every) for qa in questions)
    assert judge.correct(questions[0], predicted(main_object="A man with long hair."))


def test_a_longer_answer_is_not_held_against_itself():
    questions = [question("hair", a, aspect="subject") for a in ("hair", "long hair")]
    judge = Judge.knowing(questions)
    assert judge.correct(questions[1], predicted(main_object="A man with long hair."))


def test_every_aspect_has_a_part_of_the_caption():
    assert set(PART_OF_ASPECT.values()) <= set(PARTS)


@pytest.fixture(scope="module")
def card():
    sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
    import judge_card

    return judge_card


@pytest.mark.parametrize("slot", SLOTS)
def test_each_slot_that_a_gate_decides_by_is_read_right(card, slot):
    """On captions labelled by hand that the rules were made beside: a floor, no proof."""
    found = card.cards("judge_card")[slot]
    assert found.hit + found.miss >= 10
    assert found.stopped + found.passed >= 10
    assert found.decides, (found.sensitivity, found.specificity)


def test_at_least_300_captions_are_labelled_and_half_of_them_are_hostile(card):
    names = [name for wording in ("data", "others") for name in card.SETS[wording]]
    right = [row["right"] == "1" for name in names for row in card.rows(name)]
    assert len(right) >= 300
    assert 0.45 < sum(right) / len(right) < 0.55


def test_the_card_that_comes_with_the_judge_is_this_judge_s(card):
    """Whoever changes the judge measures it anew where nobody tuned it."""
    assert json.loads(card.CARD.read_text(encoding="utf-8")) == card.card()


def test_the_page_of_figures_says_what_the_card_says(card):
    page = (Path(__file__).parents[2] / "bench" / "README.md").read_text(encoding="utf-8")
    for slots in card.card().values():
        for slot, one in slots.items():
            figures = f"{one['sensitivity']:.2f} | {one['specificity']:.2f} | {one['kappa']:.2f}"
            assert f"| {slot} | {one['captions']} | {figures} |" in page


def test_captions_of_the_data_s_card_are_in_the_data_s_words(card, records):
    known = vocabulary(records)
    familiar = [is_familiar(row["text"], known) for row in card.rows("judge_card_data")]
    assert sum(familiar) / len(familiar) > 0.9


def test_what_comes_beside_the_subject_is_not_the_subject(card):
    text = "A person in a red shirt and black trousers, holding two blue balls."
    for slot, answer in (("kind", "person"), ("count", "1"), ("colour", "red")):
        assert card.judged({"slot": slot, "answer": answer, "text": text})
    for slot, answer in (("kind", "object"), ("count", "2"), ("colour", "blue")):
        assert not card.judged({"slot": slot, "answer": answer, "text": text})


def test_a_slot_decides_in_the_wording_in_which_the_judge_was_found_right():
    assert objection("colour", 0.9) == ""
    assert "0.50 of the captions are in the data's words" in objection("colour", 0.9, 0.5)
    assert objection("path", 0.9, 0.0) == ""  # right in anybody's words
    assert "sensitivity" in objection("stated_subject", 0.9)
    assert "nobody has checked" in objection("weather", 0.9)
    assert objection("weather", 0.0) == ""


def test_the_judge_is_another_reader_than_the_reward(card):
    differ = [
        row
        for row in card.rows("judge_card")
        if row["slot"] != "camera"
        and card.judged(row)
        != ({m.key for m in mentions(row["slot"], row["text"])} == {row["answer"]})
    ]
    assert len(differ) > 40


@pytest.mark.parametrize(
    ("slot", "answer", "text"),
    [
        ("camera", "pans left", "The camera never pans left."),
        ("colour", "red", "A ball without any red."),
        ("kind", "person", "Nobody is there, only a box."),
    ],
)
def test_what_is_denied_is_not_stated(card, slot, answer, text):
    assert not card.judged({"slot": slot, "answer": answer, "text": text})


def test_the_card_of_an_endpoint_counts_what_it_answers_and_tells_what_it_does_not(
    card, monkeypatch, tmp_path, capsys
):
    """A model that says yes to everything about colours, and never a word that can be read else."""
    with ChatServer().serving() as server:

        def answer(body):
            text = body["messages"][1]["content"][-1]["text"]
            if "What colour" not in text:
                return "I would rather not say."
            graded = {"correct": True, "quality": 5}
            return json.dumps(graded if "right answer" in text else {"answer": "some colour"})

        server.answer = answer
        for name, value in {"BASE_URL": server.url, "MODEL": "yes", "API_KEY": KEY}.items():
            monkeypatch.setenv(f"A2C_JUDGE_{name}", value)
        monkeypatch.setenv("A2C_HOME", str(tmp_path))
        monkeypatch.setattr(card, "SETS", {"its author's": ("judge_card",)})
        monkeypatch.setattr(irscore, "_PATIENCE", 10_000)
        monkeypatch.setattr(sys, "argv", ["judge_card.py", "--endpoint"])
        card.main()
        told = capsys.readouterr().out
        n = len(card.rows("judge_card"))
        colours = sum(row["slot"] == "colour" for row in card.rows("judge_card"))
        assert f"| colour | {colours} | 1.00 | 0.00 | 0.00 | informative only |" in told
        silent = n - colours
        assert f"| all | {colours} | 1.00 | 0.00 | 0.00 | informative only, {silent} not" in told
        assert "| camera | 0 | - | - | - | informative only, 42 not answered |" in told
        assert f"neither right nor wrong: {silent} (prose)" in told
        asked = len(server.requests)
        card.main()
        assert len(server.requests) - asked == 2 * silent  # what is known is not asked again


def test_a_card_without_an_endpoint_names_the_settings(card, monkeypatch):
    monkeypatch.delenv("A2C_JUDGE_BASE_URL", raising=False)
    monkeypatch.setattr(sys, "argv", ["judge_card.py", "--endpoint"])
    with pytest.raises(SystemExit, match="A2C_JUDGE_BASE_URL and A2C_JUDGE_MODEL"):
        card.main()
