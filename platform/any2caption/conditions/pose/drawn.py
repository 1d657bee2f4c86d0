"""Drawn poses: clips and pictures of skeletons or body parts on an even ground, kept as pixels.

Limb colours are no standard: the same red is a shoulder in one tool and a neck in the next, and
lossy clips blur thin lines. So no points are made up; the drawing itself goes to the motion
encoder. What tells a drawing from a film: one ground colour fills much of the frame, few colours
fill nearly all of it, and most neighbouring pixels are alike. On seven drawn clips and pictures at
most 25 coarse colours cover 90 % of the picture, on five films at least 58.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.clips import decode_video
from any2caption.conditions.io.images import MAX_PIXELS, decode_image
from any2caption.conditions.io.sniff import IMAGE_FORMATS, VIDEO_FORMATS, sniff
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.pictures.video import FRAMES_FPS, thin_pictures
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import DrawnPose, Part
from any2caption.errors import InputError

GROUND_SHARE = 0.35
"""The ground covers at least this share of the picture (median of the frames looked at)."""
GROUND_TOLERANCE = 24
FLAT_SHARE = 0.75
MOST_COLOURS = 40
"""Colours, in steps of 16 levels, that cover 90 % of the picture."""
_COVERED = 0.9
_ALIKE = 2
_DRAWN_SHARE = 0.0002
_COLOURED = 40
_VIVID_SHARE = 0.1
_HUES, _PARTS = 3, 6
"""A skeleton's hues, in sixths of the circle; the colours of a body's parts."""
_A_COLOUR = 0.02
_LOOKED_AT = 9
_LOOKED_PIXELS = 1_000_000
_SHARP = 40
_LEAST_SHARP = 0.01
"""Least share of the drawn pixels that differ sharply from their neighbour: lines have edges.

On the same drawn clips at least 3 %, on lit places in the dark and depth maps at most 0.5 %.
"""
_STEP = 16
Pixels = NDArray[np.uint8]


def parse_drawn(parts: Sequence[Part], options: Options, limits: Limits, notes: Notes) -> Parsed:
    """Parse one clip, or pictures of one size in natural order, as a drawn pose.

    Raises:
        InputError: mixed formats, or a film instead of a drawing; names the file.
    """
    names = [sniff(part.data) for part in parts]
    for part, name in zip(parts, names, strict=True):
        if (name in IMAGE_FORMATS) != (names[0] in IMAGE_FORMATS) or (
            name not in IMAGE_FORMATS and name not in VIDEO_FORMATS
        ):
            raise InputError(
                f"{name}, but {parts[0].name} is {names[0]}; one pose condition has one format",
                file=part.name,
                field="format",
            )
    if names[0] in VIDEO_FORMATS:
        if len(parts) > 1:
            raise InputError("one pose condition takes one clip", file=parts[1].name, field="pose")
        clip = decode_video(parts[0], limits, notes)
        frames, fps, format_ = clip.frames, clip.fps, "drawn pose video"
    else:
        kept = thin_pictures(parts, limits, notes)
        frames = np.stack([decode_image(part, limits.pixels or MAX_PIXELS) for part in kept])
        if "fps" not in options and len(parts) > 1:
            notes.assume(f"pictures carry no frame rate: {FRAMES_FPS:g} frames/s (option fps)")
        fps, format_ = FRAMES_FPS * len(kept) / len(parts), "drawn pose pictures"
    ground, share = ground_of(frames)
    looked = _looked_at(frames)
    flat, colours = _flatness(looked)
    if share < GROUND_SHARE or flat < FLAT_SHARE or colours > MOST_COLOURS:
        raise InputError(
            f"a film or photo, not a drawn pose ({share:.0%} ground, {colours} colours, {flat:.0%} "
            "flat); give it as a video or image, or extract the pose first",
            file=parts[0].name,
            field="format",
        )
    _check_drawn(looked, ground, parts[0].name)
    notes.assume(
        f"a drawn pose on an even ground ({share:.0%} of the picture): kept as pixels, because "
        "limb colours differ by tool; no points are read off it"
    )
    return notes.parsed(DrawnPose(frames, float(options.get("fps", fps)), ground), format_)


def _check_drawn(looked: Pixels, ground: tuple[int, int, int], file: str) -> None:
    """Refuse what is on the ground where it is not a drawing of a body."""
    far = ~_near(looked, ground)
    drawn = looked[far]
    if len(drawn) < _DRAWN_SHARE * looked[..., 0].size:
        raise InputError("nothing is drawn on the ground", file=file, field="pixels")
    wrong = _no_skeleton(looked, ground, drawn)
    if wrong is None and _sharpness(looked, far) < _LEAST_SHARP:
        wrong = "a dark scene (nothing in it has an edge)"
    if wrong:
        raise InputError(
            f"{wrong}, not a drawn skeleton; give it as a video, image, segmentation, depth or "
            "sketch",
            file=file,
            field="format",
        )


def _no_skeleton(frames: Pixels, ground: tuple[int, int, int], drawn: Pixels) -> str | None:
    """Say what else is drawn; None for thin lines of several hues, or body parts of many colours.

    Masks and depth maps are grey, or fill large areas with few colours.
    """
    colours = drawn[np.ptp(drawn.astype(np.int16), axis=1) > _COLOURED]
    if len(colours) < _VIVID_SHARE * len(drawn):
        return "a mask, a depth map or a line drawing (it has no colours)"
    # The hue in sixths of the circle: which channel is largest and which is smallest.
    hues = np.bincount(3 * colours.argmax(axis=1) + colours.argmin(axis=1), minlength=9)
    counts = np.bincount(_coarse(colours))
    several = int((counts > _A_COLOUR * len(colours)).sum())
    if int((hues > _A_COLOUR * len(colours)).sum()) < _HUES:
        return "a mask (one or two hues)"
    if several < _PARTS and not _are_lines(~_near(frames, ground)):
        return f"a mask (areas of {several} colours)"
    return None


def _are_lines(drawn: NDArray[np.bool_]) -> bool:
    """Whether little of T×H×W is left when what is drawn is made thinner by 3 % of the picture."""
    reach = max(1, round(max(drawn.shape[1:]) * 0.015))
    kept = drawn.copy()
    for axis in (1, 2):
        for step in (-reach, reach):
            kept &= np.roll(drawn, step, axis=axis)
    return bool(kept.sum() < 0.3 * drawn.sum())


def ground_of(frames: Pixels) -> tuple[tuple[int, int, int], float]:
    """Return the ground's colour and the share of the picture it covers (median over frames)."""
    looked = _looked_at(frames)
    codes = _coarse(looked)
    most = int(np.bincount(codes).argmax())
    red, green, blue = np.median(looked.reshape(-1, 3)[codes == most], axis=0).tolist()
    ground = (round(red), round(green), round(blue))
    near = _near(looked, ground).reshape(len(looked), -1)
    return ground, float(np.median(near.mean(axis=1)))


