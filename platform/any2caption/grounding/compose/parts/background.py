"""The background part: the place that the text names, and the layout that conditions show."""

import re
from collections.abc import Sequence

from any2caption.conditions.fact import Fact
from any2caption.grounding.compose.cast import unnamed, words_of
from any2caption.grounding.compose.english import bare, be, inner, is_many, joined, with_article
from any2caption.grounding.compose.material import CONDITIONS, TEXT, Material, Said, as_one
from any2caption.grounding.compose.parts.subjects import absences

_PLACING = re.compile(
    r"(?:in|on|at|to the|under|inside|outside|near|by|over|above|below|beneath|along|through|across"
    r"|among|against|behind|beside|between|during|around|from|within|with|next to|in front of"
    r"|underneath|before|after|amid(?:st)?|towards?|into|past|atop|upon|surrounded by|out of"
    r"|(?:indoors|outdoors|underwater)(?! \w))\b",
    re.IGNORECASE,
)


_LOOKS_SO = re.compile(
    r"(?:the )?background ((?:\w+ed|out of)\b.*|dark|black|white|plain|empty)$", re.IGNORECASE
)
"""Says what the background is like: `background blurred`."""
_BREAK = re.compile(r"[.;!?]")
_HOURS = frozenset({"golden hour", "blue hour", "magic hour"})
_REACHES = re.compile(r"surfaces from ")
"""Distances: what a scene has from near to far, it reaches."""
_FRAMES = {
    "first_frame": "begins with",
    "last_frame": "ends with",
    "key_frame": "passes through",
}


def background_part(material: Material) -> list[Said]:
    """Return the place, then what lies where in it."""
    place = places(material, TEXT) or places(material, CONDITIONS)
    layout = layouts(material)[: material.most(1, 3, 8)]
    out = frames(material)
    if place and layout:
        words = f"{place.words}, with {layout[0].words}"
        out.append(Said(words, (*place.facts, *layout[0].facts)))
    elif place:
        out.append(place)
    told = [fact for fact in material.of("background", source=TEXT) if _is_told(fact)]
    out += [Said(_told(fact), (fact,)) for fact in told]
    if material.length == "short" and out:
        return as_one(out[:2])
    out += weather(material)
    out += layout_sentences(layout[1:] if place else layout, again=bool(place and layout))
    out += absences(material, "background", "layout")
    return out[: material.most(1, 4, 10)]


def layouts(material: Material) -> list[Said]:
    """Return what lies where, as phrases behind "with"; marked things that nobody named with it."""
    facts = [fact for fact in material.of("layout") if not fact.negated and _is_phrase(fact)]
    nameless = [fact for fact in material.of("count", "subject") if unnamed(fact)]
    out = []
    for fact in facts:
        same = [one for one in nameless if one.source.input == fact.source.input]
        out.append(Said(_shaped(fact), (fact, *(one for one in same if unnamed(fact)))))
    placed = {fact.source.input for fact in facts}
    alone = [fact for fact in nameless if fact.source.input not in placed]
    worded = bool(material.facts.text.strip())
    return out + [Said(inner(fact.text), (fact,)) for fact in alone if worded]


def _shaped(fact: Fact) -> str:
    """A sketch's lines are where shapes lie, not lines to be seen."""
    words = re.sub(r"^drawn outlines ", "its main shapes ", inner(fact.text))
    return with_article(words) if fact.source.input == TEXT else words


def places(material: Material, source: str) -> Said | None:
    """Return `the scene is set in a quiet kitchen`, or None."""
    facts = [fact for fact in material.of("background", source=source) if not fact.negated]
    facts = [fact for fact in facts if not (_frame(fact) or _is_weather(fact) or _is_told(fact))]
    beside = [fact for fact in facts if fact.value.get("form") == "beside"]
    facts = [fact for fact in facts if fact not in beside][: material.most(2, 4, 8)]
    if beside and not facts:
        shown = joined(with_article(inner(fact.text)) for fact in beside)
        return Said(f"the scene shows {shown}", tuple(beside))
    if not facts:
        return None
    return Said(set_in(_apart(facts, material.facts.text)), tuple(facts))


def _apart(facts: Sequence[Fact], text: str) -> list[str]:
    """Return places as the text names them; those of two clauses with "and": `in Rome and in …`."""
    out: list[str] = []
    for fact, before in zip(facts, (None, *facts), strict=False):
        words = inner(fact.text)
        spans = before and before.source.characters, fact.source.characters
        between = text[spans[0][1] : spans[1][0]] if spans[0] and spans[1] else ""
        if out and _BREAK.search(between) and _PLACING.match(words) and _PLACING.match(out[-1]):
            out[-1] = f"{out[-1]} and {words}"
        else:
            out.append(words)
    return out


