"""Motion tracks state the ways that marked things take."""

import numpy as np
import pytest

from any2caption.conditions.facts.paths import way_words
from any2caption.conditions.facts.words import counted, joined, number_word, with_article
from any2caption.conditions.registry import condition_facts
from any2caption.conditions.types import Condition, Motion

from ..conftest import DATA


def line(start, end, frames=20):
    return np.linspace(start, end, frames)


def circle(turns=1.0, frames=40, sense=1):
    angle = sense * 2 * np.pi * turns * np.linspace(0, 1, frames)
    return np.stack([0.5 + 0.2 * np.cos(angle), 0.5 + 0.2 * np.sin(angle)], 1)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        (line((0.1, 0.5), (0.9, 0.5)), "from left to right"),
        (line((0.9, 0.2), (0.1, 0.8)), "from right to left and downwards"),
        (line((0.4, 0.5), (0.6, 0.5)), "to the right"),
        (line((0.5, 0.8), (0.5, 0.2)), "upwards"),
        (line((0.5, 0.5), (0.51, 0.5)), ""),
        (circle(), "in a circle, clockwise"),
        (circle(sense=-1), "in a circle, anticlockwise"),
        (
            np.concatenate([line((0.4, 0.5), (0.6, 0.5)), line((0.6, 0.5), (0.4, 0.5))]),
            "to the right and back",
        ),
        (
            np.concatenate([line((0.4, 0.5), (0.6, 0.5)), line((0.6, 0.5), (0.4, 0.5))] * 3),
            "back and forth",
        ),
    ],
)
def test_a_way_has_words(way, words):
    assert way_words(way) == words


def test_a_real_track_that_goes_to_and_fro_says_so(parse):
    (fact,) = condition_facts(parse("motion", DATA / "motion" / "shake_1.txt"))
    assert fact.text == "moves back and forth"
    (fact,) = condition_facts(parse("motion", DATA / "motion" / "curve_1.txt"))
    assert fact.text == "moves to the right"


def test_a_wide_pictures_way_is_measured_in_its_own_shape():
    assert way_words(line((0.4, 0.3), (0.5, 0.6)), aspect=0.5) == "downwards"
    assert way_words(line((0.4, 0.3), (0.5, 0.6)), aspect=4.0) == "to the right and downwards"


def tracks(*ways):
    return Condition("motion", Motion(np.stack(ways, 1).astype(np.float32)), "track text")


def test_one_track_is_the_marked_object():
    (fact,) = condition_facts(tracks(line((0.1, 0.5), (0.9, 0.5))))
    assert (fact.text, fact.value["who"]) == ("moves from left to right", "the marked object")
    assert (fact.aspect, fact.certainty) == ("action", "exact")


def test_a_few_are_told_by_where_they_begin():
    facts = condition_facts(tracks(line((0.1, 0.1), (0.1, 0.5)), line((0.9, 0.5), (0.9, 0.51))))
    assert [(fact.value["who"], fact.text) for fact in facts] == [
        ("the marked object at the upper left", "moves downwards"),
        ("the marked object on the right", "stays in place"),
    ]


def test_many_are_summed_up():
    ways = [line((0.1, y), (0.9, y)) for y in np.linspace(0.1, 0.9, 40)]
    (fact,) = condition_facts(tracks(*ways))
    assert (fact.text, fact.value["who"]) == ("move from left to right", "all of the marked points")
    ways += [line((0.5, y), (0.5, y)) for y in np.linspace(0.1, 0.9, 10)]
    (fact,) = condition_facts(tracks(*ways))
    assert fact.value["who"] == "most of the marked points"
    assert (fact.certainty, fact.value["plural"]) == ("measured", True)


def test_points_that_are_not_there_are_left_out():
    way = line((0.1, 0.5), (0.9, 0.5))
    way[10:] = np.nan
    (fact,) = condition_facts(tracks(way))
    assert fact.text == "moves to the right"
    assert condition_facts(tracks(np.full((20, 2), np.nan))) == ()


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (0, "no"),
        (12, "twelve"),
        (32, "thirty-two"),
        (90, "ninety"),
        (100, "a hundred"),
        (512, "over a hundred"),
    ],
)
def test_numbers_are_words(number, word):
    assert number_word(number) == word


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (1, "person", "one person"),
        (3, "person", "three people"),
        (2, "knife", "two knives"),
        (2, "fire hydrant", "two fire hydrants"),
        (2, "sheep", "two sheep"),
        (2, "bus", "two buses"),
        (2, "toy", "two toys"),
        (2, "pony", "two ponies"),
        (2, "snowman", "two snowmen"),
    ],
)
def test_things_are_counted(number, noun, words):
    assert counted(number, noun) == words


def test_articles_and_lists():
    assert [with_article(noun) for noun in ("dog", "old car", "the moon", "grass")] == [
        "a dog",
        "an old car",
        "the moon",
        "grass",
    ]
    assert joined(["a", "b", "c"]) == "a, b and c"
    assert joined([]) == ""
