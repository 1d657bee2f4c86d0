"""Judge one sentence of a caption: which facts it says, what it says against them or without them.

A fault is a contradiction (`contradicted`) or something that nobody stated and no writer may add by
itself (`unsupported`): who else acts, harm, quoted words, talk about the task, what is no prose. A
doubt is something that a writer may have seen in a picture, or that goes on from what is stated:
whether it counts depends on how much of the caption is right. Detail that leaves the facts as they
are is neither; it is the writer's `own`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from any2caption.captions.schema import PARTS
from any2caption.conditions.fact import Fact
from any2caption.grounding.answer import Sentence
from any2caption.grounding.check.camera import (
    against,
    camera_clause,
    is_about_camera,
    is_of_camera,
    steps_of,
)
from any2caption.grounding.check.claims import Claims, read_claims
from any2caption.grounding.check.known import ASPECTS_OF, Known, says, says_fully
from any2caption.grounding.deeds import excluded_by
from any2caption.grounding.vocabulary import (
    GENERIC,
    KINDS_OF,
    META,
    NUMBERS,
    PEOPLE,
    PLACES,
    SCENERY,
    STYLES,
    is_person,
    opposites,
    other_qualities,
    other_sides,
)
from any2caption.grounding.words.content import content_words
from any2caption.grounding.words.forms import stems, verb_forms
from any2caption.grounding.words.language import other_language, other_script
from any2caption.grounding.words.lists.grammar import FUNCTION, PARTICLES, POSSESSIVES
from any2caption.grounding.words.read import read_text
from any2caption.grounding.words.tags.tokens import tokenise

Fault = tuple[Literal["contradicted", "unsupported"], str]
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SHOWS = re.compile(
    r"(?:[^,.]*\bwe (?:see|look at|watch)|(?:the )?(?:main )?(?:subjects?|objects?|scene|video|clip"
    r"|shot) (?:is|are|shows?|features?|depicts?|captures?)) ",
    re.IGNORECASE,
)
_BRINGS = frozenset({"a", "an", "the", "some", "several", "many", *NUMBERS})
_MOVES = ("camera", "pan", "tilt", "truck", "doll", "pedestal", "orbit", "roll", "zoom")
_SET = re.compile(
    r"(?:the )?(?:(?:scene|video|action|clip|story) (?:is set|takes place|unfolds|plays out) "
    r"(?:in|on|at|inside|near|by)|(?:background|setting|backdrop|location) (?:is|shows|features)) "
    r"(?P<place>[^,;.]+)",
    re.IGNORECASE,
)
_BEHIND = re.compile(r" (?:of|in|on|at|with|near|by|under|during|where|that)\b.*$", re.IGNORECASE)
_REPEATED = 0.5
_FEW_WORDS = 4
_LAST = PARTICLES - {"on", "in", "across", "along"}
_STOPS = frozenset('.!?…”"’)')
_SUBJECT_PARTS = frozenset({"dense", "main_object", "action"})


@dataclass(slots=True)
class Judged:
    """A sentence, the facts that it says, its faults and doubts, and words that are its `own`."""

    text: str
    facts: tuple[Fact, ...] = ()
    faults: list[Fault] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    own: tuple[str, ...] = ()
    composed: Sentence | None = None
    """The composed caption's sentence, if it has this very one in this part."""


def judged(text: str, part: str, known: Known, before: str = "") -> Judged:
    """Judge a sentence of a part; `before` is the sentence in front of it."""
    composed = next((one for one in known.reference.parts[part] if one.text == text), None)
    claims = read_claims(text)
    asked = known.tolerated if composed else known.claims
    one = Judged(text, known.support(claims, text), composed=composed)
    own = [word for word in content_words(text) if stems(word).isdisjoint(known.words)]
    one.own = tuple(dict.fromkeys(own))
    one.faults += [("contradicted", why) for _, why in contradictions(claims, asked, known)]
    one.faults += [("contradicted", why) for why in _forbidden(text, claims, known)]
    if composed is None or any(source.input != "text" for source in composed.sources):
        one.faults += [("contradicted", why) for why in camera_faults(text, part, known, before)]
    if composed is None:
        one.faults += [("contradicted", why) for why in _set_elsewhere(one, claims, known)]
        one.faults += [("unsupported", why) for why in _unasked(one, part, claims, known)]
        one.doubts += _doubtful(one, part, claims, known)
    return one


