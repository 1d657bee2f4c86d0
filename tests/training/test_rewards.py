"""What a written caption is worth."""

from dataclasses import replace

import pytest

from any2caption.captions.schema import StructuredCaption
from any2caption.captions.text import render
from any2caption.training.recipes.schema import Reinforce
from any2caption.training.reinforce.rewards import Wanted, reward

CAPTION = StructuredCaption(
    dense="Three red balls roll.",
    main_object="Three red balls.",
    background="A beach.",
    camera="The camera pans left.",
    style="Watercolour.",
    action="They roll.",
)
TEXT = render(CAPTION)
FACTS = Wanted(
    user={"colour": ("main_object", "red")},
    supplied={"camera": ("camera", "pans left"), "shape": ("main_object", "ball")},
    added={"place": ("background", "beach")},
)
THINK = "<think>1. Red balls are wanted.</think>\n"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (THINK + TEXT, 1.0),
        (THINK + f"<answer>{TEXT}</answer>", 1.0),
        (TEXT, 0.2),
        (THINK + "A red ball.", 0.2),
        ("<think>never closed\n" + TEXT, 0.2),
        ("<think></think>\n" + TEXT, 0.2),
        ("A red ball.", 0.0),
        ("", 0.0),
    ],
)
def test_form_wants_tags_and_six_parts(text, form):
    assert reward(text, FACTS, reasoning=True).form == form


def test_without_reasoning_tags_are_wrong():
    assert reward(TEXT, FACTS, reasoning=False).form == 1.0
    assert reward(THINK + TEXT, FACTS, reasoning=False).form == 0.0


def test_covered_facts_are_counted_by_who_wants_them():
    found = reward(TEXT, FACTS, reasoning=False)
    assert (found.user, found.supplied, found.added, found.contradicts) == (1, 1, 1, 0)
    other = TEXT.replace("pans left", "tilts up")
    found = reward(other, FACTS, reasoning=False)
    assert (found.user, found.supplied, found.added, found.contradicts) == (1, 0.5, 1, 1)


def test_listing_every_value_covers_nothing():
    guess = TEXT.replace("pans left", "pans left and pans right and tilts up")
    found = reward(guess, FACTS, reasoning=False)
    assert found.supplied == 0.5
    assert found.contradicts


def test_silence_contradicts_nothing():
    found = reward(TEXT.replace("pans left", "is there"), FACTS, reasoning=False)
    assert (found.supplied, found.contradicts) == (0.5, 0)


def test_a_broken_structure_covers_nothing():
    found = reward("red balls, the camera pans left", FACTS, reasoning=False)
    assert (found.user, found.supplied, found.added) == (0, 0, 0)


def test_the_total_weighs_the_parts():
    wrong = reward(TEXT.replace("pans left", "tilts up"), FACTS, reasoning=False)
    weights = Reinforce(form=1, user=2, supplied=4, added=8, contradiction=3)
    assert wrong.total(weights) == 1 + 2 + 4 * 0.5 + 8 - 3
    assert wrong.total(replace(weights, contradiction=0)) == 1 + 2 + 2 + 8
