"""A camera path as lines in space, which the page turns: where the camera is and where it looks."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Camera

REACH = 100.0
"""Half the drawing's width: nothing lies further from the middle, however it is turned."""
YAW, PITCH = 35, 25
_MOMENTS, _VIEWS = 60, 7
_EYE, _LENS = 22.0, 0.9
_FLOOR = 4
_START, _END = 215, 25
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """From `start` to `end` (x right, y down, z forward); `hue` is its moment; None: floor."""

    start: Point
    end: Point
    hue: int | None

    def ends(self, yaw: float = YAW, pitch: float = PITCH) -> tuple[float, ...]:
        """Return x1, y1, x2, y2 of the line seen from there, in degrees; the page does the same."""
        return (*flat(self.start, yaw, pitch), *flat(self.end, yaw, pitch))


def flat(point: Point, yaw: float, pitch: float) -> tuple[float, float]:
    """Return where a point is drawn, seen from `pitch` degrees above and turned by `yaw`."""
    x, y, z = point
    turn, tilt = radians(yaw), radians(pitch)
    depth = z * cos(turn) - x * sin(turn)
    return round(x * cos(turn) + z * sin(turn), 1), round(y * cos(tilt) - depth * sin(tilt), 1)


def lines(camera: Camera) -> list[Line]:
    """Return the path, pyramids that look where the camera looks, and a floor below them."""
    turns = camera.w2c[:, :, :3].transpose(0, 2, 1)
    centres = -np.einsum("tij,tj->ti", turns, camera.w2c[:, :, 3])
    low, high = centres.min(axis=0), centres.max(axis=0)
    half = float(np.linalg.norm(high - low)) / 2
    room = REACH - 2 * _EYE
    at = (centres - (low + high) / 2) * (room / half if half > 0 else 0.0)
    found = list(_floor(float(at[:, 1].max()) + _EYE))
    moments = sample_frames(len(at), min(_MOMENTS, len(at)))
    for before, after in pairwise(moments.tolist()):
        found.append(_line(at[before], at[after], _hue(after, len(at))))
    for index in sample_frames(len(at), min(_VIEWS, len(at))).tolist():
        across = float(camera.intrinsics[index, 0])
        wide = 0.5 / (across if np.isfinite(across) and across > 0 else _LENS)
        found += _eye(at[index], turns[index], wide, _hue(index, len(at)))
    return found


def _hue(index: int, count: int) -> int:
    return round(_START + (_END - _START) * index / max(count - 1, 1))


def _line(start: NDArray[np.float64], end: NDArray[np.float64], hue: int | None) -> Line:
    (a, b, c), (d, e, f) = (np.round(one, 1).tolist() for one in (start, end))
    return Line((a, b, c), (d, e, f), hue)


def _eye(
    at: NDArray[np.float64], turn: NDArray[np.float64], wide: float, hue: int
) -> Iterator[Line]:
    corners = [np.array([x * wide, y * wide, 1.0]) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    placed = [at + turn @ (one / np.linalg.norm(one)) * _EYE for one in corners]
    for one, other in zip(placed, [*placed[1:], placed[0]], strict=True):
        yield _line(at, one, hue)
        yield _line(one, other, hue)


def _floor(height: float) -> Iterator[Line]:
    side = REACH / 2**0.5 / 1.25
    for step in np.linspace(-side, side, _FLOOR + 1):
        yield _line(np.array([step, height, -side]), np.array([step, height, side]), None)
        yield _line(np.array([-side, height, step]), np.array([side, height, step]), None)
