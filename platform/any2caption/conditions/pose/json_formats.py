"""Tell the dialects of keypoint JSON apart by content, and read all frames of a condition."""

from collections.abc import Sequence
from typing import Any

from any2caption.conditions.io.files import natural_key
from any2caption.conditions.kind import Limits, Notes, Options
from any2caption.conditions.pose.coco import annotation_frames, mmpose_frames, result_frames
from any2caption.conditions.pose.dwpose import dwpose_frame, editor_frame
from any2caption.conditions.pose.keypoint_json import Frame, Where, load_json, refuse
from any2caption.conditions.pose.openpose import openpose_frame
from any2caption.conditions.types import Part
from any2caption.errors import InputError

OPENPOSE, COCO, DWPOSE = "OpenPose JSON", "COCO keypoint JSON", "DWPose JSON"
MMPOSE, EDITOR = "MMPose JSON", "pose editor JSON"
# The first whose keys are all there; of a list the first item is looked at.
_BY_KEYS_IN_LIST = (
    (frozenset({"people"}), OPENPOSE),
    (frozenset({"keypoints", "image_id"}), COCO),
    (frozenset({"bodies"}), DWPOSE),
    (frozenset({"keypoints", "keypoint_scores"}), MMPOSE),
)
_BY_KEYS = (
    (frozenset({"annotations", "images"}), COCO),
    *_BY_KEYS_IN_LIST[:-1],
    (frozenset({"instance_info"}), MMPOSE),
    (frozenset({"keypoints"}), EDITOR),
)


def read_frames(
    parts: Sequence[Part], options: Options, limits: Limits, notes: Notes
) -> tuple[list[Frame], str]:
    """Read all frames, in natural order of the file names; return them with the format's name.

    Raises:
        InputError: no accepted dialect (it is named), malformed numbers, mixed dialects, too many
            frames or people.
    """
    frames: list[Frame] = []
    format_ = ""
    for part in sorted(parts, key=lambda one: natural_key(one.name)):
        value = _unwrapped(load_json(part))
        name = _dialect(value, part.name)
        if format_ and name != format_:
            raise InputError(
                f"{name}, but {parts[0].name} is {format_}; one pose condition has one format",
                file=part.name,
                field="format",
            )
        format_ = name
        if "select" in options and name != COCO:
            raise InputError(f"{name} has no images to choose from", file=part.name, field="select")
        found = _read(value, name, part.name, options, limits, notes)
        if len(parts) > 1 and len(found) != 1:
            raise InputError(
                f"{len(found)} frames in a file of a folder; a folder holds one frame a file",
                file=part.name,
                field="frames",
            )
        if limits.frames and len(frames) + len(found) > limits.frames:
            raise InputError(f"more than {limits.frames:,} frames", file=part.name, field="frames")
        frames += found
    _check_people(frames, limits, parts)
    return frames, format_


def _unwrapped(value: Any) -> Any:
    """Return the list of an object that only wraps it: `{"frames": […]}`."""
    if isinstance(value, dict) and "people" not in value and isinstance(value.get("frames"), list):
        size = {key: value[key] for key in ("width", "height") if key in value}
        frames = value["frames"]
        return [{**size, **one} if isinstance(one, dict) else one for one in frames]
    return value


def _dialect(value: Any, file: str) -> str:
    """Name the dialect by its keys; refuse what has no body points, saying what it is."""
    item = value[0] if isinstance(value, list) and value else value
    if isinstance(value, list) and not value:
        raise InputError("an empty list of frames", file=file, field="frames")
    if not isinstance(item, dict):
        refuse(file, "this JSON")
    known = _BY_KEYS if isinstance(value, dict) else _BY_KEYS_IN_LIST
    name = next((name for needed, name in known if needed <= item.keys()), None)
    if name is not None:
        return name
    if {"hands_boxes", "hands_score", "boxes"} & item.keys():
        refuse(file, "DWPose JSON of boxes and hand scores (no body points)")
    if {"left_hand", "right_hand"} & item.keys():
        refuse(file, "an editor export with hands and face but no body ('people' is missing)")
    return refuse(file, "JSON without 'people'")


def _read(  # noqa: PLR0913, PLR0917 - one dialect each
    value: Any, name: str, file: str, options: Options, limits: Limits, notes: Notes
) -> list[Frame]:
    select = str(options["select"]) if "select" in options else None
    clip = "fps" in options
    if name == MMPOSE:
        return mmpose_frames(value, file, notes)
    if name == COCO and isinstance(value, dict) and "annotations" in value:
        return annotation_frames(value, select, file, notes, clip=clip)
    many = isinstance(value, list)
    items = value if many else [value]
    if limits.frames and len(items) > limits.frames * (limits.people or 1):
        raise InputError(f"more than {limits.frames:,} frames", file=file, field="frames")
    for index, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise Where(file, index).error("not an object", "frames")
    if name == COCO:
        return result_frames(items, select, file, notes, clip=clip)
    return [
        _frame(item, name, Where(file, index if many else None), limits, notes)
        for index, item in enumerate(items, start=1)
    ]


def _frame(item: dict[str, Any], name: str, where: Where, limits: Limits, notes: Notes) -> Frame:
    if name == DWPOSE:
        return dwpose_frame(item, where)
    if name == EDITOR:
        return editor_frame(item, where)
    if "people" not in item:
        raise where.error("missing", "people")
    return openpose_frame(item, where, limits, notes)


def _check_people(frames: Sequence[Frame], limits: Limits, parts: Sequence[Part]) -> None:
    counts = {len(person) for frame in frames for person in frame.people}
    if len(counts) > 1:
        listed = " and ".join(str(count) for count in sorted(counts))
        raise InputError(
            f"people with {listed} points in one sequence",
            file=parts[0].name,
            field="pose_keypoints_2d",
        )
    most = max((len(frame.people) for frame in frames), default=0)
    if limits.people and most > limits.people:
        raise InputError(
            f"{most} people in one frame; at most {limits.people} are taken",
            file=parts[0].name,
            field="people",
        )
