"""Caption metrics, each under a name that says its convention: whole caption and parts.

The paper (arXiv 2503.24379, section 5.1) names BLEU-2, ROUGE-L, METEOR and structural integrity
without saying how they were computed; on the same captions two METEORs may lie thirty points apart.
So a name here is a metric *and* its convention (`Metric.convention`). All are 0…100. A prediction
that does not parse keeps its text for the whole caption and counts as empty for every part.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import fmean

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import parse, render, unlabelled
from any2caption.errors import InputError
from any2caption.evaluation.figures.tokens import RougeTokens, coco_tokens, has_han, words
from any2caption.evaluation.figures.wordnet import wordnet, wordnet_folder

WHOLE = "entire"
UNLABELLED = "entire_unlabelled"
WHOLES = {
    WHOLE: "Entire caption, with its six labels",
    UNLABELLED: "Entire caption, without labels",
}
Overlap = dict[str, float]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted text; `caption` is None and `problem` says why when it does not parse."""

    text: str
    caption: StructuredCaption | None
    problem: str = ""

    @classmethod
    def read(cls, text: str) -> "Prediction":
        """Parse a model's output; bad structure is a finding here, not an error."""
        try:
            return cls(text, parse(text))
        except InputError as error:
            return cls(text, None, str(error))

    def part(self, name: str) -> str:
        """One part's text, or the whole text, with labels or without; no parts, no part's text."""
        if name in WHOLES:
            return self.text if name == WHOLE else unlabelled(self.text)
        return "" if self.caption is None else str(getattr(self.caption, name))


class _NoSynonyms:
    """Stands where NLTK expects WordNet: no word has synonyms."""

    @staticmethod
    def synsets(_word: str) -> list[object]:
        return []


class _Stemmer:
    """Porter stems, remembered: captions repeat their words."""

    def __init__(self) -> None:
        from nltk.stem.porter import PorterStemmer

        self.stem = lru_cache(maxsize=50_000)(PorterStemmer().stem)


@cache
def _stemmer() -> _Stemmer:
    return _Stemmer()


def bleu2_sacrebleu(predictions: Sequence[str], golds: Sequence[str]) -> float:
    """Corpus BLEU of unigrams and bigrams, 0…100, as sacrebleu counts them."""
    from sacrebleu.metrics import BLEU

    han = any(map(has_han, golds))
    metric = BLEU(max_ngram_order=2, effective_order=True, tokenize="zh" if han else "13a")
    return float(metric.corpus_score(list(predictions), [list(golds)]).score)


def bleu2_coco(predictions: Sequence[str], golds: Sequence[str]) -> float:
    """Corpus BLEU-2 of coco-caption (`Bleu_2`), 0…100: its tokens, no smoothing."""
    from sacrebleu.metrics import BLEU

    metric = BLEU(max_ngram_order=2, smooth_method="none", tokenize="none", force=True)
    texts = ([" ".join(coco_tokens(one)) for one in many] for many in (predictions, golds))
    found, right = texts
    return float(metric.corpus_score(found, [right]).score)


@lru_cache(maxsize=20_000)
def rouge_l(prediction: str, gold: str) -> float:
    """F1 of the longest common subsequence of words (of characters in Chinese), 0…100."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], tokenizer=RougeTokens())
    return 100 * float(scorer.score(gold, prediction)["rougeL"].fmeasure)


def meteor_stems(prediction: str, gold: str) -> float:
    """NLTK's METEOR (α 0.9, β 3, γ 0.5) of exact words and Porter stems, 0…100."""
    return _meteor(prediction, gold, synonyms=False)


def meteor_wordnet(prediction: str, gold: str) -> float:
    """NLTK's METEOR (α 0.9, β 3, γ 0.5) of words, Porter stems and WordNet synonyms, 0…100."""
    return _meteor(prediction, gold, synonyms=True)


@lru_cache(maxsize=20_000)
def _meteor(prediction: str, gold: str, *, synonyms: bool) -> float:
    from nltk.translate.meteor_score import single_meteor_score

    if not prediction or not gold:
        return 0.0
    known = wordnet() if synonyms else _NoSynonyms()
    found = single_meteor_score(words(gold), words(prediction), stemmer=_stemmer(), wordnet=known)
    return 100 * float(found)


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of the report's overlap table, under `name` in its JSON and `title` on its page.

    `measure` takes aligned predictions and golds, at least one of each; `convention` says how.
    """

    name: str
    title: str
    measure: Callable[[Sequence[str], Sequence[str]], float]
    convention: str = ""
    digits: int = 2


_METEOR = "NLTK, \u03b1 0.9, \u03b2 3, \u03b3 0.5, mean over captions; exact words, Porter stems"
_METEORS = (
    Metric(
        "meteor_nltk_wordnet",
        "METEOR (NLTK, WordNet)",
        lambda texts, golds: _mean(map(meteor_wordnet, texts, golds)),
        f"{_METEOR}, synonyms of WordNet 3.0 for their stems. Not METEOR 1.5",
    ),
    Metric(
        "meteor_nltk_stems",
        "METEOR (NLTK, no synonyms)",
        lambda texts, golds: _mean(map(meteor_stems, texts, golds)),
        f"{_METEOR}; WordNet is not on this machine (Debian: wordnet-base)",
    ),
)
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "bleu2_sacrebleu",
            "BLEU-2 (sacrebleu)",
            bleu2_sacrebleu,
            "corpus BLEU, n-grams up to 2, case kept, 13a tokens (zh where golds are Chinese), "
            "exponential smoothing, effective order",
        ),
        Metric(
            "bleu2_coco",
            "BLEU-2 (coco-caption)",
            bleu2_coco,
            "corpus Bleu_2: Penn Treebank tokens, lower case, punctuation dropped, no smoothing",
        ),
        Metric(
            "rouge_l",
            "ROUGE-L (rouge-score)",
            lambda texts, golds: _mean(map(rouge_l, texts, golds)),
            "mean F1, no stemming; each Chinese character is a word",
        ),
        _METEORS[0] if wordnet_folder() else _METEORS[1],
        Metric("words", "words", lambda texts, _: _mean_words(texts), digits=0),
        Metric("gold_words", "words in gold", lambda _, golds: _mean_words(golds), digits=0),
    )
}


def _mean(values: Iterable[float]) -> float:
    return fmean(list(values))


def _mean_words(texts: Sequence[str]) -> float:
    return fmean(len(words(text)) for text in texts)


def overlap(predictions: Sequence[str], golds: Sequence[str]) -> Overlap:
    """Return `n`, how many texts there are, and every metric of them by name; 0 for no texts.

    Raises:
        ValueError: not as many predictions as golds.
    """
    if len(predictions) != len(golds):
        raise ValueError(f"{len(predictions)} predictions for {len(golds)} golds")
    measured = {
        name: metric.measure(predictions, golds) if golds else 0.0
        for name, metric in METRICS.items()
    }
    return {"n": len(golds), **measured}


def by_part(
    predictions: Sequence[Prediction], golds: Sequence[StructuredCaption]
) -> dict[str, Overlap]:
    """Return the metrics of the whole caption, with labels and without, and of each part."""
    whole = [render(gold) for gold in golds]
    return {
        WHOLE: overlap([p.text for p in predictions], whole),
        UNLABELLED: overlap(
            [p.part(UNLABELLED) for p in predictions], list(map(unlabelled, whole))
        ),
        **{
            part: overlap(
                [p.part(part) for p in predictions], [str(getattr(g, part)) for g in golds]
            )
            for part in PARTS
        },
    }
