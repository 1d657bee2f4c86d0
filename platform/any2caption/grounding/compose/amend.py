"""What becomes of the user's words where another input is followed: told anew, or left out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from any2caption.conditions.fact import Fact
from any2caption.conditions.facts.words import number_word, plural
from any2caption.grounding.compose.camera_wishes import clause_of, without_movement
from any2caption.grounding.compose.english import base_form, be, gerund, is_many, third_person
from any2caption.grounding.deeds import limbs, motionless, resting, without_rest
from any2caption.grounding.facts import Conflict, Facts
from any2caption.grounding.vocabulary import NUMBERS, singular
from any2caption.grounding.words.lists.grammar import denies

_SIDES = {"left": "right", "right": "left", "toward": "away from", "towards": "away from"}
_IN_PLACE = {"through": "in", "across": "in", "into": "in", "along": "on", "down": "on", "up": "on"}
_WHERE = re.compile(r"(?:on|onto|in|into|at|to|under|by|beside|near|with|behind)\b", re.IGNORECASE)
_TO_ONE = {"are": "is", "were": "was", "have": "has", "do": "does"}
_WORD = re.compile(r"[\w'’-]+")
_BIG = 20


@dataclass(frozen=True, slots=True)
class Edit:
    """`text[start:end]` becomes `words`; without words its clause goes, as far as it is empty."""

    start: int
    end: int
    words: str = ""


def amendments(facts: Facts) -> tuple[Edit, ...]:
    """Return the edits of the user's text that its overruled facts ask for, in text order."""
    edits: list[Edit] = []
    for conflict in facts.conflicts:
        place = _place(conflict.overruled, facts.text)
        if place is not None:
            edits += _edits(conflict, place, facts)
    out: list[Edit] = []
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):
        if not out or edit.start >= out[-1].end:
            out.append(edit)
    return tuple(out)


def recounted(fact: Fact, number: int) -> Fact:
    """Return a subject of the text with another number: `one young dancer`."""
    noun = fact.value.get("noun")
    noun = noun if isinstance(noun, str) else ""
    named = _counted(fact.text, noun, number)
    value = {**fact.value, "number": number, "noun": _of_number(noun, number)}
    return replace(fact, text=named, value=value)


def followed_number(conflict: Conflict) -> int | None:
    """Return the number that is followed instead of the one that a text names; None: no such."""
    number = conflict.followed.value.get("number")
    counts = conflict.overruled.aspect in {"subject", "count"} and not conflict.overruled.negated
    text = conflict.overruled.source.input == "text"
    known = isinstance(number, int) and not isinstance(number, bool) and 0 < number <= _BIG
    return number if counts and text and known else None


def _place(fact: Fact, text: str) -> tuple[int, int] | None:
    """Where an overruled fact of the text stands in it."""
    if fact.source.input != "text" or not fact.text.strip():
        return None
    place = fact.source.characters
    if place is None:
        at = text.casefold().find(fact.text.casefold())
        place = (at, at + len(fact.text)) if at >= 0 else None
    if place is None or not 0 <= place[0] < place[1] <= len(text):
        return None
    return place


def _edits(conflict: Conflict, place: tuple[int, int], facts: Facts) -> Iterator[Edit]:
    overruled, (start, end) = conflict.overruled, place
    words = facts.text[start:end]
    still = overruled.aspect == "action" and motionless(overruled.text)
    who = str(overruled.value.get("who") or overruled.value.get("left") or "")
    told = _WHO.search(facts.text[:start]) if overruled.aspect == "action" else None
    if told and (still or not _shared(facts, conflict.followed)):
        at = None if still else _verb_of(words, str(overruled.value.get("verb") or ""))
        yield Edit(told.start(), end, f" {without_rest(words[at[1] :])}".rstrip() if at else "")
    elif limbs(who) and resting(f"{who} {overruled.text}") and not overruled.negated:
        yield Edit(_from_limb(start, who, facts.text), end)
    elif overruled.negated or still:
        stated = _STATED.match(facts.text, end)  # "nobody else is in the room"
        start = _from_nobody(overruled, start, facts.text)
        yield Edit(start, stated.end() if stated else end, _there(overruled, start, end, facts))
    elif overruled.aspect == "camera":
        start, end = clause_of(facts.text, start, end)
        left = without_movement(facts.text[start:end])
        shows = not left and re.match(r"\s+of\b", facts.text[end:])  # "orbit shot of a car"
        yield Edit(start, end, "a shot" if shows else left)
    elif overruled.aspect == "action" and conflict.followed.aspect == "action":
        shared = _shared(facts, conflict.followed)
        yield Edit(start, end, _acted(words, overruled, conflict.followed, shared=shared))
    elif (number := followed_number(conflict)) is not None:
        noun = overruled.value.get("noun")
        yield Edit(start, end, _counted(words, noun if isinstance(noun, str) else "", number))
        yield from _agreement(facts, end, number)


_WHO = re.compile(r"\s+who(?:\s+(?:is|are|was|were))?(?:\s+\w+ly)?\s+$")
"""What opens a clause that says which people are meant: "two women who are | sitting here"."""


def _from_limb(start: int, who: str, text: str) -> int:
    """Where "both arms", "her hands" begin in front of what they do."""
    limb = re.search(rf"(?:\b(?:both|the|his|her|its|their)\s+)?{re.escape(who)}\s*$", text[:start])
    return limb.start() if limb else start


