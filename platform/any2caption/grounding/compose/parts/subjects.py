"""The main object part: who and what is shown, how many, whose picture, where to each other."""

import re
from collections.abc import Sequence
from dataclasses import replace

from any2caption.conditions.fact import Fact
from any2caption.grounding.compose.cast import (
    Subject,
    crowd_of,
    pictured,
    subjects_of,
    words_of,
)
from any2caption.grounding.compose.english import (
    bare,
    be,
    definite,
    inner,
    is_many,
    joined,
    with_article,
)
from any2caption.grounding.compose.material import TEXT, Material, Said, as_one
from any2caption.grounding.vocabulary import is_agent, is_called, singular
from any2caption.grounding.words import denied

_OWNED = re.compile(r"(?:his|her|its|their|my|your|our|\w+['’]s)\b", re.IGNORECASE)
"""Begins what is somebody's own: there is no "no his face"."""


def main_object_part(material: Material) -> list[Said]:
    """Return who and what is shown."""
    subjects = _told_once(subjects_of(material))
    pictures = whose_pictures(material)
    known: set[int] = set()
    out: list[Said] = []
    if subjects:
        own = [fact for fact in identities_of(material) if _pictured_any(fact, subjects)]
        shown = _shown(subjects[: material.most(3, 5, 10)], own)
        out.append(replace(shown, facts=(*shown.facts, *_same_pictures(own, material))))
        known = {id(fact) for fact in own}
    out += [said for said in pictures if not {id(fact) for fact in said.facts} <= known]
    if material.length == "short" and out:
        return as_one(out[:2])
    out += crowds(material)
    out += relations(material, subjects)
    out += written(material)
    out += absences(material, "subject", "count")
    return out[: material.most(1, 4, 10)]


def _told_once(subjects: Sequence[Subject]) -> list[Subject]:
    """Leave out "the tallest one", who is among several named before."""
    return [
        one
        for at, one in enumerate(subjects)
        if one.noun != "one" or not any(before.many for before in subjects[:at])
    ]


def _same_pictures(facts: Sequence[Fact], material: Material) -> list[Fact]:
    """What the pictures themselves state of whom the text names."""
    names = {words_of(fact.value, "condition") for fact in facts}
    return [one for one in material.of("identity") if words_of(one.value, "condition") in names]


def _pictured_any(fact: Fact, subjects: Sequence[Subject]) -> bool:
    """Whether an identity is some subject's."""
    return any(pictured(one, [fact]) for one in subjects)


def crowds(material: Material) -> list[Said]:
    """Return how many people there are in all, where the text names fewer."""
    return [
        Said(f"there {be(many=is_many(inner(fact.text)))} {inner(fact.text)} in all", (fact,))
        for fact in crowd_of(material)
    ]


def identities_of(material: Material) -> list[Fact]:
    """Return the identities, one a picture; what the text says of it counts first."""
    out: dict[str, Fact] = {}
    for fact in material.of("identity"):
        if not fact.negated:
            out.setdefault(words_of(fact.value, "condition") or fact.text, fact)
    return list(out.values())


def _shown(subjects: Sequence[Subject], identities: Sequence[Fact]) -> Said:
    phrases, facts = [], []
    for subject in subjects:
        phrase = with_article(subject.phrase)
        own = pictured(subject, identities)
        names = [words_of(fact.value, "condition") for fact in own]
        names = [name for name in names if name.casefold() not in phrase.casefold()]
        if names:
            phrase += f" (as in {joined(names)}{probably(phrase, own)})"
        phrases.append(phrase)
        facts += [*subject.facts, *own]
    many = len(subjects) > 1 or subjects[0].many
    verb = "main subjects are" if many else "main subject is"
    return Said(f"the {verb} {joined(phrases)}", tuple(facts))


def whose_pictures(material: Material) -> list[Said]:
    """Return who is whom: `the dog is the one of picture 1`; not what the text itself says.

    Where nobody said what a picture shows, but there are as many subjects as pictures, they are
    told together; else whoever the picture shows keeps their look.
    """
    subjects = subjects_of(material)
    used = {words_of(one.value, "condition") for one in material.of("style", "background")}
    replaced = [fact for fact in material.of("subject") if fact.negated]
    used |= {words_of(fact.value, "condition") for fact in replaced}
    identities = [one for one in identities_of(material) if one.source.input != TEXT]
    identities = [one for one in identities if words_of(one.value, "condition") not in used]
    out, left, unknown = [], list(subjects), list(identities)
    for subject in subjects:
        own = pictured(subject, identities)
        if own:
            out.append(_is_of([subject], own))
            left.remove(subject)
            unknown = [fact for fact in unknown if fact not in own]
    told = {words_of(one.value, "noun") for one in identities_of(material)}
    left = [one for one in left if one.noun not in told and _may_be_pictured(one)]
    nameless = [fact for fact in unknown if not fact.value.get("names")]
    people = [fact for fact in nameless if fact.value.get("role") == "identity"]
    if people and sum(one.number or 1 for one in left) == len(people):
        out.append(_is_of(left, people))
        unknown = [fact for fact in unknown if fact not in people]
    return out + [Said(_kept(fact), (fact,)) for fact in unknown]


