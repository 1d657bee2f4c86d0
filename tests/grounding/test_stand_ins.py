"""Words that a small model can't spell: marks stand for them, and they come back."""

import pytest

from any2caption.grounding.gather import gather
from any2caption.grounding.stand_ins import (
    MARKS,
    Spelled,
    StandIns,
    marked,
    names_nothing,
    stand_ins,
    stated,
)

SPELLED = Spelled.of(
    ["street", "city", "ball", "red", "pans", "left", "camera", "style", "cartoon"]
)


def read(text):
    return stand_ins(gather(text, []), SPELLED)


def test_a_text_that_the_model_spells_stays_as_it_is():
    text = "A red ball on a city street, camera panning left"
    assert read(text) == StandIns(text)


def test_each_statement_that_it_can_not_spell_gets_its_mark():
    found = read("An old fisherman mends a net on a foggy pier, watercolor style")
    assert found.text == "stated_subject. stated_action. stated_place. stated_style."
    assert found.words == {
        "stated_subject": "The main subject is an old fisherman",
        "stated_action": "The fisherman mends a net",
        "stated_place": "The scene is set on a foggy pier",
        "stated_style": "The style is watercolor",
    }


def test_words_come_back_where_the_marks_stand():
    found = read("A heron catches a fish")
    written = "1. Dense caption: stated_subject. stated_action. The camera pans left."
    back = found.put_back(written)
    assert back == (
        "1. Dense caption: The main subjects are a heron and a fish. The heron catches a fish. "
        "The camera pans left."
    )
    assert found.taken_out(back) == written


@pytest.mark.parametrize("found", [StandIns(""), read("A heron wades")])
def test_no_mark_is_left_where_nothing_was_stated(found):
    back = found.put_back("5. Style caption: stated_style.")
    assert back == "5. Style caption: Light and colour stay consistent throughout."
    assert not any(marked(found.put_back(" ".join(MARKS.values()))))


@pytest.mark.parametrize(
    "text",
    ["Bring this photo to life.", "Make a short video, following pose 1.", "A clip.", ""],
)
def test_a_text_that_names_nothing_is_read_as_none(text):
    assert names_nothing(gather(text, []))
    assert read(text) == StandIns("")


@pytest.mark.parametrize("text", ["Bring this dog to life.", "A clip of rain.", "Make it rain."])
def test_a_text_that_names_something_is_not(text):
    assert not names_nothing(gather(text, []))


def test_what_a_person_writes_is_no_mark_of_ours():
    found = read("stated_place and a heron")
    assert "heron" in found.put_back("stated_subject.")
    assert "stated_place" not in found.words


def test_conditions_state_nothing_here():
    assert stated(gather("", [])) == {}


def test_only_what_enough_prompts_hold_is_spelled():
    prompts = ["a red ball"] * 99 + ["a heron"]
    spelled = Spelled.commonest(prompts)
    assert spelled.all_of("red balls")
    assert not spelled.all_of("a heron")


@pytest.mark.parametrize("mark", MARKS.values())
def test_marks_are_found_as_whole_words(mark):
    assert list(marked(f"a {mark}.")) == [(2, 2 + len(mark))]
    assert list(marked(f"{mark}s")) == []
