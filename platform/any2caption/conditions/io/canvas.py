"""From the pixels of a file to fractions of a canvas: one set of stated rules for points.

In this order: options `width` and `height`; points that already are fractions; the canvas that the
file states; else a square around all points (shapes are kept).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.kind import Notes, Options
from any2caption.errors import InputError

MARGIN = 0.1
NORMALISED = 2.0
Floats = NDArray[np.float64]
Size = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Canvas:
    """Fraction = (pixel − origin) / size; `aspect` = width / height, 1 when nobody knows."""

    origin: Floats
    size: Floats
    aspect: float = 1.0

    def apply(self, points: Floats) -> Floats:
        """Return points …×2 as fractions."""
        return (points - self.origin) / self.size


def _of(size: Size) -> Canvas:
    return Canvas(np.zeros(2), np.array(size), size[0] / size[1])


def stated_size(options: Options, file: str) -> Size | None:
    """Return (width, height) of the options.

    Raises:
        InputError: only one of the two is given.
    """
    given = [name for name in ("width", "height") if name in options]
    if len(given) == 1:
        missing = "height" if given == ["width"] else "width"
        raise InputError(f"needed beside {given[0]}", file=file, field=missing)
    return (float(options["width"]), float(options["height"])) if given else None


def canvases(
    points: Floats,
    own: Sequence[Size | None],
    options: Options,
    file: str,
    notes: Notes,
) -> list[Canvas]:
    """Return one canvas a frame for all present points N×2; `own` = what the file states a frame.

    Raises:
        InputError: only one of the options width and height is given.
    """
    stated = stated_size(options, file)
    if bool(np.abs(points).max() <= NORMALISED) and not (stated and min(stated) <= NORMALISED):
        if stated:
            notes.warn("points are already fractions: width and height only give the shape")
        else:
            notes.assume("points lie within 0…1: read as fractions of the picture")
        shapes = [stated or size or (1.0, 1.0) for size in own]
        return [Canvas(np.zeros(2), np.ones(2), width / height) for width, height in shapes]
    if stated:
        return [_of(stated)] * len(own)
    known = [size for size in own if size]
    if len(known) == len(own):
        if len(set(known)) > 1:
            notes.warn("frames have canvases of different sizes: each is scaled by its own")
        return [_of(size) for size in known]
    return [square(points, notes)] * len(own)


def square(points: Floats, notes: Notes | None = None) -> Canvas:
    """Canvas when none is stated: the square around all points N×2 plus a margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    side = max(float((high - low).max()), 1e-6) * (1 + 2 * MARGIN)
    if notes is not None:
        notes.assume(
            f"no canvas stated: the square around all points plus {MARGIN:.0%} is used "
            "(options width and height)"
        )
    return Canvas((low + high - side) / 2, np.array([side, side]))
