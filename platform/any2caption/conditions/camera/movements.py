"""Name a camera path's movements by geometry: pan, tilt, roll, dolly, truck, pedestal, orbit, zoom.

The path becomes seven curves (`motion_curves`): moves, turns and the focal length, summed up in the
camera's own frame. A movement is a stretch on which a curve keeps rising or falling (shaking and
small counter-moves are forgiven), large enough in absolute terms and beside the largest one of that
time. Turns, moves and zooms are compared by how far they shift the picture: radians for turns,
distance over the scene's distance for moves. Few paths tell how far the scene is; else moves are
held to the path's own largest one, and words stay the same at any scale. A sideways move whose
opposite turn keeps a point ahead in view, at about the same distance, is an orbit. Long stretches
without any movement are static, and so is a path without.

Words: a *pan* and a *tilt* are turns, a *truck* and a *pedestal* are sideways and vertical moves, a
*zoom* changes the focal length, *clockwise* is the camera's own roll seen from behind it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from any2caption.conditions.camera.motion_curves import MOVES, TURNS, ZOOM, Floats, motion_curves
from any2caption.conditions.curves import monotone_runs, steady, trimmed, without_pauses
from any2caption.conditions.types import Camera

MovementType = Literal[
    "static", "pan", "tilt", "roll", "dolly", "truck", "pedestal", "orbit", "zoom"
]
Direction = Literal["left", "right", "up", "down", "in", "out", "clockwise", "counterclockwise"]

RELATIVE = 0.22
"""A movement shifts the picture at least this much of what the largest one of its time does."""
ALONE = 0.06
"""A movement in a time of its own: at least this much of the clip's largest one."""
PLAIN_TURN = 10.0
"""A turn of so many degrees counts beside any move (not beside turns); orbits need it too."""
STEADY_PAN = 5.0
"""So does a smaller pan that goes one way all the time (a small tilt often only levels a rise)."""
FLOOR = 0.03
"""A movement shifts the picture at least this much (radians, or its like)."""
STILL = 0.2
"""A time without movement is named static from this part of the clip on."""
_PAUSE = 0.15
_SHAKE = 0.1
_SHAKES = 4
_STROKE = 0.3
_TRAVEL = 15.0
"""A travel is so many times as long as the camera shakes (standard deviation)."""
_RESIDUE = 1e-9
"""What arithmetic and printed digits leave of a camera that stays where it is."""
_RESTLESS = 5.0
"""What covers its own extent so many times goes nowhere: rounding, or a hand."""
_ZOOM_WEIGHT = 0.5
_SHORT = 8
_TINY = 0.003
_STEADY = 12
_STEADILY = 0.95
_ONE_SIDED = 0.9
_ORBIT_MISFIT = 0.35
_ORBIT_OVERLAP = 0.6
_SAME_DISTANCE = 0.35
_FACING = np.cos(np.radians(20.0))

