"""The action part: what the text lets its subjects do, and what the pose shows."""

from collections.abc import Iterable, Sequence

from any2caption.conditions.fact import Fact
from any2caption.grounding.compose.cast import Cast, Subject, subjects_of, words_of
from any2caption.grounding.compose.english import clause, denied, has_determiner, inner
from any2caption.grounding.compose.material import CONDITIONS, TEXT, Material, Said
from any2caption.grounding.vocabulary import singular

_AFTER = 0.05
_CLAUSES = 3
_NOBODY = frozenset({"", "none", "it", "they", "he", "she", "who", "which", "that"})


def action_part(material: Material) -> list[Said]:
    """Return what happens: the text's actions by who does them, then the conditions'."""
    own = text_actions(material)[: material.most(1, 3, 8)]
    return own + shown_actions(material, again=False)


def text_actions(material: Material) -> list[Said]:
    """Return a sentence for each subject of the text that does something."""
    subjects = subjects_of(material, TEXT)
    groups: dict[str, list[Fact]] = {}
    for fact in material.of("action", source=TEXT):
        who = _doer(fact, subjects)
        groups.setdefault(who, []).append(fact)
    out: list[Said] = []
    for who, facts in groups.items():
        subject = next((one for one in subjects if one.again == who), None)
        many = subject.many if subject else _many(who)
        out += _sentences(who, facts, many=many)
    return out


def shown_actions(material: Material, *, again: bool) -> list[Said]:
    """Return what conditions show people and things do, in order of time; `again`: after that."""
    facts = [fact for fact in material.of("action", source=CONDITIONS) if not fact.negated]
    pose = [fact for fact in facts if fact.source.input.startswith("pose")]
    cast = Cast.of(material, [words_of(fact.value, "who") for fact in pose])
    groups: dict[tuple[str, bool], list[Fact]] = {}
    for fact in facts:
        if fact in pose:
            name = cast.name(words_of(fact.value, "who"), again=again)
        else:
            name = _moved(fact, material)
        groups.setdefault(name, []).append(fact)
    out: list[Said] = []
    for (who, many), group in groups.items():
        most = len(group) if material.length == "short" else _CLAUSES
        for at in range(0, len(group), most):
            part = group[at : at + most]
            plural = many or bool(part[0].value.get("plural"))
            words = clause(who, in_order(part), many=plural and not part[0].value.get("plural"))
            out.append(Said(words, tuple(part)))
            who = _again(who)
    if material.length == "short" and len(out) > 1:
        words = "; ".join(one.words for one in out)
        return [Said(words, tuple(fact for one in out for fact in one.facts))]
    return out


def in_order(facts: Sequence[Fact]) -> str:
    """Return `raises the right arm and the right leg, then waves`: what follows goes by "then"."""
    first, *rest = facts
    words, last = inner(first.text), first
    for fact in rest:
        text = inner(fact.text)
        follows = _time(fact, "start") >= _time(last, "end") - _AFTER
        verb, _, object_ = text.partition(" ")
        if follows:
            words += f", then {text}"
        elif verb == inner(last.text).partition(" ")[0] and object_:
            words += f" and {object_}"
        else:
            words += f" and {text}" if " and " not in words else f", and {text}"
        last = fact
    return words


def _time(fact: Fact, key: str) -> float:
    found = fact.value.get(key)
    return float(found) if isinstance(found, int | float) else 0.0 if key == "start" else 1.0


def _again(who: str) -> str:
    words = who.split(" ", 1)
    return f"the {words[1]}" if words[0] in {"a", "an"} and len(words) > 1 else who


def _moved(fact: Fact, material: Material) -> tuple[str, bool]:
    """Name what a condition that is no pose shows moving."""
    who = words_of(fact.value, "who")
    subjects = subjects_of(material, TEXT)
    known = [one for one in subjects if who and singular(one.noun) == singular(who)]
    if not who:
        known = list(subjects) if len(subjects) == 1 else []
    if known:
        return known[0].again, known[0].many
    if not who:
        return "something", False
    return (who if has_determiner(who) else f"the {who}"), False


def _doer(fact: Fact, subjects: Sequence[Subject]) -> str:
    """Name who does what the text says; nobody where the text does not tell."""
    who = words_of(fact.value, "who")
    if who.casefold() not in _NOBODY:
        bare = who.casefold()
        for one in subjects:
            if bare in {one.phrase.casefold(), one.noun.casefold(), one.again.casefold()}:
                return one.again
        return who if has_determiner(who) or who[:1].isupper() else f"the {who}"
    return subjects[0].again if len(subjects) == 1 else ""


def _many(who: str) -> bool:
    return " and " in who


def _sentences(who: str, facts: Iterable[Fact], *, many: bool) -> list[Said]:
    said = [fact for fact in facts if not fact.negated]
    out: list[Said] = []
    if not who:
        return [Said(inner(fact.text), (fact,)) for fact in said]
    for at in range(0, len(said), _CLAUSES):
        group = said[at : at + _CLAUSES]
        words = [clause(who, inner(group[0].text), many=many)]
        words += [_predicate(fact, many=many) for fact in group[1:]]
        most, last = words[:-1], words[-1]
        out.append(Said(f"{', '.join(most)} and {last}" if most else last, tuple(group)))
    return out + [
        Said(denied(who, inner(fact.text), many=many), (fact,)) for fact in facts if fact.negated
    ]


def _predicate(fact: Fact, *, many: bool) -> str:
    return clause("", inner(fact.text), many=many).strip()