# Contradictions


def contradictions(claims: Claims, asked: Claims, known: Known) -> Iterator[tuple[str, str]]:
    """Yield the rule's name and the reason of each claim that is against those `asked`."""
    for rule in _RULES:
        for why in rule(claims, asked, known):
            yield rule.__name__.removeprefix("_"), why


def _numbers(claims: Claims, asked: Claims, known: Known) -> Iterator[str]:
    allowed: dict[str, set[int]] = {}
    for noun, number in asked.counts:
        allowed.setdefault(noun, set()).add(number)
    for noun, number in sorted(claims.counts):
        right = allowed.get(noun, set())
        if is_person(noun) and known.people is not None and not right:
            right = {known.people}
        if right and number not in right:
            yield f"says {number} {noun}; stated is {_list(right)}"


def _colours(claims: Claims, asked: Claims, _: Known) -> Iterator[str]:
    for noun, colour in sorted(claims.colours):
        right = {other for thing, other in asked.colours if thing == noun}
        if right and colour not in right:
            yield f"says {colour} {noun}; stated is {_list(right)}"


def _directions(claims: Claims, asked: Claims, _: Known) -> Iterator[str]:
    for thing, side in sorted(claims.sides):
        right = {other for near, other in asked.sides if near == thing} & other_sides(side)
        if right and (thing, side) not in asked.sides:
            yield f"says {side} of {thing}; stated is {_list(right)}"


def _layout(claims: Claims, asked: Claims, known: Known) -> Iterator[str]:
    placed = [fact for fact in known.facts.of("layout") if says(claims, "", fact)]
    new = claims.sides - asked.sides
    wrong = {side for thing, side in new if not thing.startswith(_MOVES)}
    wrong -= known.layout | {"toward", "towards", "away"}
    if placed and wrong and not any(says_fully(claims, fact) for fact in placed):
        yield f"places {_list(wrong)}; stated is {placed[0].text}"


def _kinds(claims: Claims, asked: Claims, _: Known) -> Iterator[str]:
    for thing, quality in sorted(claims.qualities):
        right = {other for noun, other in asked.qualities if noun == thing}
        if (thing, quality) not in asked.qualities and right & other_qualities(quality):
            yield f"says {quality} {thing}; stated is {_list(right & other_qualities(quality))}"


def _times(claims: Claims, asked: Claims, _: Known) -> Iterator[str]:
    for word in sorted(claims.times - asked.times):
        if right := opposites(word) & asked.times:
            yield f"says {word}; stated is {_list(right)}"


def _elsewhere(claims: Claims, asked: Claims, _: Known) -> Iterator[str]:
    families = {PLACES[place] for place in asked.places}
    for place in sorted(claims.settings - asked.places):
        if families and PLACES[place] not in families:
            yield f"says {place}; the place stated is {_list(asked.places)}"


def _looks(claims: Claims, asked: Claims, known: Known) -> Iterator[str]:
    families = {STYLES[style] for style in asked.styles}
    for style in sorted(claims.styles - known.words):
        if families and STYLES[style] not in families:
            yield f"says {style}; the style stated is {_list(asked.styles)}"


def _deeds(claims: Claims, asked: Claims, known: Known) -> Iterator[str]:
    for deed in sorted(claims.deeds - asked.deeds - known.shown_deeds):
        right = excluded_by(deed) & (known.shown_deeds or asked.deeds)
        if right:
            yield f"says {deed}; stated is {_list(right)}"


