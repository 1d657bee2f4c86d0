"""Each metric beside an implementation of others, on captions of the synthetic corpus."""

import os
from itertools import pairwise
from pathlib import Path

import pytest
from nltk.translate.bleu_score import corpus_bleu
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from any2caption.captions.text import render
from any2caption.evaluation import metrics
from any2caption.evaluation.figures.meteor15 import Meteor15, java
from any2caption.evaluation.figures.tokens import coco_tokens
from any2caption.evaluation.figures.wordnet import wordnet

HARD = [
    "It's a man's hat, isn't it? The dog can't see; they've gone -- 1,000 km/h (fast).",
    "“Stop!” she says, 50% off: $5, well-known e.g. in the U.S. today…",
    "The dogs' bowl, a red-haired girl, and the 1980s.",
]

FIXED = [
    ("Two green cones slide over a snowy mountain.", "Two green cones, on a snowy mountain."),
    ("A man in a red shirt is waving his hand.", "A person waves. The camera pans left."),
    ("The camera slowly zooms in.", "The lens zooms in at an even pace, the camera is still."),
]
FIXED_METEOR = [46.97069, 7.66461, 17.33042]
FIXED_METEOR_CORPUS = 22.40228


@pytest.fixture(scope="module")
def pairs(records):
    """Captions beside those of the next record: alike in form, other in content."""
    texts = list(dict.fromkeys(render(one.caption) for one in records))[:40]
    return list(pairwise(texts))


@pytest.fixture(scope="module")
def javas_tokens(pairs):
    """What coco-caption's own tokenizer, Stanford's Java, makes of each text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(java()).parent}:{os.environ['PATH']}")
        texts = [*dict.fromkeys(text for pair in pairs for text in pair), *HARD]
        made = PTBTokenizer().tokenize({text: [{"caption": text}] for text in texts})
        yield {text: found[0] for text, found in made.items()}


def test_coco_tokens_are_those_of_stanfords_tokenizer(javas_tokens):
    assert {text: " ".join(coco_tokens(text)) for text in javas_tokens} == javas_tokens


def test_bleu2_of_coco_is_that_of_coco_caption(pairs, javas_tokens):
    golds = {i: [javas_tokens[gold]] for i, (_, gold) in enumerate(pairs)}
    found = {i: [javas_tokens[text]] for i, (text, _) in enumerate(pairs)}
    right = Bleu(2).compute_score(golds, found, verbose=0)[0][1]
    ours = metrics.bleu2_coco(*zip(*pairs, strict=True))
    assert 10 < ours < 90
    assert ours == pytest.approx(100 * right, abs=1e-6)


def test_bleu2_of_sacrebleu_is_that_of_nltk_on_the_same_tokens(pairs):
    cut = Tokenizer13a()
    found, golds = ([cut(one).split() for one in many] for many in zip(*pairs, strict=True))
    right = corpus_bleu([[gold] for gold in golds], found, weights=(0.5, 0.5))
    assert metrics.bleu2_sacrebleu(*zip(*pairs, strict=True)) == pytest.approx(100 * right)


def test_rouge_l_is_rouge_scores_own(pairs):
    scorer = RougeScorer(["rougeL"])
    for text, gold in pairs:
        right = scorer.score(gold, text)["rougeL"].fmeasure
        assert metrics.rouge_l(text, gold) == pytest.approx(100 * right)


def test_rouge_l_of_chinese_is_that_of_its_characters_as_words():
    found, gold = "一只狗在草地上跑步。", "一只小猫在草地上跑。"
    letters = {one: f"w{ord(one)}" for one in {*found, *gold} - {"。"}}
    plain = [" ".join(letters.get(one, "") for one in text) for text in (found, gold)]
    right = RougeScorer(["rougeL"]).score(plain[1], plain[0])["rougeL"].fmeasure
    assert metrics.rouge_l(found, gold) == pytest.approx(100 * right)
    assert 50 < metrics.rouge_l(found, gold) < 100


def test_meteor_of_nltk_matches_synonyms_of_wordnet():
    names = {lemma.name() for one in wordnet().synsets("sofa") for lemma in one.lemmas()}
    assert {"sofa", "couch", "lounge"} <= names
    # Three matches of three words in one chunk, by hand: 1 − 0.5·(1/3)³.
    full = 100 * (1 - 0.5 / 27)
    assert metrics.meteor_wordnet("the sofa burns", "the couch burns") == pytest.approx(full)
    two = 100 * 2 / 3 * (1 - 0.5)  # two matches in two chunks
    assert metrics.meteor_stems("the sofa burns", "the couch burns") == pytest.approx(two)


def test_meteor_15_is_coco_captions_and_not_nltks():
    """The scores are those of pycocoevalcap's `PTBTokenizer` and `Meteor` for these pairs."""
    with Meteor15() as meteor:
        for (text, gold), right in zip(FIXED, FIXED_METEOR, strict=True):
            assert meteor.score([text], [gold]) == pytest.approx(right, abs=1e-3)
        ours = meteor.score(*zip(*FIXED, strict=True))
    assert ours == pytest.approx(FIXED_METEOR_CORPUS, abs=1e-3)
    nltks = sum(metrics.meteor_wordnet(text, gold) for text, gold in FIXED) / len(FIXED)
    assert abs(ours - nltks) > 5
