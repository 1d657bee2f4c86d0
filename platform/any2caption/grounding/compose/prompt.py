"""The user's own sentences: word for word, without camera wishes that a path overrules."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from any2caption.captions.camera_reading import read_camera
from any2caption.captions.sentences import split_sentences
from any2caption.conditions.fact import Fact, Source
from any2caption.grounding.compose.english import sentence
from any2caption.grounding.facts import Facts

_BOUNDARY = re.compile(r"[,;:.!?。，；！？\n()]")
_CAMERA_WORDS = frozenset(
    """
    a an the as while and with then camera shot is are be slow slowly quick quickly fast smooth
    smoothly steady steadily gentle gently slight slightly gradually motion movement move moving
    moves view lens it finally also where when in which by using video
    """.split()  # noqa: SIM905 - one word a line is no easier to read
)
_LEFT_OVER = frozenset({"and", "then", "while", "as", "with", "but"})
_LEANS = re.compile(
    r"\s*(?:to|toward|towards|over|across|along|through|past|into|from|around|above|behind"
    r"|with|onto|at|on|in|for|until|before|after|between|\w{3,}ing)\b",
    re.IGNORECASE,
)
_SHOWS = re.compile(r"\s*,\s*\w{3,}ing\b", re.IGNORECASE)
"""What follows in a clause of its own and still leans on the camera: `, revealing a castle`."""
_FORMS = (("ing", "moving"), ("s", "moves"), ("", "move"))


@dataclass(frozen=True, slots=True)
class Own:
    """A sentence of the user's, as it is said, and its place in the text."""

    words: str
    start: int
    end: int

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source("text", characters=(self.start, self.end))

    def holds(self, fact: Fact) -> bool:
        """Whether a fact of the text was read here."""
        place = fact.source.characters
        return place is not None and self.start <= place[0] < self.end


def own_sentences(facts: Facts) -> tuple[Own, ...]:
    """Return the text's sentences in order, each with a capital and a stop."""
    cuts = sorted(filter(None, (_place(one.overruled, facts) for one in facts.conflicts)))
    out, at = [], 0
    for piece in split_sentences(facts.text):
        start = facts.text.index(piece, at)
        at = start + len(piece)
        inside = [
            (max(a, start) - start, min(b, at) - start) for a, b in cuts if a < at and b > start
        ]
        words = sentence(_without(piece, inside))
        if words:
            out.append(Own(words, start, at))
    return tuple(out)


def _place(fact: Fact, facts: Facts) -> tuple[int, int] | None:
    """Where an overruled camera wish stands in the text; None for anything else."""
    if fact.source.input != "text" or fact.aspect != "camera":
        return None
    if fact.source.characters is not None:
        return fact.source.characters
    at = facts.text.casefold().find(fact.text.casefold())
    return (at, at + len(fact.text)) if at >= 0 else None


def _without(piece: str, cuts: Sequence[tuple[int, int]]) -> str:
    for start, end in reversed(cuts):
        piece = _cut(piece, start, end)
    return piece


def _cut(piece: str, start: int, end: int) -> str:
    """Take a camera wish out of a sentence; what leans on it keeps a camera that moves somehow.

    "A cat, camera pans left" becomes "A cat"; of "the camera pans left to reveal a castle" stays
    "the camera moves to reveal a castle".
    """
    before, wish, after = piece[:start], piece[start:end], piece[end:]
    head = _clause_start(before)
    tail = _BOUNDARY.search(after)
    rest = after[: tail.start()] if tail else after
    if (rest.strip() and _LEANS.match(rest)) or (not rest.strip() and _SHOWS.match(after)):
        return before + _neutral(wish, has_camera="camera" in before[head:].casefold()) + after
    clause = before[head:]
    if all(word in _CAMERA_WORDS for word in re.findall(r"[\w'’-]+", clause.casefold())):
        before = before[:head]
    return _mended(before, after)


def _clause_start(before: str) -> int:
    marks = [match.end() for match in _BOUNDARY.finditer(before)]
    return marks[-1] if marks else 0


def _neutral(wish: str, *, has_camera: bool) -> str:
    """Say that the camera moves, without where to."""
    verb = next(
        (word for word in re.findall(r"[a-z]+", wish.casefold()) if _is_verb(word)), "moves"
    )
    form = next(new for ending, new in _FORMS if verb.endswith(ending))
    named = has_camera or "camera" not in wish.casefold()
    return form if named else f"the camera {form}"


def _is_verb(word: str) -> bool:
    reading = read_camera(f"the camera {word} left, {word} up, {word} in")
    return bool(reading.keys)


def _mended(before: str, after: str) -> str:
    """Join what stands on both sides of a cut: no doubled marks, no conjunction left over."""
    left = before.rstrip(" ,;:")
    words = left.split()
    while words and words[-1].casefold() in _LEFT_OVER:
        words.pop()
        left = left[: left.rstrip().rfind(" ")].rstrip(" ,;:") if " " in left.rstrip() else ""
    right = after.lstrip(" ,;:")
    first = right.split(" ", 1)
    if not left and len(first) > 1 and first[0].casefold() in _LEFT_OVER:
        right = first[1]
    if not left or not right or right[0] in ".!?。！？)":
        return left + right
    return f"{left}, {right}" if not left.endswith((".", "!", "?")) else f"{left} {right}"
