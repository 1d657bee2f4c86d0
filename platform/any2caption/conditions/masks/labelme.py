"""Shapes of LabelMe's menu as boxes, polygons and points.

Source: https://github.com/wkentaro/labelme, `labelme/shape.py` and `labelme/label_file.py`.
"""

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from any2caption.conditions.io.images import load_image
from any2caption.conditions.io.untrusted_json import pairs, shown
from any2caption.conditions.types import Part
from any2caption.errors import InputError

_CORNERS = 32
_LINES = ("line", "linestrip")
_CLOSED = ("polygon", "oriented_rectangle")
_ACCEPTED = "polygon, rectangle, oriented_rectangle, circle, mask, point, points"
Found = list[tuple[Literal["box", "polygon", "point"], Any]]


def read_labelme(entry: Mapping[str, Any], file: str, record: str) -> Found:
    """Return the (shape, points in pixels) of one shape; a circle is a polygon, a mask its box.

    Raises:
        InputError: a shape without area, an unknown one, or another number of points.
    """
    kind = entry.get("shape_type", "polygon")  # the first versions wrote polygons alone
    points = pairs(entry.get("points"), file, record, "points")
    count = len(points)
    if kind in _LINES:
        raise InputError(f"a {kind} has no area", file=file, record=record, field="shape_type")
    if kind in _CLOSED and count > 2:  # noqa: PLR2004
        return [("polygon", points)]
    if kind == "rectangle" and count in {2, 4}:
        return [("box", _around(points))]
    if kind == "circle" and count == 2:  # noqa: PLR2004 - the centre and a point of the edge
        return [("polygon", _circle(*points))]
    if kind == "mask" and count == 2:  # noqa: PLR2004 - the corners of its box
        return [("box", _mask_box(entry.get("mask"), points[0], file, record))]
    if kind in {"point", "points"}:
        return [("point", one) for one in points]
    raise InputError(
        f"{shown(kind)} of {count} points; accepted: {_ACCEPTED}",
        file=file,
        record=record,
        field="shape_type",
    )


def _around(points: list[list[float]]) -> list[float]:
    return [*np.min(points, 0).tolist(), *np.max(points, 0).tolist()]


def _circle(centre: list[float], edge: list[float]) -> list[list[float]]:
    radius = math.dist(centre, edge)
    turns = np.arange(_CORNERS) * (2 * math.pi / _CORNERS)
    x, y = centre[0] + radius * np.cos(turns), centre[1] + radius * np.sin(turns)
    corners: list[list[float]] = np.stack([x, y], axis=1).tolist()
    return corners


def _mask_box(mask: Any, corner: list[float], file: str, record: str) -> list[float]:
    """The box around the pixels of a PNG (base64) whose left top lies at `corner`."""
    try:
        data = base64.b64decode(mask, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise InputError("no PNG as base64", file=file, record=record, field="mask") from error
    try:
        pixels = np.asarray(load_image(Part(file, data)).convert("L"))
    except InputError as error:
        raise InputError(error.reason, file=file, record=record, field="mask") from error
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        raise InputError("an empty mask", file=file, record=record, field="mask")
    left, top = math.floor(corner[0]), math.floor(corner[1])
    return [
        float(left + columns[0]),
        float(top + rows[0]),
        float(left + columns[-1] + 1),
        float(top + rows[-1] + 1),
    ]
