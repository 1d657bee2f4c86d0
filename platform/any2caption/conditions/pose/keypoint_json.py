"""What the readers of keypoint JSON share: frames of people, places for messages, checked numbers.

A person is K×3 = (x, y, confidence) as the file says, in space K×4 with z behind; a missing point
is all zero.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.sniff import sniff
from any2caption.conditions.io.untrusted_json import parse_json, plain_numbers
from any2caption.conditions.types import Part
from any2caption.errors import InputError

MAX_COORDINATE = 1e6
ACCEPTED = (
    "accepted: OpenPose, COCO keypoint, DWPose, MMPose or pose editor JSON, BVH, a drawn pose clip"
)
_CANVAS_KEYS = (("canvas_width", "canvas_height"), ("width", "height"))
_AXES = ("x", "y", "confidence")
_SPACE = ("x", "y", "z")
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """People that have at least one point (each K×3), and the canvas where the file states it."""

    people: tuple[Floats, ...]
    canvas: tuple[float, float] | None
    """(width, height)"""
    alone: bool = False
    """Whether it is a picture of its own, not a frame of a clip."""
    layout: str | None = None
    """The points' layout, where the file names them."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where in the input we are, for messages."""

    file: str
    frame: int | None = None
    person: int | None = None

    def error(self, message: str, field: str) -> InputError:
        """Build the error for this place."""
        frame = f"frame {self.frame}" if self.frame else ""
        person = f"person {self.person}" if self.person else ""
        record = " ".join(piece for piece in (frame, person) if piece)
        return InputError(message, file=self.file, record=record or None, field=field)


def refuse(file: str, name: str) -> NoReturn:
    """Refuse a format by name."""
    raise InputError(
        f"{name} is not an accepted pose format; {ACCEPTED}", file=file, field="format"
    )


def load_json(part: Part) -> Any:
    """Decode a JSON file, within bounds; NaN and Infinity are refused.

    Raises:
        InputError: not JSON (named by content), damaged, truncated, nested too deeply.
    """
    name = sniff(part.data)
    if name != "JSON":
        refuse(part.name, name)
    return parse_json(part, keep_nulls=True)


def number(value: Any, where: Where, field: str) -> float:
    """Return a finite number of sane size.

    Raises:
        InputError: anything else; names the field.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise where.error(f"{str(value)[:20]!r} is not a number", field)
    if isinstance(value, float) and not math.isfinite(value):
        raise where.error("not a finite number", field)
    if abs(value) > MAX_COORDINATE:
        raise where.error("out of range", field)
    return float(value)


def canvas_of(item: Mapping[str, Any], where: Where) -> tuple[float, float] | None:
    """Return (width, height) when an object states its canvas."""
    for keys in _CANVAS_KEYS:
        if all(item.get(key) is None for key in keys):
            continue
        sides = []
        for field in keys:
            value = item.get(field)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise where.error("missing or not a number", field)
            if not 0 < value <= MAX_COORDINATE:
                raise where.error(f"{value:g} is out of range", field)
            sides.append(float(value))
        return sides[0], sides[1]
    return None


def flat_triples(values: Any, where: Where, field: str) -> Floats:
    """Return points K×3 of a flat list x, y, c, x, y, c … or of a list of [x, y, c]."""
    if not isinstance(values, list):
        raise where.error("not a list of numbers", field)
    if values and all(isinstance(one, list | tuple) for one in values):
        if any(len(one) != len(_AXES) for one in values):
            raise where.error("a point is not [x, y, confidence]", field)
        values = [value for one in values for value in one]
    if len(values) % 3:
        raise where.error(f"{len(values)} numbers, not a multiple of 3 (x, y, confidence)", field)
    points = _plain(values)
    if points is None:
        found = [
            number(value, where, f"{field} point {at // 3} {_AXES[at % 3]}")
            for at, value in enumerate(values)
        ]
        points = np.array(found, dtype=np.float64)
    return points.reshape(-1, 3)


def _plain(values: Sequence[Any]) -> Floats | None:
    """Numbers of sane size as an array; None where one has to be named."""
    array = plain_numbers(values)
    fits = array is not None and (not len(array) or float(np.abs(array).max()) <= MAX_COORDINATE)
    return array if fits else None


def pairs(values: Any, where: Where, field: str, depth: int = 3) -> Floats:
    """Return points N×2 of nested lists of [x, y, …]; null and an empty list are a point at 0, 0.

    Numbers after x and y are left out.
    """
    if not isinstance(values, list) or depth < 1:
        raise where.error("not a list of points", field)
    if values and set(map(type, values)) == {list} and set(map(len, values)) == {2}:
        plain = _plain([value for one in values for value in one])
        if plain is not None:
            return plain.reshape(-1, 2)
    points: list[list[float]] = []
    for one in values:
        if isinstance(one, list) and any(isinstance(inner, list) for inner in one):
            points += pairs(one, where, field, depth - 1).tolist()
            continue
        if one is None or (isinstance(one, list) and all(value is None for value in one)):
            points.append([0.0, 0.0])
            continue
        place = f"{field} point {len(points)}"
        if not isinstance(one, list) or len(one) < 2:  # noqa: PLR2004 - x and y
            raise where.error("not [x, y]", place)
        points.append([number(one[axis], where, f"{place} {_AXES[axis]}") for axis in (0, 1)])
    return np.array(points, dtype=np.float64).reshape(-1, 2)


def triples(values: Any, where: Where, field: str) -> Floats | None:
    """Return places N×3 of a list of [x, y, z]; None where the points are not all of that form."""
    while isinstance(values, list) and len(values) == 1 and isinstance(values[0], list):
        inner = values[0]
        if not inner or not isinstance(inner[0], list):
            break
        values = inner
    if not isinstance(values, list) or not values:
        return None
    if not all(isinstance(one, list) and len(one) == len(_SPACE) for one in values):
        return None
    if any(isinstance(value, list) for one in values for value in one):
        return None
    found = [
        number(value, where, f"{field} point {at} {axis}")
        for at, one in enumerate(values)
        for axis, value in zip(_SPACE, one, strict=True)
    ]
    return np.array(found).reshape(-1, 3)


def scores(values: Any, count: int, where: Where, field: str) -> Floats | None:
    """Return `count` confidences of (nested) lists; None when there are none."""
    if values is None or values == []:
        return None
    if not isinstance(values, list):
        raise where.error("not a list of numbers", field)
    flat: list[float] = []
    for one in values:
        inner = one if isinstance(one, list) else [one]
        flat += [number(value, where, f"{field} {len(flat)}") for value in inner]
    if len(flat) != count:
        raise where.error(f"{len(flat)} scores for {count} points", field)
    return np.array(flat)


def cleaned(points: Floats) -> Floats | None:
    """Clip confidences to 0…1, zero missing points; None for a person without any point."""
    points[:, 2] = points[:, 2].clip(0, 1)
    points[points[:, 2] == 0] = 0
    return points if points[:, 2].any() else None


def people_of(found: Sequence[Floats | None]) -> tuple[Floats, ...]:
    """Leave out people without a point."""
    return tuple(person for person in found if person is not None)
