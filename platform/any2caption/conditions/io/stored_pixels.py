"""Pictures as they are stored: raw values of palette, grey, 16-bit and colour files, in order.

For kinds whose values mean something (ids, normals), where a conversion to 8-bit RGB would lose it.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from any2caption.conditions.io.files import natural_key
from any2caption.conditions.io.images import MAX_PIXELS, image_header, load_image
from any2caption.conditions.io.sniff import IMAGE_FORMATS, VIDEO_FORMATS, sniff
from any2caption.conditions.kind import Limits, Notes
from any2caption.conditions.types import Part
from any2caption.errors import InputError

_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_DEEP = 16
_HALF = 128
_EDGE_WIDTH = 4
"""Pixels from black and from white within which an edge of a resized mask lies."""
_THIN_SIDE = 320
_MOST_EDGE = 0.3
_STRAY = 0.05
"""Share of the edge's pixels that may lie elsewhere: corners, single pixels."""


def one_source(parts: Sequence[Part], what: str, accepted: Sequence[str]) -> tuple[str, list[Part]]:
    """Return the files' one format and the files in natural order.

    Raises:
        InputError: a format that is not accepted, mixed formats, or several clips.
    """
    ordered = sorted(parts, key=lambda part: natural_key(part.name))
    names = [sniff(part.data) for part in ordered]
    for part, name in zip(ordered, names, strict=True):
        if name not in accepted:
            raise InputError(
                f"not a {what}: this is {name}; accepted: {', '.join(accepted)}",
                file=part.name,
                field="format",
            )
        if name != names[0]:
            raise InputError(
                f"{name}, but {ordered[0].name} is {names[0]}; one condition has one format",
                file=part.name,
                field="format",
            )
    if names[0] in VIDEO_FORMATS and len(parts) > 1:
        raise InputError("one condition takes one clip", file=ordered[1].name, field="format")
    return names[0], ordered


def stored_values(part: Part, limits: Limits, notes: Notes) -> tuple[str, NDArray[np.int32]]:
    """Return ("palette" | "grey" | "deep" | "colour", values int32 H×W or H×W×3), upright.

    Palette pictures keep their index, 16-bit grey its values. A colour picture of three equal
    channels is grey. Pixels that are at least half transparent become 0.
    """
    picture = load_image(part, limits.pixels or MAX_PIXELS)
    if picture.mode == "P":
        return "palette", np.asarray(picture, dtype=np.int32)
    if picture.mode in _SIXTEEN_BIT:
        return "deep", np.asarray(picture).astype(np.int32)
    if picture.mode == "CMYK":
        raise InputError("a CMYK picture is a photo", file=part.name, field="colour")
    if picture.mode in ("1", "L"):
        return "grey", np.asarray(picture.convert("L"), dtype=np.int32)
    rgba = np.asarray(picture.convert("RGBA"))
    values = rgba[:, :, :3].astype(np.int32)
    clear = rgba[:, :, 3] < _HALF
    if clear.any():
        notes.assume("transparent pixels are read as empty")
        values[clear] = 0
    if (values[:, :, 0] == values[:, :, 1]).all() and (values[:, :, 1] == values[:, :, 2]).all():
        return "grey", values[:, :, 0]
    return "colour", values


def deep_colour(part: Part, limits: Limits) -> NDArray[np.uint16] | None:
    """Return a 16-bit colour PNG's values uint16 H×W×3, upright; None when it is no such picture.

    Pillow reads these with 8 bits, so FFmpeg's PNG decoder is used.
    """
    header = image_header(part, limits.pixels or MAX_PIXELS)
    if header.bits != _DEEP or header.channels < 3:  # noqa: PLR2004
        return None
    import av

    try:
        with av.open(io.BytesIO(part.data), mode="r", format="png_pipe") as container:
            frame = next(container.decode(video=0))
            values: NDArray[np.uint16] = frame.reformat(format="rgb48le").to_ndarray()
    except (av.FFmpegError, ValueError, MemoryError, StopIteration, IndexError) as error:
        raise InputError("a damaged or truncated PNG", file=part.name, field="pixels") from error
    return header.turn.apply(values.astype(np.uint16))


