"""A tracked person's points as smooth curves in body heights, with gaps filled and what was seen.

x to the right, y up, in standing body heights; with depth z comes towards the viewer. Points that
were seen too rarely are not there at all; short gaps are bridged by straight lines. Lengths come
from the 90th percentile of each limb over time, since a limb that points at the viewer looks short.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.curves import monotone_runs
from any2caption.conditions.pose.layouts import LAYOUTS
from any2caption.conditions.types import Pose

Floats = NDArray[np.float64]
SIDES = ("left", "right")
_MIN_SEEN = 0.4
_LONG = 90.0
USUAL_RATE = 25.0
_BLUR = 0.1
"""Seconds: longer smoothing would hide quick movements of long clips."""
# Limb → its usual share of the standing height, for when not all limbs are seen.
_SHARES: Mapping[tuple[str, str], float] = {
    ("nose", "neck"): 0.1,
    ("neck", "mid_hip"): 0.31,
    ("hip", "knee"): 0.235,
    ("knee", "ankle"): 0.225,
}


@dataclass(frozen=True, slots=True)
class Body:
    """One person from frame `first` to `last` of a clip of `frames` frames.

    `points`: n×2, with depth n×3, by name (`left_wrist`, `neck`, `mid_hip`, `nose` …). `seen`:
    share of frames in which a point was there, times its mean confidence. `rate`: frames a second,
    `USUAL_RATE` where nobody says. `height`: one body height in canvas heights.
    """

    points: Mapping[str, Floats]
    seen: Mapping[str, float]
    first: int
    last: int
    frames: int
    rate: float = USUAL_RATE
    height: float = 1.0

    @property
    def count(self) -> int:
        """Frames from first to last sighting."""
        return self.last - self.first + 1

    @property
    def solid(self) -> bool:
        """Whether the points have depth."""
        return all(places.shape[1] > 2 for places in self.points.values())  # noqa: PLR2004

    def flat(self) -> "Body":
        """The body as the picture shows it, without depth."""
        return replace(self, points={name: at[:, :2] for name, at in self.points.items()})

    def has(self, *names: str) -> bool:
        """Whether all these points are there."""
        return all(name in self.points for name in names)

    def sure(self, *names: str) -> float:
        """How well the least seen of these points was seen, 0…1."""
        return min((self.seen[name] for name in names), default=0.0)

    def x(self, name: str) -> Floats:
        """The point's x over time."""
        return self.points[name][:, 0]

    def y(self, name: str) -> Floats:
        """The point's height over time."""
        return self.points[name][:, 1]

    def bend(self, start: str, middle: str, end: str) -> Floats:
        """Degrees by which a joint is bent over time: 0 = straight."""
        one = self.points[middle] - self.points[start]
        two = self.points[end] - self.points[middle]
        cross = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
        return np.asarray(np.abs(np.degrees(np.arctan2(cross, (one * two).sum(axis=1)))))

    def at(self, frame: int) -> float:
        """A frame of this body as a fraction of the clip."""
        return (self.first + frame) / max(self.frames - 1, 1)


def bodies_of(pose: Pose) -> list[Body | None]:
    """Return each person's body in the pose's order; None where too little was seen."""
    return [_body(pose, who) for who in range(pose.keypoints.shape[1])]


def _body(pose: Pose, who: int) -> Body | None:
    raw = pose.keypoints[:, who].astype(np.float64)
    there = np.flatnonzero((raw[..., 2] > 0).any(axis=1))
    if not len(there):
        return None
    first, last = int(there[0]), int(there[-1])
    raw = raw[first : last + 1]
    raw[..., :2] *= (pose.aspect, -1.0)
    if pose.depth is not None:
        away = pose.depth[first : last + 1, who, :, None].astype(np.float64)
        raw = np.concatenate([raw[..., :2], -away, raw[..., 2:]], axis=2)
    rate = pose.fps or USUAL_RATE
    points: dict[str, Floats] = {}
    seen: dict[str, float] = {}
    for name, column in zip(LAYOUTS[pose.layout].points, raw.transpose(1, 0, 2), strict=True):
        share = float((column[:, -1] > 0).mean())
        if share >= _MIN_SEEN:
            own = _long_name(name)
            points[own] = _smooth(_bridged(column), rate)
            seen[own] = share * float(column[column[:, -1] > 0, -1].mean()) ** 0.5
    _add_middles(points, seen)
    height = _height(points)
    if height is None:
        return None
    scaled = {name: places / height for name, places in points.items()}
    return Body(scaled, seen, first, last, len(pose.keypoints), rate, height)


