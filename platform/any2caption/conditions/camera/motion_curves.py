"""A camera path as seven curves: running sums of what the camera does from frame to frame.

Steps are taken in the camera's own frame, so that "left" is the camera's left at that time. One
exception: while the camera turns but travels straight on, the frame in which the turn began counts
if the travel is simpler there (a camera on a straight rail that pans meanwhile trucks left all the
way; it does not start to back off). A path that bends as the camera turns, or whose chord lies to
the side of the camera half-way, is read in the camera's own frame: an arc.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.curves import monotone_runs, trimmed
from any2caption.conditions.rotations import from_vectors, to_vectors
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
    `cuts` the frames that the path jumps to: such a step is not a movement and counts for nothing.
    """

    values: Floats
    on_rail: tuple[tuple[int, int], ...] = ()
    cuts: tuple[int, ...] = ()


def motion_curves(camera: Camera, turning: float = np.radians(10.0)) -> PathCurves:
    """Sum up the steps; `turning`: radians of turn from which on a straight path is looked for."""
    rotations, translations = camera.w2c[:, :, :3], camera.w2c[:, :, 3]
    curves = np.zeros((len(rotations), CURVES))
    focal = np.log(camera.intrinsics[:, 0])
    # A lens that is unknown in some frames says nothing of a zoom.
    curves[:, ZOOM] = focal - focal[0] if np.isfinite(focal).all() else 0.0
    if len(rotations) == 1:
        return PathCurves(curves)
    step = rotations[:-1] @ rotations[1:].transpose(0, 2, 1)
    centres = -np.einsum("tji,tj->ti", rotations, translations)
    turns = to_vectors(step)
    steps = np.diff(centres, axis=0)
    cuts = _jumps(turns, steps)
    turns[cuts], steps[cuts] = 0.0, 0.0
    curves[1:, 3:6] = np.cumsum(turns, axis=0)
    frames = from_vectors(-turns / 2) @ rotations[:-1]
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
