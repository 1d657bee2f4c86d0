"""Where two inputs of a request disagree, and which of them is followed.

Order of precedence (`_RANK`): what geometry says for certain, then what rules measured on a
condition, then the user's words, last what a recogniser only supposes; of two equal ones the
first. Only what excludes each other is a conflict: a camera wish that the path does not have (or a
denied one that it has), another number of the same things, an action that the pose's own leaves no
room for, a thing that must not be there and is. What one input says and another is silent about is
none.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from any2caption.captions.actions import STILL
from any2caption.captions.camera_reading import STATIC, asks_for_orbit
from any2caption.conditions.camera.vocabulary import expanded, unsupported_keys
from any2caption.conditions.fact import Fact
from any2caption.grounding.deeds import (
    OTHER_SIDE,
    deeds,
    excluded_by,
    limbs,
    motionless,
    resting,
    side_of,
)
from any2caption.grounding.facts import Conflict
from any2caption.grounding.vocabulary import ANIMALS, is_called, is_person, singular
from any2caption.grounding.words import denied
from any2caption.grounding.words.forms import is_plural
from any2caption.grounding.words.lists.grammar import NOBODY, PERSONAL, denies

TEXT = "text"
_RANK = {"exact": 0, "measured": 1, TEXT: 2, "estimated": 3}
_MOVES = {
    "pan": "pan",
    "tilt": "tilt",
    "roll": "roll",
    "dolly": "dolly",
    "truck": "truck",
    "pedestal": "pedestal move",
    "orbit": "orbit",
    "zoom": "zoom",
}
_CLEAR = 0.75
"""A recogniser that is less sure than that is not set against the user's words."""
_ELSE = frozenset({"else", "other", "others"})
_SEVERAL = 99
"""Of how many a text speaks that names people without a number."""
_ALONE = frozenset({"alone", "lone", "single", "solitary", "solo", "one", "only"})


def find_conflicts(found: Sequence[Fact]) -> tuple[Conflict, ...]:
    """Return the pairs of facts that exclude each other, in the order of the facts overruled.

    A fact is overruled once at most.
    """
    out: dict[int, Conflict] = {}
    for finder in (_cameras, _counts, _actions, _denied, _pictures):
        for one, other, asked in finder(found):
            followed, overruled = sorted((one, other), key=_rank)
            if id(overruled) not in out:
                out[id(overruled)] = Conflict(followed, overruled, _told(followed, asked))
    return tuple(out[id(fact)] for fact in found if id(fact) in out)


def _rank(fact: Fact) -> int:
    return _RANK[TEXT] if fact.source.input == TEXT else _RANK[fact.certainty]


def _told(followed: Fact, asked: str) -> str:
    return f"{asked}: {_the(followed)} was followed"


def _the(fact: Fact) -> str:
    return f"the {TEXT}" if fact.source.input == TEXT else fact.source.input


Disagreement = tuple[Fact, Fact, str]
"""Two facts and what they say against each other."""


def _of(found: Iterable[Fact], *aspects: str) -> list[Fact]:
    return [fact for fact in found if fact.aspect in aspects]


