"""Whatever a writer makes of a caption, what leaves the check is what was asked for.

The writers are those of `bench/faithful_writers.py`; what leaves is read here by other means than
the check's own.
"""

import re
import sys
from pathlib import Path

import pytest

from any2caption.captions.camera_reading import read_camera
from any2caption.captions.schema import PARTS
from any2caption.conditions.fact import Fact, Source
from any2caption.grounding.check import check
from any2caption.grounding.conflicts import find_conflicts
from any2caption.grounding.facts import Facts
from any2caption.grounding.words import read_text
from any2caption.grounding.words.content import missing_words

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from faithful_writers import HABITS, hostile

LIES = re.compile(
    r"meadow|hospital|panda|cheese|bamboo|instructions|Hund|!!!!|\bword\b", re.IGNORECASE
)
PATHS = (
    "dollies in while trucking left, then pans right",
    "holds still",
    "pans left, then tilts up while rolling clockwise",
)
ACTIONS = (("raises the right arm", "waves with the left hand"), ("walks left",))


def path(text):
    keys = list(read_camera(text).keys)
    return Fact("camera", text, Source("camera 1"), {"keys": keys, "denied": [], "shaky": False})


def pose(actions):
    yield Fact("count", "one person", Source("pose 1"), {"noun": "person", "number": 1})
    for at, text in enumerate(actions):
        start, end = at / len(actions), (at + 1) / len(actions)
        value = {"verb": text.split()[0], "who": "the person", "start": start, "end": end}
        yield Fact("action", text, Source("pose 1"), value, "measured", 0.9)


def request(text, *shown):
    found = (*read_text(text)[0], *shown)
    return Facts(text, found, find_conflicts(found))


REQUESTS = (
    request("a quiet street"),
    request("Two small red foxes sleep under a wooden bench at night."),
    request("three yellow umbrellas on the left of a blue boat, watercolour", path(PATHS[0])),
    request("An old sailor mends a net on the pier, no children", path(PATHS[1])),
    request("A violinist plays in an empty train station.", path(PATHS[2]), *pose(ACTIONS[0])),
    request("", path(PATHS[0]), *pose(ACTIONS[1])),
    request("A green kite rises above a white lighthouse. The sea is calm.", *pose(ACTIONS[0])),
)


def keys_of(facts):
    return [tuple(fact.value["keys"]) for fact in facts.of("camera", source="camera 1")]


@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("seed", range(3))
def test_what_leaves_the_check_is_what_was_asked_for(habit, seed):
    write = hostile(habit, seed)
    for facts in REQUESTS:
        written = write(facts.text, (), facts)
        checked = check(written, facts, writer=habit)
        caption = checked.caption
        whole = " ".join(getattr(caption, part) for part in PARTS)

        assert missing_words(facts.text, caption.dense) == []
        assert not LIES.search(whole)
        for keys in keys_of(facts):
            assert read_camera(caption.camera).keys == keys
        for fact in facts.of("action", source="pose 1"):
            assert fact.text.split(" ", 1)[1] in caption.action
        for one in (one for part in PARTS for one in checked.parts[part]):
            assert one.sources or one.origin == "invented"
        again = check(caption, facts, writer=habit)
        assert again.caption == caption
        assert again.findings == ()


def test_colours_numbers_and_sides_are_the_users():
    facts = REQUESTS[2]
    for habit in ("recoloured", "recounted", "swapped", "negated"):
        for seed in range(4):
            checked = check(hostile(habit, seed)(facts.text, (), facts), facts, writer=habit)
            whole = " ".join(getattr(checked.caption, part) for part in PARTS).casefold()
            assert set(re.findall(r"(\w+) umbrellas", whole)) <= {"yellow", "the"}
            assert set(re.findall(r"(\w+) boat", whole)) <= {"blue", "the"}
            assert set(re.findall(r"(\w+) yellow", whole)) == {"three"}
            assert set(re.findall(r"on the (left|right) of", whole)) == {"left"}
            assert not re.search(r"\b(?:not|never)\b", whole)


def test_a_hostile_writer_is_told_of():
    for habit in set(HABITS) - {"shuffled"}:
        write = hostile(habit, 1)
        found = [check(write(one.text, (), one), one, writer=habit).findings for one in REQUESTS]
        assert any(found), habit