def _from_nobody(denied: Fact, start: int, text: str) -> int:
    """Where a denial begins with those who are none: "nobody" of "he sleeps and nobody moves"."""
    who = str(denied.value.get("who") or "")
    before = text[:start].rstrip()
    none = denies(who) and before.casefold().endswith(who.casefold())
    return len(before) - len(who) if none else start


def _there(denied: Fact, start: int, end: int, facts: Facts) -> str:
    """What is left to say of one who is said not to do what is shown: `is there`.

    Nothing where the clause says more of them, or where nobody is meant.
    """
    who = denied.value.get("who")
    if denied.aspect != "action" or not isinstance(who, str) or denies(who):
        return ""
    head = max((mark.end() for mark in _MARK.finditer(facts.text, 0, start)), default=0)
    told = [fact for fact in facts.found if fact.aspect == "action" and fact is not denied]
    acts = [fact.source.characters for fact in told if fact.source.input == "text"]
    if not facts.text[head:start].strip() or any(one and head <= one[0] < start for one in acts):
        return ""
    verb = be(many=is_many(who))
    return verb if _WHERE.match(facts.text[end:].lstrip()) else f"{verb} there"


_MARK = re.compile(r"[,;:.!?。，；！？\n]|\b(?:while|whereas|when)\b")
_STATED = re.compile(r"\s+(?:is|are|was|were)\b[^,;.!?]*")


def _counted(words: str, noun: str, number: int) -> str:
    """Name another number of the same: `three young dancers` → `one young dancer`."""
    said = _WORD.sub(
        lambda word: number_word(number) if word.group().casefold() in NUMBERS else word.group(),
        words,
        count=1,
    )
    if said == words:
        said = re.sub(r"^an? ", f"{number_word(number)} ", words, flags=re.IGNORECASE)
    if noun:
        said = re.sub(
            rf"\b{re.escape(noun)}\b", _of_number(noun, number), said, flags=re.IGNORECASE
        )
    return said


def _of_number(noun: str, number: int) -> str:
    head, _, last = noun.rpartition(" ")
    one = singular(last)
    return f"{head} {one if number == 1 else plural(one)}".strip()


def _agreement(facts: Facts, at: int, number: int) -> Iterator[Edit]:
    """Let the verb behind a subject agree with its new number."""
    word = _WORD.search(facts.text, at)
    if word is None or facts.text[at : word.start()].strip():
        return
    verb = word.group().casefold()
    begins = [
        fact
        for fact in facts.found
        if fact.aspect == "action"
        and fact.source.characters is not None
        and fact.source.characters[0] == word.start()
    ]
    forms = {fact.value.get("form") for fact in begins}
    pairs = _TO_ONE if number == 1 else {one: many for many, one in _TO_ONE.items()}
    if verb in pairs:
        yield Edit(word.start(), word.end(), pairs[verb])
    elif number == 1 and "base" in forms:
        yield Edit(word.start(), word.end(), third_person(verb))
    elif number > 1 and "finite" in forms and verb.endswith("s"):
        yield Edit(word.start(), word.end(), base_form(verb))
        who = {fact.value.get("who") for fact in begins}
        for fact in facts.found:
            place = fact.source.characters
            if place and place[0] > word.start() and fact.aspect == "action":
                again = _WORD.match(facts.text, place[0])
                if again and fact.value.get("who") in who and fact.value.get("form") == "finite":
                    yield Edit(again.start(), again.end(), base_form(again.group()))


def _shared(facts: Facts, followed: Fact) -> bool:
    """Whether all bodies of a pose do what one of them does."""
    of_pose = [fact for fact in facts.of("action") if fact.source.input == followed.source.input]
    alike = [fact for fact in of_pose if fact.text == followed.text]
    return {one.value.get("who") for one in alike} == {one.value.get("who") for one in of_pose}


def _acted(words: str, overruled: Fact, followed: Fact, *, shared: bool) -> str:
    """Say the followed action in the form and at the place of the overruled one.

    What one of several does is not said of all (`shared`): "two people sit on a bench" are "two
    people on a bench" then.
    """
    verb, _, more = followed.text.partition(" ")
    base = overruled.value.get("verb")
    base = base if isinstance(base, str) else ""
    if base and base_form(verb) == base:
        return _WORD.sub(lambda word: _SIDES.get(word.group().casefold(), word.group()), words)
    form = overruled.value.get("form")
    at = _verb_of(words, base)
    if at is None:
        return followed.text
    head, rest = words[: at[0]], without_rest(words[at[1] :])
    if not shared:
        return f"{head}{rest}".strip()
    verb = gerund(base_form(verb)) if form == "participle" else verb
    verb = base_form(verb) if form == "base" else verb
    if " " in followed.text.strip() and more.split(" ", 1)[0] not in {"left", "right", "toward"}:
        verb = f"{verb} {more}"
        rest = re.sub(r"^\w+ly\b\s*", "", rest)
        first, _, others = rest.partition(" ")
        if _WHERE.match(others):  # "sits down on a bench"
            rest = others
        else:
            rest = f"{_IN_PLACE.get(first.casefold(), first)} {others}".strip()
    return f"{head}{verb} {rest}".strip()


def _verb_of(words: str, base: str) -> tuple[int, int] | None:
    """Where a verb's form stands in words."""
    if not base:
        return None
    stem = base.removesuffix("e")[: max(3, len(base) - 2)]
    found = re.search(rf"\b{re.escape(stem)}\w*", words, re.IGNORECASE)
    return found.span() if found else None
