"""Pose condition: keypoints of any accepted format to float32 T×P×K×3 in fractions of a canvas.

Formats are told by content. Stated rules, each with an override: 25 points are BODY_25 or BODY_25B
by which of the two joins nearby points (option `layout`); without a stated canvas it is a square
around all points (options `width`, `height`); motion capture and points in space are seen from
their own front (`view`, `up`), and keep their depth beside the picture. Drawings of skeletons stay
drawings: limb colours differ by tool, so that points read off them would often be wrong without
anybody noticing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.canvas import Canvas, canvases, square
from any2caption.conditions.io.sniff import IMAGE_FORMATS, VIDEO_FORMATS, sniff
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.pose.bvh import read_bvh
from any2caption.conditions.pose.drawn import parse_drawn
from any2caption.conditions.pose.json_formats import read_frames
from any2caption.conditions.pose.keypoint_json import Frame
from any2caption.conditions.pose.layouts import (
    BODY_25,
    BODY_25B,
    BY_COUNT,
    COCO_17,
    HUMAN_36M,
    LAYOUTS,
    Layout,
)
from any2caption.conditions.pose.motion_capture import capture_points
from any2caption.conditions.pose.person_tracks import track
from any2caption.conditions.pose.viewpoint import flattened
from any2caption.conditions.types import Part, Pose
from any2caption.errors import InputError

KEYS = (
    *("people", "pose_keypoints", "keypoints", "canvas_width"),
    *("bodies", "left_hand", "hands_boxes"),
)
_CLEAR = 0.85
_DOUBT = 0.7
_MIN_LIMBS = 4
_JSON_ONLY = ("layout", "select")
_BVH_ONLY = ("view", "up")
_FLAT = 3
"""Columns of a person in a picture: x, y, confidence; in space z follows."""
_FRAMED = "the canvas is the square around the whole motion plus 10%"
Floats = NDArray[np.float64]


def sign(parts: Sequence[Part]) -> str:
    """Motion capture is people's."""
    return "BVH" if all(sniff(part.data) == "BVH" for part in parts) else ""


