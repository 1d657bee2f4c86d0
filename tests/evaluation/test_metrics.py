import math

import pytest

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.evaluation import metrics
from any2caption.evaluation.figures.tokens import words
from any2caption.evaluation.metrics import METRICS, UNLABELLED, WHOLE, Prediction

GOLD = StructuredCaption(**{part: f"A red ball number {i}." for i, part in enumerate(PARTS)})


def test_bleu2_equals_the_hand_computed_value():
    # 3 of 4 unigrams and 2 of 3 bigrams match; equal lengths, so no brevity penalty.
    value = metrics.bleu2_sacrebleu(["the red ball rolls"], ["the red ball jumps"])
    assert value == pytest.approx(100 * math.sqrt(3 / 4 * 2 / 3))


def test_bleu2_punishes_brevity():
    # Unigrams 2 of 2, bigrams 1 of 1, but 2 words for 4: exp(1 − 4/2).
    assert metrics.bleu2_sacrebleu(["the red"], ["the red ball jumps"]) == pytest.approx(
        100 * math.exp(-1)
    )


def test_rouge_l_equals_the_hand_computed_value():
    # Longest common subsequence "the ball rolls" = 3; precision 3/3, recall 3/5.
    value = metrics.rouge_l("the ball rolls", "the red ball slowly rolls")
    assert value == pytest.approx(100 * 2 * 1.0 * 0.6 / 1.6)


def test_meteor_equals_the_hand_computed_value():
    # 3 matches of 4 and 4 words in one chunk: F = 0.75, penalty 0.5·(1/3)³.
    value = metrics.meteor_stems("the red ball rolls", "the red ball jumps")
    assert value == pytest.approx(100 * 0.75 * (1 - 0.5 * (1 / 3) ** 3))


def test_meteor_without_wordnet_matches_stems_and_no_synonyms():
    stem = metrics.meteor_stems("walking", "walks")
    assert stem > 0
    assert metrics.meteor_stems("car", "automobile") == 0


def test_an_empty_prediction_scores_nothing():
    assert metrics.meteor_stems("", "the ball") == 0
    assert metrics.rouge_l("", "the ball") == 0
    assert metrics.bleu2_sacrebleu([""], ["the ball"]) == 0
    assert set(metrics.overlap([], []).values()) == {0}


def test_the_gold_caption_scores_full_marks_in_every_part():
    table = metrics.by_part([Prediction.read(render(GOLD))], [GOLD])
    assert list(table) == [WHOLE, UNLABELLED, *PARTS]
    for row in table.values():
        assert row["bleu2_sacrebleu"] == row["bleu2_coco"] == pytest.approx(100)
        assert row["rouge_l"] == pytest.approx(100)
        assert row["meteor_nltk_wordnet"] > 99
        assert row["words"] == row["gold_words"]


def test_a_broken_caption_costs_every_part():
    broken = Prediction.read("1. Dense caption: A red ball")
    table = metrics.by_part([broken], [GOLD])
    assert table["dense"]["rouge_l"] == 0
    assert table[WHOLE]["rouge_l"] > 0


def test_labels_count_in_one_row_only():
    other = StructuredCaption(**{part: f"Something else, {i}." for i, part in enumerate(PARTS)})
    table = metrics.by_part([Prediction.read(render(other))], [GOLD])
    labelled, plain = table[WHOLE], table[UNLABELLED]
    assert labelled["words"] - plain["words"] == sum(
        2 + len(words(one)) - 1 for one in PARTS.values()
    )
    for name in ("bleu2_sacrebleu", "bleu2_coco", "rouge_l", "meteor_nltk_wordnet"):
        assert labelled[name] > plain[name] + 10  # labels match whatever a caption says
    broken = Prediction.read("1. Dense caption: A red ball")
    assert broken.part(UNLABELLED) == "A red ball"


def test_every_figure_names_its_convention():
    measured = [one for one in METRICS.values() if not one.name.endswith("words")]
    assert len(measured) == 4
    assert all(one.convention and "(" in one.title for one in measured)


def test_word_counts_ignore_punctuation():
    assert words("A ball-shaped thing, it's red.") == [
        "a",
        "ball-shaped",
        "thing",
        "it's",
        "red",
    ]
    assert words("红色的ball") == ["红", "色", "的", "ball"]
