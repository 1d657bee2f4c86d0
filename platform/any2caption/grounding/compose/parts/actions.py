"""The action part: what the text lets its subjects do, and what the pose shows."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from any2caption.conditions.fact import Fact
from any2caption.grounding.compose.cast import Cast, Subject, is_human, subjects_of, words_of
from any2caption.grounding.compose.english import (
    bare,
    clause,
    denied,
    has_determiner,
    inner,
    is_many,
    joined,
    said_in,
)
from any2caption.grounding.compose.material import (
    CONDITIONS,
    TEXT,
    Material,
    Said,
    as_one,
    of_people,
)
from any2caption.grounding.vocabulary import is_agent, singular
from any2caption.grounding.words.lists.grammar import BE, NOBODY, PLURAL_PRONOUNS, denies

_AFTER = 0.05
_AGAIN = " again and again"
_WHOLE, _HALF = 0.9, 0.5
_CLAUSES = 3
_MARKED = "the marked object"
_AS_SAID = re.compile(
    r" of them\b| (?:but|except(?: for)?) "
    r"|^(?:all|each|half|many|most|none|one|some|two|three) of\b"
    r"|^(?:neither|not)\b"
)
"""What stands for whom the text means as it is: "everyone but the groom"."""
_PRONOUNS = frozenset({"it", "they", "he", "she"})
_WEATHER = re.compile(
    r"^(?:(?:is|was|begins?|starts?|stops?|keeps?|continues?)(?: to| on)?\s+)?"
    r"(?:(?:drizzl|hail|rain|snow|thunder)(?:e?s|e|ing)?\b|pour(?:s|ing)?$)"
    r"|\b(?:gets?|getting|grows?|growing|becom\w+|is) (?:cold|dark|foggy|late|light|night)\b"
)
"""What nobody does: "it begins to rain"."""
_OBJECT = re.compile(r"^\w+ (?:\w+ )?(?:it|them)\b")
"""Deeds to what was named just before: "wipes them", "picks up it"."""
_OWN = re.compile(r"(?:its|his|her|their) ", re.IGNORECASE)
_NOBODY = frozenset({"", "none", "who", "which", "that"})
_FEMALE = frozenset({"woman", "girl", "lady", "mother", "queen", "princess", "bride", "actress",
                     "daughter", "sister", "wife", "grandmother", "mom", "waitress"})  # fmt: skip
_MALE = frozenset({"man", "boy", "gentleman", "father", "king", "prince", "groom", "actor", "son",
                   "brother", "husband", "grandfather", "dad", "waiter", "guy"})  # fmt: skip
_ALONE = frozenset({"one", "another", "nobody", "nothing", "no one", "someone", "everyone",
                    "somebody", "everybody", "something", "everything", "i", "we",
                    "you"})  # fmt: skip
_EACH = frozenset({"one", "another"})
"""Of several, each time someone else."""
_CROWDS = frozenset({"couple", "crowd", "family", "band", "group", "pair", "team"})
_OTHERS = {"he": _FEMALE, "she": _MALE}
_SAME = {"he": _MALE, "she": _FEMALE}


def action_part(material: Material) -> list[Said]:
    """Return what happens: the text's actions by who does them, then the conditions'."""
    own = text_actions(material)[: material.most(1, 5, 8)]
    told = " ".join(one.words for one in own)
    own, left = with_told(own, pose_facts(material), told)
    return own + shown_actions(material, without=left)


def pose_facts(material: Material) -> tuple[Fact, ...]:
    """Return what a pose shows people do."""
    facts = material.of("action", source=CONDITIONS)
    return tuple(fact for fact in facts if of_people(fact))


def with_told(
    said: Sequence[Said], facts: Sequence[Fact], text: str
) -> tuple[list[Said], tuple[Fact, ...]]:
    """Return sentences of the text with the facts that they say already, and those facts."""
    told = tuple(fact for fact in facts if said_in(inner(fact.text), text))
    out = list(said)
    for fact in told:
        at = max(range(len(out)), key=lambda one: said_in(inner(fact.text), out[one].words))
        out[at] = replace(out[at], facts=(*out[at].facts, fact))
    return out, told


def text_actions(material: Material) -> list[Said]:
    """Return a sentence for each subject of the text that does something."""
    subjects = subjects_of(material, TEXT, objects=True)
    groups: dict[tuple[str, int], list[Fact]] = {}
    order: list[tuple[str, int]] = []
    turns: dict[str, int] = {}
    who = ""
    for at, fact in enumerate(material.of("action", source=TEXT)):
        last, who = who, _doer(fact, _named_before(fact, subjects, who))
        if who in _EACH or (who != last and who in turns and _OBJECT.search(inner(fact.text))):
            turns[who] = at  # "tears run down his cheeks. He wipes them": behind the tears
        turn, before = (who, turns.setdefault(who, 0)), (last, turns.get(last, 0))
        if turn not in groups:
            behind = who in _PRONOUNS and before in order  # whom "it" may mean
            order.insert(order.index(before) + 1 if behind else len(order), turn)
        told = groups.setdefault(turn, [])
        if all(_deed(fact) != _deed(one) for one in told):
            told.append(fact)
    out: list[Said] = []
    for turn in order:
        who, facts = turn[0], groups[turn]
        subject = next((one for one in subjects if one.again == who), None)
        many = subject.many if subject else _many(who)
        number = subject.number if subject else None
        out += _sentences(who, facts, material.facts.text, many=many, number=number)
    return out


def _deed(fact: Fact) -> tuple[str, bool]:
    """What makes two actions of one subject the same."""
    return inner(fact.text).casefold(), fact.negated


def shown_actions(material: Material, *, without: Sequence[Fact] = ()) -> list[Said]:
    """Return what conditions show people and things do, one by one, each in order of time."""
    facts = [fact for fact in material.of("action", source=CONDITIONS) if not fact.negated]
    facts = [fact for fact in facts if not any(fact is told for told in without)]
    pose = [fact for fact in facts if of_people(fact)]
    cast = Cast.of(material, [words_of(fact.value, "who") for fact in pose])
    groups: dict[str, list[Fact]] = {}
    for fact in facts:
        who = words_of(fact.value, "who")
        moves = not of_people(fact)
        groups.setdefault(_moved(who, material) if moves else cast.name(who), []).append(fact)
    out = [said for who, group in groups.items() for said in _shown(who, group, material)]
    return as_one(out) if material.length == "short" else out


def _shown(who: str, facts: Sequence[Fact], material: Material) -> list[Said]:
    """One sentence, or several where one would be long; texts agree with their `plural`."""
    most = len(facts) if material.length == "short" else _CLAUSES
    parts = [tuple(facts[at : at + most]) for at in range(0, len(facts), most)]
    names = [who, *[_again(who)] * len(parts)]
    return [
        Said(clause(name, in_order(part, timed=material.length == "long")), part)
        for name, part in zip(names, parts, strict=False)
    ]


def in_order(facts: Sequence[Fact], *, timed: bool = False) -> str:
    """Return `raises the right arm and the right leg, then waves`: what follows goes by "then".

    `timed` tells when: `waves in the second half`.
    """
    first, *rest = facts
    often = all(inner(fact.text).endswith(_AGAIN) for fact in facts)
    moments = {_when(fact) if timed else "" for fact in facts}
    once = bool(rest) and often and len(moments) == 1
    words, last = _told(first, timed=timed, once=once), first
    for fact in rest:
        text = _told(fact, timed=timed, once=once)
        follows = _time(fact, "start") >= _time(last, "end") - _AFTER
        verb, _, object_ = text.partition(" ")
        if follows:
            words += f", then {text}"
        elif verb == inner(last.text).partition(" ")[0] and object_:
            words += f" and {object_}"
        else:
            words += f" and {text}" if " and " not in words else f", and {text}"
        last = fact
    return f"{words},{_AGAIN}{moments.pop()}" if once else words


def _told(fact: Fact, *, timed: bool, once: bool) -> str:
    """The words of an action; `once`: how often is said behind all of them."""
    text = inner(fact.text)
    return text.removesuffix(_AGAIN) if once else text + (_when(fact) if timed else "")


def _when(fact: Fact) -> str:
    """Say which part of the clip an action fills, where it is a clear one."""
    if not {"start", "end"} <= set(fact.value):
        return ""
    start, end = _time(fact, "start"), _time(fact, "end")
    if end - start >= _WHOLE:
        return " throughout"
    if end <= _HALF:
        return " in the first half"
    return " in the second half" if start >= 1 - _HALF else ""


def _time(fact: Fact, key: str) -> float:
    found = fact.value.get(key)
    return float(found) if isinstance(found, int | float) else 0.0 if key == "start" else 1.0


def _again(who: str) -> str:
    words = who.split(" ", 1)
    return f"the {words[1]}" if words[0] in {"a", "an"} and len(words) > 1 else who


def _moved(who: str, material: Material) -> str:
    """Name what a condition that is no pose shows moving: the text's subject, if it has one."""
    subjects = subjects_of(material, TEXT)
    known = [one for one in subjects if who and singular(one.noun) == singular(bare(who))]
    if not known and len(subjects) == 1 and (not who or who == _MARKED) and not subjects[0].many:
        known = list(subjects)
    if known:
        return known[0].again
    if not who:
        return "something"
    return who if has_determiner(who) or " of the " in who else f"the {who}"


