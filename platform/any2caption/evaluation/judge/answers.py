"""A deterministic judge: does the predicted caption alone answer a question rightly?

It stands where the paper (arXiv 2503.24379, section 5.1, IRScore) asks GPT-4V. For a slot with a
closed vocabulary it collects every value that the aspect's part states, in the lexicon's words and
in others' (`words`), and wants exactly the right ones: a caption that names several
candidates is wrong, however many of them are right, and what is denied is not stated. Movements of
the camera are read as the check of served captions reads them. For free text it wants the answer's
words in the part, or in the dense one, not denied. The prompt, the conditions and the gold caption
are never looked at. How often it is right, slot by slot, is on its card (`bench/judge_card.py`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from any2caption.captions.camera_reading import read_camera
from any2caption.captions.lexicon import SLOTS, mentions
from any2caption.datasets.records import QA, Aspect
from any2caption.evaluation.figures.tokens import words
from any2caption.evaluation.judge import subject
from any2caption.evaluation.judge.words import OTHER_WORDS
from any2caption.evaluation.metrics import Prediction
from any2caption.grounding.check.claims import read_claims
from any2caption.grounding.words.content import content_words
from any2caption.grounding.words.forms import stems

# Aspect of a question → the caption's part that has to answer it, where the slot does not say so
# itself.
PART_OF_ASPECT: Mapping[Aspect, str] = {
    "subject": "main_object",
    "background": "background",
    "movement": "action",
    "camera": "camera",
    "interaction": "action",
    "style": "style",
}
MOVES = frozenset({"camera", "path"})
"""Slots about the camera; `path` is asked by the geometry, in steps."""
_STATED = re.compile(r"(?:stated|shown)_|deed$")
_DENIES = re.compile(
    r"\b(?:no|not|never|without|neither|nor|nobody|nothing|cannot|lacks?|instead of|rather than"
    r"|\w+n['’]t)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.;:!?]|,|\b(?:but|and then|while|yet)\b", re.IGNORECASE)


class Judge:
    """Judges questions; `alternatives` are the free-text answers known for each slot."""

    def __init__(self, alternatives: Mapping[str, frozenset[str]] | None = None) -> None:
        self._alternatives = dict(alternatives or {})

    @classmethod
    def knowing(cls, questions: Iterable[QA]) -> "Judge":
        """Build a judge that knows the answers of these questions as alternatives."""
        answers: defaultdict[str, set[str]] = defaultdict(set)
        for qa in questions:
            answers[qa.slot].add(_normal(qa.answer))
        return cls({slot: frozenset(found) for slot, found in answers.items()})

    def correct(self, qa: QA, prediction: Prediction) -> bool:
        """Whether the caption answers rightly; a broken structure answers nothing."""
        slot = SLOTS.get(qa.slot)
        said = prediction.part(part_of(qa))
        if qa.slot in MOVES:
            return _moves(qa.answer, said)
        if slot:
            wanted = {mention.key for mention in mentions(qa.slot, qa.answer)}
            if wanted:
                return stated(qa.slot, said) == wanted
        if _STATED.match(qa.slot):
            return _says(qa.answer, f"{said} {prediction.part('dense')}")
        return self._states_only(qa, said)

    def _states_only(self, qa: QA, said: str) -> bool:
        gold, text = _normal(qa.answer), _normal(said)
        if not gold.strip() or gold not in text:
            return False
        rest = text.replace(gold, " | ")
        return not any(
            other in rest for other in self._alternatives.get(qa.slot, ()) if other != gold
        )


def part_of(qa: QA) -> str:
    """Name the part of a caption that has to answer a question."""
    slot = SLOTS.get(qa.slot)
    return slot.part if slot else PART_OF_ASPECT[qa.aspect]


@lru_cache(maxsize=16_384)
def stated(slot: str, text: str) -> frozenset[str]:
    """Return the values of a closed slot that a text states and does not deny."""
    pattern, keys = _pattern(slot)
    found = [
        (match.start(), keys[str(match.lastgroup)])
        for match in pattern.finditer(text)
        if not _denied(text, match.start())
    ]
    return _OF_SUBJECT.get(slot, subject.keys)(text, found)


_OF_SUBJECT = {"kind": subject.kinds, "count": subject.counts, "colour": subject.colours}


@cache
def _pattern(slot: str) -> tuple[re.Pattern[str], Mapping[str, str]]:
    """One pattern of all forms; the longest wins where several begin at one place."""
    forms: list[tuple[str, str]] = []
    for term in SLOTS[slot].terms:
        forms += [(re.escape(form), term.key) for form in (term.phrase, *term.also)]
        other = OTHER_WORDS.get(slot, {}).get(term.key, "")
        forms += [(other, term.key)] if other else []
    forms.sort(key=lambda one: -len(one[0]))
    groups = [f"(?P<g{n}>{form})" for n, (form, _) in enumerate(forms)]
    pattern = re.compile(rf"\b(?:{'|'.join(groups)})\b(?! caption\b)", re.IGNORECASE)
    return pattern, {f"g{n}": key for n, (_, key) in enumerate(forms)}


def _denied(text: str, at: int) -> bool:
    """Whether a negation stands in front of a place, in its clause."""
    clause = _CLAUSE.split(text[:at])[-1]
    return bool(_DENIES.search(clause))


def _moves(answer: str, said: str) -> bool:
    wanted, found = set(read_camera(f"the camera {answer}").keys), set(read_camera(said).keys)
    return bool(wanted) and found == wanted


def _says(answer: str, text: str) -> bool:
    """Whether every word of an answer is stated, in any form, and none is denied."""
    claims = read_claims(text)
    wanted = content_words(answer)
    return bool(wanted) and all(
        stems(word) & claims.words and not stems(word) & (claims.denied - claims.words)
        for word in wanted
    )


def _normal(text: str) -> str:
    """Lower-case words between blanks, one before and behind: `in` then means whole words."""
    return f" {' '.join(words(text))} "
