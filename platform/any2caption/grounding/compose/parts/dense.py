"""The dense part: the user's own sentences, then what the conditions add."""

import re
from collections.abc import Sequence

from any2caption.conditions.fact import Fact
from any2caption.grounding.compose.cast import subjects_of, words_of
from any2caption.grounding.compose.english import joined, with_article
from any2caption.grounding.compose.material import (
    CONDITIONS,
    TEXT,
    Material,
    Said,
    as_one,
    of_people,
)
from any2caption.grounding.compose.parts.actions import pose_facts, shown_actions, with_told
from any2caption.grounding.compose.parts.background import frames, layout_sentences, layouts, places
from any2caption.grounding.compose.parts.camera import path_sentences
from any2caption.grounding.compose.parts.style import style_part
from any2caption.grounding.compose.parts.subjects import crowds, whose_pictures
from any2caption.grounding.compose.prompt import Own

_SHOWS = "the scene shows "


def dense_part(material: Material, own: Sequence[Own]) -> list[Said]:
    """Return the whole clip: the text word for word, then identities, actions, layout, camera."""
    text = [Said(one.words, sources=(one.source,)) for one in own]
    words = " ".join(one.words for one in own)
    text, told = with_told(text, pose_facts(material), words)
    added = _added(material, told)
    if material.length == "short":
        added = as_one(added[: 2 if own else 3])
    elif material.mode == "rewrite":
        added = _in_pairs(added)
    return text + added


def _added(material: Material, told: Sequence[Fact]) -> list[Said]:
    """What the conditions add to the text, in reading order."""
    short = material.length == "short"
    camera = _not_yet_said(material)
    actions = shown_actions(material, without=told)
    if short:
        return [*actions, *camera, *_shown(material)]
    layout = [one for one in layouts(material) if one.facts[0].source.input != TEXT]
    shown, layout = _where(_shown(material), layout)
    whose = whose_pictures(material)
    out = [*whose, *shown] if material.of("subject", source=TEXT) else [*shown, *whose]
    out += actions
    out += frames(material)
    place = None if places(material, TEXT) else places(material, CONDITIONS)
    out += [place] if place else []
    out += layout_sentences(layout[: material.most(1, 2, 6)])
    if material.length == "long" or not material.of("style", source=TEXT):
        out += _style(material)
    return out + camera


def _shown(material: Material) -> list[Said]:
    """Who and what conditions show that the text does not name."""
    new = [
        one for one in subjects_of(material) if all(fact.source.input != TEXT for fact in one.facts)
    ]
    new = new[: material.most(2, 4, 8)]
    actions = material.of("action", source=CONDITIONS)
    acting = {fact.source.input for fact in actions if of_people(fact)}
    pose = [one for one in new if one.facts[0].source.input in acting]
    if len(pose) == 1 and not pose[0].many:
        new.remove(pose[0])  # "a person" does something: that is one person
    if not new:
        return crowds(material)
    phrases = joined(with_article(one.phrase) for one in new)
    return [
        Said(f"{_SHOWS}{phrases}", tuple(fact for one in new for fact in one.facts)),
        *crowds(material),
    ]


def _where(shown: Sequence[Said], layout: Sequence[Said]) -> tuple[list[Said], list[Said]]:
    """Say where those stand who are shown: `the scene shows a dog at the upper left`."""
    out, left = list(shown), list(layout)
    for at, one in enumerate(out):
        for place in layout:
            inputs = {fact.source.input for fact in (*one.facts, *place.facts)}
            nouns = [words_of(fact.value, "noun") for fact in one.facts]
            same = f"{_SHOWS}{place.words}".startswith(f"{one.words} ") or _places(place, nouns)
            if one.words.startswith(_SHOWS) and len(inputs) == 1 and same:
                out[at] = Said(f"{_SHOWS}{place.words}", (*one.facts, *place.facts))
                left.remove(place)
                break
    return out, left


def _places(place: Said, nouns: Sequence[str]) -> bool:
    """Whether a layout names all of these, each by its article: how many there are stays said."""
    return all(
        noun and re.search(rf"\ban? (?:\w+ )?{re.escape(noun)}\b", place.words) for noun in nouns
    )


def _style(material: Material) -> list[Said]:
    return [
        one for one in style_part(material) if all(fact.source.input != TEXT for fact in one.facts)
    ]


def _not_yet_said(material: Material) -> list[Said]:
    """The path, unless the text asks for these very movements in this order."""
    path = path_sentences(material)
    wished = [key for fact in material.of("camera", source=TEXT) for key in _keys(fact.value)]
    shown = [key for fact in material.of("camera", source=CONDITIONS) for key in _keys(fact.value)]
    return [] if shown and wished == shown else path


def _keys(value: object) -> list[str]:
    keys = value.get("keys", ()) if hasattr(value, "get") else ()
    return list(keys)


def _in_pairs(said: Sequence[Said]) -> list[Said]:
    """Join short neighbours: `the dog is the one of picture 1, and a person waves`."""
    out: list[Said] = []
    for one in said:
        last = out[-1] if out else None
        if last is not None and not any(mark in last.words + one.words for mark in ",;"):
            out[-1] = Said(f"{last.words}, and {one.words}", (*last.facts, *one.facts))
        else:
            out.append(one)
    return out
