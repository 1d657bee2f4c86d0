"""What has been read of a text: facts, notes, and which things have been named."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from any2caption.conditions.fact import Aspect, Fact, Source
from any2caption.grounding.words import lexicon
from any2caption.grounding.words.forms import is_plural, verb_forms
from any2caption.grounding.words.lists import grammar, looks, modifiers, scenes
from any2caption.grounding.words.tags.references import Given


@dataclass(slots=True)
class Reading:
    """What has been read of a whole text so far: its facts, notes and subjects."""

    text: str
    given: Given
    facts: list[Fact] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)
    """Nouns that have a fact already."""
    members: set[str] = field(default_factory=set)
    """Of these, who several are: "two kids, Anna and Ben"."""
    camera: bool = False
    """Whether the camera was spoken of last."""

    def add(
        self,
        aspect: Aspect,
        span: tuple[int, int],
        value: Mapping[str, Any],
        words: tuple[int, int] | None = None,
        *,
        negated: bool = False,
    ) -> None:
        """Add a fact of `text[span]`; `words` is the part of it that says it (default: all)."""
        start, end = words or span
        said = as_in_mid_sentence(self.text[start:end], opens=opens_sentence(self.text, start))
        self.facts.append(
            Fact(aspect, said, Source("text", characters=span), value, negated=negated)
        )

    def note(self, text: str) -> None:
        """Add what the user should know, once."""
        if text not in self.notes:
            self.notes.append(text)


def opens_sentence(text: str, at: int) -> bool:
    """Whether a place is where a sentence begins, so that a capital tells nothing."""
    before = text[:at].rstrip()
    return not before or before[-1] in ".!?:;"


def as_in_mid_sentence(words: str, *, opens: bool = False) -> str:
    """Return words as they stand in mid-sentence: one blank between them, "A dog" as "a dog".

    `opens`: they open a sentence, where a common noun has its capital as well.
    """
    plain = " ".join(words.split())
    first, _, rest = plain.partition(" ")
    low = first.casefold()
    if first == "I" or (first[1:] and not first[1:].islower()):
        return plain
    describes = lexicon.describes_only(low)
    if rest[:1].isupper() and low not in _LITTLE and (describes or low in modifiers.ADJECTIVES):
        return plain  # "New York City"
    known = (low in _LOWERED and low not in looks.ARTISTS) or low in verb_forms() or describes
    several = is_plural(low) and lexicon.can_be(low, "NOUN")
    known = known or (opens and (several or lexicon.only(low, "NOUN")))
    named = rest[:1].isupper() or rest[:1].isdigit() or not rest or low in looks.ARTISTS
    named = named or not opens
    return plain if named and not known else plain[:1].lower() + plain[1:]


_LITTLE = grammar.FUNCTION | frozenset(grammar.NUMBERS) | grammar.QUANTITIES
_LOWERED = (
    grammar.FUNCTION
    | frozenset(grammar.NUMBERS)
    | grammar.QUANTITIES
    | looks.STYLE_WORDS
    | looks.STYLE_PHRASES
    | looks.CAMERA_PHRASES
    | looks.PICTURE_NOUNS
    | looks.CAMERA_NOUNS
    | modifiers.ADJECTIVES
    | scenes.TIMES
    | scenes.WEATHERS
    | scenes.LIGHTS
    | scenes.MASSES
)
"""Words that are no names, whatever their first letter."""
