"""Who is in the scene, and how each is spoken of: subjects, their pictures, people of a pose."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from any2caption.conditions.fact import Fact
from any2caption.grounding.compose.english import (
    bare,
    definite,
    has_determiner,
    inner,
    is_many,
    with_article,
)
from any2caption.grounding.compose.material import CONDITIONS, TEXT, Material
from any2caption.grounding.vocabulary import is_agent, is_called, is_person, singular
from any2caption.grounding.words import lexicon

_DRAWN = frozenset({"figure", "character", "being", "subject"})
_BODILY = frozenset({"alien", "android", "mannequin", "puppet", "robot", "scarecrow", "skeleton"})
UNNAMED = frozenset({"object", "other object"})
_NUMBERED = re.compile(r"^person (\d+)$")
_TAG = re.compile(r"(\d+)(girl|boy|man|woman)s?", re.IGNORECASE)
"""How picture boards tag who is there: `1girl`, `2boys`."""
_ORDINALS = ("one person", "another person", "a third person", "a fourth person")


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject as the text (or a condition) names it: its phrase, noun, and the facts."""

    phrase: str
    noun: str
    many: bool
    number: int | None
    facts: tuple[Fact, ...]
    alike: bool = False
    """Whether another subject has the same noun."""

    @property
    def again(self) -> str:
        """How it is spoken of after its first mention."""
        if self.phrase.split(" ", 1)[0].casefold() in {"each", "every"}:
            return f"{self.phrase.split(' ', 1)[0]} {self.noun}"
        return definite(self.phrase, "" if self.alike or self.noun == "one" else self.noun)


def is_human(noun: str) -> bool:
    """Whether a noun names people: a figure or a character may be drawn, or a toy."""
    return is_person(noun) and singular(noun.rpartition(" ")[2]) not in _DRAWN


def is_bodily(noun: str) -> bool:
    """Whether a noun names who has a person's body: people, a robot, a skeleton."""
    return is_human(noun) or singular(noun.rpartition(" ")[2]) in _BODILY


def _acts(fact: Fact) -> bool:
    return fact.aspect == "subject" and words_of(fact.value, "role") != "object"


def words_of(value: Mapping[str, Any], key: str) -> str:
    """Return a value's words, or none."""
    found = value.get(key)
    return inner(found) if isinstance(found, str) else ""


def number_of(value: Mapping[str, Any]) -> int | None:
    """Return a value's number, where one is said."""
    found = value.get("number")
    return found if isinstance(found, int) else None


def subjects_of(
    material: Material, source: str | None = None, *, objects: bool = False
) -> tuple[Subject, ...]:
    """Return who and what is there, each phrase once; those of the text first.

    `objects`: also what the text's subjects only have to do with.
    """
    out: list[Subject] = []
    for fact in _naming(material, source, objects=objects):
        subject = _subject(fact)
        known = next((at for at, one in enumerate(out) if _alike(one, subject)), None)
        if known is None and (people := _told_people(out)) and _is_crowd(fact):
            if more_people(fact, people):
                continue
            known = out.index(people[0])
        if known is None:
            out.append(subject)
        else:
            out[known] = _merged(out[known], subject)
    nouns = [one.noun for one in out]
    return tuple(replace(one, alike=nouns.count(one.noun) > 1) for one in out)


def _naming(material: Material, source: str | None, *, objects: bool) -> list[Fact]:
    """The facts that name somebody or something, in order; not left-over words of the text.

    How many they are is told by those that say who they are: "two men" by "two men in suits".
    Things that a condition marks without a name are subjects of a request without words only.
    """
    worded = bool(material.facts.text.strip())
    named = {_place(fact) for fact in material.of("subject", source=TEXT) if _acts(fact)}
    facts = [
        fact
        for side in (TEXT, CONDITIONS)
        for fact in material.of("subject", "count", source=side)
        if source in {None, side} and not fact.negated and _names(fact)
        if not (worded and unnamed(fact))
        if fact.aspect == "subject" or _place(fact) not in named
    ]
    main = [fact for fact in facts if objects or not _is_object(fact, material)] or facts
    acting = {words_of(fact.value, "who") for fact in material.of("action", source=TEXT)}
    return [fact for fact in main if not _is_stray(fact, acting)] or main


def _place(fact: Fact) -> tuple[int, str] | None:
    """Where the text names something; nothing for another input."""
    start = fact.source.characters
    return (start[0], words_of(fact.value, "noun")) if start else None


def _is_stray(fact: Fact, acting: Container[str]) -> bool:
    """Whether a single word of the text without an article is hardly a subject: "grow", "big"."""
    text, noun = inner(fact.text), words_of(fact.value, "noun")
    alone = " " not in text and not text[:1].isupper()
    known = noun in acting or is_agent(noun) or _TAG.fullmatch(text) or lexicon.only(text, "NOUN")
    return fact.source.input == TEXT and alone and not is_many(text) and not known


def unnamed(fact: Fact) -> bool:
    """Whether a condition marks something without saying what it is."""
    return fact.source.input != TEXT and words_of(fact.value, "noun") in UNNAMED


def _names(fact: Fact) -> bool:
    left_over = fact.value.get("rest") or fact.value.get("english") is False
    noun = words_of(fact.value, "noun")
    return bool(noun) and not left_over and not noun.startswith("camera")