# Curve → its name and the words for falling and rising; moves, then turns, then the focal length.
_CURVES: tuple[tuple[MovementType, Direction, Direction], ...] = (
    ("truck", "left", "right"),
    ("pedestal", "up", "down"),
    ("dolly", "out", "in"),
    ("tilt", "down", "up"),
    ("pan", "left", "right"),
    ("roll", "counterclockwise", "clockwise"),
    ("zoom", "out", "in"),
)
_TRUCK, _PAN = 0, 4


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement between two frames (inclusive, 0-based).

    `amount` ≥ 0 in `unit`: degrees for turns and orbits, the path's own length unit for moves, the
    factor of the focal length for zooms. `speed` is `amount` a frame (zoom: its logarithm).
    `shift` tells how far the picture moves: radians, or distance over the scene's distance.
    """

    type: MovementType
    direction: Direction | None
    start: int
    end: int
    amount: float
    unit: Literal["degrees", "units", "factor", ""]
    speed: float
    shift: float = 0.0

    @property
    def key(self) -> str:
        """Type and direction as one word, as captions spell it: `pan_left`, `roll_anticlockwise`.

        `static` alone.
        """
        if self.direction is None:
            return self.type
        return f"{self.type}_{self.direction}".replace("counterclockwise", "anticlockwise")

    def as_json(self, frames: int) -> dict[str, Any]:
        """Return the published form; `start` and `end` are fractions of a clip of `frames`."""
        last = max(frames - 1, 1)
        return {
            "type": self.type,
            "direction": self.direction,
            "start": round(self.start / last, 4),
            "end": round(self.end / last, 4) if frames > 1 else 1.0,
            "amount": round(self.amount, 4),
            "unit": self.unit or None,
            "speed": round(self.speed, 6),
        }


@dataclass(frozen=True, slots=True)
class _Run:
    curve: int
    start: int
    end: int
    change: float
    weight: float


def movements(camera: Camera, *, scene_distance: float | None = None) -> list[Movement]:
    """Return the path's movements in order of time, the larger one first among simultaneous ones.

    `scene_distance` is the distance of what is filmed, in the path's unit, where something states
    it (default: the path's own `scene_distance`). Where nothing does, the camera's largest travel
    stands for it, so that the words of a path do not change with its scale. A path without any
    movement is one `static` movement over the whole clip.
    """
    path = motion_curves(camera)
    distance = scene_distance or camera.scene_distance or _own_distance(path.values)
    weights = np.array([1 / distance] * 3 + [1.0] * 3 + [_ZOOM_WEIGHT])
    shift, noise = _steadied(path.values * weights)
    curves = np.divide(shift, weights, out=np.zeros_like(shift), where=weights > 0)
    largest = float(np.ptp(shift, axis=0).max())
    threshold = max(FLOOR, RELATIVE * largest)
    limits = np.full(len(_CURVES), threshold)
    most_turn = RELATIVE * float(np.ptp(shift[:, TURNS], axis=0).max())
    for turn in TURNS:
        plain = STEADY_PAN if turn == _PAN and _one_sided(shift[:, turn]) else PLAIN_TURN
        limits[turn] = min(threshold, max(most_turn, np.radians(plain)))
    runs = _runs(range(len(_CURVES)), shift, curves, np.maximum(limits, noise))
    runs = runs or _one_way(path.values * weights, path.values)
    runs += _in_gaps(runs, shift, curves, np.maximum(max(FLOOR, ALONE * largest), noise))
    found = _beside_orbits(_join_orbits(runs, curves, path.on_rail, camera))
    found += _rests(found, shift, max(FLOOR, 0.1 * largest))
    return sorted(found, key=lambda one: (one.start, -one.shift))


def own_distance(camera: Camera) -> float | None:
    """The distance that stands for the scene's where nothing states it, in the path's unit.

    None: the camera does not travel.
    """
    distance = _own_distance(motion_curves(camera).values)
    return distance if np.isfinite(distance) else None


def _own_distance(curves: Floats) -> float:
    """The largest travel along one axis, as far as it is travel and not a hand that shakes.

    Infinite where nothing travels: moves then count for nothing.
    """
    travels = []
    for column in MOVES:
        smooth, shaking = steady(curves[:, column])
        travel = float(np.ptp(smooth))
        restless = float(np.abs(np.diff(smooth)).sum()) > _RESTLESS * travel
        if (
            travel > max(_RESIDUE, _TRAVEL * shaking)
            and travel > _to_and_fro(smooth, travel)
            and not restless
        ):
            travels.append(travel)
    return max(travels, default=np.inf) or np.inf


def _to_and_fro(values: Floats, travel: float) -> float:
    """Twice the usual stroke of a curve that goes to and fro all the time, else nothing."""
    runs = monotone_runs(values, _STROKE * travel)
    sizes = [abs(float(values[end] - values[start])) for start, end in runs]
    return 2 * float(np.median(sizes)) if len(sizes) > _SHAKES else 0.0


def _one_sided(values: Floats) -> bool:
    """Whether a curve goes one way nearly all the time."""
    travelled = float(np.abs(np.diff(values)).sum())
    return abs(float(values[-1] - values[0])) >= _ONE_SIDED * travelled > 0


def _steadied(shift: Floats) -> tuple[Floats, Floats]:
    """The curves without shaking, and how large a change must be not to be shaking (7)."""
    pairs = [steady(shift[:, column]) for column in range(shift.shape[1])]
    sizes = [max(4 * size, _strokes(shift[:, column])) for column, (_, size) in enumerate(pairs)]
    return np.stack([curve for curve, _ in pairs], axis=1), np.array(sizes)


def _strokes(values: Floats) -> float:
    """Twice the usual stroke of a curve that goes to and fro in small strokes: a hand at work."""
    sizes = [abs(values[end] - values[start]) for start, end in monotone_runs(values, FLOOR / 2)]
    small = [float(size) for size in sizes if size < _SHAKE]
    return 2 * float(np.median(small)) if len(small) >= _SHAKES else 0.0


def _runs(which: Iterable[int], shift: Floats, curves: Floats, thresholds: Floats) -> list[_Run]:
    """Runs of the curves, cut at pauses, without their still ends."""
    frames = len(shift)
    pause = max(3, round(_PAUSE * (frames - 1)))
    found: list[_Run] = []
    for curve in which:
        values = shift[:, curve]
        for start, end in monotone_runs(values, float(thresholds[curve])):
            change = abs(values[end] - values[start])
            still = max(0.02 * change, float(thresholds[curve]) / 8 if frames >= _SHORT else 0)
            pace = change / (end - start)
            # A pause goes at less than a fifth of the mean pace.
            pieces = without_pauses(values, start, end, pause, min(still, 0.2 * pace * pause))
            least = max(FLOOR, thresholds[curve] / 2)
            strong = [one for one in pieces if abs(values[one[1]] - values[one[0]]) >= least]
            pieces = strong or [(start, end)]
            found += [_run(curve, values, curves[:, curve], *piece) for piece in pieces]
    return found


def _run(curve: int, values: Floats, amounts: Floats, start: int, end: int) -> _Run:
    first, last = trimmed(values, start, end)
    change = float(amounts[end] - amounts[start])
    return _Run(curve, first, last, change, abs(float(values[end] - values[start])))


def _one_way(shift: Floats, curves: Floats) -> list[_Run]:
    """Small movements of a clip without large ones: curves that go one way all the time.

    A hand that shakes goes to and fro; the unit of many paths is unknown, so small may be all.
    """
    if len(shift) < _STEADY:
        return []
    net = np.abs(shift[-1] - shift[0])
    travelled = np.abs(np.diff(shift, axis=0)).sum(axis=0)
    least = max(_TINY, RELATIVE * float(net.max()))
    return [
        _run(curve, shift[:, curve], curves[:, curve], 0, len(shift) - 1)
        for curve in range(len(_CURVES))
        if net[curve] >= least and net[curve] >= _STEADILY * travelled[curve]
    ]


def _gaps(spans: Iterable[tuple[int, int]], frames: int) -> list[tuple[int, int]]:
    """Stretches of frames that no span covers, as (first, last) points between spans."""
    free: list[tuple[int, int]] = []
    at = 0
    for start, end in sorted(spans):
        if start > at:
            free.append((at, start))
        at = max(at, end)
    return [*free, (at, frames - 1)] if at < frames - 1 else free


def _in_gaps(runs: list[_Run], shift: Floats, curves: Floats, thresholds: Floats) -> list[_Run]:
    """Smaller movements in times of their own, where no large one takes place."""
    found: list[_Run] = []
    if not runs:
        return found
    for first, last in _gaps(((run.start, run.end) for run in runs), len(shift)):
        part = shift[first : last + 1]
        limits = np.maximum(thresholds, RELATIVE * float(np.ptp(part, axis=0).max()))
        for curve in range(len(_CURVES)):
            for start, end in monotone_runs(part[:, curve], float(limits[curve])):
                run = _run(curve, shift[:, curve], curves[:, curve], first + start, first + end)
                # What a trimmed movement leaves at its ends is not a movement of its own.
                if not any(_touch(run, other) for other in runs):
                    found.append(run)
    return found


def _touch(run: _Run, other: _Run) -> bool:
    near = max(2, (other.end - other.start) // 4)
    return (
        run.curve == other.curve
        and run.change * other.change > 0
        and (abs(run.start - other.end) <= near or abs(run.end - other.start) <= near)
    )


def _rests(found: list[Movement], shift: Floats, still: float) -> list[Movement]:
    """Static stretches: all of a clip without movement, else long gaps in which little happens."""
    frames = len(shift)
    if not found:
        return [Movement("static", None, 0, frames - 1, 0.0, "", 0.0)]
    gaps = _gaps(((one.start, one.end) for one in found), frames)
    return [
        Movement("static", None, first, last, 0.0, "", 0.0)
        for first, last in gaps
        if frames >= _SHORT
        and last - first >= STILL * (frames - 1)
        and float(np.ptp(shift[first : last + 1], axis=0).max()) < still
    ]


def _join_orbits(
    runs: list[_Run], curves: Floats, rails: Iterable[tuple[int, int]], camera: Camera
) -> list[Movement]:
    """Turn runs to movements; a truck and its turn around a fixed point become one orbit."""
    left = list(runs)
    found: list[Movement] = []
    candidates = [
        run
        for run in runs
        if run.curve == _PAN
        and not any(start < run.end and run.start < end for start, end in rails)
    ]
    for move in [run for run in left if run.curve == _TRUCK]:
        fitting = (run for run in candidates if _is_orbit(move, run, curves))
        turn = next((run for run in fitting if _goes_around(camera, move, run)), None)
        if turn is None:
            continue
        left = [run for run in left if run is not move and not _same(run, turn)]
        start, end = min(move.start, turn.start), max(move.end, turn.end)
        degrees = abs(float(np.degrees(turn.change)))
        direction: Direction = "left" if move.change < 0 else "right"
        found.append(
            Movement(
                *("orbit", direction, start, end, degrees, "degrees", degrees / (end - start)),
                shift=move.weight + turn.weight,
            )
        )
    return found + [_movement(run) for run in left]


def _beside_orbits(found: list[Movement]) -> list[Movement]:
    """Leave out what is small beside the orbit of its time, as beside any other movement."""
    orbits = [one for one in found if one.type == "orbit"]
    return [
        one
        for one in found
        if not any(
            one.shift < RELATIVE * orbit.shift and orbit.start <= one.start and one.end <= orbit.end
            for orbit in orbits
        )
    ]


def _same(one: _Run, other: _Run) -> bool:
    return one.curve == other.curve and one.start < other.end and other.start < one.end


def _is_orbit(move: _Run, turn: _Run, curves: Floats) -> bool:
    """Whether the truck is −radius × turn with one radius above zero, all the time."""
    start, end = max(move.start, turn.start), min(move.end, turn.end)
    longest = max(move.end - move.start, turn.end - turn.start)
    if end - start < _ORBIT_OVERLAP * longest:
        return False
    if abs(np.degrees(turn.change)) < PLAIN_TURN or move.change * turn.change >= 0:
        return False
    moved = curves[start : end + 1, _TRUCK] - curves[start, _TRUCK]
    turned = curves[start, _PAN] - curves[start : end + 1, _PAN]
    radius = float(moved @ turned) / max(float(turned @ turned), 1e-12)
    misfit = float(np.abs(moved - radius * turned).max())
    return radius > 0 and misfit <= _ORBIT_MISFIT * abs(float(moved[-1]))


def _goes_around(camera: Camera, move: _Run, turn: _Run) -> bool:
    """Whether the camera keeps looking at one point, at about the same distance.

    The point is where the optical axes come nearest to each other (least squares).
    """
    start, end = max(move.start, turn.start), min(move.end, turn.end)
    rotations, translations = camera.w2c[start : end + 1, :, :3], camera.w2c[start : end + 1, :, 3]
    centres = -np.einsum("tji,tj->ti", rotations, translations)
    ahead = rotations[:, 2]
    across = np.eye(3) - ahead[:, :, None] * ahead[:, None, :]
    offsets = np.einsum("tij,tj->ti", across, centres)
    point, *_ = np.linalg.lstsq(across.sum(0), offsets.sum(0), rcond=None)
    sight = point - centres
    distance = np.linalg.norm(sight, axis=1)
    facing = np.einsum("ti,ti->t", sight, ahead) / np.maximum(distance, 1e-12)
    steady_distance = float(np.ptp(distance)) <= _SAME_DISTANCE * float(distance.mean())
    return steady_distance and bool((facing > _FACING).all())


def _movement(run: _Run) -> Movement:
    kind, falling, rising = _CURVES[run.curve]
    direction = rising if run.change > 0 else falling
    steps = run.end - run.start
    size = abs(run.change)
    if run.curve == ZOOM:
        factor = float(np.exp(run.change))
        unit: Literal["degrees", "units", "factor"] = "factor"
        return Movement(kind, direction, run.start, run.end, factor, unit, size / steps, run.weight)
    if run.curve not in MOVES:
        size = float(np.degrees(size))
    unit = "units" if run.curve in MOVES else "degrees"
    return Movement(kind, direction, run.start, run.end, size, unit, size / steps, run.weight)
