from dataclasses import dataclass

import pytest

from any2caption.evaluation.people import (
    Pair,
    in_order,
    lacking,
    model_left,
    pairs,
    study_of,
    tally,
)
from any2caption.evaluation.policies.schema import People

MODEL, OTHER = "b" * 64, "c" * 64
RECORDS = [f"r{n}" for n in range(40)]


@dataclass
class Vote:
    item: str
    rater: str
    verdict: str
    left_by: str


def voted(rater, said, study="s"):
    """Votes of one person, whose sides are drawn: `said` maps records to model, other or a word."""
    found = []
    for record, who in said.items():
        left = model_left(study, rater, record)
        word = {"model": "left" if left else "right", "other": "right" if left else "left"}
        found.append(Vote(record, rater, word.get(who, who), MODEL if left else OTHER))
    return found


def report(slices):
    texts = {
        record: {"gold": "g", "model": f"m {record}", "champion": f"c {record}"}
        for group in slices.values()
        for record in group
    }
    outcomes = [{"record": r, "slice": name} for name, group in slices.items() for r in group]
    return {"snapshot": "5" * 64, "texts": texts, "outcomes": outcomes}


def test_pairs_are_of_every_slice_and_differ():
    made = report({"mix": RECORDS[:30], "text_only": RECORDS[30:34]})
    made["texts"]["r33"]["champion"] = "m  r33"  # the same words
    found = pairs(made, most=8)
    assert [one.slice for one in found].count("text_only") == 3
    assert len(found) == 8
    assert found == pairs(made, most=8)
    del made["texts"]["r30"]["champion"]
    assert {one.other for one in pairs(made, most=99) if one.record == "r30"} == {"g"}


def test_sides_and_order_are_by_chance_and_another_persons():
    found = [Pair(record, "mix", "m", "c") for record in RECORDS]
    orders = [[one.record for one in in_order(found, "s", who)] for who in ("ada", "bob")]
    assert orders[0] != orders[1] != RECORDS
    assert sorted(orders[0]) == sorted(RECORDS)
    sides = [[model_left("s", who, record) for record in RECORDS] for who in ("ada", "bob")]
    assert sides[0] != sides[1]
    assert all(10 < sum(one) < 30 for one in sides)


def test_the_model_wins_on_whichever_side_it_stands():
    said = dict.fromkeys(RECORDS[:20], "model") | dict.fromkeys(RECORDS[20:30], "other")
    said |= {"r30": "the same", "r31": "both are wrong"}
    found = tally(voted("ada", said), MODEL)
    assert (found.votes, found.won, found.lost, found.tied) == (32, 20, 10, 2)
    assert found.value == pytest.approx(21 / 32)
    assert found.low < found.value < found.high
    assert found.agreement is None
    assert tally([], MODEL).value is None


def test_agreement_is_of_what_two_saw_and_not_of_sides():
    said = {record: ("model", "other")[n % 2] for n, record in enumerate(RECORDS)}
    both = [*voted("ada", said), *voted("bob", said)]
    assert tally(both, MODEL).agreement == 1
    opposite = {record: ("other", "model")[n % 2] for n, record in enumerate(RECORDS)}
    assert tally([*voted("ada", said), *voted("bob", opposite)], MODEL).agreement == -1


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (People(votes=81, raters=2), "80 of 81 votes"),
        (People(votes=80, raters=3), "2 of 3 people"),
        (People(votes=80, bound=0.6), "in 0.50 of cases"),
        (People(votes=80, bound=0.2, agreement=0.5), "agreement (Cohen's κ) is -1.00"),
        (People(votes=80, bound=0.2), None),
    ],
)
def test_what_a_policy_wants_of_people_is_named(rule, told):
    said = {record: ("model", "other")[n % 2] for n, record in enumerate(RECORDS)}
    opposite = {record: ("other", "model")[n % 2] for n, record in enumerate(RECORDS)}
    found = lacking(rule, tally([*voted("ada", said), *voted("bob", opposite)], MODEL))
    assert found is None if told is None else told in found


def test_a_study_is_of_two_bundles_and_the_texts_judged():
    names = {study_of(*given) for given in (("a", "b", "c"), ("a", "", "c"), ("a", "b", "d"))}
    assert len(names) == 3
