"""The camera part: the path's movements in order, else the user's wish."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from any2caption.captions.camera_reading import read_camera
from any2caption.conditions.camera.vocabulary import PHRASES
from any2caption.conditions.fact import Fact
from any2caption.grounding.compose.english import (
    be,
    clause,
    denied,
    inner,
    is_many,
    joined,
    with_article,
)
from any2caption.grounding.compose.material import CONDITIONS, TEXT, Material, Said

_A_SENTENCE = 3
_GENERAL = re.compile(r"(?:an? |the )?(?:view|shot|video|scene)(?: of)?$")
_FILMED = re.compile(
    r"(?:captured|filmed|recorded|seen|shot|viewed) (?:at|from|through|with|on|in)\b",
    re.IGNORECASE,
)
_STATES = re.compile(r"(?:static|still|fixed|stationary|steady|hand-?held|locked)\b", re.IGNORECASE)
_STAGES = re.compile(r"^at first (.+?)(?:, in the middle (.+?))?(?:, in the end (.+?))?$")


def camera_part(material: Material) -> list[Said]:
    """Return what the camera does: the path's movements, with the framing that the text asks for.

    A framing wish that would read as another movement stays with the user's words.
    """
    path = path_sentences(material)
    wishes = list(_wishes(material, moving=not path))
    if not path:
        return wishes[: material.most(1, 3, 8)]
    keys = _keys_of(path)
    out = list(path)
    for wish in wishes[: material.most(0, 2, 6)]:
        if _keys_of([*out, wish]) == keys:
            out.append(wish)
    return out


def path_sentences(material: Material) -> list[Said]:
    """Return the path in sentences that read back as its movements, in order."""
    facts = material.of("camera", source=CONDITIONS)
    out: list[Said] = []
    for fact in facts:
        words = _told(fact)
        if words and material.length == "short":
            words = ["; ".join([words[0], *(f"then {one}" for one in words[1:])])]
        out += [Said(one, (fact,)) for one in words]
    return out


def movement_sentences(keys: Sequence[str]) -> list[str]:
    """Return sentences for movements that follow each other: three a sentence at most."""
    phrases = [PHRASES[key][0] for key in keys if key in PHRASES]
    groups = [phrases[at : at + _A_SENTENCE] for at in range(0, len(phrases), _A_SENTENCE)]
    return [
        f"{'it then' if at else 'the camera'} {', then '.join(group)}"
        for at, group in enumerate(groups)
    ]


def _told(fact: Fact) -> list[str]:
    """The fact's own words where they read back as its keys, else words made from the keys."""
    keys = tuple(fact.value.get("keys", ()))
    text = inner(fact.text)
    for words in (*_staged(text), f"the camera {_listed(text)}", f"the camera {text}"):
        if not keys or _same(read_camera(words).keys, keys):
            return [words]
    return movement_sentences(keys)


def _listed(text: str) -> str:
    """Write `while trucking left, tilting up and panning right` for three and more at once."""
    return re.sub(
        r"(\w+ing \w+)((?: and (?:quickly |slowly )?\w+ing \w+){2,})",
        lambda many: joined([many.group(1), *many.group(2).split(" and ")[1:]]),
        text,
    )


def _staged(text: str) -> Iterator[str]:
    """Yield `at first the camera pans left, in the middle it …` of a summary by thirds."""
    stages = _STAGES.match(text)
    if stages is None:
        return
    first, middle, end = stages.groups()
    words = f"at first the camera {first}"
    if middle and end:
        yield f"{words}, in the middle it {middle}, and in the end it {end}"
    elif middle or end:
        yield f"{words}, and {'in the middle' if middle else 'in the end'} it {middle or end}"


def _same(read: tuple[str, ...], keys: tuple[str, ...]) -> bool:
    """Whether a reading gives the keys in order; a fact may name a key that comes back once."""
    plain = tuple(b for a, b in pairwise(("", *keys)) if a != b)
    return read == plain or (len(set(keys)) == len(keys) and tuple(dict.fromkeys(read)) == keys)


def _keys_of(said: Sequence[Said]) -> tuple[str, ...]:
    return read_camera(" ".join(f"{one.words}." for one in said)).keys


