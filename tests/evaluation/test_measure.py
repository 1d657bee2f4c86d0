import json

import pytest

from any2caption.captions.text import render
from any2caption.evaluation.captioning import CaptionCache, Item, caption_all
from any2caption.evaluation.gates import TINY, decide
from any2caption.evaluation.measure import control, score
from any2caption.evaluation.scores import Selector
from any2caption.evaluation.slices import pick
from any2caption.progress import ProgressLog


@pytest.fixture
def selection(records):
    return pick(records, 12)


def gold(selection):
    return {r.id: render(r.caption) for group in selection.values() for r in group}


def donor_gold(selection):
    pairs = control(selection, lambda _: 12)
    return {i: render(donor.caption) for found in pairs.values() for i, donor in found.items()}


def test_gold_captions_answer_every_question(selection):
    scores = score(selection, gold(selection), {}).scores
    assert scores.integrity().value == 1
    assert scores.accuracy(Selector()).value == 1
    assert scores.accuracy(Selector()).n > 200
    assert scores.accuracy(Selector(shuffled=True)).value is None


def test_a_model_that_reads_conditions_falls_to_chance_when_they_are_shuffled(selection):
    """A perfect reader writes the donor's caption: condition-only slots come from the donor."""
    scores = score(selection, gold(selection), donor_gold(selection)).scores
    control_rate = scores.accuracy(
        Selector(slice="camera_only", group="only_condition", slot="camera", shuffled=True)
    )
    assert control_rate.n >= 8
    assert control_rate.value < 0.5


def test_a_model_that_ignores_conditions_is_found_out(selection):
    """It writes one caption for everyone: right by chance only, and shuffling changes nothing."""
    constant = render(selection["mix"][0].caption)
    texts = dict.fromkeys(gold(selection), constant)
    scores = score(selection, texts, dict.fromkeys(donor_gold(selection), constant)).scores
    value = scores.accuracy(Selector(group="only_condition")).value
    assert value < 0.6
    assert not decide(scores, None, TINY).passed


def test_a_broken_caption_counts_against_structure_and_every_question(selection):
    texts = gold(selection)
    broken = selection["mix"][0]
    texts[broken.id] = "no parts at all"
    scores = score(selection, texts, {}).scores
    assert scores.integrity("mix").hits == scores.integrity("mix").n - 1
    wrong = [o for o in scores.outcomes if not o.correct]
    assert {o.record for o in wrong} == {broken.id}
    assert len(wrong) == len(broken.qa)


def test_an_interrupted_evaluation_goes_on_where_it_stopped(selection, tmp_path):
    items = [Item(record) for group in selection.values() for record in group]
    calls = []

    def texter(stop_after):
        def write(batch):
            if len(calls) == stop_after:
                raise KeyboardInterrupt
            calls.append(len(batch))
            return [f"text of {item.record.id}" for item in batch]

        return lambda: write

    path = tmp_path / "memory.jsonl"
    with pytest.raises(KeyboardInterrupt):
        caption_all(items, texter(2), CaptionCache(path), batch=8)
    with path.open("a") as file:
        file.write('{"key": "torn')
    log = ProgressLog(tmp_path / "progress.jsonl")
    texts = caption_all(items, texter(10**6), CaptionCache(path), batch=8, progress=log)
    assert texts == [f"text of {item.record.id}" for item in items]
    assert sum(calls) == len(items)
    assert [line["step"] for _, line in log.read()][-1] == len(items) - 16

    def never():
        raise AssertionError("the model must not be loaded again")

    assert caption_all(items, never, CaptionCache(path)) == texts


def test_shuffled_requests_are_remembered_apart_from_plain_ones(selection, tmp_path):
    record, donor = selection["camera_only"][:2]
    items = [Item(record), Item(record, donor)]
    assert items[0].key != items[1].key
    texts = caption_all(
        items,
        lambda: lambda batch: [str(i.donor is None) for i in batch],
        CaptionCache(tmp_path / "m"),
    )
    assert texts == ["True", "False"]
    lines = [json.loads(x) for x in (tmp_path / "m").read_text().splitlines() if x]
    assert [line["key"] for line in lines] == [item.key for item in items]
