"""The style part: the look that the text asks for, else what the pictures show."""

import re

from any2caption.conditions.fact import Fact
from any2caption.grounding.compose.cast import words_of
from any2caption.grounding.compose.english import be, inner, is_many, joined
from any2caption.grounding.compose.material import CONDITIONS, TEXT, Material, Said
from any2caption.grounding.words.lists.looks import STYLE_WORDS

_PLACED = re.compile(r"(?:in|with|as|like|at|of|by|from)\b", re.IGNORECASE)
_OF_A_THING = re.compile(r"(?:the|its|his|her|their|to|for|into|this|that)\b", re.IGNORECASE)
"""What is some thing's own look, rather than the video's: "the car's sleek design"."""
_OF_A_PICTURE = re.compile(r"in (?:the|this|my) (?:clip|image|photo|picture|video)", re.IGNORECASE)
"""Where somebody is to be seen already: "the woman in the photo"."""
_ONLY_A_CLIP = re.compile(
    r"(?:an? |the |this )?(?:short |brief |long )?(?:clip|footage|video)(?: clip)?", re.IGNORECASE
)
"""What is asked for at all, and no look: "a short video of a parrot"."""
_OF_A_CLIP = re.compile(
    rf"^an? ({'|'.join(map(re.escape, sorted(STYLE_WORDS)))}) (?:clip|video)"
    r"(?: (?:based on|from|of|out of) (?:the |this )?(?:image|photo|picture|video)(?: \d+)?)?$",
    re.IGNORECASE,
)
"""A clip by its look: "a cinematic video"; not "a music video"."""
_HAD = re.compile(
    r"\b(?:colou?rs?|contrast|flares?|grain|leaks|light|lighting|look|palette|shadows?|tones?)$",
    re.IGNORECASE,
)


def style_part(material: Material) -> list[Said]:
    """Return the look."""
    told = material.of("style", source=TEXT)
    told = tuple(fact for fact in told if not only_asks(fact))
    told = tuple(fact for fact in told if not _OF_A_PICTURE.fullmatch(inner(fact.text)))
    named = [fact for fact in told if fact.value.get("label")]
    told = tuple(fact for fact in told if fact not in named)
    wished = [fact for fact in told if not fact.negated and not _OF_A_THING.match(inner(fact.text))]
    denied = [fact for fact in told if fact.negated]
    seen = [fact for fact in material.of("style", source=CONDITIONS) if not fact.negated]
    out: list[Said] = []
    if wished:
        phrases = [_phrase(fact) for fact in wished][: material.most(3, 5, 10)]
        out.append(Said(_look(phrases), tuple(wished)))
    out += [Said(_labelled(fact), (fact,)) for fact in named[: material.most(1, 3, 8)]]
    if seen and (not out or material.length != "short"):
        some = seen[: material.most(1, 3, 8)]
        out.append(Said(_look([inner(fact.text) for fact in some]), tuple(some)))
    if denied and (not out or material.length != "short"):
        words = f"the style is not {joined([inner(fact.text) for fact in denied], 'or')}"
        out.append(Said(words, tuple(denied)))
    return out


def only_asks(fact: Fact) -> bool:
    """Whether words ask for a video, or point at what is given, and name no look."""
    return _form(fact) == "request" or _ONLY_A_CLIP.fullmatch(inner(fact.text)) is not None


def _phrase(fact: Fact) -> str:
    """Return a look's own words; `that of picture 2` for "use … as the style"."""
    given = words_of(fact.value, "condition") if _form(fact) == "sentence" else ""
    return f"that of {given}" if given else inner(fact.text)


def _form(fact: Fact) -> str:
    return words_of(fact.value, "form")


def _labelled(fact: Fact) -> str:
    """Return `the lighting is soft` for "Lighting: soft"."""
    name = words_of(fact.value, "label")
    return f"the {name} {be(many=is_many(name))} {inner(fact.text)}"


def _look(phrases: list[str]) -> str:
    """Return `the style is cinematic, in the style of an old film, with warm colours`."""
    placed = [phrase for phrase in phrases if _PLACED.match(phrase)]
    had = [phrase for phrase in phrases if phrase not in placed and _HAD.search(phrase)]
    plain = [phrase for phrase in phrases if phrase not in placed and phrase not in had]
    by = [phrase.split(" ", 1)[1] for phrase in placed if phrase.startswith("by ")]
    placed = [phrase for phrase in placed if not phrase.startswith("by ")]
    plain += [f"that of {name}" for name in by]
    plain = [_OF_A_CLIP.sub(r"\1", phrase.removesuffix(" style")) for phrase in plain]
    pieces = [f"the style is {joined(plain)}"] if plain else []
    if had:
        pieces.append(f"with {joined(had)}" if pieces else f"the picture has {joined(had)}")
    if placed:
        pieces.append(joined(placed) if pieces else f"the video is {joined(placed)}")
    return ", ".join(pieces)
