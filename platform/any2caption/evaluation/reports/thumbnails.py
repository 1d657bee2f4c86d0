"""Small pictures of conditions for the report, as data URIs: nothing is loaded from elsewhere."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from any2caption.conditions.inspect.seen import seen
from any2caption.conditions.types import Camera, Condition

_SIDE = 72
_STRIP = 4


def picture_of(condition: Condition) -> str:
    """Return an `<img>` or `<svg>` element for a condition; "" for text."""
    if isinstance(condition.payload, Camera):
        return _path(condition.payload.w2c)
    frames = seen(condition.payload, _STRIP)
    return "" if frames is None else _strip(frames)


def _strip(frames: NDArray[np.uint8]) -> str:
    tiles = [Pictures.fromarray(frame).resize((_SIDE, _SIDE)) for frame in frames]
    sheet = Pictures.new("RGB", (_SIDE * len(tiles), _SIDE))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number * _SIDE, 0))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="" height="{_SIDE}" src="data:image/png;base64,{data}">'


def _path(w2c: NDArray[np.float64]) -> str:
    """Draw the path from above (x right, z up) with a tick for the direction of each camera."""
    rotation, translation = w2c[:, :, :3], w2c[:, :, 3]
    centres = -np.einsum("tji,tj->ti", rotation, translation)
    ahead = rotation[:, 2, :]
    spots, looks = centres[:, [0, 2]], ahead[:, [0, 2]]
    extent = max(float(np.ptp(spots, axis=0).max()), 1e-6)
    reach = 0.35 * extent
    ends = spots + reach * looks
    low = np.minimum(spots.min(axis=0), ends.min(axis=0))
    size = max(float(np.ptp(np.concatenate([spots, ends]), axis=0).max()), 1e-6)

    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        unit = (points - low) / size
        return np.column_stack([6 + 60 * unit[:, 0], 66 - 60 * unit[:, 1]])

    here, there = place(spots), place(ends)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in here)
    picks = np.linspace(0, len(here) - 1, min(6, len(here))).round().astype(int)
    ticks = "".join(
        f'<line x1="{here[i, 0]:.1f}" y1="{here[i, 1]:.1f}" x2="{there[i, 0]:.1f}" '
        f'y2="{there[i, 1]:.1f}"/>'
        for i in picks
    )
    return (
        f'<svg class="path" width="{_SIDE}" height="{_SIDE}" viewBox="0 0 72 72">{ticks}'
        f'<polyline points="{line}"/><circle cx="{here[0, 0]:.1f}" cy="{here[0, 1]:.1f}" r="3"/>'
        "</svg>"
    )
