"""Pose condition: OpenPose JSON sequences to float32 T×P×K×3 in fractions of a canvas.

Stated rules, each with an override: 25 points are BODY_25 or BODY_25B by which of the two joins
nearby points (option `layout`); without a stated canvas it is a square around all points (options
`width`, `height`).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.base import Limits, Notes, Options, Parsed
from any2caption.conditions.layouts import BODY_25, BODY_25B, COCO_18, LAYOUTS, Layout
from any2caption.conditions.openpose import Frame, read_frames
from any2caption.conditions.tracking import track
from any2caption.conditions.types import Part, Pose
from any2caption.errors import InputError

FORMAT = "OpenPose JSON"
MARGIN = 0.1
_NORMALISED = 2.0
_CLEAR = 0.85
_MIN_LIMBS = 4
_COCO_POINTS = 18
Floats = NDArray[np.float64]


def parse_pose(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse OpenPose JSON: one file a frame, or one file with one frame or a list of frames.

    Raises:
        InputError: another format, malformed points, or no point at all in any frame.
    """
    notes = Notes()
    frames = read_frames(parts, limits, notes)
    if not any(frame.people for frame in frames):
        raise InputError(
            f"every point is missing in every frame ({len(frames)} read): no pose to follow",
            file=parts[0].name if len(parts) == 1 else f"{parts[0].name} … {parts[-1].name}",
            field="pose_keypoints_2d",
        )
    layout = _layout(frames, options, parts[0].name, notes)
    scaled = _scale(frames, options, parts[0].name, notes)
    tracked, dropped = track(scaled, limits.people or 1)
    if dropped:
        notes.warn(f"{dropped} people who were seen least are left out")
    fps = float(options["fps"]) if "fps" in options else None
    return notes.parsed(Pose(tracked.astype(np.float32), layout.name, fps), FORMAT)


def _layout(frames: Sequence[Frame], options: Options, file: str, notes: Notes) -> Layout:
    people = [person for frame in frames for person in frame.people]
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
    if count == _COCO_POINTS:
        return COCO_18
    return _guess_25(people, notes)


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


def _scale(
    frames: Sequence[Frame], options: Options, file: str, notes: Notes
) -> list[list[Floats]]:
    """Points as fractions of the canvas, missing ones 0, 0, 0."""
    given = [name for name in ("width", "height") if name in options]
    if len(given) == 1:
        missing = "height" if given == ["width"] else "width"
        raise InputError(f"needed beside {given[0]}", file=file, field=missing)
    stacked = np.concatenate([person for frame in frames for person in frame.people])
    points = stacked[stacked[:, 2] > 0, :2]
    inside = bool(np.abs(points).max() <= _NORMALISED)
    origin, size = np.zeros(2), np.ones(2)
    own = False
    if given and inside and min(float(options["width"]), float(options["height"])) > _NORMALISED:
        notes.warn("points are already fractions: options width and height are not used")
    elif given:
        size = np.array([float(options["width"]), float(options["height"])])
    elif inside:
        notes.assume("points lie within 0…1: read as fractions of the picture")
    elif all(frame.canvas for frame in frames):
        own = True
    else:
        origin, size = _square(points, notes)
    out: list[list[Floats]] = []
    for frame in frames:
        canvas = np.array(frame.canvas) if own and frame.canvas else size
        out.append([_apply(person, origin, canvas) for person in frame.people])
    return out


def _square(points: Floats, notes: Notes) -> tuple[Floats, Floats]:
    """Canvas when none is stated: the square around all points plus a margin (shapes are kept)."""
    low, high = points.min(axis=0), points.max(axis=0)
    side = max(float((high - low).max()), 1e-6) * (1 + 2 * MARGIN)
    notes.assume(
        f"no canvas stated: the square around all points plus {MARGIN:.0%} is used "
        "(options width and height)"
    )
    return (low + high - side) / 2, np.array([side, side])


def _apply(person: Floats, origin: Floats, size: Floats) -> Floats:
    out = person.copy()
    out[:, :2] = (out[:, :2] - origin) / size
    out[person[:, 2] == 0] = 0
    return out
