"""Read OpenPose JSON: frames of people of keypoints, as the files say; no interpretation."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.base import Limits, Notes
from any2caption.conditions.files import natural_key
from any2caption.conditions.sniff import IMAGE_FORMATS, VIDEO_FORMATS, sniff
from any2caption.conditions.text import decode_utf8
from any2caption.conditions.types import Part
from any2caption.errors import InputError

KEYS = ("pose_keypoints_2d", "pose_keypoints")
POINTS = (18, 25)
ACCEPTED = "accepted: OpenPose JSON, one file a frame or one file with a list of frames"
_MAX_COORDINATE = 1e6
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """People that have at least one point (each K×3), and the canvas where the file states it."""

    people: tuple[Floats, ...]
    canvas: tuple[float, float] | None
    """(width, height)"""


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


def read_frames(parts: Sequence[Part], limits: Limits, notes: Notes) -> list[Frame]:
    """Read all frames in natural order of the file names.

    Raises:
        InputError: not OpenPose JSON (the format is named), malformed numbers, too many frames or
            people.
    """
    frames: list[Frame] = []
    for part in sorted(parts, key=lambda one: natural_key(one.name)):
        value = _load(part)
        items = value if isinstance(value, list) else [value]
        if len(parts) > 1 and len(items) != 1:
            raise InputError(
                f"{len(items)} frames in a file of a folder; a folder holds one frame a file",
                file=part.name,
                field="frames",
            )
        if not items:
            raise InputError("an empty list of frames", file=part.name, field="frames")
        if limits.frames and len(frames) + len(items) > limits.frames:
            raise InputError(f"more than {limits.frames:,} frames", file=part.name, field="frames")
        for index, item in enumerate(items, start=1):
            where = Where(part.name, index if isinstance(value, list) else None)
            frames.append(_frame(item, where, limits, notes))
    _check_same_points(frames, parts)
    return frames


def _load(part: Part) -> Any:
    name = sniff(part.data)
    if name in VIDEO_FORMATS or name in IMAGE_FORMATS:
        _refuse(part.name, f"a rendered skeleton or picture ({name})")
    if name != "JSON":
        _refuse(part.name, name)
    try:
        return json.loads(decode_utf8(part), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InputError(
            f"damaged or truncated JSON ({error.msg}, column {error.colno})",
            file=part.name,
            record=f"line {error.lineno}",
            field="json",
        ) from error
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise InputError(f"unreadable JSON: {reason[:80]}", file=part.name, field="json") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a finite number")


def _refuse(file: str, name: str) -> NoReturn:
    raise InputError(
        f"{name} is not an accepted pose format; {ACCEPTED}", file=file, field="format"
    )


def _frame(item: Any, where: Where, limits: Limits, notes: Notes) -> Frame:
    if not isinstance(item, dict) or "people" not in item:
        _refuse(where.file, _name_json(item))
    people = item["people"]
    if not isinstance(people, list):
        raise where.error("not a list", "people")
    if limits.people and len(people) > limits.people:
        raise where.error(f"{len(people)} people; at most {limits.people} are taken", "people")
    read = (
        _person(person, Where(where.file, where.frame, number), notes)
        for number, person in enumerate(people, start=1)
    )
    kept = tuple(person for person in read if person is not None)
    return Frame(kept, _canvas(item, where))


def _name_json(item: Any) -> str:
    """Name another JSON pose format, for the message."""
    if not isinstance(item, dict):
        return "this JSON"
    keys = item.keys()
    if {"annotations", "images"} <= keys or {"keypoints", "image_id"} <= keys:
        return "COCO keypoint JSON"
    if {"hands_boxes"} & keys or {"bodies", "boxes"} & keys:
        return "DWPose JSON"
    if {"left_hand", "right_hand"} & keys:
        return "an editor export with hands and face but no body ('people' is missing)"
    return "JSON without 'people'"


def _canvas(item: dict[str, Any], where: Where) -> tuple[float, float] | None:
    if item.get("canvas_width") is None and item.get("canvas_height") is None:
        return None
    sides = []
    for field in ("canvas_width", "canvas_height"):
        value = item.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise where.error("missing or not a number", field)
        if not 0 < value <= _MAX_COORDINATE:
            raise where.error(f"{value:g} is out of range", field)
        sides.append(float(value))
    return sides[0], sides[1]


def _person(person: Any, where: Where, notes: Notes) -> Floats | None:
    """One person's points K×3; None when no point was found."""
    if not isinstance(person, dict):
        raise where.error("not an object", "people")
    field = next((key for key in KEYS if person.get(key) is not None), None)
    if field is None:
        if not any(key in person for key in KEYS):
            raise where.error("missing", KEYS[0])
        return None
    values = person[field]
    if not isinstance(values, list):
        raise where.error("not a list of numbers", field)
    if not values:
        return None
    if len(values) % 3:
        raise where.error(f"{len(values)} numbers, not a multiple of 3 (x, y, confidence)", field)
    if len(values) // 3 not in POINTS:
        known = " and ".join(str(count) for count in POINTS)
        hint = " (COCO-17 is not accepted yet)" if len(values) == 51 else ""  # noqa: PLR2004
        raise where.error(f"{len(values) // 3} points; {known} are accepted{hint}", field)
    points = np.array([_value(value, at, where, field) for at, value in enumerate(values)])
    points = points.reshape(-1, 3)
    if points[:, 2].max() > 1:
        notes.warn("confidences above 1 were set to 1")
    points[:, 2] = points[:, 2].clip(0, 1)
    points[points[:, 2] == 0] = 0
    return points if points[:, 2].any() else None


def _value(value: Any, at: int, where: Where, field: str) -> float:
    place = f"{field} point {at // 3} {('x', 'y', 'confidence')[at % 3]}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise where.error(f"{str(value)[:20]!r} is not a number", place)
    if isinstance(value, float) and not math.isfinite(value):
        raise where.error("not a finite number", place)
    if abs(value) > _MAX_COORDINATE:
        raise where.error("out of range", place)
    return float(value)


def _check_same_points(frames: Sequence[Frame], parts: Sequence[Part]) -> None:
    counts = {len(person) for frame in frames for person in frame.people}
    if len(counts) > 1:
        listed = " and ".join(str(count) for count in sorted(counts))
        raise InputError(
            f"people with {listed} points in one sequence",
            file=parts[0].name,
            field="pose_keypoints_2d",
        )