def _denials(claims: Claims, asked: Claims, known: Known) -> Iterator[str]:
    if wrong := (claims.denied & known.there) - asked.denied:
        yield f"denies {_list(wrong)}, which is stated"
    if wrong := claims.words & known.denied:
        yield f"says {_list(wrong)}, which must not be there"


def _forbidden(text: str, claims: Claims, known: Known) -> Iterator[str]:
    """What somebody does who must not: the verb with all that goes with it."""
    said = set(_WORD.findall(text.casefold()))
    for fact in known.denied_deeds:
        particles = PARTICLES.intersection(fact.text.casefold().split())
        words = content_words(fact.text)
        if words and particles <= said and all(stems(word) & claims.words for word in words):
            yield f"says {fact.text}, which must not be"


def _set_elsewhere(one: Judged, claims: Claims, known: Known) -> Iterator[str]:
    """A scene that is set in a place of the writer's own where another is stated."""
    stated = [fact for fact in known.facts.of("background", source="text") if not fact.negated]
    stated = [fact for fact in stated if fact.value.get("kind") == "place"]
    found = _SET.match(one.text)
    if found is None or not stated or any(says(claims, one.text, fact) for fact in stated):
        return
    place = _BEHIND.sub("", found.group("place"))
    if place and content_words(place)[-1:] and content_words(place)[-1] in one.own:
        yield f"says {place}; the place stated is {stated[0].text}"


_RULES: tuple[Callable[[Claims, Claims, Known], Iterable[str]], ...] = (
    _numbers,
    _colours,
    _directions,
    _layout,
    _kinds,
    _times,
    _elsewhere,
    _looks,
    _deeds,
    _denials,
)


def camera_faults(text: str, part: str, known: Known, before: str) -> Iterator[str]:
    """Yield what a sentence says of the camera that its path, or the user's wish, has not."""
    if not (part == "camera" or is_of_camera(text, before)):
        return
    words = camera_clause(text) if is_of_camera(text) else f"The camera: {text}"
    if known.camera is not None and (wrong := against(words, known.camera)):
        yield wrong
    said = {key.split("_")[0] for step in steps_of(words) for key in step}
    if known.camera is None and known.moves and said and known.moves not in said:
        yield f"says {_list(said)}; the text asks for {known.moves}"


# What nobody stated


def _unasked(one: Judged, part: str, claims: Claims, known: Known) -> Iterator[str]:
    if why := no_prose(one, known):
        yield why
        return
    if new := sorted(newcomers(claims, known)):
        yield f"brings in {_list(new)}, whom nobody asked for"
    if new := sorted(harm(claims, known)):
        yield f"brings in {_list(new)}, which nobody asked for"
    if new := sorted(claims.quoted - known.claims.quoted):
        yield f"has words to be read that nobody stated: “{new[0]}”"
    if new := known.not_given(one.text):
        yield f"names {_list(new)}, which the request does not have"
    if new := sorted(META & set(one.own)):
        yield f"speaks of the task ({_list(new)}), not of the scene"
    if not known.seen and (phrase := _new_subject(one, part, known)):
        yield f"is about {phrase}, which nobody stated"
    if part == "camera" and not is_about_camera(one.text):
        yield "says nothing of the camera"
    if part != "dense" and (other := _misplaced(one, part, known)):
        yield f"belongs to the {other.replace('_', ' ')} part"


def _misplaced(one: Judged, part: str, known: Known) -> str:
    """The part that a sentence belongs to, where it says nothing that this one is there for."""
    if part != "camera" and is_of_camera(one.text) and steps_of(one.text):
        return "camera"
    homes = (
        name
        for name in list(PARTS)[1:]
        if name != part and any(one.text == other.text for other in known.reference.parts[name])
    )
    aspects = {fact.aspect for fact in one.facts}
    if one.facts and not one.own and aspects.isdisjoint(ASPECTS_OF[part]):
        return next(homes, "dense")
    return next(homes, "")


