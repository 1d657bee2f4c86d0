"""Name a camera path's movements by geometry: pan, tilt, roll, dolly, truck, pedestal, orbit, zoom.

The path is cut into steps in the camera's own frame (a turn, a move and a focal change between
neighbouring frames); their running sums are seven curves. A movement is a stretch on which a curve
keeps rising or falling (small counter-moves are forgiven), large enough in absolute terms and
beside the clip's largest one. Turns, moves and zooms are compared by how far they shift the
picture: radians for turns, distance over an assumed scene distance for moves. A sideways move whose
opposite turn keeps a point ahead fixed is an orbit. A path without any movement is static.

Words: a *pan* and a *tilt* are turns, a *truck* and a *pedestal* are sideways and vertical moves, a
*zoom* changes the focal length, *clockwise* is the camera's own roll seen from behind it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.types import Camera

Floats = NDArray[np.float64]
MovementType = Literal[
    "static", "pan", "tilt", "roll", "dolly", "truck", "pedestal", "orbit", "zoom"
]

SCENE_DISTANCE = 2.0
"""Distance of the scene in the path's own unit; RealEstate10K paths are scaled to about this."""
RELATIVE = 0.22
"""A movement shifts the picture at least this much of what the clip's largest movement does."""
FLOOR = 0.03
"""A movement shifts the picture at least this much (radians, or its like)."""
_ZOOM_WEIGHT = 0.5
_TRIM = 0.05
_ORBIT_MIN_DEGREES = 10.0
_ORBIT_MISFIT = 0.35
_ORBIT_OVERLAP = 0.6

