"""Facts as a model reads them: every aspect on a line, what was overruled left out."""

import numpy as np

from any2caption.conditions.fact import Fact, Source
from any2caption.conditions.types import Camera, Condition
from any2caption.grounding.fact_lines import fact_lines
from any2caption.grounding.facts import Facts
from any2caption.grounding.gather import gather


def pan(direction, number=1):
    """A camera path that pans by 30 degrees."""
    angles = np.linspace(0, np.radians(30) * (1 if direction == "right" else -1), 9)
    w2c = np.zeros((9, 3, 4))
    w2c[:, 0, 0] = w2c[:, 2, 2] = np.cos(angles)
    w2c[:, 0, 2], w2c[:, 2, 0] = -np.sin(angles), np.sin(angles)
    w2c[:, 1, 1] = 1
    return Condition("camera", Camera(np.full((9, 4), np.nan), w2c), "text", number=number)


def test_each_aspect_has_a_line_and_conditions_are_named():
    facts = gather("Two astronauts repair a solar panel, cinematic, no people.", [pan("right")])
    assert fact_lines(facts).splitlines() == [
        "Facts:",
        "subjects: two astronauts; a solar panel",
        "number: two astronauts",
        "actions: astronauts repair a solar panel",
        "camera: pans right (camera 1)",
        "style: cinematic",
        "without: people",
    ]


def test_an_overruled_wish_is_left_out():
    facts = gather("A dog waits, the camera pans left.", [pan("right")])
    assert facts.conflicts
    assert "pans left" not in fact_lines(facts)
    assert "pans right (camera 1)" in fact_lines(facts)


def test_nothing_stated_is_nothing_said():
    assert not fact_lines(gather("", []))


def test_the_order_of_conditions_does_not_count_and_a_line_is_one_aspect():
    facts = [
        Fact("style", "warm\nlight", Source("picture 2")),
        Fact("style", "blue tones", Source("picture 1")),
        Fact("style", "cinematic", Source("text")),
        Fact("style", "drawn", Source("picture 1"), certainty="estimated"),  # by a recogniser
    ]
    wanted = "Facts:\nstyle: cinematic; blue tones (picture 1); warm light (picture 2)"
    assert fact_lines(Facts("", tuple(facts))) == wanted
    assert fact_lines(Facts("", tuple(facts[::-1]))) == wanted
