"""Pictures for an endpoint: sampled frames, and conditions stitched side by side."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.skeleton import draw_skeleton
from any2caption.conditions.types import Condition, Depth, Image, Pose, Video

Pixels = NDArray[np.uint8]

LONGEST_SIDE = 512
STRIP_HEIGHT, STRIP_WIDTH = 256, 1024
GAP = 4
MAX_IDENTITIES = 3
"""Identity pictures in one stitched picture: two or three (the paper, appendix on the prompts)."""
MIN_DEPTH, MAX_DEPTH = 3, 5
"""Depth maps in one stitched picture."""
_FRAMES = 4
_SKELETON = (256, 256)
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


def depth_maps(depth: Depth) -> list[Pixels]:
    """Return three to five maps in time order (all of fewer), near = white, holes = black."""
    count = min(len(depth.maps), MAX_DEPTH)
    chosen = depth.maps[sample_frames(len(depth.maps), count)]
    grey = np.rint(np.nan_to_num(chosen, nan=0.0) * 255).clip(0, 255).astype(np.uint8)
    return [np.repeat(one[:, :, None], 3, axis=2) for one in grey]


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


def _strip(condition: Condition) -> list[Pixels]:
    payload = condition.payload
    if isinstance(payload, Depth):
        return depth_maps(payload)
    if isinstance(payload, Image):
        return [payload.pixels]
    if isinstance(payload, Video):
        return list(payload.frames[sample_frames(len(payload.frames), _FRAMES)])
    if isinstance(payload, Pose):
        count = min(_FRAMES, len(payload.keypoints))
        return list(draw_skeleton(payload, *_SKELETON, count))
    return _planes(payload)


def _planes(payload: object) -> list[Pixels]:
    """Strokes, masks and pictures of the other kinds."""
    strokes = getattr(payload, "strokes", None)
    if isinstance(strokes, np.ndarray):
        chosen = strokes[sample_frames(len(strokes), min(_FRAMES, len(strokes)))]
        return [np.repeat(one[:, :, None], 3, axis=2).astype(np.uint8) for one in chosen]
    ids = getattr(payload, "ids", None)
    if isinstance(ids, np.ndarray):
        chosen = ids[sample_frames(len(ids), min(_FRAMES, len(ids)))].astype(np.int64)
        coloured = np.stack([chosen * 67 % 256, chosen * 131 % 256, chosen * 29 % 256], axis=3)
        return list(coloured.astype(np.uint8))
    pixels = getattr(payload, "pixels", None)
    return [pixels] if isinstance(pixels, np.ndarray) else []


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