def weather(material: Material) -> list[Said]:
    """Return `there is snow`, `it is sunset`: weather, light and time that stand by themselves."""
    facts = [fact for fact in material.of("background", source=TEXT) if not fact.negated]
    facts = [fact for fact in facts if _is_weather(fact)]
    there = [fact for fact in facts if fact.value.get("kind") != "time"]
    out = []
    if there:
        names = [re.sub(r"^the (?=\w+$)", "", inner(fact.text)) for fact in there]
        names = [with_article(name) for name in names]
        out.append(Said(f"there {be(many=is_many(names[0]))} {joined(names)}", tuple(there)))
    times = [fact for fact in facts if fact.value.get("kind") == "time"]
    for fact in times:
        name = inner(fact.text)
        out.append(Said(f"it is {name if name in _HOURS else with_article(name)}", (fact,)))
    return out


def _is_weather(fact: Fact) -> bool:
    kind = fact.value.get("kind")
    alone = fact.value.get("form") == "noun" and not _PLACING.match(inner(fact.text))
    return kind in {"weather", "light", "time"} and alone


def _told(fact: Fact) -> str:
    """Return the user's own clause; `the setting is that of picture 2` for "use … as"."""
    given = words_of(fact.value, "condition")
    if looks := _LOOKS_SO.match(inner(fact.text)):
        return f"the background is {looks[1]}"
    return f"the setting is that of {given}" if given else inner(fact.text)


def _is_told(fact: Fact) -> bool:
    """Whether the user's own clause tells the setting: `the background features a window`."""
    told = fact.value.get("form") == "sentence" or _LOOKS_SO.match(inner(fact.text))
    return bool(told) and not fact.negated


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
    texts = _widest(texts)
    around = [text.split(" ", 1)[1] for text in texts if text.casefold().startswith("with ")]
    placing = [text for text in texts if _PLACING.match(text) and text.split(" ")[0] != "with"]
    things = [with_article(text) for text in texts if not _PLACING.match(text)]
    if placing and placing[0] == texts[0]:
        words, around = f"the scene is set {_run(placing)}", things + around
    elif things:
        verb = "is" if len(things) == 1 and not is_many(things[0]) else "shows"
        words = " ".join([f"the setting {verb}", joined(things), _run(placing)]).strip()
    elif placing:
        words = f"the scene is set {_run(placing)}"
    else:
        words, around = f"the setting has {joined(around)}", []
    return f"{words}, with {joined(around)}" if around else words


def _widest(texts: Sequence[str]) -> list[str]:
    """Leave out a place that a longer one names: `desert landscape` beside `scenery of …`."""
    texts = list(dict.fromkeys(texts))
    longer = [{*bare(text).casefold().split()} for text in texts]
    return [
        text
        for text, words in zip(texts, longer, strict=True)
        if not any(words < other for other in longer)
    ]


def _run(placing: Sequence[str]) -> str:
    """Join places that follow each other: `in the forest at night`; more by commas."""
    if len(placing) < 3:  # noqa: PLR2004 - two read well without a mark
        return " ".join(placing)
    return joined(placing)


def _is_phrase(fact: Fact) -> bool:
    """Whether a layout is a thing and its place, not what a text only has "in the distance".

    A sketch that fills the picture says nothing of where.
    """
    text = inner(fact.text)
    if fact.source.input != TEXT:
        return text != "drawn outlines over the whole picture"
    return not _PLACING.match(text)


def layout_sentences(layout: Sequence[Said], *, again: bool = False) -> list[Said]:
    """Return what lies where: `the scene has near surfaces on the left`."""
    reaches = [one for one in layout if _REACHES.match(one.words)]
    placed = [one for one in layout if one not in reaches]
    out = _placed(placed, again=again)
    if reaches:
        facts = tuple(fact for one in reaches for fact in one.facts)
        words = joined(_REACHES.sub("from ", one.words) for one in reaches)
        if out:
            last = out.pop()
            out.append(Said(f"{last.words}, and reaches {words}", (*last.facts, *facts)))
        else:
            out.append(Said(f"{'it' if again else 'the scene'} reaches {words}", facts))
    return out


def _placed(layout: Sequence[Said], *, again: bool) -> list[Said]:
    if not layout:
        return []
    facts = tuple(fact for one in layout for fact in one.facts)
    phrases = [one.words for one in layout]
    if len(phrases) == 1 or all(" and " not in phrase for phrase in phrases):
        return [Said(f"the scene {'also ' if again else ''}has {joined(phrases)}", facts)]
    out = []
    for one in layout:
        out.append(Said(f"{'it also' if again else 'the scene'} has {one.words}", one.facts))
        again = True
    return out
