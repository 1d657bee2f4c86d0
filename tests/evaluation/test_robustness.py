"""Missing, noisy and contradictory inputs, two by two: what wins, and whether it is said."""

from itertools import combinations, product

from faithful_writers import composer
from robustness import FACTORS, cases, covering, measure


def test_every_two_circumstances_meet_but_those_that_cannot():
    rows = covering()
    assert len(rows) < 30
    missing = set()
    for one, other in combinations(FACTORS, 2):
        for pair in product(FACTORS[one], FACTORS[other]):
            if not any((row[one], row[other]) == pair for row in rows):
                missing.add((one, other, *pair))
    assert missing == {
        ("text", "camera", "against path", "none"),
        ("text", "pose", "against pose", "none"),
    }


def test_composed_captions_follow_the_path_keep_the_words_and_tell_of_conflicts():
    found, wrong = measure("compose", composer(), cases(1, 3, 24))
    everything = found["all"]
    assert everything["cases"] > 12
    assert everything["camera"][0] == everything["camera"][1] > 8, wrong
    assert everything["words"][0] == everything["words"][1] > 100
    assert found["text: against path"]["told"][0] == found["text: against path"]["cases"]
    assert found["camera: two"]["told"][0] == found["camera: two"]["cases"]
    assert everything["action"][0] >= 0.8 * everything["action"][1]
