"""What of a request's facts goes into the caption: by mode, one path, one pose, the length."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from any2caption.conditions.fact import Aspect, Fact, Source
from any2caption.grounding.answer import Length, Mode, Origin, Sentence
from any2caption.grounding.compose.amend import followed_number, recounted
from any2caption.grounding.compose.english import inner, sentence
from any2caption.grounding.facts import Facts

CONDITIONS = "conditions"
TEXT = "text"
_CAMERA = re.compile(r",\s*(?:the )?camera\b.*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence on its way: its words, and the facts that it says."""

    words: str
    facts: tuple[Fact, ...] = ()
    sources: tuple[Source, ...] = ()
    origin: Origin = "stated"

    def as_sentence(self) -> Sentence:
        """Return the sentence with its stop and its places, each once."""
        places = dict.fromkeys((*self.sources, *(fact.source for fact in self.facts)))
        return Sentence(sentence(self.words), tuple(places), self.origin)


def as_one(said: Sequence[Said]) -> list[Said]:
    """Return sentences as one, with semicolons; nothing of nothing."""
    if not said:
        return []
    words = "; ".join(one.words for one in said)
    facts = tuple(fact for one in said for fact in one.facts)
    return [Said(words, facts, tuple(place for one in said for place in one.sources))]


@dataclass(frozen=True, slots=True)
class Material:
    """The facts that may be said, and what the user should know of those that may not."""

    facts: Facts
    length: Length
    mode: Mode
    found: tuple[Fact, ...]
    notes: tuple[str, ...] = field(default=())

    def of(self, *aspects: Aspect, source: str | None = None) -> tuple[Fact, ...]:
        """Return the facts of these aspects that are said, of the text, the conditions or both."""
        return tuple(
            fact
            for fact in self.found
            if fact.aspect in aspects and source in {None, _side(fact), fact.source.input}
        )

    def most(self, short: int, medium: int, long: int) -> int:
        """Return the number that goes with the length."""
        return {"short": short, "medium": medium, "long": long}[self.length]


def material(facts: Facts, length: Length, mode: Mode) -> Material:
    """Choose what is said: in mode `off` exact facts only; the first path, the first pose."""
    standing = [fact for fact in _standing(facts) if inner(fact.text)]
    notes: list[str] = []
    if mode == "off":
        inexact = [fact for fact in standing if fact.certainty != "exact"]
        standing = [fact for fact in standing if fact.certainty == "exact"]
        if inexact:
            told = "; ".join(dict.fromkeys(f"{one.source.input}: {one.text}" for one in inexact))
            notes.append(f"measured and estimated facts are left out in mode off ({told})")
    for word, aspects in (("camera", ("camera",)), ("pose", ("action", "count"))):
        standing, left = _first_only(standing, word, aspects)
        notes += [f"{name} is not in the caption: {first} is followed" for name, first in left]
    return Material(facts, length, mode, tuple(_recognised(standing)), tuple(notes))


def _recognised(found: Sequence[Fact]) -> Iterable[Fact]:
    """Yield the facts with what recognisers add: a picture's name for "the subject of picture 1".

    Who they see is a subject of its own only where the text names none.
    """
    seen = [one for one in found if one.aspect == "identity" and _seen(one)]
    named = {one.value.get("condition") for one in seen if one.value.get("noun")}
    told = any(one.aspect == "subject" and one.source.input == TEXT for one in found)
    quoted = {_written(one) for one in found if one.source.input == TEXT}
    for fact in found:
        nameless = fact.aspect == "identity" and fact.value.get("noun", "") is None
        if nameless and fact.value.get("condition") in named:
            continue
        again = fact.aspect == "written_text" and _seen(fact) and _written(fact) in quoted
        if not again and not (told and fact.aspect in {"subject", "count"} and _seen(fact)):
            yield fact


def _written(fact: Fact) -> str:
    return fact.text.casefold() if fact.aspect == "written_text" else ""


def _seen(fact: Fact) -> bool:
    """Whether a recogniser has seen it in a picture or a clip."""
    return fact.certainty == "estimated" and fact.source.input != TEXT


def _clip(fact: Fact) -> bool:
    return fact.source.input.startswith("video")


def of_people(fact: Fact) -> bool:
    """Whether a pose shows it, given or seen in a clip."""
    return fact.source.input.startswith("pose") or "person" in fact.value


def _standing(facts: Facts) -> Iterable[Fact]:
    """Yield what stands, in order; of the text's overruled numbers the same with the right one."""
    numbers = {id(one.overruled): followed_number(one) for one in facts.conflicts}
    overruled = {id(one.overruled) for one in facts.conflicts}
    for fact in facts.found:
        number = numbers.get(id(fact))
        if number is not None:
            yield recounted(fact, number)
        elif id(fact) not in overruled:
            yield _without_camera(fact)


def _without_camera(fact: Fact) -> Fact:
    """Leave a camera's clause that is caught in a phrase of the text to the camera's own fact."""
    if fact.source.input != TEXT or fact.aspect == "camera":
        return fact
    text = _CAMERA.sub("", fact.text)
    return fact if text == fact.text else replace(fact, text=text)


def _first_only(
    found: Sequence[Fact], word: str, aspects: Iterable[str]
) -> tuple[list[Fact], list[tuple[str, str]]]:
    """Keep the first input whose name begins so; return the others with the one that is kept.

    Of several inputs that state a camera (a path, a clip) a path goes first.
    """
    aspects = tuple(aspects)
    rivals = [fact for fact in found if fact.aspect in aspects and _side(fact) == CONDITIONS]
    if word == "pose":
        rivals = [fact for fact in rivals if of_people(fact) or (_seen(fact) and _clip(fact))]
    names = list(dict.fromkeys(fact.source.input for fact in rivals))
    names.sort(key=lambda name: not name.startswith(word))
    if len(names) < 2:  # noqa: PLR2004 - nothing to choose from
        return list(found), []
    first, *others = names
    dropped = {id(fact) for fact in rivals if fact.source.input != first}
    return [fact for fact in found if id(fact) not in dropped], [(name, first) for name in others]


def _side(fact: Fact) -> str:
    return TEXT if fact.source.input == TEXT else CONDITIONS
