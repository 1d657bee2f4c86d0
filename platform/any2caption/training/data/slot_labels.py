"""Class names and loss weights from the closed vocabularies of the lexicon."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from any2caption.captions import lexicon
from any2caption.datasets.records import Record
from any2caption.datasets.supervision.questions import answered_by_conditions
from any2caption.grounding.stand_ins import MARKS, marked

_SAME_AS = {"path": "camera"}
"""Slots of questions that rules ask, by the slot of the lexicon that has their words."""


@cache
def answer_classes(slot: str, answer: str) -> tuple[str, ...]:
    """Return the class names of an answer.

    The lexicon's keys ("trucks left while panning left" has two), else itself.
    """
    known = _SAME_AS.get(slot, slot)
    if known in lexicon.SLOTS:
        keys = tuple(dict.fromkeys(mention.key for mention in lexicon.mentions(known, answer)))
        if keys:
            return keys
    return tuple(answer.split(" and ")) if slot == "deed" else (answer,)


def determined(record: Record) -> dict[str, dict[str, tuple[str, ...]]]:
    """Kind → slot → class names that a condition of this kind determines.

    Where the record has one of the kind only. A record without questions gets those of the rules.
    """
    kinds = [condition.kind for condition in record.conditions]
    out: dict[str, dict[str, tuple[str, ...]]] = {}
    for question in answered_by_conditions(record):
        for kind in question.sources:
            if kinds.count(kind) == 1:
                out.setdefault(kind, {})[question.slot] = answer_classes(
                    question.slot, question.answer
                )
    return out


def slot_phrases() -> set[str]:
    """Every wording of what combines freely within a phrase: subjects, camera movements, marks."""
    slots = [slot for slot in lexicon.SLOTS.values() if slot.aspect in {"subject", "camera"}]
    forms = {form for slot in slots for term in slot.terms for form in (term.phrase, *term.also)}
    return forms | set(MARKS.values())


def slot_tokens(text: str, offsets: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """1 for tokens that overlap a slot's words or a mark and for the token before them, else 0.

    All 1 where the lexicon knows no word of the text.
    """
    marks = np.zeros(len(text) + 1, np.int64)
    for start, end in (*((one.start, one.end) for one in lexicon.spans(text)), *marked(text)):
        marks[start:end] = 1
    if not marks.any():
        return np.ones(len(offsets), np.float32)
    total = np.concatenate([[0], np.cumsum(marks)])
    named = np.asarray([total[end] > total[start] for start, end in offsets], bool)
    # The token before commits to what follows: "in an" leaves orange only.
    named[:-1] |= named[1:].copy()
    return named.astype(np.float32)
