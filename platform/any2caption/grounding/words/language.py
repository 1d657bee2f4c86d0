"""Whether words are English, by measure: the script, and the commonest function words."""

import unicodedata
from functools import cache

from any2caption.grounding.words.forms import verb_forms
from any2caption.grounding.words.lists import scenes
from any2caption.grounding.words.lists.grammar import FUNCTION
from any2caption.grounding.words.lists.languages import AMBIGUOUS, FOREIGN
from any2caption.grounding.words.lists.modifiers import ADJECTIVES
from any2caption.grounding.words.tags.tokens import Word

_OTHER_SCRIPT = 0.3
"""Part of the letters from which on another script makes another language."""
_FEW = 4
"""Words of a text so short that one foreign function word tells."""
_ENOUGH = 2
"""Function words of another language that outweigh a single English one."""


def other_script(text: str) -> bool:
    """Whether too many letters are not Latin ones."""
    letters = [char for char in text if char.isalpha()]
    foreign = sum(not _latin(char) for char in letters)
    return foreign > _OTHER_SCRIPT * len(letters)


def other_language(words: list[Word]) -> bool:
    """Whether Latin words speak more for another language than for English."""
    lows = [
        word.low for at, word in enumerate(words) if word.low.isalpha() and not (at and word.name)
    ]
    english = sum(low in _english() for low in lows)
    foreign = max(
        sum(low in common and low not in FUNCTION for low in lows) for common in FOREIGN.values()
    )
    return foreign > english and (foreign >= _ENOUGH or (not english and len(lows) <= _FEW))


@cache
def _latin(char: str) -> bool:
    return unicodedata.name(char, "").startswith("LATIN")


@cache
def _english() -> frozenset[str]:
    known = scenes.PLACES | scenes.TIMES | scenes.WEATHERS | scenes.LIGHTS
    return (FUNCTION | ADJECTIVES | frozenset(verb_forms()) | known) - AMBIGUOUS
