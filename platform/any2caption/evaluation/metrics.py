"""Caption metrics: structure, BLEU-2, ROUGE-L, METEOR and length, whole and per part.

The paper (arXiv 2503.24379, section 5.1) names BLEU-2, ROUGE-L, METEOR and structural integrity
without saying how they were computed. Here: BLEU-2 is sacrebleu's corpus BLEU with n-grams up to 2;
ROUGE-L is the mean F1 of rouge-score without stemming; METEOR is NLTK's mean over captions with
exact and stem matches only (`METEOR_NOTE`). All are 0…100. A prediction that does not parse keeps
its text for the whole caption and counts as empty for every part.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import fmean

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import parse, render
from any2caption.errors import InputError

WHOLE = "entire"
METEOR_NOTE = (
    "METEOR matches exact words and Porter stems; its synonym stage is empty, because "
    "WordNet's data is not available here, so values are at most those of a METEOR with synonyms."
)
Overlap = dict[str, float]
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


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
        """One part's text, or the whole text for `entire`; empty when the structure is broken."""
        if name == WHOLE:
            return self.text
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


def words(text: str) -> list[str]:
    """Lower-case words of a text; punctuation and list numbers' dots are dropped."""
    return _WORD.findall(text.lower())


def structural_integrity(predictions: Sequence[Prediction]) -> float:
    """Share (0…1) of predictions that hold all six parts; 0 for no predictions."""
    return fmean(p.caption is not None for p in predictions) if predictions else 0.0


def bleu2(predictions: Sequence[str], golds: Sequence[str]) -> float:
    """Corpus BLEU of unigrams and bigrams, 0…100 (sacrebleu, 13a tokens, effective order)."""
    from sacrebleu.metrics import BLEU

    metric = BLEU(max_ngram_order=2, effective_order=True)
    return float(metric.corpus_score(list(predictions), [list(golds)]).score)


@lru_cache(maxsize=20_000)
def rouge_l(prediction: str, gold: str) -> float:
    """F1 of the longest common subsequence of words, 0…100."""
    from rouge_score.rouge_scorer import RougeScorer

    return 100 * float(RougeScorer(["rougeL"]).score(gold, prediction)["rougeL"].fmeasure)


@lru_cache(maxsize=20_000)
def meteor(prediction: str, gold: str) -> float:
    """METEOR (α 0.9, β 3, γ 0.5) without synonyms, 0…100."""
    from nltk.translate.meteor_score import single_meteor_score

    if not prediction or not gold:
        return 0.0
    return 100 * float(
        single_meteor_score(
            words(gold), words(prediction), stemmer=_stemmer(), wordnet=_NoSynonyms()
        )
    )


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of the report's overlap table, under `name` in its JSON and `title` on its page.

    `measure` takes aligned predictions and golds, at least one of each.
    """

    name: str
    title: str
    measure: Callable[[Sequence[str], Sequence[str]], float]
    digits: int = 2


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("bleu2", "BLEU-2", bleu2),
        Metric("rouge_l", "ROUGE-L", lambda texts, golds: _mean(map(rouge_l, texts, golds))),
        Metric("meteor", "METEOR", lambda texts, golds: _mean(map(meteor, texts, golds))),
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
    """Return the metrics of the whole caption (`entire`) and of each part, in schema order."""
    return {
        WHOLE: overlap([p.text for p in predictions], [render(g) for g in golds]),
        **{
            part: overlap(
                [p.part(part) for p in predictions], [str(getattr(g, part)) for g in golds]
            )
            for part in PARTS
        },
    }