# Curve → its name and the words for falling and rising; moves, then turns, then the focal length.
_CURVES: tuple[tuple[MovementType, str, str], ...] = (
    ("truck", "left", "right"),
    ("pedestal", "up", "down"),
    ("dolly", "out", "in"),
    ("tilt", "down", "up"),
    ("pan", "left", "right"),
    ("roll", "anticlockwise", "clockwise"),
    ("zoom", "out", "in"),
)
_TURNS = (3, 4, 5)
_ZOOM = 6
# Move curve, the turn curve of the orbit, and the sign in "move = sign × radius × turn".
_ORBITS = ((0, 4, -1.0), (1, 3, 1.0))


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement between two frames (inclusive, 0-based).

    `amount` ≥ 0 in `unit`: degrees for turns and orbits, the path's own length unit for moves, the
    factor of the focal length for zooms. `speed` is `amount` a frame (zoom: its logarithm).
    """

    type: MovementType
    direction: str
    start: int
    end: int
    amount: float
    unit: Literal["degrees", "units", "factor", ""]
    speed: float

    @property
    def key(self) -> str:
        """Type and direction as one word, for example `pan_left`; `static` alone."""
        return f"{self.type}_{self.direction}" if self.direction else self.type


@dataclass(frozen=True, slots=True)
class _Run:
    curve: int
    start: int
    end: int
    change: float
    weight: float


def movements(camera: Camera, *, scene_distance: float = SCENE_DISTANCE) -> list[Movement]:
    """Return the path's movements in order of time, the larger one first among simultaneous ones.

    A path without any is one `static` movement over the whole clip.
    """
    curves = motion_curves(camera)
    weights = np.array([1 / scene_distance] * 3 + [1.0] * 3 + [_ZOOM_WEIGHT])
    shift = curves * weights
    largest = float(np.ptp(shift, axis=0).max())
    threshold = max(FLOOR, RELATIVE * largest)
    runs = _runs(range(len(_CURVES)), shift, curves, threshold)
    turns = _runs(_TURNS, shift, curves, min(threshold, np.radians(_ORBIT_MIN_DEGREES)))
    found = _join_orbits(runs, turns, curves)
    if not found:
        return [Movement("static", "", 0, len(curves) - 1, 0.0, "", 0.0)]
    return [movement for movement, _ in sorted(found, key=lambda one: (one[0].start, -one[1]))]


def _runs(which: Iterable[int], shift: Floats, curves: Floats, threshold: float) -> list[_Run]:
    return [
        _trim(curve, shift[:, curve], curves[:, curve], start, end)
        for curve in which
        for start, end in monotone_runs(shift[:, curve], threshold)
    ]


def motion_curves(camera: Camera) -> Floats:
    """Running sums T×7 of the steps in the camera's own frame.

    Moves along x, y, z in the path's unit, turns about x, y, z in radians, logarithm of the focal
    length; all start at zero.
    """
    from scipy.spatial.transform import Rotation

    rotations, translations = camera.w2c[:, :, :3], camera.w2c[:, :, 3]
    curves = np.zeros((len(rotations), len(_CURVES)))
    if len(rotations) > 1:
        step = rotations[:-1] @ rotations[1:].transpose(0, 2, 1)
        centres = -np.einsum("tji,tj->ti", rotations, translations)
        turns = Rotation.from_matrix(step).as_rotvec()
        middle = Rotation.from_rotvec(-turns / 2).as_matrix() @ rotations[:-1]
        curves[1:, :3] = np.cumsum(np.einsum("tij,tj->ti", middle, np.diff(centres, axis=0)), 0)
        curves[1:, 3:6] = np.cumsum(turns, axis=0)
    focal = np.log(camera.intrinsics[:, 0])
    curves[:, _ZOOM] = np.nan_to_num(focal - focal[0])
    return curves


def monotone_runs(values: Floats, threshold: float) -> list[tuple[int, int]]:
    """Cut a curve at its turning points: (start, end) of stretches that change by `threshold`.

    A counter-move smaller than `threshold` does not end a stretch.
    """
    points: list[int] = []
    low = high = extreme = direction = 0
    for at, value in enumerate(values):
        if direction == 0:
            low = at if value < values[low] else low
            high = at if value > values[high] else high
            if values[high] - values[low] >= threshold:
                direction, extreme = (1, high) if high > low else (-1, low)
                points = [low if direction > 0 else high]
        elif direction * (value - values[extreme]) > 0:
            extreme = at
        elif direction * (values[extreme] - value) >= threshold:
            points.append(extreme)
            direction, extreme = -direction, at
    return list(pairwise([*points, extreme])) if points else []


def _trim(curve: int, shift: Floats, values: Floats, start: int, end: int) -> _Run:
    """Cut still ends off: the movement lasts from its first 5 % to its first 95 %."""
    change = shift[end] - shift[start]
    done = (shift[start : end + 1] - shift[start]) / change
    first = start + max(0, int(np.argmax(done > _TRIM)) - 1)
    last = start + int(np.argmax(done >= 1 - _TRIM))
    last = max(last, first + 1)
    total = float(values[end] - values[start])
    return _Run(curve, first, last, total, abs(float(change)))


def _join_orbits(
    runs: list[_Run], turns: list[_Run], curves: Floats
) -> list[tuple[Movement, float]]:
    """Turn runs to movements; a move and its turn around a fixed point become one orbit.

    `turns` are candidates for an orbit's turn; beside the long way around a far point it is small.
    """
    left = list(runs)
    found: list[tuple[Movement, float]] = []
    for move_curve, turn_curve, sign in _ORBITS:
        candidates = [run for run in turns if run.curve == turn_curve]
        for move in [run for run in left if run.curve == move_curve]:
            turn = next((run for run in candidates if _is_orbit(move, run, sign, curves)), None)
            if turn is None:
                continue
            left = [run for run in left if run is not move and not _same(run, turn)]
            start, end = min(move.start, turn.start), max(move.end, turn.end)
            degrees = abs(float(np.degrees(turn.change)))
            direction = _CURVES[move_curve][1 if move.change < 0 else 2]
            orbit = Movement(
                "orbit", direction, start, end, degrees, "degrees", degrees / (end - start)
            )
            found.append((orbit, move.weight + turn.weight))
    return found + [(_movement(run), run.weight) for run in left]


def _same(one: _Run, other: _Run) -> bool:
    return one.curve == other.curve and one.start < other.end and other.start < one.end


def _is_orbit(move: _Run, turn: _Run, sign: float, curves: Floats) -> bool:
    """Whether move = sign × radius × turn holds with one radius above zero, all the time."""
    start, end = max(move.start, turn.start), min(move.end, turn.end)
    longest = max(move.end - move.start, turn.end - turn.start)
    if end - start < _ORBIT_OVERLAP * longest:
        return False
    if abs(np.degrees(turn.change)) < _ORBIT_MIN_DEGREES or move.change * turn.change * sign <= 0:
        return False
    moved = curves[start : end + 1, move.curve] - curves[start, move.curve]
    turned = sign * (curves[start : end + 1, turn.curve] - curves[start, turn.curve])
    radius = float(moved @ turned) / max(float(turned @ turned), 1e-12)
    misfit = float(np.abs(moved - radius * turned).max())
    return radius > 0 and misfit <= _ORBIT_MISFIT * abs(float(moved[-1]))


def _movement(run: _Run) -> Movement:
    kind, falling, rising = _CURVES[run.curve]
    direction = rising if run.change > 0 else falling
    steps = run.end - run.start
    size = abs(run.change)
    if run.curve == _ZOOM:
        factor = float(np.exp(run.change))
        return Movement(kind, direction, run.start, run.end, factor, "factor", size / steps)
    if run.curve in _TURNS:
        size = float(np.degrees(size))
        return Movement(kind, direction, run.start, run.end, size, "degrees", size / steps)
    return Movement(kind, direction, run.start, run.end, size, "units", size / steps)
