"""Missing, noisy and contradictory inputs, two by two: what wins, and whether it is said."""

import json
from collections import Counter
from itertools import combinations, product

from faithful_writers import composer
from robustness import FACTORS, cases, covering, measure, won

from any2caption.grounding.compose import compose


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
    measured = measure("compose", composer(), cases(1, 3, 24))
    found, wrong = measured.answers, measured.wrong
    everything = found["all"]
    assert everything["cases"] > 12
    assert everything["camera"][0] == everything["camera"][1] > 8, wrong
    assert everything["words"][0] == everything["words"][1] > 100
    assert found["text: against path"]["told"][0] == found["text: against path"]["cases"]
    assert found["camera: two"]["told"][0] == found["camera: two"]["cases"]
    assert everything["action"][0] >= 0.8 * everything["action"][1]
    assert json.loads(json.dumps(measured.as_json()))["wins"] == measured.wins
    for rival in ("text against path", "second path against the first"):
        counts = measured.wins[rival]["answer"]
        assert counts["the first"] == counts["said"] > 1
        assert not counts["the rival"] + counts["both"]


def test_a_draft_that_tells_the_rival_is_counted_as_such_and_then_mended():
    """A writer that believes the words, and the last path, whatever was measured."""

    def believes(_text, _conditions, facts):
        moves = [one.overruled.text for one in facts.conflicts if one.overruled.aspect == "camera"]
        caption = compose(facts).caption
        if not moves:
            return caption
        return caption.model_copy(update={"camera": f"The camera {' and '.join(moves)}."})

    measured = measure("model", believes, cases(1, 3, 24))
    drafted = sum((one["draft"] for one in measured.wins.values()), Counter())
    answered = sum((one["answer"] for one in measured.wins.values()), Counter())
    assert drafted["the rival"] > 4
    assert answered["the rival"] == 0
    assert answered["said"] == drafted["said"] > 4
    assert "| text against path | draft |" in won(measured.wins)
