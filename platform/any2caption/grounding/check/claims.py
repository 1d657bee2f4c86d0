"""What a sentence claims: who is there, how many, in which colour, where, what they do, what not.

Words alone decide, by closed lists and by what stands next to what; there is no grammar behind it.
The same reader reads the user's text, the facts and a written caption, so that what it misses, it
misses on both sides.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import pairwise
from typing import Self

from any2caption.grounding.deeds import deeds
from any2caption.grounding.vocabulary import (
    COLOURS,
    GRAVE,
    NUMBERS,
    PLACES,
    STYLES,
    is_agent,
    opposites,
    other_qualities,
    other_sides,
    singular,
)
from any2caption.grounding.words.content import content_words
from any2caption.grounding.words.forms import stems
from any2caption.grounding.words.lists.grammar import FUNCTION

Pairs = frozenset[tuple[str, str]]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)?|[^\w\s]")
_QUOTED = re.compile(r"[\"“«]([^\"“”«»]{2,200})[\"”»]")
_SPELLED = (
    (re.compile(r"black[- ]and[- ]white", re.IGNORECASE), "monochrome"),
    (re.compile(r"\bgrey\b", re.IGNORECASE), "gray"),
    (re.compile(r"\bgolden\b", re.IGNORECASE), "gold"),
    (re.compile(r"\bno one\b", re.IGNORECASE), "nobody"),
    (re.compile(r"\b(is|are|does|do|was|were|has|have|can)n['’]t\b", re.IGNORECASE), r"\1 not"),
)
_DENIES = _words("no not never without nor neither none nobody nothing cannot lacks lacking")
_BE = _words("is are was were be been being remains stays looks appears seems")
_SETS = _words("in on at inside into onto through across along within")
_DIRECTED = _words("left right up down upward downward above below over under behind front near")
_STOPS = FUNCTION - _DIRECTED
_ENDS = frozenset(".,;:!?()—–") | _words("but while then as who which that whereas")
_PARTS = _ENDS | {"and", "or", "in"}
_NOT_COUNTED = _words("the this that no any every each another by of")
_REACH = 4
_DIGITS = 2
_SCOPE = {"not": 6, "never": 6, "cannot": 6}
_LONGEST = 8
"""Words that a negation reaches: of "not", the verb and its object; of "no", the list of things."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What words claim. Words are in lower case, nouns in the singular.

    `words` and `denied` hold every form that a content word may be of, said and said not to be;
    `agents`, `places`, `settings` (places that somebody is in), `styles`, `times` (words that
    exclude others) are words of the vocabulary's lists. Pairs: `counts` noun and number, `colours`
    noun and colour, `sides` neighbour and direction, `qualities` noun and quality, `grave`
    neighbour and word of harm.
    """

    words: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()
    styles: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()
    deeds: frozenset[str] = frozenset()
    quoted: frozenset[str] = frozenset()
    counts: frozenset[tuple[str, int]] = frozenset()
    colours: Pairs = frozenset()
    sides: Pairs = frozenset()
    qualities: Pairs = frozenset()
    grave: Pairs = frozenset()

    @classmethod
    def merged(cls, several: Iterable[Self]) -> Self:
        """Return what all of them claim together."""
        several = list(several)
        names = [field.name for field in fields(cls)]
        return cls(**{n: frozenset().union(*(getattr(one, n) for one in several)) for n in names})


@dataclass(frozen=True, slots=True)
class _Token:
    """A word or a mark; `noun` is its singular, `denied` whether a negation reaches it."""

    word: str
    noun: str
    denied: bool


_OF = _Token("of", "of", denied=False)


@lru_cache(maxsize=8_192)
def read_claims(text: str) -> Claims:
    """Read what a sentence, or a few, claim."""
    tokens = _tokens(text)
    said = [token for token in tokens if not token.denied]
    plain = " ".join(token.word for token in said)
    words = {token.word for token in said} | {token.noun for token in said}
    return Claims(
        words=stems_of(plain),
        denied=stems_of(" ".join(token.word for token in tokens if token.denied)),
        agents=frozenset(token.noun for token in said if is_agent(token.noun)),
        places=frozenset(token.noun for token in said if _is_place(token)),
        settings=frozenset(_settings(tokens)),
        styles=frozenset(word for word in words if word in STYLES),
        times=frozenset(word for word in words if opposites(word)),
        deeds=frozenset(deeds(plain)),
        quoted=frozenset(found.casefold().strip(" .,") for found in _QUOTED.findall(text)),
        counts=frozenset(_counts(tokens)),
        colours=frozenset(_colours(tokens)),
        sides=frozenset(_sides(tokens)),
        qualities=frozenset(_qualities(tokens)),
        grave=frozenset(_grave(tokens)),
    )


@lru_cache(maxsize=8_192)
def stems_of(text: str) -> frozenset[str]:
    """Return every form that a text's content words may be of."""
    return frozenset().union(*(stems(word) for word in content_words(text)))