def _long_name(name: str) -> str:
    side = {"l_": "left_", "r_": "right_"}.get(name[:2])
    return side + name[2:] if side else name


def _bridged(column: Floats) -> Floats:
    """Fill missing frames by straight lines; before the first sighting the point rests.

    The last column is the confidence, and is left out.
    """
    known = np.flatnonzero(column[:, -1] > 0)
    every = np.arange(len(column))
    places = column[known, :-1].T
    return np.stack([np.interp(every, known, one) for one in places], axis=1)


def _smooth(places: Floats, rate: float) -> Floats:
    """Median of three against single wild readings, then a mean over a 40th of a long clip."""
    count = len(places)
    if count >= 5:  # noqa: PLR2004 - shorter ones have no frame to spare
        stacked = np.stack([places[:-2], places[1:-1], places[2:]])
        # Only what sticks out far: a median would cut the peaks of quick movements.
        middle = np.median(stacked, axis=0)
        typical = np.median(np.abs(np.diff(places, axis=0)), axis=0) + 1e-9
        wild = np.abs(places[1:-1] - middle) > 6 * typical
        places = places.copy()
        places[1:-1] = np.where(wild, middle, places[1:-1])
    reach = min(count // 80, max(1, round(_BLUR * rate / 2)))
    if reach:
        padded = np.pad(places, ((reach, reach), (0, 0)), mode="edge")
        width = 2 * reach + 1
        sums = np.cumsum(np.concatenate([np.zeros((1, places.shape[1])), padded]), axis=0)
        places = (sums[width:] - sums[:-width]) / width
    return places


def _add_middles(points: dict[str, Floats], seen: dict[str, float]) -> None:
    for name, pair in (("neck", "shoulder"), ("mid_hip", "hip"), ("nose", "ear"), ("nose", "eye")):
        sides = [f"{side}_{pair}" for side in SIDES]
        if name not in points and all(side in points for side in sides):
            points[name] = (points[sides[0]] + points[sides[1]]) / 2
            seen[name] = min(seen[side] for side in sides)
    if "nose" not in points and "head_top" in points:
        points["nose"], seen["nose"] = points["head_top"], seen["head_top"]


def _height(points: Mapping[str, Floats]) -> float | None:
    """Standing height in canvas units; None when no limb can be measured."""
    lengths: dict[tuple[str, str], float] = {}
    for start, end in _SHARES:
        found = [
            float(np.percentile(np.linalg.norm(points[a] - points[b], axis=1), _LONG))
            for a, b in _pairs(start, end)
            if a in points and b in points
        ]
        if found:
            lengths[start, end] = max(found)
    share = sum(_SHARES[limb] for limb in lengths)
    total = sum(lengths.values())
    return total / share if total > 1e-9 else None  # noqa: PLR2004 - all points in one place


def _pairs(start: str, end: str) -> list[tuple[str, str]]:
    if start in {"hip", "knee"}:
        return [(f"{side}_{start}", f"{side}_{end}") for side in SIDES]
    return [(start, end)]


@dataclass(frozen=True, slots=True)
class Swing:
    """A stretch from frame `start` to `end` over which a curve rises or falls by `change`."""

    start: int
    end: int
    change: float


def swings(values: Floats, threshold: float) -> list[Swing]:
    """Cut a curve at its turning points: stretches that change by at least `threshold`.

    A counter-move smaller than the threshold does not end a stretch.
    """
    return [_swing(values, start, end) for start, end in monotone_runs(values, threshold)]


def _swing(values: Floats, start: int, end: int) -> Swing:
    """Cut still ends off: from the first tenth of the change to the last."""
    change = float(values[end] - values[start])
    done = (values[start : end + 1] - values[start]) / change
    first = start + max(0, int(np.argmax(done > 0.1)) - 1)  # noqa: PLR2004
    last = max(start + int(np.argmax(done >= 0.9)), first + 1)  # noqa: PLR2004
    return Swing(first, min(last, end), change)


def span(found: Sequence[Swing]) -> tuple[int, int]:
    """First and last frame of several swings."""
    return min(one.start for one in found), max(one.end for one in found)
