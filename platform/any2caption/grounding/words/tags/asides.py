"""What stands between two commas: "two dogs, a poodle and a pug, play", "a man, unseen, waits"."""

from collections.abc import Sequence

from any2caption.grounding.vocabulary import is_agent
from any2caption.grounding.words.lists import scenes
from any2caption.grounding.words.tags.neighbours import (
    NOMINAL,
    ONE,
    acts_itself,
    clause_before,
    plural,
)
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
    return word.tag in _OPENS | {"poss"} or word.low == "one" or (word.tag == "noun" and word.name)


def stands_behind(words: Sequence[Word], at: int) -> bool:
    """Whether an apposition to several ends in front of a word."""
    commas = [n for n in range(max(1, at - _LONGEST), at) if words[n].low == ","]
    return any(
        (plural(words[n - 1]) or words[n - 1].low in scenes.GROUPS)
        and closing_comma(words, n) == at - 1
        for n in commas[:-1]
    )


def aside_before(words: Sequence[Word], at: int) -> int:
    """Return the comma that opens what is said of a subject in front of its verb; 0 for none.

    "A man, tall and thin, | watches", "two women, both in hats, | argue".
    """
    if at < _SHORTEST or words[at - 1].low != ",":
        return 0
    marks = [n for n in range(max(1, at - _LONGEST), at - 1) if words[n].tag == "mark"]
    opening = marks[-1] if marks and words[marks[-1]].low == "," else 0
    if not opening or not _says_how(words[opening + 1 : at - 1]):
        return 0
    before = words[_clause_start(words, opening) : opening]
    idle = not any(word.form in {"s", "base"} or word.tag == "aux" for word in before)
    named = bool(before) and before[-1].tag in {"noun", "ref"}
    return opening if idle and named and _opens(before[0]) else 0


def one_resumes(words: list[Word], at: int, *, sure: bool) -> bool:
    """Whether one acts behind what commas say of it: "A man, clad in black, tiptoes past".

    `sure`: the word is no noun, or goes on as a verb does.
    """
    opening = aside_before(words, at)
    clause = clause_before(words, opening)
    if not opening or (plural(words[opening - 1]) and clause[0].low not in ONE):
        return False
    told = words[opening + 1]
    alive = acts_itself(words, opening) or any(is_agent(word.low) for word in clause)
    points = any(word.tag == "ref" for word in words[opening:at])  # "a ball, like picture 1, rolls"
    return alive or told.low in RELATIVE or points or (sure and told.tag != "prep")


def several_resume(words: list[Word], at: int) -> bool:
    """Whether several act behind what commas say of them: "two women, both in hats, argue"."""
    opening = aside_before(words, at)
    linked = any(word.low == "and" for word in clause_before(words, opening))
    return bool(opening) and (plural(words[opening - 1]) or linked)


def described(words: Sequence[Word], opening: int) -> int:
    """Return the comma that ends "both in hats", "tall and thin", in front of a verb; else 0."""
    first = words[opening + 1] if opening < len(words) - 1 and words[opening].low == "," else None
    if first is None or not (first.low in _EACH or first.tag == "adj"):
        return 0
    last = min(opening + _LONGEST, len(words) - 1)
    close = next((n for n in range(opening + 1, last) if words[n].tag == "mark"), 0)
    acts = close > 0 and words[close + 1].tag in {"verb", "aux", "modal"}
    acts = acts and words[close + 1].form not in {"ed", "ing"} and words[close].low == ","
    plain = all(word.tag in _HOW for word in words[opening + 1 : close])
    return close if acts and (plain or first.low in _EACH) else 0


def _says_how(said: Sequence[Word]) -> bool:
    """Whether words tell what somebody is like: by a clause, a participle, adjectives, a place."""
    first = said[0] if said else None
    if first is None:
        return False
    if first.tag in {"neg", "adv"} and len(said) > 1:
        first = said[1]
    bodily = first.tag == "poss" and said[-1].tag in {"adj", "adv", "verb"}
    plain = all(word.tag in _HOW for word in said)
    plain = plain or (first.tag == "adj" and said[1:2] != [] and said[1].tag == "prep")
    told = first.form in {"ed", "ing"} or first.low in RELATIVE | _EACH
    told = told or [word.low for word in said[1:3]] in (["of", "which"], ["of", "whom"])
    return told or plain or bodily or first.tag == "prep"


def _clause_start(words: Sequence[Word], at: int) -> int:
    while at > 0 and words[at - 1].tag not in {"mark", "sub"}:
        at -= 1
    return at


def _opens(word: Word) -> bool:
    return word.tag in _OPENS | {"poss", "ref"} or word.name


_EACH = frozenset({"all", "both", "each"})
_HOW = frozenset({"adj", "adv", "conj", "neg"})
RELATIVE = frozenset({"which", "who", "whose"})
_SHORTEST = 4


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