def _may_be_pictured(subject: Subject) -> bool:
    """Whether the text names a subject whose picture may be given: not what only lies about."""
    fact = subject.facts[0]
    acts = words_of(fact.value, "role") != "object" or is_agent(subject.noun)
    return fact.source.input == TEXT and (acts or not subject.many)


def _is_of(subjects: Sequence[Subject], pictures: Sequence[Fact]) -> Said:
    names = joined(words_of(fact.value, "condition") for fact in pictures)
    many = len(subjects) > 1 or subjects[0].many
    who = joined(one.again for one in subjects)
    which = f"{who} {be(many=many)} the {'ones' if many else 'one'} of {names}"
    return Said(which + probably(subjects[0].phrase, pictures), tuple(pictures))


def probably(phrase: str, pictures: Sequence[Fact]) -> str:
    """Return `, probably a corgi` where a recogniser saw a kind that the phrase does not say."""
    kinds = {kind for fact in pictures if (kind := words_of(fact.value, "kind"))}
    if len(pictures) != 1 or not kinds or any(is_called(phrase, [kind]) for kind in kinds):
        return ""
    return f", probably {with_article(kinds.pop())}"


def _kept(fact: Fact) -> str:
    text, picture = inner(fact.text), words_of(fact.value, "condition")
    if fact.value.get("role") == "reference" and picture:
        return f"the scene follows {picture}"
    return f"{text} {'keep their' if is_many(text) else 'keeps its'} look"


def relations(material: Material, subjects: Sequence[Subject]) -> list[Said]:
    """Return where subjects stand to each other."""
    out = []
    for fact in material.of("relation"):
        left = words_of(fact.value, "left")
        known = [one for one in subjects if left and singular(one.noun) == singular(left)]
        if fact.negated or not left:
            continue
        who = known[0].again if known else definite(left)
        many = known[0].many if known else is_many(left)
        where = _again(inner(fact.text), words_of(fact.value, "right"))
        verb = be(many=many)
        if where.startswith("with "):
            verb, where = "have" if many else "has", where.removeprefix("with ")
        out.append(Said(f"{who} {verb} {where}", (fact,)))
    return out


def _again(where: str, noun: str) -> str:
    """Speak of what is named already: `on the left of the car`."""
    return re.sub(rf"\ban? (?={re.escape(noun)}$)", "the ", where) if noun else where


def written(material: Material) -> list[Said]:
    """Return what is to be read in the picture, quoted."""
    facts = [fact for fact in material.of("written_text") if not fact.negated]
    if not facts:
        return []
    quoted = joined(f"“{words_of(fact.value, 'written') or inner(fact.text)}”" for fact in facts)
    one = len(facts) == 1
    return [Said(f"{'the text' if one else 'the texts'} {quoted} can be read", tuple(facts))]


def _said_of_a_subject(denied_fact: Fact, material: Material) -> bool:
    """Whether a subject's own words deny it: `a man without a hat`."""
    start, end = denied_fact.source.characters or (0, 0)
    subjects = (fact for fact in material.of("subject", source=TEXT) if not fact.negated)
    spans = (fact.source.characters for fact in subjects)
    return end > 0 and any(span and span[0] < start and end <= span[1] for span in spans)


def absences(material: Material, *aspects: str) -> list[Said]:
    """Return what must not be there: `there are no people and no cars`."""
    facts = [fact for fact in material.of(*aspects) if fact.negated]  # type: ignore[arg-type]
    facts = [fact for fact in facts if not _said_of_a_subject(fact, material)]
    if not facts:
        return []
    owned = [fact for fact in facts if _OWNED.match(inner(fact.text))]
    plain = [fact for fact in facts if fact not in owned]
    out = [Said(f"the video does not show {inner(fact.text)}", (fact,)) for fact in owned]
    if not plain:
        return out
    things = [bare(inner(fact.text)).removeprefix("no ").removesuffix(" visible") for fact in plain]
    listed = joined(denied(bare(inner(fact.text))) for fact in plain)
    return [Said(f"there {be(many=is_many(things[0]))} {listed}", tuple(plain)), *out]
