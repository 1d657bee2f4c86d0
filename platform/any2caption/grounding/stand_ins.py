"""Words that a small model can't spell: a mark stands for them while it writes.

A model that learned a few hundred words answers others in its own. Where a text has such words, the
model reads a mark for what the text states of each part, as the facts have it; it writes the marks
where they belong, beside what the conditions show, and the words are put back before anybody reads
the caption. The same functions prepare the training data.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from any2caption.conditions.fact import Fact
from any2caption.grounding.compose import compose
from any2caption.grounding.compose.parts.defaults import default
from any2caption.grounding.compose.parts.style import only_asks
from any2caption.grounding.facts import Facts
from any2caption.grounding.words.content import content_words
from any2caption.grounding.words.forms import stems

MARKS: Mapping[str, str] = {
    "main_object": "stated_subject",
    "action": "stated_action",
    "background": "stated_place",
    "camera": "stated_camera",
    "style": "stated_style",
}
"""Part of a caption → the mark of what the text states for it, in the order of prompts."""
LEAST_SHARE = 0.015
"""The smallest share of training prompts that holds a word which a model learns to spell."""
_MARK = re.compile(rf"\b(?:{'|'.join(MARKS.values())})\b")
_STOPS = ".!?。！？"
_NEUTRAL: Mapping[str, str] = {
    mark: default(part, "fill").as_sentence().text.rstrip(_STOPS) for part, mark in MARKS.items()
}


@dataclass(frozen=True, slots=True)
class Spelled:
    """The words that a model can spell, by their stems."""

    stems: frozenset[str]

    @classmethod
    def of(cls, words: Iterable[str]) -> Self:
        """Return these words, in whatever form."""
        return cls(frozenset(stem for word in words for stem in stems(word)))

    @classmethod
    def commonest(cls, prompts: Iterable[str]) -> Self:
        """Return the words that enough of the training prompts hold."""
        counts, total = Counter[str](), 0
        for prompt in prompts:
            counts.update(set(content_words(prompt)))
            total += 1
        return cls.of(word for word, count in counts.items() if count >= LEAST_SHARE * total)

    def all_of(self, text: str) -> bool:
        """Whether the model can spell every content word of a text."""
        return all(not stems(word).isdisjoint(self.stems) for word in content_words(text))


@dataclass(frozen=True, slots=True)
class StandIns:
    """A text as the model reads it, and the words that its marks stand for, without a stop."""

    text: str
    words: Mapping[str, str] = field(default_factory=dict)

    def put_back(self, caption: str) -> str:
        """Return a caption with the words in place of their marks.

        Where nothing was stated a mark gives the part's neutral sentence, which the check marks as
        invented.
        """
        return _MARK.sub(lambda mark: self.words.get(mark[0]) or _NEUTRAL[mark[0]], caption)

    def taken_out(self, caption: str) -> str:
        """Return a caption with the marks in place of their words, as the model learns it."""
        for mark, words in self.words.items():
            caption = caption.replace(words, mark)
        return caption


def marked(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a text has marks, in order: `text[start:end]`."""
    return (mark.span() for mark in _MARK.finditer(text))


def stand_ins(facts: Facts, spelled: Spelled) -> StandIns:
    """Return a request's text as a model reads it.

    A text that it can spell stays as it is; one that names nothing is read as none: "bring this
    photo to life".
    """
    if names_nothing(facts):
        return StandIns("")
    if spelled.all_of(facts.text):
        return StandIns(facts.text)
    words = {MARKS[part]: said for part, said in stated(facts).items()}
    return StandIns(" ".join(f"{mark}." for mark in words), words)


def names_nothing(facts: Facts) -> bool:
    """Whether a text only asks for a video of what is given: "bring this photo to life"."""
    told = (one for one in facts.found if _of_text(one))
    return all(one.aspect == "style" and only_asks(one) for one in told)


def stated(facts: Facts) -> dict[str, str]:
    """Return by part what the text alone states, as the composer says it, without the last stop."""
    alone = replace(facts, found=tuple(one for one in facts.found if _of_text(one)))
    parts = compose(alone).parts
    said = {
        part: " ".join(one.text for one in parts[part] if one.origin == "stated") for part in MARKS
    }
    return {part: words.rstrip(_STOPS) for part, words in said.items() if words}


def _of_text(fact: Fact) -> bool:
    return fact.source.input == "text"
