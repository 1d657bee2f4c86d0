"""Content words: those that a caption may not lose."""

import re

from any2caption.conditions.fact import Fact
from any2caption.grounding.words.forms import stems
from any2caption.grounding.words.lists.grammar import FUNCTION

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_DENYING = re.compile(r"(?:nobody|nothing|no one|no-one)\b", re.IGNORECASE)


def content_words(text: str) -> list[str]:
    """Return the content words of a text in order, casefolded, without a possessive 's.

    Hyphens and slashes part words ("close-up" is "close" and "up"). Function words go: articles,
    prepositions, pronouns, auxiliaries, conjunctions, negations. Scripts without blanks give one
    word a run of letters.
    """
    found = (
        word.casefold().replace("’", "'").removesuffix("'s").removesuffix("'")
        for word in _WORD.findall(text)
    )
    return [word for word in found if word and word not in FUNCTION]


def missing_words(wanted: str, text: str) -> list[str]:
    """Return the content words of `wanted` that no word of `text` is a form of."""
    there: set[str] = set()
    for word in _WORD.findall(text):
        there |= stems(word)
    return [word for word in content_words(wanted) if stems(word).isdisjoint(there)]


def spoken(fact: Fact) -> str:
    """Return a fact's words, with the subject that the aspect gives: "the camera pans left"."""
    if fact.aspect == "camera" and fact.value.get("form") == "verb":
        return f"the camera {fact.text}"
    return fact.text


def denied(thing: str) -> str:
    """Return what must not be there with its denial: `no cars`, `not a single car`, `nobody else`.

    What denies by itself stays as it is.
    """
    if _DENYING.match(thing):
        return thing.lower()
    thing = thing.removeprefix("no ")
    return f"{'not a' if thing.startswith('single ') else 'no'} {thing}"
