"""How often the judge of answers is right, and so in which slots its word decides.

`card.json` holds its sensitivity (right answers that it accepts), its specificity (wrong ones that
it refuses) and Cohen's κ by slot, on captions that were labelled by hand by somebody who had not
seen it (`python bench/judge_card.py --write`): `data` on captions in no words but those of the data
and of the judge's lexicon, `others` on captions in any words. A slot below what the policy asks for
is information only; so is one that the card does not know, and one in which a model's captions
leave the data's words too often for the figures of `data`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from any2caption.captions.lexicon import SLOTS
from any2caption.captions.schema import PARTS
from any2caption.datasets.records import Record
from any2caption.evaluation.figures.tokens import words

FAMILIAR = 0.9
"""Share of a model's captions in the data's words from which the figures of `data` are its own."""
Wording = Literal["data", "others"]


@dataclass(frozen=True, slots=True)
class Figures:
    """The judge's figures in one slot, on `captions` labelled captions."""

    captions: int
    sensitivity: float
    specificity: float
    kappa: float

    def reach(self, least: float) -> bool:
        """Whether sensitivity and specificity both reach a bound."""
        return min(self.sensitivity, self.specificity) >= least


@cache
def card() -> Mapping[Wording, Mapping[str, Figures]]:
    """The card that comes with this judge: wording → slot → figures."""
    raw = json.loads(Path(__file__).with_name("card.json").read_text(encoding="utf-8"))
    return {
        wording: {slot: Figures(**figures) for slot, figures in slots.items()}
        for wording, slots in raw.items()
    }


def objection(slot: str, least: float, familiar: float = 1.0) -> str:
    """Say why the judge's answers in a slot can't decide; empty where they can.

    `familiar` is the share of the captions judged that are in the data's words.
    """
    own, others = (card()[wording].get(slot) for wording in ("data", "others"))
    if least <= 0 or (others and others.reach(least)):
        return ""
    best = own or others
    if best is None:
        return "nobody has checked the judge in it"
    if not best.reach(least):
        return (
            f"the judge's sensitivity in it is {best.sensitivity:.2f}, its specificity "
            f"{best.specificity:.2f}; {least:.2f} are needed"
        )
    if familiar >= FAMILIAR:
        return ""
    return (
        f"{familiar:.2f} of the captions are in the data's words, in which the judge was checked; "
        f"{FAMILIAR:.2f} are needed"
    )


def vocabulary(records: Iterable[Record]) -> frozenset[str]:
    """Return the words of the records' gold captions and of the judge's lexicon, in lower case."""
    texts = {getattr(one.caption, part) for one in records for part in PARTS}
    forms = {f for slot in SLOTS.values() for term in slot.terms for f in (term.phrase, *term.also)}
    return frozenset(word for text in texts | forms for word in words(text))


def is_familiar(text: str, known: frozenset[str]) -> bool:
    """Whether a text has no word but known ones."""
    return known.issuperset(words(text))
