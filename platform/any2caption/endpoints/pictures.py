"""Pictures for an endpoint: sampled frames, and conditions stitched side by side."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from any2caption.conditions.inspect.seen import seen
from any2caption.conditions.registry import input_name
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Condition, Depth, Image

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture and what it is: "picture 1 (identity)", "video 1, moment 2 of 4".

    `source` is the input that it shows: "picture 1".
    """

    source: str
    name: str
    data: bytes


LONGEST_SIDE = 512
STRIP_HEIGHT, STRIP_WIDTH = 256, 1024
GAP = 4
MAX_IDENTITIES = 3
"""Identity pictures in one stitched picture: two or three (the paper, appendix on the prompts)."""
MAX_DEPTH = 5
"""Depth maps in one stitched picture: three to five, in time order."""
_FRAMES = 4
_QUALITY = 90


def encode(pixels: Pixels) -> bytes:
    """Encode uint8 H×W×3 as JPEG with sides of at most 512 pixels."""
    scale = min(1.0, LONGEST_SIDE / max(pixels.shape[:2]))
    return _jpeg(_resized(pixels, round(pixels.shape[0] * scale), round(pixels.shape[1] * scale)))


def clip_pictures(frames: Pixels, count: int) -> tuple[bytes, ...]:
    """Return `count` evenly spaced frames of T×H×W×3 (fewer of a shorter clip), encoded."""
    chosen = sample_frames(len(frames), min(count, len(frames)))
    return tuple(encode(frames[at]) for at in chosen)


def stitch(pictures: Sequence[Pixels]) -> bytes:
    """Lay pictures side by side in the given order, equally high, on white; return a JPEG."""
    height = STRIP_HEIGHT
    widths = [max(1, round(p.shape[1] * height / p.shape[0])) for p in pictures]
    room = STRIP_WIDTH - GAP * (len(pictures) - 1)
    if sum(widths) > room:
        height = max(1, int(height * room / sum(widths)))
        widths = [max(1, round(p.shape[1] * height / p.shape[0])) for p in pictures]
    total = sum(widths) + GAP * (len(pictures) - 1)
    canvas = np.full((height, total, 3), 255, dtype=np.uint8)
    at = 0
    for picture, width in zip(pictures, widths, strict=True):
        canvas[:, at : at + width] = _resized(picture, height, width)
        at += width + GAP
    return _jpeg(canvas)


def identity_groups(count: int) -> list[int]:
    """Split `count` identity pictures into strips of two or three, one strip of one if alone."""
    if count <= MAX_IDENTITIES:
        return [count] if count else []
    strips = -(-count // MAX_IDENTITIES)
    return [count // strips + (number < count % strips) for number in range(strips)]


def condition_pictures(conditions: Sequence[Condition]) -> tuple[bytes, ...]:
    """Show conditions: identities stitched 2–3, depth maps in time order, others a strip each."""
    identities = [
        c.payload.pixels
        for c in conditions
        if isinstance(c.payload, Image) and c.role == "identity"
    ]
    shown, at = [], 0
    for size in identity_groups(len(identities)):
        shown.append(stitch(identities[at : at + size]))
        at += size
    for condition in conditions:
        strip = [] if condition.role == "identity" else _strip(condition)
        if strip:
            shown.append(stitch(strip))
    return tuple(shown)


def pictures_of(condition: Condition) -> tuple[Picture, ...]:
    """Return what is shown of one condition, named; nothing of words and of camera paths.

    A picture is one, a clip four moments of it, anything else one strip of up to four moments.
    """
    frames = seen(condition.payload, _FRAMES)
    if frames is None or not len(frames):
        return ()
    source = input_name(condition)
    role = f" ({condition.role.replace('_', ' ')})" if condition.role else ""
    if len(frames) == 1:
        return (Picture(source, f"{source}{role}", encode(frames[0])),)
    if condition.kind != "video":
        name = f"{source}{role}, {len(frames)} moments from left to right"
        return (Picture(source, name, stitch(list(frames))),)
    return tuple(
        Picture(source, f"{source}, moment {number} of {len(frames)}", encode(frame))
        for number, frame in enumerate(frames, 1)
    )


def _strip(condition: Condition) -> list[Pixels]:
    """Up to four moments, of depth five; a camera path is told in words."""
    most = MAX_DEPTH if isinstance(condition.payload, Depth) else _FRAMES
    frames = seen(condition.payload, most)
    return [] if frames is None else list(frames)


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return pixels
    picture = PilImage.fromarray(np.ascontiguousarray(pixels))
    size = (max(width, 1), max(height, 1))
    return np.asarray(picture.resize(size, PilImage.Resampling.BILINEAR))


def _jpeg(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    picture = PilImage.fromarray(np.ascontiguousarray(pixels))
    picture.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
