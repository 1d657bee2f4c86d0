"""Read BVH motion capture: the hierarchy, the channels, and every joint's place in every frame.

A joint's place is its parent's, plus its offset (or its position channels where it has them),
turned by all rotations above it; rotations apply in the order of the channels (degrees). Units and
axes stay the file's own.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.utf8 import bounded_lines
from any2caption.conditions.kind import Limits
from any2caption.conditions.types import Part
from any2caption.errors import InputError

_CHANNELS = re.compile(r"^([XYZ])(position|rotation)$", re.IGNORECASE)
_AXES = "XYZ"
_MAX_JOINTS = 1024
_MAX_DEPTH = 200
_MAX_VALUE = 1e6
_MAX_PLACES = 1_500_000
"""Joints times frames: a joint without channels costs no byte of the file a frame."""
_MAX_VALUES = 4_000_000
"""Channels times frames."""
_MAX_TEXT, _MAX_LINES = 32_000_000, 50_000
_MIN_TIME, _MAX_TIME = 1e-3, 100.0
Floats = NDArray[np.float64]


@dataclass(slots=True)
class Joint:
    """One joint; `parent` is an index, -1 for a root; `tip` marks an end site."""

    name: str
    parent: int
    tip: bool
    offset: Floats = field(default_factory=lambda: np.zeros(3))
    channels: list[tuple[str, int]] = field(default_factory=list)
    """("position" or "rotation", axis) in file order."""


@dataclass(frozen=True, slots=True)
class Capture:
    """Joints, their places T×J×3 over time and J×3 in the rest pose, seconds a frame.

    `io.left_out`: lines of motion behind the stated number of frames.
    """

    joints: tuple[Joint, ...]
    places: Floats
    rest: Floats
    frame_time: float
    left_out: int = 0


def read_bvh(part: Part, limits: Limits) -> Capture:
    """Read one BVH file.

    Raises:
        InputError: a damaged hierarchy, a missing or short MOTION section, numbers that are not
            finite; names the line.
    """
    reader = _Reader(part)
    joints = reader.hierarchy()
    values, frame_time = reader.motion(joints, limits)
    rest = np.zeros((len(joints), 3))
    for index, joint in enumerate(joints):
        rest[index] = joint.offset + (rest[joint.parent] if joint.parent >= 0 else 0)
    return Capture(tuple(joints), _forward(joints, values), rest, frame_time, reader.left_out)


def _forward(joints: list[Joint], values: Floats) -> Floats:
    """Forward kinematics: places T×J×3 of channel values T×C."""
    count = len(values)
    places = np.zeros((count, len(joints), 3))
    turns: list[Floats] = []
    at = 0
    for index, joint in enumerate(joints):
        local = np.tile(joint.offset, (count, 1))
        turn = np.tile(np.eye(3), (count, 1, 1))
        for kind, axis in joint.channels:
            if kind == "position":
                local[:, axis] = values[:, at]
            else:
                turn = turn @ _rotation(axis, values[:, at])
            at += 1
        if joint.parent < 0:
            places[:, index] = local
            turns.append(turn)
        else:
            above = turns[joint.parent]
            places[:, index] = places[:, joint.parent] + np.einsum("tij,tj->ti", above, local)
            turns.append(above @ turn)
    return places


def _rotation(axis: int, degrees: Floats) -> Floats:
    """Rotation matrices T×3×3 about one axis, right-handed."""
    radians = np.radians(degrees)
    cos, sin = np.cos(radians), np.sin(radians)
    one, two = (axis + 1) % 3, (axis + 2) % 3
    out = np.zeros((len(degrees), 3, 3))
    out[:, axis, axis] = 1.0
    out[:, one, one] = out[:, two, two] = cos
    out[:, one, two], out[:, two, one] = -sin, sin
    return out


class _Reader:
    """Line by line through one file, so that messages can name the line."""

    def __init__(self, part: Part) -> None:
        self.file = part.name
        self.lines = bounded_lines(part, _MAX_TEXT, _MAX_LINES)
        self.at = 0
        self.left_out = 0

    def error(self, message: str, name: str) -> InputError:
        return InputError(message, file=self.file, record=f"line {max(self.at, 1)}", field=name)

    def _next(self) -> list[str]:
        """The next line's words; empty lines are skipped, no line is an empty list."""
        while self.at < len(self.lines):
            words = self.lines[self.at].split()
            self.at += 1
            if words:
                return words
        return []

    def _words(self) -> Iterator[str]:
        """Words of the hierarchy; a brace may stand on its own line or not."""
        while words := self._next():
            for word in words:
                yield from re.findall(r"[{}]|[^{}]+", word)

    def _numbers(self, words: Iterator[str], count: int, name: str) -> list[float]:
        return [self._number(next(words, ""), name) for _ in range(count)]

    def _number(self, word: str, name: str) -> float:
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if not abs(value) <= _MAX_VALUE:
            raise self.error(f"{word[:20]!r} is not a usable number", name)
        return value

    def hierarchy(self) -> list[Joint]:
        """Read HIERARCHY up to the word MOTION."""
        words = self._words()
        if next(words, "").upper() != "HIERARCHY":
            raise self.error("does not start with HIERARCHY", "HIERARCHY")
        joints: list[Joint] = []
        open_: list[int] = []
        for word in words:
            kind = word.upper()
            if kind == "MOTION":
                break
            if kind in {"ROOT", "JOINT", "END"}:
                self._start(kind, words, joints, open_)
            elif kind == "}" and open_:
                open_.pop()
            elif kind == "OFFSET" and open_:
                joints[open_[-1]].offset = np.array(self._numbers(words, 3, "OFFSET"))
            elif kind == "CHANNELS" and open_:
                joints[open_[-1]].channels = self._channels(words)
            else:
                raise self.error(f"{word[:20]!r} is not expected here", "HIERARCHY")
        else:
            raise self.error("no MOTION section: damaged or truncated", "MOTION")
        if open_ or not joints:
            raise self.error("braces do not match, or there is no joint", "HIERARCHY")
        return joints

    def _start(
        self, kind: str, words: Iterator[str], joints: list[Joint], open_: list[int]
    ) -> None:
        if (kind == "ROOT") == bool(open_):
            raise self.error(f"{kind} is not expected here", "HIERARCHY")
        name = ""
        for word in words:
            if word == "{":
                break
            name = f"{name} {word}".strip()
            if len(name) > 120:  # noqa: PLR2004 - no brace follows
                break
        if len(joints) >= _MAX_JOINTS or len(open_) >= _MAX_DEPTH:
            raise self.error(f"more than {_MAX_JOINTS} joints, or nested too deeply", "HIERARCHY")
        name = "".join(char for char in name if char.isprintable())
        joints.append(Joint(name, open_[-1] if open_ else -1, kind == "END"))
        open_.append(len(joints) - 1)

    def _channels(self, words: Iterator[str]) -> list[tuple[str, int]]:
        (count,) = self._numbers(words, 1, "CHANNELS")
        if count not in range(7):
            raise self.error(f"{count:g} channels of one joint", "CHANNELS")
        channels = []
        for _ in range(int(count)):
            word = next(words, "")
            found = _CHANNELS.match(word)
            if not found:
                raise self.error(f"{word[:20]!r} is not a channel", "CHANNELS")
            channels.append((found[2].lower(), _AXES.index(found[1].upper())))
        return channels

    def motion(self, joints: list[Joint], limits: Limits) -> tuple[Floats, float]:
        """Read MOTION: the number of frames, the frame time, the values T×C of all channels."""
        channels = sum(len(joint.channels) for joint in joints)
        count = self._labelled("Frames")
        if count != int(count) or count < 1:
            raise self.error(f"{count:g} frames", "Frames")
        if limits.frames and count > limits.frames:
            raise self.error(f"{count:,.0f} frames; at most {limits.frames:,} are taken", "Frames")
        if count * len(joints) > _MAX_PLACES:
            raise self.error(
                f"{count:,.0f} frames of {len(joints):,} joints; at most {_MAX_PLACES:,} places "
                "are taken",
                "Frames",
            )
        if count * channels > _MAX_VALUES:
            raise self.error(
                f"{count:,.0f} frames of {channels:,} channels; at most {_MAX_VALUES:,} values "
                "are taken",
                "Frames",
            )
        frame_time = self._labelled("Frame Time")
        if not _MIN_TIME <= frame_time <= _MAX_TIME:
            raise self.error(
                f"{frame_time:g} seconds a frame; {_MIN_TIME:g} to {_MAX_TIME:g} are taken",
                "Frame Time",
            )
        rows: list[Floats] = []
        while len(rows) < count and (words := self._next()):
            if len(words) != channels:
                raise self.error(
                    f"{len(words)} numbers; the hierarchy has {channels} channels", "MOTION"
                )
            rows.append(self._row(words))
        if len(rows) < count:
            raise self.error(f"truncated: {len(rows)} of {count:.0f} frames", "MOTION")
        self._count_more(count, channels)
        return np.array(rows, dtype=np.float64).reshape(len(rows), channels), frame_time

    def _count_more(self, count: float, channels: int) -> None:
        """Count whole lines behind the stated frames: recorders close a file by one line more."""
        while words := self._next():
            if len(words) != channels:
                raise self.error(
                    f"more lines than the {count:.0f} frames that are stated", "MOTION"
                )
            self._row(words)
            self.left_out += 1

    def _row(self, words: list[str]) -> Floats:
        """A line of numbers, all at once; one by one only where one of them has to be named."""
        with suppress(ValueError):
            row = np.array(words, np.float64)
            if (np.abs(row) <= _MAX_VALUE).all():
                return row
        return np.array([self._number(word, "MOTION") for word in words])

    def _labelled(self, label: str) -> float:
        text = " ".join(self._next())
        found = re.fullmatch(rf"{label}\s*:\s*(\S+)", text, re.IGNORECASE)
        if not found:
            raise self.error(f"'{label}: …' is missing", label)
        return self._number(found[1], label)
