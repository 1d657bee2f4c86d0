"""Who several are: "two dogs, a poodle and a pug, play"."""

from collections.abc import Sequence

from any2caption.grounding.words.lists import scenes
from any2caption.grounding.words.tags.neighbours import NOMINAL, plural
from any2caption.grounding.words.tags.tokens import Word

_LONGEST = 16
"""Words between the two commas at most."""
_PARTS = NOMINAL | {"noun", "prep", "adv", "conj", "ref"}
_OPENS = frozenset({"det", "num", "qty"})


def closing_comma(words: Sequence[Word], opening: int) -> int:
    """Return the comma that ends an apposition, given the one that begins it; 0 for none."""
    linked = False
    for at in range(opening, min(opening + _LONGEST, len(words) - 1)):
        word, opens = words[at], _begins(words[at + 1])
        if word.low == "," and linked:
            return at
        if word.tag == "mark" and not (word.low == "," and opens):
            return 0
        if word.low == "and":
            linked = opens
        elif word.tag not in _PARTS | {"mark"} and word.low != "one":
            return 0
    return 0


def _begins(word: Word) -> bool:
    return word.tag in _OPENS or word.low == "one" or (word.tag == "noun" and word.name)


def stands_behind(words: Sequence[Word], at: int) -> bool:
    """Whether an apposition to several ends in front of a word."""
    commas = [n for n in range(max(1, at - _LONGEST), at) if words[n].low == ","]
    return any(
        (plural(words[n - 1]) or words[n - 1].low in scenes.GROUPS)
        and closing_comma(words, n) == at - 1
        for n in commas[:-1]
    )


def names_each(words: Sequence[Word], opening: int, number: int) -> int:
    """Return the closing comma of an apposition that names as many as a number says; else 0.

    Whom a picture shows is told apart.
    """
    close = closing_comma(words, opening) if opening < len(words) - 1 else 0
    if any(word.tag == "ref" for word in words[opening:close]):
        return 0
    starts = [n + 1 for n in range(opening, close) if words[n].low in {",", "and"}]
    named = sum(words[n].number or 1 for n in starts)
    return close if close and named == number else 0
