"""The user's own sentences: word for word, but for what another input overrules."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from any2caption.captions.sentences import split_sentences
from any2caption.conditions.fact import Fact, Source
from any2caption.grounding.compose.amend import Edit, amendments
from any2caption.grounding.compose.camera_wishes import is_plain
from any2caption.grounding.compose.english import sentence
from any2caption.grounding.facts import Facts
from any2caption.grounding.words.lists.grammar import denies

_BOUNDARY = re.compile(r"[,;:.!?。，；！？\n()]")
_LEFT_OVER = frozenset({"and", "then", "while", "as", "with", "but", "there", "are", "is", "by"})


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
    edits = amendments(facts)
    out, at = [], 0
    for piece in split_sentences(facts.text):
        start = facts.text.index(piece, at)
        at = start + len(piece)
        here = [edit for edit in edits if start <= edit.start < at]
        words = sentence(_amended(piece, start, here))
        if words:
            out.append(Own(words, start, at))
    return tuple(out)


def _amended(piece: str, start: int, edits: Sequence[Edit]) -> str:
    for edit in reversed(edits):
        before, after = piece[: edit.start - start], piece[edit.end - start :]
        piece = f"{before}{edit.words}{after}" if edit.words else _without(before, after)
    return piece


def _without(before: str, after: str) -> str:
    """Join what stands around a cut, without the rest of its clause where that says nothing."""
    marks = [match.end() for match in _BOUNDARY.finditer(before)]
    head = marks[-1] if marks else 0
    if _is_empty(before[head:]):
        before = before[:head]
    tail = _BOUNDARY.search(after)
    rest = after[: tail.start()] if tail else after
    if _is_empty(rest):
        after = after[len(rest) :]
    return _mended(before, after)


def _is_empty(words: str) -> bool:
    plain = " ".join(word for word in words.split() if word.casefold() not in _LEFT_OVER)
    if denies(plain):  # "nobody" of "nobody raises an arm"
        return True
    return is_plain(plain)


def _mended(before: str, after: str) -> str:
    """Join what stands on both sides of a cut: no doubled marks, no conjunction left over."""
    words = before.rstrip(" ,;:").split(" ")
    while words and words[-1].casefold() in _LEFT_OVER:
        words.pop()
    left, right = " ".join(words).rstrip(" ,;:"), after.lstrip(" ,;:")
    first, _, others = right.partition(" ")
    if not left and others and first.casefold() in _LEFT_OVER:
        right = others
    if not left:
        right = re.sub(r"^it (?=\w+s\b)", "the camera ", right)
    if not left or not right or right[0] in ".!?。！？)":
        return left + right
    return f"{left} {right}" if left.endswith((".", "!", "?")) else f"{left}, {right}"