def _wishes(material: Material, *, moving: bool) -> Iterator[Said]:
    """Yield the text's camera wishes: movements only where no path has them; framing; denials."""
    views: list[Fact] = []
    for fact in material.of("camera", source=TEXT):
        text = inner(fact.text)
        if fact.negated and not moving and _shown(fact, material):
            continue
        moves = bool(fact.value.get("keys") or read_camera(f"the camera {text}").keys)
        if fact.negated:
            yield Said(_denial(text), (fact,))
        elif moves and not moving:
            continue
        elif not moves and _form(fact) == "noun" and (_framing(text)[0] or not _STATES.match(text)):
            if not _GENERAL.match(text):
                views.append(fact)
        elif moving or _form(fact) not in {"verb", "sentence"}:
            yield Said(_wish(text, _form(fact)), (fact,))
    if views:
        yield Said(_framed([inner(fact.text) for fact in views]), tuple(views))


def _shown(denied_wish: Fact, material: Material) -> bool:
    """Whether the path does what a wish denies."""
    keys = {
        key
        for fact in material.of("camera", source=CONDITIONS)
        for key in fact.value.get("keys", ())
    }
    denials = {*denied_wish.value.get("denied", ()), *denied_wish.value.get("keys", ())}
    return bool(keys & denials)


def _form(fact: Fact) -> str:
    """How a wish is worded; of facts that do not say, by their words."""
    form = fact.value.get("form")
    if isinstance(form, str):
        return form
    text = inner(fact.text)
    if re.search(r"\b(?:camera|shot|view) \w+s\b", text.casefold()):
        return "sentence"
    return "verb" if re.match(r"\w+(?:s|ing) ", text) else "noun"


def _wish(text: str, form: str) -> str:
    if _STATES.match(text) and form != "sentence":
        verb, words = _framing(text)
        return f"{verb} {words}" if verb else f"the camera is {text.lower()}"
    if form == "place":
        return f"the camera is {text}"
    if form == "verb":
        return clause("the camera", text)
    if form == "preposition":
        return f"the scene is shown {text}"
    return f"the camera makes {with_article(text)}" if form == "noun" else text


def _denial(text: str) -> str:
    first = text.split(" ", 1)[0].casefold()
    if first in {"don't", "don’t", "never", "do", "without", "not"}:
        return text
    if first.endswith(("s", "ing")) and first not in {"is", "cuts", "zooms"}:
        return denied("the camera", text)
    return f"there {be(many=is_many(text))} no {text}"


_FRAMINGS = (
    (re.compile(r"(?:motion|slo-?mo|slow-mo|mo|slowmo|bullet time)$"), "the video is in", False),
    (re.compile(r"cuts$"), "the video has", False),
    (re.compile(r"(?:lens|camera|footage|focus|depth of field|field)$"),
     "the scene is filmed with", True),
    (re.compile(r"(?:angle|perspective|viewpoint|level|point of view|pov)$"),
     "the scene is seen from", True),
    (re.compile(r"(?:shot|take|panorama|selfie|vlog|video|lapse|timelapse|hyperlapse)$"),
     "this is", True),
    (re.compile(r"(?:views?|close[- ]?ups?)$"), "the scene is shown in", True),
)  # fmt: skip
"""What a framing ends with → how it is said, and whether it takes an article."""


def _framing(view: str) -> tuple[str, str]:
    """Return how a framing is said, and its words: `the video is in`, `slow motion`."""
    if _FILMED.match(view):
        return "the scene is", view
    if view.casefold().endswith(("macro", "pov")):
        view += " shot"
    for ending, verb, counted in _FRAMINGS:
        if ending.search(view.casefold()):
            plain = not counted or re.search(r"(?:footage|focus|level|depth of field)$", view)
            article = with_article(view.lower()).removesuffix(view.lower())
            return verb, view if plain else article + view
    return "", view


def _framed(views: Sequence[str]) -> str:
    """Return `the scene is filmed with a wide-angle lens and seen from a low angle`."""
    groups: dict[str, list[str]] = {}
    for view in views:
        verb, words = _framing(view)
        groups.setdefault(verb or "the shot is", []).append(words if verb else with_article(view))
    said = [f"{verb} {joined(words)}" for verb, words in groups.items()]
    head, scene = said[0], "the scene is "
    for one in said[1:]:
        same = one.startswith(scene) and head.startswith(scene)
        head += f" and {one.removeprefix(scene) if same else one}"
    return head
