"""The background part: the place that the text names, and the layout that conditions show."""

import re
from collections.abc import Sequence

from any2caption.conditions.fact import Fact
from any2caption.grounding.compose.cast import words_of
from any2caption.grounding.compose.english import inner, joined, with_article
from any2caption.grounding.compose.material import CONDITIONS, TEXT, Material, Said
from any2caption.grounding.compose.subjects import absences

_PLACING = re.compile(
    r"(?:in|on|at|under|inside|outside|near|by|over|above|below|beneath|along|through|across|among"
    r"|against|behind|beside|between|during|around|from|within|with|next to|in front of|underneath"
    r"|before|after|amid|towards?|into|past|atop|upon|indoors|outdoors|underwater)\b",
    re.IGNORECASE,
)


_FRAMES = {
    "first_frame": "begins with",
    "last_frame": "ends with",
    "key_frame": "passes through",
}


def background_part(material: Material) -> list[Said]:
    """Return the place, then what lies where in it."""
    place = places(material, TEXT) or places(material, CONDITIONS)
    layout = list(material.of("layout"))
    layout = [fact for fact in layout if not fact.negated][: material.most(1, 3, 8)]
    out = frames(material)
    if place and layout:
        words = f"{place.words}, with {inner(layout[0].text)}"
        out.append(Said(words, (*place.facts, layout[0])))
        layout = layout[1:]
    elif place:
        out.append(place)
    if material.length != "short" or not out:
        out += layout_sentences(layout, again=bool(out))
        out += absences(material, "background", "layout")
    return out[: material.most(1, 4, 10)]


def places(material: Material, source: str) -> Said | None:
    """Return `the scene is set in a quiet kitchen`, or None."""
    facts = [fact for fact in material.of("background", source=source) if not fact.negated]
    facts = [fact for fact in facts if not _frame(fact)][: material.most(2, 4, 8)]
    if not facts:
        return None
    return Said(set_in([inner(fact.text) for fact in facts]), tuple(facts))


def frames(material: Material) -> list[Said]:
    """Return which pictures the video begins with, passes through and ends with."""
    facts = material.of("background", source=CONDITIONS)
    return [Said(words, (fact,)) for fact in facts if (words := _frame(fact))]


def _frame(fact: Fact) -> str:
    verb = _FRAMES.get(words_of(fact.value, "role"))
    picture = words_of(fact.value, "condition")
    return f"the video {verb} {picture}" if verb and picture else ""


def set_in(texts: Sequence[str]) -> str:
    """Return a sentence for places as texts name them: `in a kitchen`, `a quiet street`."""
    have = [text for text in dict.fromkeys(texts) if text.casefold().startswith("with ")]
    texts = [text for text in texts if text not in have]
    placing = [text for text in dict.fromkeys(texts) if _PLACING.match(text)]
    things = [with_article(text) for text in dict.fromkeys(texts) if not _PLACING.match(text)]
    around = joined([text.split(" ", 1)[1] for text in have])
    if not things and not placing:
        return f"the setting has {around}"
    if not things:
        words = f"the scene is set {_run(placing)}"
    else:
        words = f"the setting {'is' if len(things) == 1 else 'has'} {joined(things)}"
        words = f"{words} {_run(placing)}" if placing else words
    return f"{words}, with {around}" if around else words


def _run(placing: Sequence[str]) -> str:
    """Join places that follow each other: `in the forest at night`; more by commas."""
    if len(placing) < 3:  # noqa: PLR2004 - two read well without a mark
        return " ".join(placing)
    return joined(placing)


def layout_sentences(facts: Sequence[Fact], *, again: bool = False) -> list[Said]:
    """Return what lies where: `the scene has near surfaces on the left`."""
    if not facts:
        return []
    phrases = [inner(fact.text) for fact in facts]
    if len(phrases) == 1 or all(" and " not in phrase for phrase in phrases):
        also = "also " if again else ""
        return [Said(f"the scene {also}has {joined(phrases)}", tuple(facts))]
    out = []
    for phrase, fact in zip(phrases, facts, strict=True):
        out.append(Said(f"{'it also' if again else 'the scene'} has {phrase}", (fact,)))
        again = True
    return out
