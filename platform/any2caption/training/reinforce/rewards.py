"""Rewards of a written caption: its form, and what of the wanted facts it covers. Pure.

ReaDe's two rewards (arXiv 2511.20563). Form: tags and the six parts, 1 for both, 0.2 for one of
them, else 0. Content: the gold caption's facts are what the user required (U), what the other
conditions supply (S) and plausible additions (Z); a judge says which of them a caption covers and
whether it contradicts U or S:

    R = α·covered(U) + ρ·covered(S) + γ·covered(Z) - λ·contradicts

There the judge is a large model and the four weights are not stated. Here a fact is an answer to
one of the record's own questions, or what the gold caption says in a slot that nobody asked about,
and the judge compares it with the closed vocabulary: deterministic, and of no use for a fact that
the vocabulary does not hold, other than word for word.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from any2caption.captions import lexicon
from any2caption.captions.schema import PARTS
from any2caption.captions.text import parse
from any2caption.captions.trace import CLOSE, OPEN, split_trace
from any2caption.datasets.records import Record
from any2caption.errors import InputError
from any2caption.training.recipes.schema import Reinforce

_PART = {
    "subject": "main_object",
    "background": "background",
    "movement": "action",
    "camera": "camera",
    "interaction": "action",
    "style": "style",
}
_WORD = re.compile(r"[^\W_]+")
_TAGS = re.compile(r"</?(?:think|answer)>", re.IGNORECASE)
ONE_OF_TWO = 0.2
"""Form's reward where only the tags, or only the parts, are right."""
Facts = Mapping[str, tuple[str, str]]
"""Slot → (the caption's part that states it, the answer)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The facts that a caption should state, by who wants them."""

    user: Facts = field(default_factory=dict)
    supplied: Facts = field(default_factory=dict)
    added: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reward:
    """The shares and flags that a caption's reward is made of."""

    form: float
    user: float
    supplied: float
    added: float
    contradicts: float

    def total(self, weights: Reinforce) -> float:
        """Form and content, weighted."""
        content = (
            weights.user * self.user
            + weights.supplied * self.supplied
            + weights.added * self.added
            - weights.contradiction * self.contradicts
        )
        return weights.form * self.form + content


def wanted(record: Record) -> Wanted:
    """Split a record's gold facts: what its text states, what only conditions state, the rest."""
    user: dict[str, tuple[str, str]] = {}
    supplied: dict[str, tuple[str, str]] = {}
    for qa in record.qa:
        slot = lexicon.SLOTS.get(qa.slot)
        fact = (slot.part if slot else _PART[qa.aspect], qa.answer)
        (user if "text" in qa.sources else supplied)[qa.slot] = fact
    added = {
        slot.name: (slot.part, answer)
        for slot in lexicon.SLOTS.values()
        if slot.name not in user | supplied
        and (answer := lexicon.answer(slot.name, record.caption))
    }
    return Wanted(user, supplied, added)


def reward(text: str, facts: Wanted, *, reasoning: bool) -> Reward:
    """Judge a written text; with `reasoning` it should begin with a closed trace."""
    trace, rest = split_trace(text)
    parts = _parts(rest)
    form = _form(text, trace, parts is not None, reasoning=reasoning)
    said = parts or {}
    return Reward(
        form,
        _covered(facts.user, said),
        _covered(facts.supplied, said),
        _covered(facts.added, said),
        float(any(_contradicts(name, fact, said) for name, fact in _firm(facts).items())),
    )


def _parts(text: str) -> dict[str, str] | None:
    """The six parts, or None where the structure is broken."""
    try:
        caption = parse(text)
    except InputError:
        return None
    return {part: getattr(caption, part) for part in PARTS}


def _form(text: str, trace: str, whole: bool, *, reasoning: bool) -> float:  # noqa: FBT001
    if not reasoning:
        return float(whole and not _TAGS.search(text))
    lower = text.lstrip().casefold()
    closed = lower.startswith(OPEN) and lower.count(CLOSE) == lower.count(OPEN) == 1
    tags = closed and bool(trace)
    return 1.0 if tags and whole else ONE_OF_TWO if tags or whole else 0.0


def _firm(facts: Wanted) -> dict[str, tuple[str, str]]:
    return {**facts.supplied, **facts.user}


def _covered(facts: Facts, said: Mapping[str, str]) -> float:
    """The share of facts that are stated, and nothing else of their slot; 1 where there are none.

    Without any caption nothing is covered, whether facts were wanted or not.
    """
    if not said:
        return 0.0
    if not facts:
        return 1.0
    return sum(_states(name, fact, said) for name, fact in facts.items()) / len(facts)


def _states(name: str, fact: tuple[str, str], said: Mapping[str, str]) -> bool:
    part, answer = fact
    text = said.get(part, "")
    if keys := _keys(name, answer):
        return _keys(name, text) == keys
    return bool(answer.strip()) and _plain(answer) in _plain(text)


def _contradicts(name: str, fact: tuple[str, str], said: Mapping[str, str]) -> bool:
    """Whether another value of the slot is stated; silence contradicts nothing."""
    part, answer = fact
    keys, found = _keys(name, answer), _keys(name, said.get(part, ""))
    return bool(keys and found - keys)


def _keys(slot: str, text: str) -> frozenset[str]:
    if slot not in lexicon.SLOTS:
        return frozenset()
    return frozenset(mention.key for mention in lexicon.mentions(slot, text))


def _plain(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "
