"""Masks as they are written, and the canvas that they are painted on one by one.

A small file can claim any number of masks of large pictures. So none is decoded to a picture of its
own: runs and polygons are kept, what painting them costs is added up beforehand, and they are
painted onto one canvas, largest first, at the cost of their own pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from any2caption.conditions.io.left_out import LeftOut
from any2caption.conditions.io.untrusted_json import numbers
from any2caption.errors import InputError

MOST_WORK = 300_000_000
"""Pixels, runs and corners of all masks of a condition."""
_MOST_CORNERS = 20_000
_LEAST_CORNERS = 3
_NO_AREA = 1e-6


class TooMuchWorkError(InputError):
    """The masks of one file cost more than is painted."""


class Shape(Protocol):
    """One mask: its size in pixels, what painting it costs, and how it is painted."""

    @property
    def area(self) -> int:
        """Pixels of the object."""
        ...

    @property
    def work(self) -> int:
        """What painting costs, in pixels."""
        ...

    def paint(self, canvas: NDArray[np.uint16], ident: int) -> None:
        """Write `ident` into the object's pixels of a canvas W×H."""
        ...


@dataclass(slots=True)
class Work:
    """Adds up what the masks of one file cost."""

    file: str
    done: int = 0

    def add(self, shape: Shape, record: str, field: str) -> None:
        """Count one mask.

        Raises:
            TooMuchWorkError: the masks so far are more than is painted.
        """
        self.done += shape.work
        if self.done > MOST_WORK:
            raise TooMuchWorkError(
                f"the masks up to here have {self.done:,} pixels and runs; at most {MOST_WORK:,} "
                "are taken (give fewer objects or frames, or smaller pictures)",
                file=self.file,
                record=record,
                field=field,
            )


@dataclass(frozen=True, slots=True)
class Polygons:
    """Polygons of one object, drawn in the box around them: left, top, its size, its bits."""

    left: int
    top: int
    height: int
    width: int
    bits: NDArray[np.uint8]
    area: int
    work: int

    def paint(self, canvas: NDArray[np.uint16], ident: int) -> None:
        """Write `ident` into the object's pixels of a canvas W×H."""
        count = self.height * self.width
        inside = np.unpackbits(self.bits, count=count).reshape(self.height, self.width)
        place = canvas.T[self.top : self.top + self.height, self.left : self.left + self.width]
        place[inside.view(np.bool_)] = ident


def read_polygons(
    value: list[Any], size: tuple[int, int], file: str, record: str, left_over: int
) -> Polygons:
    """Return polygons [x, y, x, y, …], one or a list of them, on a picture of (height, width).

    `left_over` is what they may cost.

    A polygon without area beside others is left out.

    Raises:
        InputError: no numbers, fewer than three corners, too many, or no area.
        TooMuchWorkError: they cost more than `left_over`.
    """
    far = 4.0 * max(size)
    left_out = LeftOut("polygons")
    found: list[NDArray[np.float64]] = []
    for one in value if isinstance(value[0], list) else [value]:
        with left_out.entry():
            found.append(np.clip(_corners(one, file, record), -far, far))
    if not found:
        raise left_out.errors[0]
    edge = np.array([size[1], size[0]]) - 1
    every = np.concatenate(found)
    low = np.clip(np.floor(every.min(axis=0)) - 1, 0, edge).astype(int)
    high = np.clip(np.ceil(every.max(axis=0)) + 1, 0, edge).astype(int)
    width, height = (high - low + 1).tolist()
    # Pillow looks at every corner in every row.
    work = width * height + len(every) * height // 8
    if work > left_over:
        raise TooMuchWorkError(
            f"{len(every):,} corners on {width}×{height} pixels; at most {MOST_WORK:,} pixels and "
            "corners of all masks are taken",
            file=file,
            record=record,
            field="segmentation",
        )
    canvas = Image.new("L", (width, height))
    pen = ImageDraw.Draw(canvas)
    for polygon in found:
        pen.polygon((polygon - low).ravel().tolist(), fill=1)
    inside = np.asarray(canvas)
    area = int(np.count_nonzero(inside))
    left, top = low.tolist()
    return Polygons(left, top, height, width, np.packbits(inside), area, work)


def _corners(value: Any, file: str, record: str) -> NDArray[np.float64]:
    flat = numbers(value, file, record, "segmentation")
    if len(flat) < 2 * _LEAST_CORNERS or len(flat) % 2 or len(flat) > 2 * _MOST_CORNERS:
        raise InputError(
            f"a polygon of {len(flat):,} numbers; x and y of {_LEAST_CORNERS} to "
            f"{_MOST_CORNERS:,} corners are taken",
            file=file,
            record=record,
            field="segmentation",
        )
    corners = np.asarray(flat, np.float64).reshape(-1, 2)
    after = np.roll(corners, -1, axis=0)
    area = float((corners[:, 0] * after[:, 1] - corners[:, 1] * after[:, 0]).sum())
    if abs(area) <= _NO_AREA:
        raise InputError("a polygon without area", file=file, record=record, field="segmentation")
    return corners


def paint(
    shapes: Sequence[tuple[int, Shape]], size: tuple[int, int]
) -> tuple[NDArray[np.int32], bool]:
    """Paint (id, mask) pairs, the largest first: ids H×W, and whether any masks overlap."""
    canvas = np.zeros((size[1], size[0]), np.uint16)
    for ident, shape in sorted(shapes, key=lambda one: -one[1].area):
        shape.paint(canvas, ident)
    overlap = sum(shape.area for _, shape in shapes) > np.count_nonzero(canvas)
    return canvas.T.astype(np.int32, order="C"), bool(overlap)