def _tokens(text: str) -> list[_Token]:
    for pattern, plain in _SPELLED:
        text = pattern.sub(plain, text)
    out: list[_Token] = []
    scope, of_things = 0, False
    for match in _TOKEN.finditer(text):
        word = match.group().casefold().replace("’", "'").removesuffix("'s")
        if word in _ENDS:
            scope = 0
        out.append(_Token(word, singular(word), scope > 0))
        if word in _DENIES:
            of_things, scope = word not in _SCOPE, _SCOPE.get(word, _LONGEST)
        else:
            scope = 0 if of_things and word in _SETS else max(scope - 1, 0)
    return _without_only(out)


def _without_only(tokens: list[_Token]) -> list[_Token]:
    """Take negation off "not only … but": it denies nothing."""
    if not any(one.word == "not" and two.word == "only" for one, two in _neighbours(tokens)):
        return tokens
    return [_Token(token.word, token.noun, denied=False) for token in tokens]


def _neighbours(tokens: Sequence[_Token]) -> Iterable[tuple[_Token, _Token]]:
    return pairwise(tokens)


def _ahead(tokens: Sequence[_Token], at: int, passed: frozenset[str] = frozenset()) -> list[str]:
    """Nouns of the few words behind a place, to the end of its phrase."""
    out: list[str] = []
    for token in tokens[at + 1 : at + 1 + _REACH]:
        if token.word in passed and not (out and token.word == "and"):
            continue
        if token.word in _STOPS or not token.word[0].isalnum():
            break
        out.append(token.noun)
    return out


def _before(tokens: Sequence[_Token], at: int) -> str:
    """The next content word in front of a place, in its clause; "" where there is none."""
    for token in reversed(tokens[max(0, at - _REACH) : at]):
        if not token.word[0].isalnum():
            return ""
        if token.word not in _STOPS:
            return token.noun
    return ""


def _is_place(token: _Token) -> bool:
    """Whether a token names a place: what orbits is a camera, or a planet."""
    return token.noun in PLACES and token.word != "orbits"


def _settings(tokens: Sequence[_Token]) -> Iterator[str]:
    for at, token in enumerate(tokens):
        before = {one.word for one in tokens[max(0, at - _REACH) : at]}
        if _is_place(token) and not token.denied and (before & _SETS or at < _REACH):
            yield token.noun


def _counts(tokens: Sequence[_Token]) -> Iterator[tuple[str, int]]:
    for at, token in enumerate(tokens):
        number = _number(token)
        if number is None or (at and tokens[at - 1].word in _NOT_COUNTED):
            continue
        if token.word == "one" and (at == 0 or tokens[at + 1 : at + 2] == [_OF]):
            continue  # one of several: "one person waves, another …"
        behind = [one.word for one in tokens[at + 1 :] if one.word != "of"]
        for noun, word in zip(_ahead(tokens, at, frozenset({"of"})), behind, strict=False):
            yield noun, number
            if number > 1 and noun != word:
                break  # a plural is what is counted


def _number(token: _Token) -> int | None:
    """The number that a word counts; years and the like count nothing."""
    if token.denied or (len(token.word) > _DIGITS and token.word.isdecimal()):
        return None
    return int(token.word) if token.word.isdecimal() else NUMBERS.get(token.word)


def _colours(tokens: Sequence[_Token]) -> Iterator[tuple[str, str]]:
    passed = COLOURS | {"and"}
    for at, token in enumerate(tokens):
        if token.word not in COLOURS or token.denied:
            continue
        follows = tokens[at + 1].word if at + 1 < len(tokens) else ""
        beyond = tokens[at + 2].word if at + 2 < len(tokens) else ""
        if follows != "and" or beyond in COLOURS:
            yield from ((noun, token.word) for noun in _ahead(tokens, at, passed))
        if at and tokens[at - 1].word in _BE and (noun := _before(tokens, at - 1)):
            yield noun, token.word
        yield from ((f"{way} …", token.word) for way in _change(tokens, at))


def _change(tokens: Sequence[_Token], at: int) -> Iterator[str]:
    """Yield `from` or `to` where a thing changes from one colour or to another."""
    for token in tokens[max(0, at - 2) : at]:
        if token.word in {"from", "to"}:
            yield token.word


def _sides(tokens: Sequence[_Token]) -> Iterator[tuple[str, str]]:
    for at, token in enumerate(tokens):
        if not other_sides(token.word) or token.denied:
            continue
        if noun := _before(tokens, at):
            yield noun, token.word
        if noun := _behind(tokens, at):
            yield noun, token.word


def _behind(tokens: Sequence[_Token], at: int) -> str:
    """The next content word behind a place, in its clause; "" where there is none."""
    for token in tokens[at + 1 : at + 1 + _REACH]:
        if not token.word[0].isalnum() or token.word in _PARTS:
            return ""
        if token.word not in _STOPS:
            return token.noun
    return ""


def _qualities(tokens: Sequence[_Token]) -> Iterator[tuple[str, str]]:
    for at, token in enumerate(tokens):
        if not other_qualities(token.word) or token.denied:
            continue
        for noun in _ahead(tokens, at)[:3]:
            yield noun, token.word
        if at and tokens[at - 1].word in _BE and (noun := _before(tokens, at - 1)):
            yield noun, token.word


def _grave(tokens: Sequence[_Token]) -> Iterator[tuple[str, str]]:
    for at, token in enumerate(tokens):
        if token.word in GRAVE and not token.denied:
            yield _before(tokens, at), token.word
            yield from ((noun, token.word) for noun in _ahead(tokens, at)[:1])