def _doubtful(one: Judged, part: str, claims: Claims, known: Known) -> Iterator[str]:
    if known.seen and (phrase := _new_subject(one, part, known)):
        yield f"is about {phrase}, which nobody stated"
    others = claims.deeds - known.claims.deeds - known.shown_deeds
    if part in _SUBJECT_PARTS and others and known.stated("action") and others == claims.deeds:
        yield f"says {_list(others)}, which nobody stated"


def no_prose(one: Judged, known: Known) -> str:
    """Return why a text is no sentence that a caption can have; "" where it is one."""
    words = [word.casefold() for word in _WORD.findall(one.text)]
    if not words or (len(words) == 1 and one.own):
        return "says nothing"
    if len(words) > _FEW_WORDS and len(set(words)) < _REPEATED * len(words):
        return "repeats its words"
    if one.text[-1] not in _STOPS and _breaks_off(one.text, words):
        return "is no whole sentence"
    asked = known.facts.text
    foreign = other_script(one.text) and not other_script(asked)
    if foreign or (_other(one.text) and not _other(asked)):
        return "is not English"
    return ""


def _breaks_off(text: str, words: list[str]) -> bool:
    bare = len(words) >= _FEW_WORDS and not FUNCTION & set(words)
    return bare or text[-1] in ",;:" or words[-1] in FUNCTION - _LAST


def _other(text: str) -> bool:
    return other_language(list(tokenise(text)))


def harm(claims: Claims, known: Known) -> set[str]:
    """Return words of harm that nobody stated, or of something that nobody stated."""
    stated = {word for _, word in known.claims.grave}
    near = {word: {noun for noun, one in claims.grave if one == word} for _, word in claims.grave}
    return {
        word
        for word, nouns in near.items()
        if word not in stated or all(stems(noun).isdisjoint(known.words) for noun in nouns if noun)
    }


def newcomers(claims: Claims, known: Known) -> set[str]:
    """Return who or what acts in a sentence and stands in no fact."""
    there = known.claims.agents | {KINDS_OF.get(agent, agent) for agent in known.claims.agents}
    somebody = bool(there & PEOPLE) or known.people is not None
    only_generic = somebody and not (there & PEOPLE) - GENERIC
    new = set()
    for agent in claims.agents - there:
        person = agent in PEOPLE or agent in GENERIC
        fits = KINDS_OF.get(agent, agent) in there or (
            person and somebody and (agent in GENERIC or only_generic)
        )
        if not fits and stems(agent).isdisjoint(known.words):
            new.add(agent)
    unseen = known.seen and not known.stated("main_object")
    return set() if unseen else new


def _new_subject(one: Judged, part: str, known: Known) -> str:
    """What a sentence is about where that is something of its own, and no scenery."""
    if part not in _SUBJECT_PARTS or not known.stated("main_object"):
        return ""
    for phrase in _subjects(one.text):
        words = content_words(phrase)
        if words and all(word in one.own and word not in SCENERY for word in words):
            return phrase
    return ""


def _subjects(text: str) -> list[str]:
    """What a sentence is about: what it lists ("the main subjects are …"), else its subjects."""
    listed = _SHOWS.match(text)
    if listed is not None:
        items = re.split(r", (?:and )?| and ", text[listed.end() :].rstrip(".!"))
        return [item for item in items if item.split(" ", 1)[0].casefold() in _BRINGS]
    named = (one for one in read_text(text)[0] if one.aspect == "subject")
    return [one.text for one in named if one.value.get("role") == "subject" and _is_noun(one)]


def _is_noun(fact: Fact) -> bool:
    """Whether a subject is one of its own: "stretches its paws" begins with a verb."""
    first = fact.text.split(" ", 1)[0].casefold()
    if first in POSSESSIVES:
        return False  # of somebody who is there already
    return first in _BRINGS or str(fact.value.get("noun")) not in verb_forms()


def _list(words: Iterable[object]) -> str:
    return ", ".join(str(word) for word in sorted(words, key=str))
