"""Animated PNG and WebP as clips: their frames one by one, within the limits of a clip."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from any2caption.conditions.io.clips import DEFAULT_FPS, Clip, kept_cap
from any2caption.conditions.io.images import DECODE_ERRORS, MAX_PIXELS, image_header, to_rgb
from any2caption.conditions.io.png_chunks import without_texts
from any2caption.conditions.io.sniff import IMAGE_FORMATS, sniff
from any2caption.conditions.kind import Limits, Notes
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Part
from any2caption.errors import InputError

Frame = NDArray[np.uint8]


def is_animated(part: Part, limits: Limits) -> bool:
    """Whether a file is a PNG or WebP of several frames; its header alone is read."""
    return (
        sniff(part.data) in IMAGE_FORMATS
        and image_header(part, limits.pixels or MAX_PIXELS).animated
    )


def decode_animated(part: Part, limits: Limits, notes: Notes) -> Clip:
    """Decode an animated PNG or WebP to its frames, alpha over white.

    Raises:
        InputError: too many frames or pixels, damaged; names the file.
    """
    name = sniff(part.data)
    image_header(part, limits.pixels or MAX_PIXELS)
    try:
        with PilImage.open(io.BytesIO(without_texts(part.data)), formats=[name.upper()]) as picture:
            # The still picture of a PNG, shown where animations are not known, is not a frame.
            first = int(getattr(picture, "default_image", False))
            total = int(getattr(picture, "n_frames", 1)) - first
            _check_amount(part, picture.size, total, limits)
            return _frames(picture, first, total, limits, notes)
    except DECODE_ERRORS as error:
        raise InputError(
            f"a damaged or truncated {name}", file=part.name, field="frames"
        ) from error


def _check_amount(part: Part, size: tuple[int, int], total: int, limits: Limits) -> None:
    if limits.frames and total > limits.frames:
        raise InputError(
            f"{total:,} frames; at most {limits.frames:,} are taken", file=part.name, field="frames"
        )
    pixels = total * size[0] * size[1]
    if limits.decoded_pixels and pixels > limits.decoded_pixels:
        raise InputError(
            f"{total:,} frames of {size[0]}×{size[1]} pixels are {pixels / 1e6:,.0f} megapixels to "
            f"decode; at most {limits.decoded_pixels / 1e6:,.0f} are taken",
            file=part.name,
            field="frames",
        )


def _frames(picture: Any, first: int, total: int, limits: Limits, notes: Notes) -> Clip:
    cap = kept_cap(picture.width * picture.height, limits)
    wanted = set(sample_frames(total, min(cap, total)).tolist())
    kept: list[Frame] = []
    milliseconds = 0.0
    for at in range(total):
        picture.seek(first + at)
        if at in wanted:
            kept.append(to_rgb(picture))
        milliseconds += float(picture.info.get("duration") or 0)
    if len(kept) < total:
        notes.assume(f"{total} frames thinned out evenly to {len(kept)}")
    if milliseconds <= 0:
        notes.assume(f"no frame rate in the file: {DEFAULT_FPS:g} frames/s assumed")
    rate = 1000 * total / milliseconds if milliseconds > 0 else DEFAULT_FPS
    return Clip(np.stack(kept), rate * len(kept) / total, total)