def parse_pose(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse a pose: keypoint JSON (one file a frame, or one with all), BVH, or a drawn clip.

    Raises:
        InputError: another format, malformed points, or no point at all in any frame.
    """
    notes = Notes()
    name = sniff(parts[0].data)
    if name in IMAGE_FORMATS or name in VIDEO_FORMATS:
        _refuse_options(options, ("layout", "select", "view", "up", "width", "height"), parts, name)
        return parse_drawn(parts, options, limits, notes)
    if name == "BVH":
        _refuse_options(options, _JSON_ONLY, parts, name)
        return _parse_bvh(parts, options, limits, notes)
    return _parse_json(parts, options, limits, notes)


def _parse_json(parts: Sequence[Part], options: Options, limits: Limits, notes: Notes) -> Parsed:
    file = parts[0].name
    frames, format_ = read_frames(parts, options, limits, notes)
    people = _people(frames)
    solid = any(person.shape[1] > _FLAT for person in people)
    if not solid:
        _refuse_options(options, _BVH_ONLY, parts, "JSON")
    if not people:
        raise InputError(
            f"every point is missing in every frame ({len(frames)} read): no pose to follow",
            file=file if len(parts) == 1 else f"{file} … {parts[-1].name}",
            field="pose_keypoints_2d",
        )
    layout = _layout(frames, options, file, notes)
    if solid:
        frames = flattened(frames, layout, options, file, notes)
    sizes = _canvases(frames, options, file, notes, solid=solid)
    scaled = [
        [_apply(person, canvas) for person in frame.people]
        for frame, canvas in zip(frames, sizes, strict=True)
    ]
    tracked, dropped = track(scaled, limits.people or 1)
    if dropped:
        notes.warn(f"{dropped} people who were seen least are left out")
    fps = float(options["fps"]) if "fps" in options else None
    clip = not any(frame.alone for frame in frames)
    depth = (tracked[..., _FLAT] / sizes[0].size[1]).astype(np.float32) if solid else None
    keypoints = tracked[..., :_FLAT].astype(np.float32)
    pose = Pose(keypoints, layout.name, fps, sizes[0].aspect, clip, depth)
    return notes.parsed(pose, format_)


def _people(frames: Sequence[Frame]) -> list[Floats]:
    return [person for frame in frames for person in frame.people]


def _canvases(
    frames: Sequence[Frame], options: Options, file: str, notes: Notes, *, solid: bool
) -> list[Canvas]:
    """Return each frame's canvas; people in space share one square around their whole motion."""
    stacked = np.concatenate(_people(frames))
    points = stacked[stacked[:, 2] > 0, :2]
    if not solid:
        return canvases(points, [frame.canvas for frame in frames], options, file, notes)
    notes.assume(_FRAMED)
    return [square(points)] * len(frames)


def _refuse_options(
    options: Options, names: Sequence[str], parts: Sequence[Part], format_: str
) -> None:
    """Refuse an option that would have no effect on this format."""
    for name in names:
        if name in options:
            raise InputError(f"has no meaning for {format_}", file=parts[0].name, field=name)


def _parse_bvh(parts: Sequence[Part], options: Options, limits: Limits, notes: Notes) -> Parsed:
    if len(parts) > 1:
        raise InputError(
            f"{len(parts)} files; one pose condition takes one BVH",
            file=parts[1].name,
            field="pose",
        )
    capture = read_bvh(parts[0], limits)
    if capture.left_out:
        lines = "line" if capture.left_out == 1 else "lines"
        notes.warn(
            f"{capture.left_out} {lines} of motion behind the stated {len(capture.places)} frames "
            "left out (correct 'Frames' to keep them)"
        )
    points, depth = capture_points(capture, options, parts[0].name, notes)
    there = points[points[..., 2] > 0, :2]
    if "width" in options or "height" in options:
        raise InputError(
            "motion capture has no canvas: it is framed by a square around the whole motion",
            file=parts[0].name,
            field="width" if "width" in options else "height",
        )
    notes.assume(_FRAMED)
    canvas = square(there)
    keypoints = _apply(points.reshape(-1, 3), canvas).reshape(points.shape)[:, None]
    behind = (depth / canvas.size[1])[:, None]
    fps = float(options.get("fps", 1 / capture.frame_time))
    pose = Pose(keypoints.astype(np.float32), BODY_25.name, fps, depth=behind.astype(np.float32))
    return notes.parsed(pose, "BVH")


def _layout(frames: Sequence[Frame], options: Options, file: str, notes: Notes) -> Layout:
    people = _people(frames)
    count = len(people[0])
    wanted = options.get("layout")
    if wanted is not None:
        layout = LAYOUTS[str(wanted)]
        if len(layout.points) != count:
            raise InputError(
                f"{wanted} has {len(layout.points)} points, the file has {count}",
                file=file,
                field="layout",
            )
        return layout
    if named := next((frame.layout for frame in frames if frame.layout), None):
        return LAYOUTS[named]
    if count == len(COCO_17.points):
        _doubt_coco(people, file)
    return BY_COUNT.get(count) or _guess_25(people, notes)


def _doubt_coco(people: Sequence[Floats], file: str) -> None:
    """Refuse 17 points that make a body in Human3.6M's order and none in COCO's."""
    both = [(limb_length(one, COCO_17), limb_length(one, HUMAN_36M)) for one in people]
    ratios = [other / coco for coco, other in both if coco and other]
    if ratios and float(np.median(ratios)) < _DOUBT:
        raise InputError(
            "17 points, but in COCO's order the limbs join far-apart points: these look like "
            "Human3.6M's; give their names (keypoint_id2name), or option layout COCO_17",
            file=file,
            field="keypoints",
        )


def limb_length(person: Floats, layout: Layout) -> float | None:
    """Mean length of a person's limbs under a layout, in body sizes; None when too few are there.

    Under the wrong layout "limbs" join far-apart points: the right one has the shorter mean.
    """
    there = person[:, 2] > 0
    limbs = [(a, b) for a, b in layout.limbs if there[a] and there[b]]
    size = float(np.hypot(*np.ptp(person[there, :2], axis=0)))
    if len(limbs) < _MIN_LIMBS or size <= 0:
        return None
    starts, ends = np.array(limbs).T
    gaps = person[starts, :2] - person[ends, :2]
    return float(np.hypot(*gaps.T).mean()) / size


def _guess_25(people: Sequence[Floats], notes: Notes) -> Layout:
    lengths = [(limb_length(person, BODY_25), limb_length(person, BODY_25B)) for person in people]
    pairs = [(a, b) for a, b in lengths if a is not None and b is not None]
    override = "(option layout)"
    if not pairs:
        notes.assume(f"too few points to tell BODY_25 from BODY_25B: BODY_25 assumed {override}")
        return BODY_25
    plain, variant = np.median(np.array(pairs), axis=0).tolist()
    layout = BODY_25B if variant < plain else BODY_25
    notes.assume(f"25 points read as {layout.name}: its limbs join nearby points {override}")
    if min(plain, variant) > _CLEAR * max(plain, variant):
        notes.warn("BODY_25 and BODY_25B fit almost equally well; set option layout if you know")
    return layout


def _apply(person: Floats, canvas: Canvas) -> Floats:
    """Points K×3 as fractions of the canvas, missing ones 0, 0, 0."""
    out = person.copy()
    out[:, :2] = canvas.apply(out[:, :2])
    out[person[:, 2] == 0] = 0
    return out
