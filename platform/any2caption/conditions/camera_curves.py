"""A camera path as seven curves: running sums of what the camera does from frame to frame.

Steps are taken in the camera's own frame, so that "left" is the camera's left at that time. One
exception: while the camera turns but travels straight on, the frame in which the turn began counts
if the travel is simpler there (a camera on a straight rail that pans meanwhile trucks left all the
way; it does not start to back off). A path that bends as the camera turns, or whose chord lies to
the side of the camera half-way, is read in the camera's own frame: an arc.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.types import Camera

Floats = NDArray[np.float64]

MOVES, TURNS, ZOOM = (0, 1, 2), (3, 4, 5), 6
"""Columns: moves along x, y, z; turns about x (tilt), y (pan), z (roll); logarithm of the focal."""
CURVES = 7
_STRAIGHT = 0.5
"""A path that bends less than this part of the turn is straight."""
_FEW = 4
_JUDGED = 8
_JUMP = np.radians(25.0)
"""A step turns at least so far to be a jump, and `_RARE` times as far as four fifths of them do."""
_RARE = 8.0
_LEAP = 25.0


@dataclass(frozen=True, slots=True)
class PathCurves:
    """`values` T×7: moves in the path's unit, turns in radians, log focal length; all from zero.

    `on_rail` lists the stretches (first, last frame) whose moves are in the first frame's axes,
    `cuts` the frames that the path jumps to: such a step is no movement and counts for nothing.
    """

    values: Floats
    on_rail: tuple[tuple[int, int], ...] = ()
    cuts: tuple[int, ...] = ()


def motion_curves(camera: Camera, turning: float = np.radians(10.0)) -> PathCurves:
    """Sum up the steps; `turning`: radians of turn from which on a straight path is looked for."""
    from scipy.spatial.transform import Rotation

    rotations, translations = camera.w2c[:, :, :3], camera.w2c[:, :, 3]
    curves = np.zeros((len(rotations), CURVES))
    focal = np.log(camera.intrinsics[:, 0])
    # A lens that is unknown in some frames says nothing of a zoom.
    curves[:, ZOOM] = focal - focal[0] if np.isfinite(focal).all() else 0.0
    if len(rotations) == 1:
        return PathCurves(curves)
    step = rotations[:-1] @ rotations[1:].transpose(0, 2, 1)
    centres = -np.einsum("tji,tj->ti", rotations, translations)
    turns = Rotation.from_matrix(step).as_rotvec()
    steps = np.diff(centres, axis=0)
    cuts = _jumps(turns, steps)
    turns[cuts], steps[cuts] = 0.0, 0.0
    curves[1:, 3:6] = np.cumsum(turns, axis=0)
    frames = Rotation.from_rotvec(-turns / 2).as_matrix() @ rotations[:-1]
    moves = np.einsum("tij,tj->ti", frames, steps)
    rails = []
    for start, end in _turning_stretches(curves[:, 3:6], turning):
        fixed = steps[start:end] @ rotations[start].T
        simpler = np.abs(fixed.sum(0)).sum() < 0.99 * np.abs(moves[start:end].sum(0)).sum()
        if simpler and _goes_straight(centres[start : end + 1], rotations[start : end + 1]):
            moves[start:end] = fixed
            rails.append((start, end))
    curves[1:, :3] = np.cumsum(moves, 0)
    return PathCurves(curves, tuple(rails), tuple(int(cut) + 1 for cut in cuts))


def _jumps(turns: Floats, steps: Floats) -> NDArray[np.intp]:
    """Steps that turn or move far more than all others: cuts, and poses that are off."""
    if len(turns) < _JUDGED:
        return np.array([], np.intp)
    angles, lengths = np.linalg.norm(turns, axis=1), np.linalg.norm(steps, axis=1)
    usual_turn, usual_move = np.quantile(angles, 0.8), np.quantile(lengths, 0.8)
    jumps = (angles > _JUMP) & (angles > _RARE * usual_turn)
    jumps |= (lengths > _LEAP * usual_move) & (lengths > 0.5 * np.ptp(lengths)) & (usual_move > 0)
    return np.flatnonzero(jumps)


def _turning_stretches(turns: Floats, turning: float) -> list[tuple[int, int]]:
    """Stretches over which any turn keeps its sense for at least `turning`, joined if they meet."""
    found: list[tuple[int, int]] = []
    stretches = sorted(
        run for column in range(3) for run in _trimmed_runs(turns[:, column], turning)
    )
    for start, end in stretches:
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _trimmed_runs(values: Floats, threshold: float) -> list[tuple[int, int]]:
    return [trimmed(values, start, end) for start, end in monotone_runs(values, threshold)]


def _goes_straight(centres: Floats, rotations: Floats) -> bool:
    """Whether the path of the two halves bends much less than the camera turns between them."""
    if len(centres) < _FEW:
        return False
    middle = len(centres) // 2
    first, second = centres[middle] - centres[0], centres[-1] - centres[middle]
    turn = rotations[3 * len(centres) // 4] @ rotations[len(centres) // 4].T
    turned = np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    if lengths < 1e-12:  # noqa: PLR2004 - no move to speak of
        return False
    bend = np.arccos(np.clip(first @ second / lengths, -1, 1))
    return bool(bend < _STRAIGHT * turned)


def steady(values: Floats) -> tuple[Floats, float]:
    """A curve without its shaking, and the size of the shaking (standard deviation).

    The shaking is what a running mean over a tenth of the clip takes away, where neighbouring
    steps contradict each other; a smooth curve comes back as it is.
    """
    if len(values) < 2 * _FEW:
        return values, 0.0
    bends = np.diff(values, 2)
    rough = 1.4826 * float(np.median(np.abs(bends))) / np.sqrt(6)
    half = max(1, round(len(values) / 20))
    ends = 2 * values[0] - values[half:0:-1], 2 * values[-1] - values[-2 : -half - 2 : -1]
    padded = np.concatenate([ends[0], values, ends[1]])
    width = 2 * half + 1
    smooth = np.convolve(padded, np.full(width, 1 / width), mode="valid")
    shaking = float(np.std(values - smooth))
    if rough < 0.25 * shaking or shaking < 1e-12:  # noqa: PLR2004 - bends of a real movement
        return values, rough
    return smooth, shaking


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


def trimmed(values: Floats, start: int, end: int, share: float = 0.05) -> tuple[int, int]:
    """Cut still ends off a stretch: from its first `share` of change to its last."""
    done = (values[start : end + 1] - values[start]) / (values[end] - values[start])
    first = start + max(0, int(np.argmax(done > share)) - 1)
    last = start + int(np.argmax(done >= 1 - share))
    return first, max(last, first + 1)


def without_pauses(
    values: Floats, start: int, end: int, pause: int, still: float
) -> list[tuple[int, int]]:
    """Cut a stretch where it changes by less than `still` for at least `pause` frames."""
    pieces: list[tuple[int, int]] = []
    at = begin = start
    while at + pause <= end:
        if np.ptp(values[at : at + pause + 1]) >= still:
            at += 1
            continue
        stop = at + pause
        while stop < end and np.ptp(values[at : stop + 2]) < still:
            stop += 1
        if at > begin:
            pieces.append((begin, at))
        at = begin = stop
    if begin < end:
        pieces.append((begin, end))
    return pieces