def _looked_at(frames: Pixels) -> Pixels:
    """A few frames over the whole clip, with every n-th pixel of large ones."""
    step = math.ceil(math.sqrt(frames.shape[1] * frames.shape[2] / _LOOKED_PIXELS))
    return frames[sample_frames(len(frames), min(_LOOKED_AT, len(frames))), ::step, ::step]


def _coarse(frames: Pixels) -> NDArray[np.int64]:
    """One number a pixel: its colour in steps of 16 levels."""
    coarse = (frames.reshape(-1, 3) // _STEP).astype(np.int64)
    return np.asarray((coarse[:, 0] * _STEP + coarse[:, 1]) * _STEP + coarse[:, 2])


def _flatness(frames: Pixels) -> tuple[float, int]:
    """Share of neighbours that are alike, and how many coarse colours cover nearly everything."""
    flat = []
    colours = []
    for frame in frames:
        steps = np.abs(np.diff(frame.astype(np.int16), axis=1)).max(axis=-1)
        flat.append(float((steps <= _ALIKE).mean()) if steps.size else 1.0)
        counts = np.sort(np.bincount(_coarse(frame)))[::-1]
        covered = np.cumsum(counts) / counts.sum()
        colours.append(int(np.searchsorted(covered, _COVERED)) + 1)
    return float(np.median(flat)), int(np.median(colours))


def _sharpness(frames: Pixels, drawn: NDArray[np.bool_]) -> float:
    """Share of the drawn pixels that differ sharply from their neighbour to the left or above."""
    sharp = total = 0
    for frame, seen in zip(frames, drawn, strict=True):
        levels = frame.astype(np.int16)
        edge = np.zeros(seen.shape, np.bool_)
        edge[:, 1:] |= np.abs(np.diff(levels, axis=1)).max(axis=-1) > _SHARP
        edge[1:] |= np.abs(np.diff(levels, axis=0)).max(axis=-1) > _SHARP
        sharp += int((edge & seen).sum())
        total += int(seen.sum())
    return sharp / max(total, 1)


def _near(frames: Pixels, ground: tuple[int, int, int]) -> NDArray[np.bool_]:
    near = np.ones(frames.shape[:-1], np.bool_)
    for channel, level in enumerate(ground):
        values = frames[..., channel]
        near &= values >= max(level - GROUND_TOLERANCE, 0)
        near &= values <= min(level + GROUND_TOLERANCE, 255)
    return near


def on_black(drawn: DrawnPose) -> Pixels:
    """Return the drawing's frames with the ground made black, as the motion encoder wants it."""
    frames = drawn.frames.copy()
    for frame in frames:
        frame[_near(frame, drawn.ground)] = 0
    return frames
