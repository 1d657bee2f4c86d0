"""Noun phrases: where they end, their head, number and attributes, and what sort they are."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from any2caption.grounding.words import lexicon
from any2caption.grounding.words.forms import is_plural, singular
from any2caption.grounding.words.lists import grammar, looks, modifiers, scenes
from any2caption.grounding.words.tags.neighbours import parts_attributes
from any2caption.grounding.words.tags.tokens import Word

Sort = Literal["thing", "place", "building", "weak place", "time", "light", "weather", "style",
               "picture", "camera", "reference"]  # fmt: skip

_LONGEST = 30
"""Words of a phrase at most; more are another phrase."""
_MOST_OPENING = 4
_OPENING = frozenset({"det", "poss", "num", "qty"})
_TAKEN = frozenset({"building", "camera", "picture", "place", "weak place"})
_HEADS = frozenset({"noun", "ref", "quote", "style", "camera"})


@dataclass(frozen=True, slots=True)
class NounPhrase:
    """`words[start:end]`, without what is attached behind: "a small red figure"."""

    start: int
    end: int
    head: Word
    noun: str
    """The head with the nouns that it is compounded with: "tennis racket"."""
    number: int | None
    attributes: tuple[str, ...]
    sort: Sort
    definite: bool = False
    counted: bool = False
    """Whether a number stands there as a word or in digits."""

    @property
    def several(self) -> int:
        """How many are named; 0 where it is not known, or one."""
        number = grammar.GROUPS_OF.get(self.noun, self.number or 0)
        return number if number > 1 else 0

    def value(self, **more: Any) -> dict[str, Any]:
        """Return the machine form of a subject."""
        return {
            "noun": self.noun,
            "number": self.number,
            "attributes": list(self.attributes),
            **more,
        }


def noun_phrase(words: list[Word], start: int) -> NounPhrase | None:
    """Return the noun phrase that begins at a word, or None."""
    opening = words[start : start + 2]
    if len(opening) > 1 and opening[0].low == "what" and opening[1].tag in _OPENING:
        return None  # "what the sailor says"
    end = _end(words, start)
    inside = words[start:end]
    heads = [at for at in range(start, end) if words[at].tag in _HEADS]
    if not heads:
        heads = [at for at in range(start, end) if words[at].tag in {"adj", "num"}][-1:]
    if not heads:
        return None
    head = heads[-1]
    first = head
    while first > start and words[first - 1].tag == "noun" and not _possessive(words[first - 1]):
        first -= 1
    noun = " ".join(_named(words, at) for at in range(first, head + 1))
    number, counted = _number(inside, words[head])
    sort = _sort(words[head], words[start:head], alone=end - start == 1)
    if start > 0 and words[start - 1].base == "take" and sort in _TAKEN:
        sort = "thing"  # "takes a selfie", "takes a shower"
    attributes = tuple(
        _named(words, at) if at else words[at].low
        for at in range(start, first)
        if words[at].tag in {"adj", "noun", "qty", "style", "adv"}
    )
    return NounPhrase(
        start=start,
        end=end,
        head=words[head],
        noun=noun,
        number=number,
        attributes=attributes,
        sort=sort,
        definite=inside[0].low in {"the", "this", "that", "these", "those", "its", "their", "his",
                                   "her"},
        counted=counted,
    )  # fmt: skip


def _named(words: list[Word], at: int) -> str:
    """Return a noun casefolded, a name as it is written; the first word of a text tells nothing."""
    word, beside = words[at], words[at + 1 : at + 3]
    last = beside[-1].name if beside and beside[0].low == "and" else bool(beside) and beside[0].name
    new = word.tag == "adj" and last  # "New York"
    return word.text if word.name and (word.tag == "noun" or new) and (at > 0 or last) else word.low


def _end(words: list[Word], start: int) -> int:
    at, seen = start, False
    while at < min(len(words), start + _LONGEST):
        word = words[at]
        if word.tag in _HEADS:
            seen = not _possessive(word)
        elif not _continues(words, at, start, seen=seen):
            break
        at += 1
    while at > start and words[at - 1].tag not in _HEADS | {"adj", "num", "qty", "det", "poss"}:
        at -= 1
    return at


def _continues(words: list[Word], at: int, start: int, *, seen: bool) -> bool:
    """Whether a word goes on with a phrase; `seen` is whether it has its noun."""
    tag = words[at].tag
    if tag == "adj":
        return not seen or _noun_follows(words, at)
    if seen:
        return False
    if tag in _OPENING:
        other = words[at - 1].low == "other" and tag == "num"  # "the other two"
        opens = at == start or words[at - 1].tag in _OPENING or other
        return opens and at - start < _MOST_OPENING
    return _attribute_follows(words, at) if tag == "adv" else _joins_adjectives(words, at, start)


def _possessive(word: Word) -> bool:
    return word.tag == "noun" and word.low.endswith(("'s", "s'"))


def _noun_follows(words: list[Word], at: int) -> bool:
    last = min(len(words), at + _LONGEST)
    while at < last and (words[at].tag == "adj" or parts_attributes(words, at)):
        at += 1
    return at < len(words) and words[at].tag == "noun"


def _attribute_follows(words: list[Word], at: int) -> bool:
    """Whether an adverb stands before an adjective or a number: "brightly lit"."""
    last = min(len(words) - 1, at + _LONGEST)
    while at < last and words[at + 1].tag == "adv":
        at += 1
    after = words[at + 1].tag if at < last else ""
    return after in {"adj", "num", "qty"} and _noun_follows(words, at + 1)


def _joins_adjectives(words: list[Word], at: int, start: int) -> bool:
    """Whether "and" or a comma links two adjectives in front of one noun: "black and white cat"."""
    if at == start or words[at].low not in {"and", ",", "or", "&"}:
        return False
    if words[at - 1].tag != "adj" or at + 1 >= len(words):
        return False
    if words[at + 1].tag == "noun":  # "a narrow, cobblestone alley"
        first = start == 1 and words[0].tag == "prep"  # "behind the glass, scientists take notes"
        first = first and lexicon.can_be(words[at - 1].low, "NOUN")
        apart = first or words[at + 1].low == "camera"  # "in the dark, camera tilts up"
        return words[at].low == "," and words[start].tag == "det" and not apart
    if words[at + 1].tag == "adv" and words[start].tag in _OPENING:
        return _attribute_follows(words, at + 1)  # "a serene, softly lit bathroom"
    return words[at + 1].tag == "adj" and _noun_follows(words, at + 1)


def _number(inside: list[Word], head: Word) -> tuple[int | None, bool]:
    if tuple(inside[0].low.split()) in grammar.HEDGES:
        return None, False  # "at least two people"
    for word in inside:
        if word.tag == "num" and word is not head:
            if word.low in grammar.PAIRS:
                return grammar.PAIRS[word.low], True
            return word.number, word.number is not None
    plural = is_plural(head.low)
    if inside[0].low in {"a", "an", "this", "that", "another"} and not plural:
        return 1, False
    return None, False


def _sort(head: Word, before: list[Word], *, alone: bool) -> Sort:
    if head.tag == "ref":
        return "reference"
    if head.tag in {"style", "camera"}:
        return "style" if head.tag == "style" else "camera"
    low = head.low.rsplit(" ", 1)[-1]
    if head.low[:1].isdigit() and low in scenes.HALVES:
        return "time"
    for form in (low, singular(low)):
        for listed, sort in _SORTS:
            if form in listed:
                return _narrowed(sort, head.low, before, alone=alone)
    if alone and (low in looks.STYLE_WORDS or _DECADE.fullmatch(low)):
        return "style"
    return "thing"


_DECADE = re.compile(r"(?:1[0-9]|20)\d0s")


_SORTS: tuple[tuple[frozenset[str], Sort], ...] = (
    (looks.CAMERA_NOUNS - {"camera", "model", "macro"}, "camera"),
    (scenes.TIMES, "time"),
    (scenes.LIGHTS, "light"),
    (scenes.WEATHERS, "weather"),
    (scenes.BUILDINGS, "building"),
    (scenes.PLACES, "place"),
    (looks.STYLE_NOUNS, "style"),
    (looks.PICTURE_NOUNS, "picture"),
    (frozenset({"macro"}), "camera"),
)


_SOURCES = (scenes.TIMES | scenes.WEATHERS) | {
    "accent", "ambient", "candle", "city", "fill", "fire", "flash", "key", "moon", "neon", "rim",
    "stage", "star", "strobe", "studio", "sun", "window",
}  # fmt: skip
"""What gives or colours a light rather than carrying it."""


_QUALITIES = frozenset(
    {"ambient", "cold", "cool", "diffuse", "diffused", "dim", "gentle", "golden", "harsh", "low",
     "natural", "soft", "warm"}
)  # fmt: skip
"""What a light is like that is no lamp."""


def _narrowed(sort: Sort, head: str, before: list[Word], *, alone: bool) -> Sort:
    """Return the sort that a word has here: "cinematic lighting" is style, "a light" a thing."""
    form = head.rsplit(" ", 1)[-1]
    form = singular(form) if sort == "place" else form
    if sort == "place" and form in scenes.NOT_ALONE:
        return "weak place"
    lamp = form in {"light", "lights"} and bool(before) and before[-1].tag == "noun"
    soft = form == "light" and bool(before) and before[0].low in _QUALITIES  # "warm kitchen light"
    lamp = lamp and before[-1].low not in _SOURCES and not soft
    if sort == "light" and (" " in head or lamp):
        return "thing"  # "a car light"
    if form in {"color", "colour", "colors", "colours", "look", "tone", "lighting", "filter"}:
        described = any(word.tag in {"adj", "noun", "style"} for word in before)
        return "style" if described else "thing"
    styled = any(
        word.low in looks.STYLE_WORDS
        or word.tag == "style"
        or word.low.endswith(("-inspired", "-style", "-esque"))
        for word in before
    )
    if form == "scene" and not styled:
        return "place"
    return "thing" if alone and form in modifiers.COLOURS else sort
