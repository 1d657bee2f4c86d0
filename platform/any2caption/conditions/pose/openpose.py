"""Read OpenPose JSON: frames of people of keypoints, as the files say; no interpretation.

All versions: `pose_keypoints_2d` (1.2 and later, ControlNet, editors) and `pose_keypoints` (1.0);
18 points (COCO), 25 (BODY_25 or BODY_25B), 15 (MPI) or 17 (COCO without neck). Hands and faces are
no part of these layouts and are left out.
"""

from typing import Any

from any2caption.conditions.kind import Limits, Notes
from any2caption.conditions.pose.keypoint_json import (
    Floats,
    Frame,
    Where,
    canvas_of,
    cleaned,
    flat_triples,
    people_of,
)

KEYS = ("pose_keypoints_2d", "pose_keypoints")
POINTS = (15, 17, 18, 25)
_LEFT_OUT = tuple(
    f"{part}_keypoints{version}"
    for part in ("face", "hand_left", "hand_right")
    for version in ("_2d", "")
)


def openpose_frame(item: dict[str, Any], where: Where, limits: Limits, notes: Notes) -> Frame:
    """Read one frame, an object with `people`.

    Raises:
        InputError: malformed numbers, an unknown number of points, too many people.
    """
    people = item["people"]
    if not isinstance(people, list):
        raise where.error("not a list", "people")
    if limits.people and len(people) > limits.people:
        raise where.error(f"{len(people)} people; at most {limits.people} are taken", "people")
    read = [
        _person(person, Where(where.file, where.frame, count), notes)
        for count, person in enumerate(people, start=1)
    ]
    return Frame(people_of(read), canvas_of(item, where))


def _person(person: Any, where: Where, notes: Notes) -> Floats | None:
    """One person's points K×3; None when no point was found."""
    if not isinstance(person, dict):
        raise where.error("not an object", "people")
    field = next((key for key in KEYS if person.get(key) is not None), None)
    if field is None:
        if not any(key in person for key in KEYS):
            raise where.error("missing", KEYS[0])
        return None
    points = flat_triples(person[field], where, field)
    if not len(points):
        return None
    if len(points) not in POINTS:
        known = ", ".join(str(count) for count in POINTS)
        raise where.error(f"{len(points)} points; {known} are accepted", field)
    if any(_has_values(person.get(key)) for key in _LEFT_OUT):
        notes.assume("hand and face points are left out: the model follows bodies")
    if points[:, 2].max() > 1:
        notes.warn("confidences above 1 were set to 1")
    return cleaned(points)


def _has_values(values: Any) -> bool:
    return isinstance(values, list) and any(value not in (0, None) for value in values)