def _doer(fact: Fact, subjects: Sequence[Subject]) -> str:
    """Name who does what the text says; nobody where the text does not tell."""
    who = words_of(fact.value, "who")
    if who.casefold() == "it" and _WEATHER.search(fact.text):
        return who
    if who.casefold() in _PRONOUNS:
        return _meant(who.casefold(), subjects)
    if who.casefold() in _NOBODY and _form(fact) == "base":
        return ""  # an order: "put the cat on the sofa"
    if who.casefold() in _NOBODY:
        main = [one for one in subjects if not _acted_on(one)]
        return main[0].again if len(main) == 1 else ""
    left, names = list(subjects), []
    for one in who.split(" and "):
        fitting = [subject for subject in left if _is(subject, one)]
        nearest = max(fitting, key=lambda subject: _since(subject, fact), default=None)
        known = nearest if " and " not in who else next(iter(fitting), None)
        if known is not None:
            left.remove(known)
        names.append(known.again if known else one)
    if len(names) > 1 or names[0] != who:
        return joined(names)
    return (
        who
        if has_determiner(who)
        or who[:1].isupper()
        or who in _ALONE | NOBODY
        or who[:1] in "<@[("
        or _AS_SAID.search(who)
        else f"the {who}"
    )


def _meant(pronoun: str, subjects: Sequence[Subject]) -> str:
    """Return the last named whom a pronoun may mean, of those that act if any does; else itself."""
    main = [one for one in subjects if not _acted_on(one)]
    named = _fitting(pronoun, main) or _fitting(pronoun, subjects)
    sure = [one for one in subjects if singular(one.noun) in _SAME.get(pronoun, ())]
    if len(sure) == 1 and len(named) == 1:
        named = sure  # "a nurse pushes an old man while he feeds squirrels"
    if not named or (pronoun == "it" and _unsure(named, subjects)):
        return pronoun
    owner, _, owned = named[-1].again.partition("'s ")
    return owner if owned and pronoun != "they" else named[-1].again


