"""All that a request states: the facts of its words and its conditions, and where they differ."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from any2caption.conditions.fact import Fact
from any2caption.conditions.registry import condition_facts, input_name
from any2caption.conditions.types import Camera, Condition
from any2caption.grounding.conflicts import find_conflicts
from any2caption.grounding.facts import Facts
from any2caption.grounding.vocabulary import is_person
from any2caption.grounding.words import read_text
from any2caption.grounding.words.json_prompt import as_sentences

_SAYING = re.compile(r"[^\W_]|[\u2600-\u27bf\U0001f000-\U0001faff]")
"""A letter, a digit, a pictograph."""
_EMPTY = frozenset({"empty", "deserted", "uninhabited", "unpeopled"})
_PICTURES = frozenset({"image", "masked_image", "video"})


def gather(
    text: str,
    conditions: Sequence[Condition],
    *,
    seen: Iterable[Fact] = (),
    looked: Mapping[str, str] = MappingProxyType({}),
    facts_of: Callable[[Condition], Iterable[Fact]] = condition_facts,
) -> Facts:
    """Return the facts of a request: those of its text first, then condition by condition.

    Args:
        text: the user's words, kept verbatim.
        conditions: parsed; each kind but the text has its number among its kind.
        seen: what recognisers saw, with the names of the conditions as sources.
        looked: the conditions that they looked at, and what is to be said of it, if anything; of
            the other pictures and clips the notes say that nobody looked at what they show.
        facts_of: what a condition states; a server that keeps no pixels has found it before.
    """
    text = as_sentences(text)
    given = [condition for condition in conditions if condition.kind != "text"]
    said, told = read_text(text, given)
    shown = _shown(given, facts_of)
    seen = tuple(seen)
    found = (*said, *shown, *seen)
    known = {*looked, *(fact.source.input for fact in seen)}
    unseen = [
        not_looked_at(input_name(condition))
        for condition in given
        if condition.kind in _PICTURES and input_name(condition) not in known
    ]
    unseen += filter(None, looked.values())
    silent = ["the text has no words"] if text.strip() and not _SAYING.search(text) else []
    return Facts(
        text, found, find_conflicts(found), (*told, *silent, *_peopled(said, found), *unseen)
    )


def _peopled(said: Iterable[Fact], found: Iterable[Fact]) -> list[str]:
    """Say where the words call a place empty and another input shows people in it."""
    places = [
        fact.text
        for fact in said
        if fact.aspect in {"background", "subject"}
        and not fact.negated
        and _EMPTY & set(fact.text.casefold().split())
        and (fact.aspect == "background" or fact.value.get("role") == "subject")
    ]
    people = [
        fact
        for fact in found
        if fact.source.input != "text"
        and fact.aspect == "count"
        and fact.value.get("number")
        and is_person(str(fact.value.get("noun") or fact.text))
    ]
    return [
        f"the text says {place}; {people[0].source.input} shows {people[0].text}"
        for place in places[:1]
        if people
    ]


def not_looked_at(name: str) -> str:
    """Return the note of an input that nobody has looked at."""
    return f"what {name} shows was not looked at"


def _shown(
    given: Sequence[Condition], facts_of: Callable[[Condition], Iterable[Fact]]
) -> list[Fact]:
    """What conditions state; a path in metres is read with the distance that a depth gives."""
    facts = [tuple(facts_of(condition)) for condition in given]
    scene = next((fact.value["middle"] for one in facts for fact in one if _middle(fact)), None)
    for at, condition in enumerate(given):
        path = condition.payload
        if scene and isinstance(path, Camera) and path.metric and path.scene_distance is None:
            placed = replace(condition, payload=replace(path, scene_distance=scene))
            facts[at] = condition_facts(placed)
    return [fact for one in facts for fact in one]


def _middle(fact: Fact) -> bool:
    return fact.aspect == "layout" and "middle" in fact.value
