"""Who several are, one by one: appositions, halves, one and the other."""

import pytest

from any2caption.conditions.fact import Fact, Source
from any2caption.grounding.conflicts import find_conflicts
from any2caption.grounding.words import read_text

from .composing import composed

SAID = [
    ("Two dogs, a poodle and a pug, play in a garden",
     {"main_object": "The main subjects are two dogs, a poodle and a pug.",
      "action": "The dogs play."}),
    ("Two people, a man and a woman, are dancing in the rain",
     {"main_object": "The main subjects are two people, a man and a woman.",
      "action": "The people are dancing."}),
    ("Two people, a mother and her son, walk their dog. Her son no longer holds her hand.",
     {"action": "The people walk their dog. The son does not hold her hand."}),
    ("Three friends, two boys and a girl, ride bikes", {"action": "The friends ride bikes."}),
    ("A couple, a tall man and a short woman, walk along the beach",
     {"main_object": "The main subject is a couple, a tall man and a short woman.",
      "action": "The couple walks along the beach."}),
    ("Two men, one in red and one in blue, shake hands",
     {"main_object": "The main subjects are two men, one in red and one in blue.",
      "action": "The men shake hands."}),
    ("Two friends, Anna and Ben, walk home", {"action": "The friends walk home."}),
    ("Three children, a boy, a girl and a toddler, build a castle. The girl laughs.",
     {"main_object": "The main subjects are three children, a boy, a girl and a toddler.",
      "action": "The children build a castle. The girl laughs."}),
    ("Three people: a man, a woman and a child walk in a park",
     {"action": "The man, the woman and the child walk."}),
    ("Two men, a dog and a cat sit in a boat",
     {"action": "The men, the dog and the cat sit in a boat."}),
    ("Two men in suits shake hands", {"main_object": "The main subjects are two men in suits."}),
    ("One man sits, the other man stands up",
     {"main_object": "The main subjects are one man and the other man.",
      "action": "The man sits. The other man stands up."}),
    ("One girl in red jumps and one girl in blue kneels",
     {"main_object": "The main subjects are one girl in red and one girl in blue.",
      "action": "The girl in red jumps. The girl in blue kneels."}),
    ("A boy in green shorts, a girl in white kneels.",
     {"main_object": "The main subjects are a boy in green shorts and a girl in white.",
      "action": "The girl kneels."}),
    ("Half of the audience stands, the other half boos",
     {"action": "Half of the audience stands. The other half boos."}),
    ("The left half of the screen shows a city, the right half shows a forest",
     {"action": "The left half of the screen shows a city. The right half shows a forest."}),
    ("What appears to be a fox crosses the road",
     {"main_object": "The main subject is what appears to be a fox.",
      "action": "The fox crosses the road."}),
    ("What seem to be two children run through fog",
     {"main_object": "The main subjects are what seem to be two children.",
      "action": "The children run through fog."}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), SAID)
def test_each_is_told_once(text, parts):
    assert composed(text, parts) == parts


def test_who_two_people_are_makes_no_four_of_them():
    found, _ = read_text("Two people, a man and a woman, are dancing")
    two = Fact("count", "two people", Source("pose 1"), {"noun": "person", "number": 2}, "exact")
    assert find_conflicts((*found, two)) == ()
