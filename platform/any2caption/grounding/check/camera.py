"""Hold what a caption says of the camera to what its path (or the user's wish) has: set and order.

Movements are read in steps: those of one step happen at once ("while", "and"), steps follow each
other ("then", a new sentence). "And" and a comma leave open which of both it is; "while" and "then"
don't, so neither may stand where the path has the other.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from any2caption.captions.camera_reading import read_camera

_THEN = re.compile(
    r"[.;]\s|,?\s*\b(?:and then|then|before|after that|afterwards|finally|in the middle|in the end"
    r"|at the end|next|followed by|at last)\b",
    re.IGNORECASE,
)
_STRICTLY = re.compile(r"\b(?:then|followed by|after that|afterwards)\b", re.IGNORECASE)
_MEANWHILE = re.compile(r"\b(?:while|whilst|as (?:it|the camera))\b", re.IGNORECASE)
_AT_ONCE = re.compile(
    r"\b(?:simultaneously|at the same time|at once|all the while)\b", re.IGNORECASE
)
_OF_CAMERA = re.compile(r"\b(?:camera|shot|lens|drone|viewpoint|framing)\b", re.IGNORECASE)
_ABOUT = re.compile(
    r"\b(?:camera|shots?|lens|drone|view\w*|angle|fram\w+|close-?ups?|focus\w*|tripod|static|still"
    r"|zoom\w*|pans?|panning|tilt\w*|dolly|dollies|eye[- ]level|handheld|perspective|steady)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"(?:it|then|finally|next|afterwards|after that)\b", re.IGNORECASE)
_CLAUSES = re.compile(r";\s+|,\s+and\s+(?=(?:[\w ]+ )?the camera)|\s+(?:as|while)\s+(?=the camera)")
_SLOW = re.compile(r"\b(?:slow|slowly|gently|gradually)\b", re.IGNORECASE)
_QUICK = re.compile(r"\b(?:quick|quickly|fast|rapidly|rapid|abruptly|swiftly)\b", re.IGNORECASE)

Steps = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Movements that the camera part must have: `steps` in order, in the `words` of their input."""

    steps: Steps
    words: str
    source: str
    shaky: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """All movements."""
        return frozenset(key for step in self.steps for key in step)

    @property
    def shown(self) -> str:
        """What the input does, for people: `camera 1 pans left`."""
        if self.source == "text":
            return f"the text asks for “{self.words}”"
        return f"{self.source} {self.words}"


def steps_of(text: str) -> Steps:
    """Return the movements of a text about the camera, step by step."""
    pieces = _THEN.split(text)
    steps = (read_camera(f"the camera {piece}.").keys for piece in pieces if piece.strip())
    return tuple(step for step in steps if step)


def is_of_camera(sentence: str, before: str = "") -> bool:
    """Whether a sentence is about the camera; `before` is the sentence in front of it."""
    if _OF_CAMERA.search(sentence):
        return True
    return bool(_GOES_ON.match(sentence) and _OF_CAMERA.search(before))


def camera_clause(sentence: str) -> str:
    """Return what a sentence says of the camera, without what it says of others before and behind.

    Of "the person keeps still, and the camera dollies in" that is "the camera dollies in".
    """
    pieces = _CLAUSES.split(sentence)
    at = next((n for n, piece in enumerate(pieces) if _OF_CAMERA.search(piece)), None)
    if at is None:
        return sentence
    rest = [one for one in pieces[at + 1 :] if _OF_CAMERA.search(one) or _GOES_ON.match(one)]
    return ", ".join((pieces[at], *rest))


def is_about_camera(sentence: str) -> bool:
    """Whether a sentence has any word of cameras, lenses, shots or views."""
    return bool(_ABOUT.search(sentence))


def has_all(text: str, wanted: Wanted) -> bool:
    """Whether a text says the wanted movements, all of them, in order, and nothing else.

    Of movements at once the larger one comes first, as their input has them.
    """
    said = (key for step in steps_of(text) for key in step)
    if _merged(said) != _merged(key for step in wanted.steps for key in step):
        return False
    return not (_joined(text, wanted.steps) or _parted(text, wanted.steps))


def against(sentence: str, wanted: Wanted) -> str:
    """Return what a sentence says against the wanted movements, in words; "" for nothing."""
    reading = read_camera(sentence)
    extra = [key for key in reading.keys if key not in wanted.keys]
    denied = [key for key in reading.denied if key in wanted.keys and key not in reading.keys]
    if extra:
        wrong = f"says {_plain(extra)}"
    elif denied:
        wrong = f"denies {_plain(denied)}"
    else:
        wrong = _against_time(sentence, reading.keys, wanted.steps)
    if not wrong and reading.shaky and not wanted.shaky:
        wrong = "says that the camera shakes"
    for one, other in ((_SLOW, _QUICK), (_QUICK, _SLOW)):
        if not wrong and reading.keys and one.search(wanted.words) and other.search(sentence):
            wrong = "says another pace"
    return f"{wrong}; {wanted.shown}" if wrong else ""


def _against_time(sentence: str, keys: Sequence[str], steps: Steps) -> str:
    """Return what a sentence says against the order of the steps, in words; "" for nothing."""
    if not _in_order(keys, steps):
        return f"says {_plain(keys)} in another order"
    if joined := _joined(sentence, steps):
        return f"says {_plain(joined)} at once"
    if parted := _parted(sentence, steps):
        return f"says {_plain(parted)} after each other"
    return ""


def _in_order(keys: Sequence[str], steps: Steps) -> bool:
    """Whether keys can follow each other as the steps do."""
    at = 0
    for key in keys:
        found = next((n for n in range(at, len(steps)) if key in steps[n]), None)
        if found is None:
            return False
        at = found
    return True


def _joined(text: str, steps: Steps) -> tuple[str, ...]:
    """Return two movements that a text has happen at once and no step has together."""
    for piece in _THEN.split(text):
        for pair in _at_once(piece):
            if pair[0] != pair[1] and not any(set(pair) <= set(step) for step in steps):
                return pair
    return ()


def _at_once(piece: str) -> Iterator[tuple[str, str]]:
    """Yield what meets at "while", and the last two in front of "at the same time"."""
    sides = [read_camera(f"the camera {side}.").keys for side in _MEANWHILE.split(piece)]
    yield from ((one[-1], other[0]) for one, other in pairwise(sides) if one and other)
    keys = tuple(key for side in sides for key in side)
    if _AT_ONCE.search(piece) and len(keys) > 1:
        yield keys[-2], keys[-1]


def _parted(text: str, steps: Steps) -> tuple[str, ...]:
    """Return two movements with a "then" between them that only steps with both have."""
    read = (read_camera(f"the camera {piece}.").keys for piece in _STRICTLY.split(text))
    for one, other in pairwise([step for step in read if step]):
        first, second = one[-1], other[0]
        begins = next((n for n, step in enumerate(steps) if first in step), len(steps))
        later = any(second in step for step in steps[begins + 1 :])
        if first != second and not later:
            return first, second
    return ()


def _merged(keys: Iterable[str]) -> list[str]:
    out: list[str] = []
    for key in keys:
        if not out or out[-1] != key:
            out.append(key)
    return out


def _plain(keys: Iterable[str]) -> str:
    return " and ".join(key.replace("_", " ") for key in keys)
