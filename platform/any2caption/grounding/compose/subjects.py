"""The main object part: who and what is shown, how many, whose picture, where to each other."""

from collections.abc import Sequence

from any2caption.conditions.fact import Fact
from any2caption.grounding.compose.cast import Subject, pictured, subjects_of, words_of
from any2caption.grounding.compose.english import be, definite, inner, is_many, joined, with_article
from any2caption.grounding.compose.material import TEXT, Material, Said
from any2caption.grounding.vocabulary import singular


def main_object_part(material: Material) -> list[Said]:
    """Return who and what is shown."""
    subjects = subjects_of(material)
    identities = identities_of(material)
    out: list[Said] = []
    if subjects:
        out.append(_shown(subjects[: material.most(3, 5, 10)], identities))
    if material.length == "short" and out:
        return out
    out += kept_looks(material, subjects)
    out += relations(material, subjects)
    out += written(material)
    out += absences(material, "subject", "count")
    return out[: material.most(1, 4, 10)]


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
            phrase += f" (as in {joined(names)})"
        phrases.append(phrase)
        facts += [*subject.facts, *own]
    many = len(subjects) > 1 or subjects[0].many
    verb = "main subjects are" if many else "main subject is"
    return Said(f"the {verb} {joined(phrases)}", tuple(facts))


def kept_looks(material: Material, subjects: Sequence[Subject]) -> list[Said]:
    """Return whose look is kept, of pictures that are no known subject's."""
    identities = identities_of(material)
    known = {id(fact) for one in subjects for fact in pictured(one, identities)}
    return [Said(_kept(fact), (fact,)) for fact in identities if id(fact) not in known]


def _kept(fact: Fact) -> str:
    text, picture = inner(fact.text), words_of(fact.value, "condition")
    if fact.value.get("role") == "reference" and picture:
        return f"the scene follows {picture}"
    return f"{text} {'keep their' if is_many(text) else 'keeps its'} look"


def identity_sentences(material: Material) -> list[Said]:
    """Return who is whom: `the dog is the one of picture 1`; not what the text itself says."""
    subjects = subjects_of(material)
    identities = [one for one in identities_of(material) if one.source.input != TEXT]
    out: list[Said] = []
    for subject in subjects:
        own = pictured(subject, identities)
        if not own:
            continue
        names = joined(words_of(fact.value, "condition") for fact in own)
        one = "ones" if subject.many else "one"
        out.append(
            Said(f"{subject.again} {be(many=subject.many)} the {one} of {names}", tuple(own))
        )
    known = {id(fact) for said in out for fact in said.facts}
    rest = [one for one in kept_looks(material, subjects) if one.facts[0].source.input != TEXT]
    return out + [one for one in rest if id(one.facts[0]) not in known]


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
        out.append(Said(f"{who} {be(many=many)} {inner(fact.text)}", (fact,)))
    return out


def written(material: Material) -> list[Said]:
    """Return what is to be read in the picture, quoted."""
    facts = [fact for fact in material.of("written_text") if not fact.negated]
    if not facts:
        return []
    quoted = joined(f"“{words_of(fact.value, 'written') or inner(fact.text)}”" for fact in facts)
    one = len(facts) == 1
    return [Said(f"{'the text' if one else 'the texts'} {quoted} can be read", tuple(facts))]


def absences(material: Material, *aspects: str) -> list[Said]:
    """Return what must not be there: `there are no people and no cars`."""
    facts = [fact for fact in material.of(*aspects) if fact.negated]  # type: ignore[arg-type]
    if not facts:
        return []
    things = [inner(fact.text) for fact in facts]
    listed = joined([f"no {thing.removeprefix('no ')}" for thing in things])
    return [Said(f"there {be(many=is_many(things[0]))} {listed}", tuple(facts))]