def _unsure(named: Sequence[Subject], subjects: Sequence[Subject]) -> bool:
    """Whether "it" may be another one too: "a cat knocks a glass off the table; it shatters".

    Or which of several objects is meant: "pulls a rabbit from a hat, but it is a toy".
    """
    if _acted_on(named[0]):
        return len(named) > 1
    if len(named) == 1 and not is_agent(named[0].noun):
        return False  # "a droplet clings to the edge as it forms"
    last = max(map(_first, named))
    others = [one for one in _fitting("it", subjects) if _acted_on(one)]
    return any(_first(one) > last for one in others)


def _first(subject: Subject) -> int:
    return _start(subject.facts[0])


def _fitting(pronoun: str, subjects: Sequence[Subject]) -> list[Subject]:
    """Return whom a pronoun may mean."""
    if pronoun in {"he", "she"}:
        people = [one for one in subjects if is_human(one.noun) and not one.many]
        return [one for one in people if singular(one.noun) not in _OTHERS[pronoun] | _CROWDS]
    if pronoun == "they":
        return [one for one in subjects if one.many]
    return [one for one in subjects if not one.many and not is_human(one.noun)]


def _named_before(fact: Fact, subjects: Sequence[Subject], last: str) -> list[Subject]:
    """Return the subjects, for a pronoun those in front of it only.

    For "it" who acted last comes last, and what is somebody's ("its tail") is not meant.
    """
    pronoun = words_of(fact.value, "who").casefold()
    if pronoun not in _PRONOUNS:
        return list(subjects)
    named = [one for one in subjects if _start(one.facts[0]) < _start(fact)]
    if pronoun == "it":
        named = [one for one in named if not _OWN.match(one.phrase)] or named
        named.sort(key=lambda one: one.again == last)
    return named


def _since(subject: Subject, fact: Fact) -> int:
    """Where the text last names a subject as one that acts, in front of an action; -1: nowhere."""
    acts = [one for one in subject.facts if words_of(one.value, "role") != "object"]
    places = [_start(one) for one in acts if one.source.characters]
    return max((place for place in places if place < _start(fact)), default=-1)


def _start(fact: Fact) -> int:
    return fact.source.characters[0] if fact.source.characters else 0


def _acted_on(subject: Subject) -> bool:
    named = [fact for fact in subject.facts if fact.aspect == "subject"]
    return bool(named) and all(words_of(fact.value, "role") == "object" for fact in named)


