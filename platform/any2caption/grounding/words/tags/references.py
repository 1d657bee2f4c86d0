"""References to conditions: "picture 2", "the second image", "@image1", "the reference photo"."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from any2caption.conditions.registry import KINDS
from any2caption.conditions.types import Condition
from any2caption.grounding.words.lists.grammar import NUMBERS, ORDINALS
from any2caption.grounding.words.tags.tokens import Word, merge

PICTURES = ("picture", "image", "photo", "photograph", "pic", "img")
_VIDEOS = ("video", "clip")
_GIVEN = frozenset({"reference", "given", "provided", "input", "attached", "uploaded", "source"})
_DIGITS = 3
_NUMBERED = re.compile(rf"(?:{'|'.join(PICTURES + _VIDEOS)})[_-]?\d{{1,3}}")
"""A reference in one word: "image_1", "img2"."""
_BY_ORDINAL = frozenset(PICTURES + _VIDEOS)


_LONGER = {
    "camera motion": "camera", "camera movement": "camera", "camera path": "camera",
    "camera trajectory": "camera", "depth clip": "depth", "depth map": "depth",
    "depth video": "depth", "pose clip": "pose", "pose sequence": "pose", "pose video": "pose",
    "skeleton": "pose",
}  # fmt: skip


@cache
def _kinds() -> Mapping[str, str]:
    """What people call a condition → its kind."""
    names = {kind.reading.word: name for name, kind in KINDS.items() if kind.reading}
    names |= {name.replace("_", " "): name for name, kind in KINDS.items() if kind.reading}
    names |= {name: kind for name, kind in _LONGER.items() if kind in KINDS}
    return names | dict.fromkeys(PICTURES, "image") | dict.fromkeys(_VIDEOS, "video")


def join_references(words: list[Word]) -> list[Word]:
    """Return the words with every reference as one word; its `base` is the condition's kind."""
    found: list[Word] = []
    at = 0
    while at < len(words):
        end, kind, number = _reference(words, at)
        if end == at:
            found.append(words[at])
            at += 1
            continue
        owns = words[end - 1].low.endswith("'s")  # "image 1's dog"
        joined = merge(words, at, end, "poss" if owns else "ref")
        joined.base, joined.number = kind, number
        found.append(joined)
        at = end
    return found


def _reference(words: list[Word], at: int) -> tuple[int, str, int | None]:
    """Return the end of the reference at a place (the place itself: none), kind and number."""
    word = words[at]
    if word.tag == "tag" or _NUMBERED.fullmatch(word.low):
        return _mention(word, at)
    if word.low in _GIVEN and (kind := _kind(words, at + 1)):
        end, number = _number(words, at + 2)
        return end, kind, number
    counted = at > 0 and words[at - 1].low[:1].isdigit()  # "a 5 second video"
    if word.low in ORDINALS | {"last": 0} and not counted:
        skip = 2 if _low(words, at + 1) in _GIVEN else 1
        if _low(words, at + skip) in _BY_ORDINAL:
            return at + skip + 1, _kinds()[words[at + skip].low], ORDINALS.get(word.low, 0)
    for length, kind in ((2, _kind_of_two(words, at)), (1, _kind(words, at))):
        end, number = _number(words, at + length) if kind else (at, None)
        if number is not None:
            return end, kind, number
    return at, "", None


def _kind_of_two(words: list[Word], at: int) -> str:
    """Return the kind that two words name: "camera path"."""
    return _kinds().get(f"{_low(words, at)} {_low(words, at + 1)}", "")


def _mention(word: Word, at: int) -> tuple[int, str, int | None]:
    letters = "".join(char for char in word.low if char.isalpha())
    digits = "".join(char for char in word.low if char.isdigit())
    kind = _kinds().get(letters)
    return (at + 1, kind, int(digits)) if kind else (at, "", None)


def _low(words: list[Word], at: int) -> str:
    return words[at].low if at < len(words) else ""


def _kind(words: list[Word], at: int) -> str:
    return _kinds().get(_low(words, at), "")


def _number(words: list[Word], at: int) -> tuple[int, int | None]:
    start = at + 1 if _low(words, at) in {"#", "no", "number"} else at
    low = _low(words, start).removesuffix("'s")
    if low.isdecimal() and len(low) <= _DIGITS:
        return start + 1, int(low)
    if (
        low in NUMBERS
        and low not in {"single", "hundred"}
        and _low(words, start + 1) not in _kinds()
    ):
        return start + 1, NUMBERS[low]
    return at, None


@dataclass(frozen=True, slots=True)
class Given:
    """The conditions of a request, as texts may name them."""

    numbers: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, conditions: Sequence[Condition]) -> "Given":
        """Return the numbers of each kind's conditions."""
        numbers: dict[str, tuple[int, ...]] = {}
        for condition in conditions:
            numbers[condition.kind] = (*numbers.get(condition.kind, ()), condition.number)
        return cls(numbers)

    def resolve(self, reference: Word) -> tuple[str, str]:
        """Return the condition that a reference names, and what is to be said if there is none."""
        reading = KINDS[reference.base].reading
        word = reading.word if reading else reference.base
        numbers = sorted(self.numbers.get(reference.base, ()))
        number = reference.number
        if number == 0 or number is None:
            number = numbers[-1] if numbers and (number == 0 or len(numbers) == 1) else None
        if number in numbers:
            return f"{word} {number}", ""
        named = f"{word} {number}" if number else f'"{reference.text}"'
        return "", f"the text names {named}; {_how_many(len(numbers), word)}"


def _how_many(count: int, word: str) -> str:
    if count == 1:
        return f"there is one {word}"
    return f"there {'are' if count else 'is'} {count or 'no'} {word}{'s' if count else ''}"
