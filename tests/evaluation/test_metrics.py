import math

import pytest

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.evaluation import metrics
from any2caption.evaluation.metrics import METEOR_NOTE, WHOLE, Prediction

GOLD = StructuredCaption(**{part: f"A red ball number {i}." for i, part in enumerate(PARTS)})


def test_bleu2_equals_the_hand_computed_value():
    # 3 of 4 unigrams and 2 of 3 bigrams match; equal lengths, so no brevity penalty.
    value = metrics.bleu2(["the red ball rolls"], ["the red ball jumps"])
    assert value == pytest.approx(100 * math.sqrt(3 / 4 * 2 / 3))


def test_bleu2_punishes_brevity():
    # Unigrams 2 of 2, bigrams 1 of 1, but 2 words for 4: exp(1 − 4/2).
    assert metrics.bleu2(["the red"], ["the red ball jumps"]) == pytest.approx(100 * math.exp(-1))


def test_rouge_l_equals_the_hand_computed_value():
    # Longest common subsequence "the ball rolls" = 3; precision 3/3, recall 3/5.
    value = metrics.rouge_l("the ball rolls", "the red ball slowly rolls")
    assert value == pytest.approx(100 * 2 * 1.0 * 0.6 / 1.6)


def test_meteor_equals_the_hand_computed_value():
    # 3 matches of 4 and 4 words in one chunk: F = 0.75, penalty 0.5·(1/3)³.
    value = metrics.meteor("the red ball rolls", "the red ball jumps")
    assert value == pytest.approx(100 * 0.75 * (1 - 0.5 * (1 / 3) ** 3))


def test_meteor_matches_stems_but_no_synonyms_and_says_so():
    stem = metrics.meteor("walking", "walks")
    assert stem > 0
    assert metrics.meteor("car", "automobile") == 0
    assert "synonym stage is empty" in METEOR_NOTE


def test_an_empty_prediction_scores_nothing():
    assert metrics.meteor("", "the ball") == 0
    assert metrics.rouge_l("", "the ball") == 0
    assert metrics.bleu2([""], ["the ball"]) == 0
    assert set(metrics.overlap([], []).values()) == {0}


def test_the_gold_caption_scores_full_marks_in_every_part():
    table = metrics.by_part([Prediction.read(render(GOLD))], [GOLD])
    assert list(table) == [WHOLE, *PARTS]
    for row in table.values():
        assert row["bleu2"] == pytest.approx(100)
        assert row["rouge_l"] == pytest.approx(100)
        assert row["meteor"] > 99
        assert row["words"] == row["gold_words"]


def test_a_broken_caption_costs_structure_and_every_part():
    good, broken = Prediction.read(render(GOLD)), Prediction.read("1. Dense caption: A red ball")
    assert metrics.structural_integrity([good, broken]) == 0.5
    assert metrics.structural_integrity([]) == 0
    table = metrics.by_part([broken], [GOLD])
    assert table["dense"]["rouge_l"] == 0
    assert table[WHOLE]["rouge_l"] > 0


def test_word_counts_ignore_punctuation():
    assert metrics.words("A ball-shaped thing, it's red.") == [
        "a",
        "ball-shaped",
        "thing",
        "it's",
        "red",
    ]