def _inputs(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    """Facts by their input, in order."""
    groups: dict[str, list[Fact]] = {}
    for fact in facts:
        groups.setdefault(fact.source.input, []).append(fact)
    return groups


# Camera


def _cameras(found: Sequence[Fact]) -> Iterator[Disagreement]:
    """Yield wishes that a path does not have, and paths that differ from the first."""
    groups = _inputs(_of(found, "camera"))
    wishes = groups.pop(TEXT, [])
    paths = [(name, facts) for name, facts in groups.items() if any(map(_keys, facts))]
    for _, facts in paths[:1]:
        shown = [key for fact in facts for key in _keys(fact)]
        alike = [key for fact in facts for key in fact.value.get("alike", ())]
        for wish in wishes:
            if asked := _against(wish, shown, alike):
                yield wish, facts[0], f"the text asks for {asked}; {_shows(facts)}"
    for name, facts in paths[1:]:
        first = paths[0][1]
        if [_keys(fact) for fact in facts] != [_keys(fact) for fact in first]:
            for fact in facts:
                yield first[0], fact, f"{_shows(first)}, {name} {_clause(facts)}"


def _against(wish: Fact, shown: Sequence[str], alike: Sequence[str]) -> str:
    """What a wish asks for and the path does not do, in words; "" where the two agree.

    `alike` supports a wish as well: a clip's pixels do not tell a pan from a truck.
    """
    keys = () if wish.negated else _keys(wish)
    if keys == (STATIC,):
        return _wish(STATIC) if set(shown) != {STATIC} else ""
    if not keys and not wish.negated and asks_for_orbit(wish.text) and not _goes_around(shown):
        return "an orbit"
    denials = wish.value.get("denied", ())
    denied = expanded((*_keys(wish), *denials) if wish.negated else denials)
    asked = [_wish(key) for key in unsupported_keys(keys, (*shown, *alike))]
    asked += [f"no {_wish(key, '')}" for key in shown if key in denied and key not in keys]
    return " and ".join(asked) or _in_another_order(keys, shown)


def _goes_around(shown: Sequence[str]) -> bool:
    """Whether a path orbits, or turns while it moves sideways, which can be a part of it."""
    moves = {key.partition("_")[0] for key in shown}
    return "orbit" in moves or {"truck", "pan"} <= moves


def _in_another_order(keys: Sequence[str], shown: Sequence[str]) -> str:
    """What `_against` says of two opposite movements that the path does the other way round."""
    for one, other in pairwise(keys):
        pair = [key for key in shown if key in {one, other}]
        if one.split("_")[0] == other.split("_")[0] and pair == [other, one]:
            return f"{_wish(one)} before {_wish(other)}"
    return ""


def _keys(fact: Fact) -> tuple[str, ...]:
    return tuple(fact.value.get("keys", ()))


def _shows(facts: Sequence[Fact]) -> str:
    return f"{facts[0].source.input} {_clause(facts)}"


def _clause(facts: Sequence[Fact]) -> str:
    texts = [fact.text for fact in facts if _keys(fact)]
    return ", then ".join(text.removeprefix("the camera ") for text in texts)


def _wish(key: str, article: str = "a ") -> str:
    """Return `a pan left`, `an orbit left`, `a static camera` for a movement key."""
    move, _, way = key.partition("_")
    if not way:
        return f"{article}{move} camera"
    noun = f"{_MOVES[move]} {way}"
    return f"an {noun}" if article and noun[0] in "aeiou" else f"{article}{noun}"


# Numbers


def _counts(found: Sequence[Fact]) -> Iterator[Disagreement]:
    """Yield numbers in the text that another input's number of the same things excludes."""
    told = [fact for fact in _of(found, "subject", "count") if fact.source.input == TEXT]
    told = [fact for fact in told if not fact.negated and _number(fact) is not None]
    for fact in _of(found, "count"):
        number = _number(fact)
        if fact.source.input == TEXT or number is None or fact.negated:
            continue
        alike = [other for other in told if _same_noun(_noun(other), _noun(fact))]
        # A subject and its count begin with the same word.
        named: dict[int, list[Fact]] = {}
        for other in alike:
            named.setdefault((other.source.characters or (id(other),))[0], []).append(other)
        numbers = [_number(facts[0]) or 0 for facts in named.values()]
        for facts in named.values() if sum(numbers) != number else ():
            said, words = _number(facts[0]) or 0, max((one.text for one in facts), key=len)
            insists = any(map(_insists, facts))
            if said > number or (said < number and len(named) == 1 and insists):
                asked = f"the text says {words}; {fact.source.input} shows {fact.text}"
                yield from ((other, fact, asked) for other in facts)


def _noun(fact: Fact) -> str:
    return str(fact.value.get("noun") or fact.text)


def _number(fact: Fact) -> int | None:
    number = fact.value.get("number")
    return number if isinstance(number, int) else None


def _insists(fact: Fact) -> bool:
    """Whether words name a number as such: "two people", "a lone man", but not "a man"."""
    number = _number(fact) or 0
    return number > 1 or bool(_ALONE & set(fact.text.casefold().split()))


def _same_noun(one: str, other: str) -> bool:
    if is_person(one) and is_person(other):
        return True
    return bool(one and other) and singular(one.rsplit(maxsplit=1)[-1]) == singular(
        other.rsplit(maxsplit=1)[-1]
    )


# Actions


def _actions(found: Sequence[Fact]) -> Iterator[Disagreement]:
    """Yield actions of people in the text that the pose's own leave no room for."""
    facts = [fact for fact in _of(found, "action") if not fact.negated]
    told = [fact for fact in facts if fact.source.input == TEXT and _of_people(fact, found)]
    yield from _motions(facts, told, found)
    said = {phrase for fact in told for phrase in deeds(fact.text)}
    for name, group in _inputs(facts).items():
        if not name.startswith("pose"):
            continue
        shown = {phrase for fact in group for phrase in deeds(fact.text)}
        others = said & shown  # the text has the pose's action: what else it says is of others
        for fact in told:
            excluded = None if others else _excluded(fact, group, found)
            against = excluded or _other_side(fact, group)
            if against is not None:
                yield fact, against, f"the text says {fact.text}; {name} shows {against.text}"
    yield from _denied_actions(found)


def _motions(
    facts: Sequence[Fact], told: Sequence[Fact], found: Sequence[Fact]
) -> Iterator[Disagreement]:
    """Yield who is told not to move at all, or not an arm, against a pose in which they do."""
    denials = [one for one in _of(found, "action") if one.negated and one.source.input == TEXT]
    denials = [one for one in denials if one.value.get("verb") == "move"]
    denials = [one for one in denials if not _SAVE & set(one.text.casefold().split())]
    still = [fact for fact in told if motionless(fact.text) or resting(_whole(fact))]
    still += [
        fact for fact in _of(found, "relation") if limbs(_who(fact)) and resting(_whole(fact))
    ]
    for name, group in _inputs(facts).items():
        for fact in (*still, *denials) if name.startswith("pose") else ():
            moves = [one for one in group if set(deeds(one.text)) - {STILL}]
            if parts := limbs(_whole(fact)):
                moves = [one for one in moves if parts & limbs(one.text)]
            if moves and _of_people(fact, found) and _anybody(fact, moves, group, found):
                own = denies(_who(fact)) or "'" in _who(fact)
                said = f"that {_whole(fact)}" if own else fact.text
                said = f"not {said}" if fact.negated and not denies(_who(fact)) else said
                yield fact, moves[0], f"the text says {said}; {name} shows {moves[0].text}"


_SAVE = frozenset({"but", "except"})
"""Behind "nobody moves" they name who does."""
_NO_PERSON = NOBODY - {"nothing"}


def _who(fact: Fact) -> str:
    """Who acts, or of what a relation tells where it is: "hands" of "hands in their pockets"."""
    return str(fact.value.get("who") or fact.value.get("left") or "")


def _whole(fact: Fact) -> str:
    """An action with who does it: limbs may be named there."""
    return f"{_who(fact)} {fact.text}"


def _anybody(
    told: Fact, against: Sequence[Fact], group: Sequence[Fact], found: Sequence[Fact]
) -> bool:
    """Whether somebody whom the text means does otherwise: of several any, of one every body."""
    who = _who(told)
    named = [_noun(one) for one in _people(found)] if limbs(who) else [who.rpartition(" ")[2]]
    several = denies(who) or len(named) > 1 or any(map(is_plural, named))
    bodies = {fact.value.get("who") for fact in group}
    return several or {fact.value.get("who") for fact in against} == bodies


def _of_people(fact: Fact, found: Sequence[Fact]) -> bool:
    """Whether a person acts; with no noun to say so, whether the text names nobody else."""
    who = _who(fact)
    if who.casefold() in _NO_PERSON or is_person(who.partition("'")[0]):
        return True
    if limbs(who):
        return bool(_people(found))  # "two people kneel, both arms hanging down"
    if who and who.casefold() not in PERSONAL and not denies(who):
        return False
    subjects = [one for one in _of(found, "subject") if one.source.input == TEXT]
    return all(is_person(_noun(one)) or _limb_or_side(one) for one in subjects)


def _people(found: Sequence[Fact]) -> list[Fact]:
    """Who is named in the text."""
    named = [fact for fact in _of(found, "subject") if fact.source.input == TEXT]
    return [fact for fact in named if is_person(_noun(fact)) and not fact.negated]


def _limb_or_side(fact: Fact) -> bool:
    """Whether a thing that is only acted on is of the body: "with his arms at his sides"."""
    object_of = fact.value.get("role") == "object"
    return object_of and bool(limbs(_noun(fact)) or _noun(fact) in {"lap", "pockets", "sides"})


def _excluded(told: Fact, group: Sequence[Fact], found: Sequence[Fact]) -> Fact | None:
    """The pose's fact that leaves no room for an action of the text.

    Postures exclude each other, not what limbs do. Where the text speaks of several, one body that
    does otherwise is enough; of one it must be every body, since any may be meant.
    """
    excluded = {other for phrase in deeds(told.text) for other in excluded_by(phrase)}
    against = [fact for fact in group if excluded & set(deeds(fact.text))]
    return against[0] if against and _anybody(told, against, group, found) else None


def _other_side(told: Fact, group: Sequence[Fact]) -> Fact | None:
    """The pose's fact of the same verb that names the opposite side, if none names this one."""
    side = side_of(told.text)
    alike = [
        fact
        for fact in group
        if set(deeds(fact.text)) & set(deeds(told.text)) and side_of(fact.text)
    ]
    if side is None or any(side_of(fact.text) == side for fact in alike):
        return None
    opposite = (side[0], OTHER_SIDE[side[1]])
    return next((fact for fact in alike if side_of(fact.text) == opposite), None)


def _denied_actions(found: Sequence[Fact]) -> Iterator[Disagreement]:
    facts = _of(found, "action")
    for fact in facts:
        if not (fact.negated and fact.source.input == TEXT):
            continue
        for other in facts:
            same = set(deeds(fact.text)) & set(deeds(other.text))
            parts, moved = limbs(fact.text), limbs(other.text)
            if other.source.input != TEXT and same and (parts & moved or not (parts and moved)):
                who = str(fact.value.get("who") or "")
                told = f"that {who} {fact.text}" if denies(who) else f"not {fact.text}"
                yield fact, other, f"the text says {told}; {_the(other)} shows {other.text}"


# Negations


def _denied(found: Sequence[Fact]) -> Iterator[Disagreement]:
    """Yield things that must not be there and that a condition shows."""
    nouns = ("subject", "count", "identity")
    shown = [fact for fact in _of(found, *nouns) if fact.source.input != TEXT and not fact.negated]
    for fact in _of(found, *nouns):
        if not (fact.negated and fact.source.input == TEXT):
            continue
        for other in shown:
            if _is_meant(fact, other, found):
                continue
            if _number(other) != 0 and _same_noun(_noun(fact), _noun(other)):
                yield (
                    fact,
                    other,
                    f"the text asks for {denied(fact.text)}; {_the(other)} shows {other.text}",
                )


def _is_meant(denied: Fact, shown: Fact, found: Sequence[Fact]) -> bool:
    """Whether "nobody else" leaves room for those that a condition shows: the text names them."""
    if not _ELSE & set(denied.text.casefold().split()):
        return False
    told = [fact for fact in _of(found, "subject") if fact.source.input == TEXT]
    told = [fact for fact in told if not fact.negated and _same_noun(_noun(fact), _noun(shown))]
    named = sum(_number(fact) or (_SEVERAL if is_plural(_noun(fact)) else 1) for fact in told)
    return (_number(shown) or 1) <= named


# Pictures


def _pictures(found: Sequence[Fact]) -> Iterator[Disagreement]:
    """Yield whom the text calls otherwise than a picture clearly shows: a cat, and it is a dog."""
    seen = [fact for fact in _of(found, "identity") if fact.value.get("names")]
    seen = [fact for fact in seen if fact.certainty == "estimated" and not fact.negated]
    identities = [fact for fact in _of(found, "identity") if fact.source.input == TEXT]
    subjects = [fact for fact in _of(found, "subject") if fact.source.input == TEXT]
    for fact in seen:
        if fact.confidence < _CLEAR or _is_called_like(fact, subjects):
            continue
        name = fact.source.input
        own = [one for one in identities if one.value.get("condition") == name]
        others = [one for one in own or subjects if _is_animal(one) and not _shown(one, seen)]
        if not _people_in(name, found):
            others += [one for one in own if is_person(_noun(one))]
        if _is_animal(fact) and len(others) == 1:
            noun = others[0].value["noun"]
            said = f"the text names a {noun}; {name} seems to show a {fact.value['noun']}"
            yield others[0], fact, said


def _people_in(name: str, found: Iterable[Fact]) -> bool:
    """Whether people were seen in a picture."""
    seen = [fact for fact in _of(found, "subject", "count") if fact.source.input == name]
    return any(is_person(_noun(fact)) and _number(fact) != 0 for fact in seen)


def _is_animal(fact: Fact) -> bool:
    return singular(str(fact.value.get("noun")).rpartition(" ")[2]) in ANIMALS


def _is_called_like(seen: Fact, others: Iterable[Fact]) -> bool:
    return any(is_called(str(one.value.get("noun")), seen.value["names"]) for one in others)


def _shown(subject: Fact, seen: Iterable[Fact]) -> bool:
    """Whether some picture shows what the text names."""
    return any(_is_called_like(fact, [subject]) for fact in seen)
