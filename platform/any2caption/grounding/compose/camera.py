"""The camera part: the path's movements in order, else the user's wish."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from any2caption.captions.camera_reading import read_camera
from any2caption.conditions.camera.vocabulary import PHRASES
from any2caption.conditions.fact import Fact
from any2caption.grounding.compose.english import denied, inner, joined
from any2caption.grounding.compose.material import CONDITIONS, TEXT, Material, Said

_A_SENTENCE = 3
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
    for words in (*_staged(text), f"the camera {text}"):
        if not keys or _same(read_camera(words).keys, keys):
            return [words]
    return movement_sentences(keys)


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
    framing: list[Fact] = []
    for fact in material.of("camera", source=TEXT):
        text = inner(fact.text)
        moves = bool(read_camera(f"the camera {text}").keys)
        if fact.negated:
            yield Said(_denial(text), (fact,))
        elif moves and moving:
            yield Said(_wish(text), (fact,))
        elif not moves:
            framing.append(fact)
    if framing:
        shots = joined(_unnamed(inner(fact.text)) for fact in framing)
        yield Said(_framed(shots), tuple(framing))


def _wish(text: str) -> str:
    if re.search(r"\bcamera\b", text.casefold()):
        return text
    first = text.split(" ", 1)[0].casefold()
    if first.endswith("s") and read_camera(f"the camera {text}").keys:
        return f"the camera {text}"
    if first.endswith("ing"):
        return f"the camera is {text}"
    return f"the camera work: {text}" if first not in {"a", "an", "the"} else f"it is {text}"


def _denial(text: str) -> str:
    first = text.split(" ", 1)[0].casefold()
    if first.endswith(("s", "ing")) and first not in {"is", "cuts", "zooms"}:
        return denied("the camera", text)
    return f"there is no {text}"


def _unnamed(text: str) -> str:
    return re.sub(r"^(?:the )?(?:camera|shot) (?:is |in |from )?", "", text)


def _framed(shots: str) -> str:
    return f"the framing is {shots}"