def _is(subject: Subject, who: str) -> bool:
    names = {subject.phrase.casefold(), subject.again.casefold()}
    return who.casefold() in names or singular(bare(who)) == singular(subject.noun)


def _many(who: str) -> bool:
    if who.startswith("none of "):
        return True
    if share := re.match(r"(?:all|half|many|most|some) of (.+?)(?: but .*)?$", who):
        return share[1] == "them" or is_many(share[1])
    return " and " in who or who.casefold() in PLURAL_PRONOUNS or is_many(who)


def _sentences(
    who: str, facts: Sequence[Fact], text: str, *, many: bool, number: int | None
) -> list[Said]:
    said = [fact for fact in facts if not fact.negated and _form(fact) != "preposition"]
    if not who:
        return [Said(inner(fact.text), (fact,)) for fact in said if _stands_alone(fact)]
    out: list[Said] = []
    for at in range(0, len(said), _CLAUSES):
        group = said[at : at + _CLAUSES]
        words = [
            clause(who, inner(fact.text), many=many, form=_agreeing(fact, number)) for fact in group
        ]
        out.append(Said(_one_subject(who, words, _links(group, text)), tuple(group)))
    no = [fact for fact in facts if fact.negated]
    if denies(who):
        forms = ["participle" if _is_state(one) else _form(one) for one in no]
        return out + [
            Said(clause(who, inner(fact.text), many=many, form=form), (fact,))
            for fact, form in zip(no, forms, strict=True)
        ]
    return out + [Said(_denied(who, fact, many=many), (fact,)) for fact in no]


def _denied(who: str, fact: Fact, *, many: bool) -> str:
    """Return `the dog does not bark`, `the dog is not afraid of the cat`."""
    text = inner(fact.text)
    if _is_state(fact):
        return clause(who, f"not {text}", many=many, form="participle")
    return denied(who, text, many=many)


def _is_state(fact: Fact) -> bool:
    """Whether an action is what somebody is, told without its verb: `afraid of the cat`, `lit`."""
    words = inner(fact.text).casefold().split(" ")
    if fact.negated and _form(fact) == "participle":
        return not any(word.endswith("ing") for word in words[:2])  # "parked", but not "smiling"
    state = words_of(fact.value, "verb") == "be" and _form(fact) == "finite"
    return state and inner(fact.text).split(" ", 1)[0].casefold() not in BE


def _one_subject(who: str, clauses: Sequence[str], links: Sequence[str]) -> str:
    """Join clauses of one subject: `the cat is sitting and purring`, `it slides, shining`."""
    words, last, aside = clauses[0], clauses[0].removeprefix(f"{who} ").split(" ", 1)[0], False
    for at, one in enumerate(clauses[1:]):
        verb, _, rest = one.removeprefix(f"{who} ").partition(" ")
        done = clauses[at].removeprefix(f"{who} {verb} ").split(" ", 1)[0].endswith("ed")
        other = verb != last or done  # "is tossed, showing its bounce"
        if verb in {"is", "are"} and rest and other and rest.split(" ", 1)[0][-3:] == "ing":
            words += f" and {rest}" if aside else f", {rest}" if links[at] else f" {rest}"
            aside = True
            continue
        said = rest if verb == last and verb in {"is", "are"} else f"{verb} {rest}".strip()
        later = [more.removeprefix(f"{who} ").split(" ", 1)[0] for more in clauses[at + 2 :]]
        goes_on = any(verb in {"is", "are"} or one not in {"is", "are"} for one in later)
        link = f" {links[at] or 'and'}"
        words += f"{',' if goes_on else link} {said}"
        last = verb
    return words


def _links(facts: Sequence[Fact], text: str) -> list[str]:
    """`or` where the user says so between two actions, nothing where none parts them, or `and`."""
    out = []
    for one, other in pairwise(facts):
        first, second = one.source.characters, other.source.characters
        between = text[first[1] : second[0]] if first and second else ""
        beside = first is not None and second is not None and not between.strip()
        out.append("or" if between.strip(" ,").casefold() == "or" else "" if beside else "and")
    return out


def _agreeing(fact: Fact, number: int | None) -> str:
    """How an action is worded; nothing where its doer has another number now than in the text."""
    who, form = words_of(fact.value, "who"), _form(fact)
    same = number in {None, 1} or not who or _many(who)
    return form if same or form != "finite" else ""


def _form(fact: Fact) -> str:
    return words_of(fact.value, "form")


def _stands_alone(fact: Fact) -> bool:
    """Whether an action reads without a doer: "flying through fantasy landscapes", "turn left"."""
    return _form(fact) == "base" or inner(fact.text).split(" ", 1)[0].casefold().endswith("ing")