def _is_object(fact: Fact, material: Material) -> bool:
    """Whether the text only has a subject act on it, and neither describes nor places it."""
    if words_of(fact.value, "role") != "object":
        return False
    if fact.value.get("attributes") and re.match(r"(?:an?|two|three|four) ", inner(fact.text)):
        return False
    noun = words_of(fact.value, "noun")
    beside = {words_of(other.value, "right") for other in material.of("relation", source=TEXT)}
    whose = {words_of(other.value, "noun") for other in material.of("identity")}
    return not (is_agent(noun) or noun in beside or noun in whose)


def _subject(fact: Fact) -> Subject:
    phrase, noun = inner(fact.text), words_of(fact.value, "noun")
    number = number_of(fact.value)
    first, _, rest = phrase.partition(" ")
    if tag := _TAG.fullmatch(phrase):
        number, noun = int(tag[1]), tag[2]
        phrase = f"a {noun}" if number == 1 else f"{number} {noun}s"
    if first == "one" and rest and fact.source.input != TEXT:
        phrase = with_article(rest)
    if not rest and is_agent(phrase):
        phrase = phrase.lower()  # the text's first word
    if rest[:1].isupper() and first.islower() and not has_determiner(phrase):
        phrase = phrase[:1].upper() + phrase[1:]  # a name of several words
    return Subject(phrase, noun, is_many(phrase, number), number, (fact,))


_OTHER = frozenset({"another", "other"})


def _alike(one: Subject, other: Subject) -> bool:
    """Whether two facts speak of the same: `a red car`, `the red car`; or its noun and number."""
    if bare(one.phrase).casefold() == bare(other.phrase).casefold():
        return True
    sides = {fact.source.input == TEXT for fact in (*one.facts, *other.facts)}
    count = any(fact.aspect == "count" for fact in (*one.facts, *other.facts))
    if len(sides) == 1 and (not count or _OTHER & set(other.phrase.casefold().split()[:2])):
        return False
    nouns = {singular(one.noun), singular(other.noun)}
    same = len(nouns) == 1 or (is_bodily(one.noun) and "person" in nouns)
    return same and bool(one.noun) and _fits(one, other)


def crowd_of(material: Material) -> list[Fact]:
    """Return what conditions count of people where the text names some, but fewer."""
    people = _told_people(subjects_of(material, TEXT))
    facts = material.of("count", source=CONDITIONS) if people else ()
    return [fact for fact in facts if _is_crowd(fact) and more_people(fact, people)]


def more_people(crowd: Fact, people: Sequence[Subject]) -> bool:
    """Whether a condition counts more people than the text names; "people" may be any number."""
    told = sum(one.number or (99 if one.many else 1) for one in people)
    return (number_of(crowd.value) or 0) > told


def _told_people(subjects: Sequence[Subject]) -> list[Subject]:
    told = [one for one in subjects if one.facts[0].source.input == TEXT]
    return [one for one in told if is_bodily(one.noun)]


def _is_crowd(fact: Fact) -> bool:
    """Whether a condition counts people: those of the text, if there are any, are among them."""
    counts = fact.aspect == "count" and fact.source.input != TEXT and not fact.negated
    return counts and is_human(words_of(fact.value, "noun"))


def _fits(one: Subject, other: Subject) -> bool:
    numbers = {one.number, other.number}
    if len(numbers) == 1:
        return True
    return None in numbers and one.many == other.many


def _merged(old: Subject, new: Subject) -> Subject:
    number = old.number if old.number is not None else new.number
    return replace(old, number=number, facts=(*old.facts, *new.facts))


def pictured(subject: Subject, identities: Sequence[Fact]) -> list[Fact]:
    """Return the identities that are this subject's, by its noun."""
    if not subject.noun:
        return []
    return [
        fact
        for fact in identities
        if is_called(subject.noun, fact.value.get("names") or (words_of(fact.value, "noun"),))
        and words_of(fact.value, "condition")
    ]


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of a pose as the caption names them."""

    subjects: tuple[Subject, ...]
    whos: tuple[str, ...]

    @classmethod
    def of(cls, material: Material, whos: Sequence[str]) -> "Cast":
        """Return the cast of a pose whose people are called so."""
        people = [one for one in subjects_of(material, TEXT) if is_bodily(one.noun)]
        acting = [one for one in people if any(map(_acts, one.facts))]
        return cls(tuple(acting if len(acting) == 1 else people), tuple(dict.fromkeys(whos)))

    @property
    def person(self) -> Subject | None:
        """The text's person, where it has exactly one subject that can be a person."""
        return self.subjects[0] if len(self.subjects) == 1 else None

    def name(self, who: str) -> str:
        """Return how a pose's person is called: `the astronaut`, `a person`, `one person`."""
        person = self.person
        if len(self.whos) < 2:  # noqa: PLR2004 - nobody to be told from
            return person.again if person is not None and not person.many else "a person"
        noun = singular(person.noun) if person is not None and person.many else "person"
        if _NUMBERED.match(who):
            who = _ORDINALS[min(self.whos.index(who), len(_ORDINALS) - 1)]
        return re.sub(r"\bperson\b", noun, who)
