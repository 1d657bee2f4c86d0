"""People's word: a fair sample, honest rates, agreement between two, answers that take effect."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from any2caption.annotation import reviews
from any2caption.annotation.plan import Plan
from any2caption.annotation.run import run_annotation
from any2caption.annotation.verification import (
    OUTCOMES,
    Reading,
    agreement,
    draw,
    rates,
    second_readings,
    settle,
)
from any2caption.captions.schema import StructuredCaption
from any2caption.datasets.agreement import cohen_kappa
from any2caption.datasets.records import SourceRecord
from any2caption.errors import NotFoundError
from any2caption.settings import Settings
from any2caption.storage import open_store

from .builders import PARTS, write_source

IDS = [f"r-{n}" for n in range(2000)]
RECORD = SourceRecord(
    id="r", source="s", licence="l", prompt="a box", caption=StructuredCaption(**PARTS)
)


def reading(record="r", outcome="accepted", number=1, who="ann", **changes):
    return Reading(record, number, who, outcome, changes)


def test_the_sample_does_not_depend_on_the_order_and_grows_with_its_share():
    small, large = (draw(IDS, "k", share, 10_000) for share in (0.05, 0.2))
    assert draw(reversed(IDS), "k", 0.05, 10_000) == small
    assert set(small) < set(large)
    assert 60 <= len(small) <= 140
    assert draw(IDS, "other", 0.05, 10_000) != small
    assert draw(IDS, "k", 1, 7) == draw(IDS, "k", 1, 10_000)[:7]
    assert draw(IDS, "k", 0, 7) == []


def test_the_second_reading_is_part_of_the_first():
    sample = draw(IDS, "k", 0.1, 100)
    twice = second_readings(sample, "k", 0.2)
    assert set(twice) < set(sample)
    assert len(twice) == 20
    assert second_readings(sample[:2], "k", 0.1) != []  # at least one
    assert second_readings(sample, "k", 0) == []
    assert second_readings([], "k", 0.5) == []


def test_rates_are_of_first_readings():
    told = [reading("a"), reading("b", "edited"), reading("a", "rejected", 2), reading("c")]
    found = rates(told)
    assert (found["reviewed"], found["accepted"], found["edited"]) == (3, 2, 1)
    assert found["rates"] == {"accepted": 0.6667, "edited": 0.3333, "rejected": 0.0}
    assert rates([])["rates"] == dict.fromkeys(OUTCOMES)


def test_kappa_is_the_textbooks():
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert cohen_kappa([("a", "a")] * 5) is None  # chance alone agrees always
    assert cohen_kappa([]) is None
    assert cohen_kappa([("a", "b"), ("b", "a")]) == -1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(OUTCOMES), st.sampled_from(OUTCOMES)), min_size=2, max_size=40
    )
)
def test_kappa_is_that_of_scikit_learn(pairs):
    ours = cohen_kappa(pairs)
    theirs = cohen_kappa_score([one for one, _ in pairs], [two for _, two in pairs])
    assert (ours is None and math.isnan(theirs)) or ours == pytest.approx(theirs, abs=1e-4)


def test_agreement_is_between_two_people():
    told = [
        *(reading("a"), reading("a", number=2, who="bob")),
        *(reading("b", "edited"), reading("b", "rejected", 2, "bob")),
        *(reading("c"), reading("c", number=2)),  # the same person twice
        reading("d"),
    ]
    found = agreement(told)
    assert (found.pairs, found.observed) == (2, 0.5)
    assert found.kappa == pytest.approx(0.3333, abs=1e-4)
    assert agreement([reading("a")]) == agreement([])


def test_answers_take_effect_and_the_stricter_one_counts():
    edit = reading(outcome="edited", prompt="a cone", style="Noir.")
    assert settle(RECORD, []) == RECORD
    assert settle(RECORD, [reading()]) == RECORD
    changed = settle(RECORD, [edit, reading(number=2, who="bob")])
    assert (changed.prompt, changed.caption.style) == ("a cone", "Noir.")
    assert changed.caption.dense == PARTS["dense"]
    assert settle(RECORD, [edit, reading(outcome="rejected", number=2)]) is None
    later = reading(outcome="edited", number=2, who="bob", style="Bright.", camera="It pans.")
    both = settle(RECORD, [later, edit]).caption
    assert (both.style, both.camera) == ("Noir.", "It pans.")


@pytest.fixture
def annotated(tmp_path):
    source = open_store(f"memory://source-{tmp_path.name}")
    write_source(source, [{"prompt": f"a red ball {{{{ {n} }}}}"} for n in range(6)])
    chosen = Settings(home=tmp_path / "home", object_store=f"memory://store-{tmp_path.name}")
    return chosen, run_annotation(chosen, Plan(source=source.uri))


def manifest_of(report):
    uri, _, rest = report["annotated"].partition("/annotations/")
    return open_store(uri).get(f"annotations/{rest}/manifest.jsonl")


def ids_of(report):
    lines = manifest_of(report).splitlines()
    return [SourceRecord.model_validate_json(line).id for line in lines]


def test_the_queue_shows_the_record_and_nothing_that_a_template_acts_on(annotated):
    chosen, report = annotated
    asked = reviews.queue(chosen, report["key"], share=1, second_share=0.3, most=50)
    assert len(asked) == 8  # six records, two of them twice
    body = asked[0]["body"]
    assert "**Short prompt**: a red ball ((" in body
    assert "**6. " not in body
    assert "Style caption" in body
    assert "{" not in body + asked[0]["subject"]
    assert {one["reading"] for one in asked} == {1, 2}


def test_answers_change_the_manifest_once_and_are_not_asked_for_again(annotated):
    chosen, report = annotated
    key = report["key"]
    asked = reviews.queue(chosen, key, share=1, second_share=0, most=50)
    told = [
        reading(asked[0]["record"], "rejected"),
        reading(asked[1]["record"], "edited", style="X."),
    ]
    first = reviews.record(chosen, key, told)
    assert (first["records"], first["dropped"], first["reviewed"]) == (5, 1, 2)
    assert reviews.record(chosen, key, told) == first  # again changes nothing
    assert asked[0]["record"] not in ids_of(report)
    left = reviews.queue(chosen, key, share=1, second_share=0, most=50)
    assert len(left) == 4
    assert reviews.report(chosen, key)["rates"]["rejected"] == 0.5
    assert b'"style":"X."' in manifest_of(report)


def test_one_person_cannot_give_both_readings_of_a_record(annotated):
    chosen, report = annotated
    key = report["key"]
    asked = reviews.queue(chosen, key, share=1, second_share=0.3, most=50)
    one, other = (entry["record"] for entry in asked if entry["reading"] == 2)
    told = [reading(one, number=2, outcome="rejected"), reading(one), reading(other)]
    summary = reviews.record(chosen, key, told)
    assert len(summary["refused"]) == 1
    assert f"{one}: reading 2 by ann is not entered" in summary["refused"][0]
    assert (summary["reviewed"], summary["dropped"]) == (2, 0)  # the refused one has no effect
    later = reviews.record(chosen, key, [reading(other, number=2)])
    assert "someone else must give it" in later["refused"][0]
    left = reviews.queue(chosen, key, share=1, second_share=0.3, most=50)
    assert {entry["record"] for entry in left if entry["reading"] == 2} == {one, other}
    last = reviews.record(
        chosen, key, [reading(item, number=2, who="bob") for item in (one, other)]
    )
    assert (last["refused"], last["agreement"]["pairs"]) == ([], 2)


def test_without_answers_the_manifest_is_the_annotators(annotated):
    chosen, report = annotated
    before = ids_of(report)
    assert reviews.record(chosen, report["key"], [])["records"] == 6
    assert ids_of(report) == before


def test_an_unknown_run_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="no annotation run 'abc'"):
        reviews.queue(Settings(home=tmp_path), "abc", share=1, second_share=0, most=5)
