"""A body in space: its own directions, paths and angles over time, whatever the view.

Of points with depth (motion capture, 3-D pose estimates) all lengths and angles are true, so that
a rule sees a bow from the front as well as from the side. Units are standing body heights, seconds
and degrees; "ahead", "left" and "up" are the person's own, by the line of the hips.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.body.curves import Body, Floats

NEEDED = tuple(
    f"{side}_{name}"
    for side in ("left", "right")
    for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)
_UP = np.array([0.0, 1.0, 0.0])
AHEAD, LEFT, UP = range(3)
_STEADY_HEADING = 0.3
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figure:
    """A body with depth. `axes`: n×3×3, the person's ahead, left and up as rows."""

    body: Body
    axes: Floats

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.body.rate

    def frames(self, seconds: float) -> int:
        """A time in frames, at least one."""
        return max(1, round(seconds * self.rate))

    def own(self, point: str, origin: str) -> Floats:
        """A point as seen from another, n×3 = (ahead, left, up)."""
        gap = self.body.points[point] - self.body.points[origin]
        return np.asarray(np.einsum("tij,tj->ti", self.axes, gap))

    def height(self, point: str) -> Floats:
        """Height above the ground, which is where the feet are at their lowest."""
        return self.body.y(point) - self.ground

    @property
    def ground(self) -> float:
        """The ground's height: the lowest twentieth of the lower foot's."""
        return float(np.percentile(self.lowest(), 5))

    def lowest(self) -> Floats:
        """Height of the lowest point of both feet over time."""
        names = [f"{side}_{name}" for side in ("left", "right") for name in ("ankle", "big_toe")]
        return np.asarray(
            np.min([self.body.y(name) for name in names if self.body.has(name)], axis=0)
        )

    def bend(self, start: str, middle: str, end: str) -> Floats:
        """Degrees by which a joint is bent: 0 = straight."""
        one = self.body.points[middle] - self.body.points[start]
        two = self.body.points[end] - self.body.points[middle]
        across = np.linalg.norm(np.cross(one, two), axis=1)
        return np.asarray(np.degrees(np.arctan2(across, (one * two).sum(axis=1))))

    def pace(self, point: str, origin: str | None = None) -> Floats:
        """Speed of a point, or of its way as seen from another, in heights a second."""
        way = self.body.points[point] if origin is None else self.own(point, origin)
        if len(way) < 2:  # noqa: PLR2004 - one frame has no speed
            return np.zeros(len(way))
        return np.asarray(np.linalg.norm(np.gradient(way, axis=0), axis=1) * self.rate)

    def travel(self, seconds: float) -> Floats:
        """Level velocity n×3 of the hips, over windows of this length around each frame."""
        half = self.frames(seconds / 2)
        hips = self.body.points["mid_hip"] * (1.0, 0.0, 1.0)
        every = np.arange(len(hips))
        low, high = np.maximum(every - half, 0), np.minimum(every + half, len(hips) - 1)
        spent = np.maximum(high - low, 1)[:, None] / self.rate
        return np.asarray((hips[high] - hips[low]) / spent)

    def lean(self) -> tuple[Floats, Floats]:
        """Degrees by which the trunk leans ahead, and to the person's left."""
        trunk = self.own("neck", "mid_hip")
        up = trunk[:, UP]
        ahead, left = (np.degrees(np.arctan2(trunk[:, one], up)) for one in (AHEAD, LEFT))
        return ahead, left

    def heading(self) -> Floats:
        """Degrees turned to the left since the first frame."""
        ahead, left = self.axes[:, AHEAD], self.axes[:, LEFT]
        steps = np.arctan2(
            (ahead[1:] * left[:-1]).sum(axis=1), (ahead[1:] * ahead[:-1]).sum(axis=1)
        )
        return np.asarray(np.degrees(np.concatenate([[0.0], np.cumsum(steps)])))


def figure_of(body: Body) -> Figure | None:
    """Return the body in space; None without depth or when limbs are missing."""
    if not body.solid or not body.has(*NEEDED, "neck", "mid_hip"):
        return None
    across = body.points["left_hip"] - body.points["right_hip"]
    if float(np.median(np.linalg.norm(across, axis=1))) < 0.03:  # noqa: PLR2004 - both in one joint
        across = body.points["left_shoulder"] - body.points["right_shoulder"]
    across = averaged(across * (1.0, 0.0, 1.0), max(1, round(_STEADY_HEADING * body.rate)))
    length = np.linalg.norm(across, axis=1, keepdims=True)
    # Lying on the side, the hips' line points up: the last direction is kept.
    told = length[:, 0] > 0.02  # noqa: PLR2004
    if not told.any():
        return None
    last = np.maximum.accumulate(np.where(told, np.arange(len(told)), int(np.argmax(told))))
    left = (across / np.maximum(length, 1e-9))[last]
    ahead = np.cross(left, _UP)
    up = np.tile(_UP, (len(left), 1))
    return Figure(body, np.stack([ahead, left, up], axis=1))


def averaged(values: Floats, frames: int) -> Floats:
    """Running mean over about this many frames along the first axis, ends held."""
    reach = frames // 2
    if not reach or not len(values):
        return values
    flat = values.reshape(len(values), -1)
    padded = np.pad(flat, ((reach, reach), (0, 0)), mode="edge")
    sums = np.cumsum(np.concatenate([np.zeros((1, flat.shape[1])), padded]), axis=0)
    width = 2 * reach + 1
    return np.asarray((sums[width:] - sums[:-width]) / width).reshape(values.shape)


def stretches(flags: Flags, least: int, gap: int = 0) -> Iterator[tuple[int, int]]:
    """Yield first and last frame where a flag holds for `least` frames; short gaps are bridged."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    joined: list[list[int]] = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if joined and start - joined[-1][1] - 1 <= gap:
            joined[-1][1] = stop - 1
        else:
            joined.append([start, stop - 1])
    yield from ((start, end) for start, end in joined if end - start + 1 >= least)