def distinct(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the sorted distinct values.

    `np.unique` of NumPy 2.4 took 20 s on the packed colours of one photo; sorting takes 0.1 s.
    """
    ordered = np.sort(values, axis=None)
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def is_two_valued(grey: NDArray[np.uint8] | NDArray[np.int32]) -> bool:
    """Whether grey pictures …×H×W of 0…255 are masks of black and white.

    Only 0 and 255; or many values of which nine in ten pixels are next to black or white
    (antialiased or lossy); or others that fill no area and lie between black and white alone, as
    smooth resizing leaves them. Other values are ids.
    """
    histogram = np.bincount(grey.ravel(), minlength=256)
    used = np.flatnonzero(histogram)
    if set(used.tolist()) <= {0, 255}:
        return True
    ends = histogram[:9].sum() + histogram[247:].sum()
    if len(used) > 16 and histogram[247:].any() and ends > 0.9 * histogram.sum():  # noqa: PLR2004
        return True
    frames = grey.reshape(-1, *grey.shape[-2:])
    return bool(histogram[0] and histogram[255]) and all(map(_is_resized, frames))


def _is_resized(grey: NDArray[Any]) -> bool:
    """Whether all that is neither black nor white is an edge between the two.

    An edge is thin (no square of it holds one value) and near both of its sides.
    """
    edge = (grey != 0) & (grey != 255)  # noqa: PLR2004
    count = np.count_nonzero(edge)
    if count > _MOST_EDGE * grey.size or (edge & _filled(grey)).sum() > _STRAY * count:
        return False
    between = _reach(grey == 0) & _reach(grey == 255)  # noqa: PLR2004
    return bool((edge & ~between).sum() <= _STRAY * count)


def _filled(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a pixel of H×W is in a square of four that hold one value."""
    found = np.zeros(values.shape, np.bool_)
    if min(values.shape) < 2:  # noqa: PLR2004
        return found
    corner = values[:-1, :-1]
    same = (corner == values[1:, :-1]) & (corner == values[:-1, 1:]) & (corner == values[1:, 1:])
    found[:-1, :-1] |= same
    found[1:, :-1] |= same
    found[:-1, 1:] |= same
    found[1:, 1:] |= same
    return found


def without_edges(ids: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
    """Give the smooth edges of resized id pictures T×H×W to the objects beside them.

    Values that fill no area are edges where there are more of them than of those that do. Returns
    the ids and how many values were edges (0: nothing was changed).
    """
    every = distinct(np.concatenate([distinct(frame) for frame in ids]))
    total, within = np.zeros(len(every)), np.zeros(len(every))
    for frame in ids:
        places = np.searchsorted(every, frame)
        total += np.bincount(places.ravel(), minlength=len(every))
        within += np.bincount(places[_filled(frame)], minlength=len(every))
    solid = every[within * 2 >= total]
    thin = len(every) - len(solid)
    if len(solid) < 2 or thin <= max(len(solid), 2):  # noqa: PLR2004
        return ids, 0
    edges = ~np.isin(ids, solid)
    if edges.mean() > _MOST_EDGE:
        return ids, 0
    from scipy.ndimage import distance_transform_edt

    out = ids.copy()
    for frame, edge in zip(out, edges, strict=True):
        if edge.any() and not edge.all():
            rows, columns = distance_transform_edt(
                edge, return_distances=False, return_indices=True
            )
            frame[:] = frame[rows, columns]
    return out, thin


def _reach(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Grow by the width of an edge to all sides."""
    picture = Image.fromarray(where.astype(np.uint8) * 255)
    grown = np.asarray(picture.filter(ImageFilter.MaxFilter(2 * _EDGE_WIDTH + 1)))
    return grown.astype(np.bool_)


def is_thin(white: NDArray[np.bool_]) -> bool:
    """Whether the smaller part of a black and white picture is lines: little survives thinning."""
    drawn = white if white.mean() <= 0.5 else ~white  # noqa: PLR2004
    step = -(-max(drawn.shape) // _THIN_SIDE)
    drawn = drawn[::step, ::step]  # the filter takes time for the square of its size
    size = max(3, round(max(drawn.shape) * 0.03) | 1)
    picture = Image.fromarray(drawn.astype(np.uint8) * 255)
    kept = np.asarray(picture.filter(ImageFilter.MinFilter(size)))
    return bool(kept.astype(bool).sum() < 0.15 * drawn.sum())


__all__ = [
    "IMAGE_FORMATS",
    "VIDEO_FORMATS",
    "deep_colour",
    "distinct",
    "is_thin",
    "is_two_valued",
    "one_source",
    "stored_values",
    "without_edges",
]
