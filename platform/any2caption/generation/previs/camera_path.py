"""Camera paths along named movements: what previs films with.

OpenCV axes (x right, y down, z forward). A movement is a twist in the camera's own frame, and the
path integrates the twists, so combined movements curve as a real rig's would.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[Any]

SUBJECT_DISTANCE = 4.0
_FOCAL = 1.05
# Movement → (translation in metres, rotation vector in degrees, log focal change) over a clip.
_TWISTS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float], float]] = {
    "static": ((0, 0, 0), (0, 0, 0), 0),
    "pan_left": ((0, 0, 0), (0, -28, 0), 0),
    "pan_right": ((0, 0, 0), (0, 28, 0), 0),
    "tilt_up": ((0, 0, 0), (18, 0, 0), 0),
    "tilt_down": ((0, 0, 0), (-18, 0, 0), 0),
    "roll_clockwise": ((0, 0, 0), (0, 0, 28), 0),
    "roll_anticlockwise": ((0, 0, 0), (0, 0, -28), 0),
    "dolly_in": ((0, 0, 1.7), (0, 0, 0), 0),
    "dolly_out": ((0, 0, -2.2), (0, 0, 0), 0),
    "truck_left": ((-1.5, 0, 0), (0, 0, 0), 0),
    "truck_right": ((1.5, 0, 0), (0, 0, 0), 0),
    "pedestal_up": ((0, -1.3, 0), (0, 0, 0), 0),
    "pedestal_down": ((0, 0.8, 0), (0, 0, 0), 0),
    "zoom_in": ((0, 0, 0), (0, 0, 0), np.log(1.9)),
    "zoom_out": ((0, 0, 0), (0, 0, 0), -np.log(1.7)),
}
_SWEEPS = {"pan", "tilt", "truck", "pedestal"}
_ORBIT_DEGREES = 55.0
_ORBITS = {"orbit_left": 1.0, "orbit_right": -1.0}


@dataclass(frozen=True, slots=True)
class FilmedPath:
    """`c2w` T×3×4 in the stage's world, `w2c` T×3×4 relative to frame 0, `focal` T (of width)."""

    c2w: Array
    w2c: Array
    focal: Array

    @property
    def intrinsics(self) -> Array:
        """T×4 = fx, fy, cx, cy as fractions of a square picture."""
        centre = np.full_like(self.focal, 0.5)
        return np.stack([self.focal, self.focal, centre, centre], axis=1)


def twist_of(key: str) -> tuple[Array, Array, float]:
    """Return a movement's translation (m), rotation (rad) and log focal change over a clip."""
    if key in _ORBITS:
        angle = np.radians(_ORBIT_DEGREES) * _ORBITS[key]
        # Moves along its own x axis while turning towards the subject: a circle around it.
        return np.array([-SUBJECT_DISTANCE * angle, 0, 0]), np.array([0, angle, 0]), 0.0
    move, turn, focal = _TWISTS[key]
    return np.array(move, dtype=float), np.radians(turn), float(focal)


def film(moves: tuple[tuple[str, ...], ...], frames: int, start: Array | None = None) -> FilmedPath:
    """Integrate movements over `frames` frames; several tuples follow each other in equal times.

    `start` is the first frame's camera-to-world 3×4 (identity if left out).
    """
    pose = np.eye(4)
    if start is not None:
        pose[:3] = start
    if len(moves) == 1:
        # A sweep passes the subject half-way, so that it stays in the picture.
        swept = [twist_of(key) for key in moves[0] if key.split("_")[0] in _SWEEPS]
        move = sum((twist[0] for twist in swept), np.zeros(3))
        turn = sum((twist[1] for twist in swept), np.zeros(3))
        pose = pose @ np.linalg.inv(rigid_step(move / 2, turn / 2))
    zoom = 0.0
    lengths = [len(part) for part in np.array_split(np.arange(max(frames - 1, 0)), len(moves))]
    poses, zooms = [pose.copy()], [zoom]
    for keys, length in zip(moves, lengths, strict=True):
        twists = [twist_of(key) for key in keys]
        shares = _eased_steps(length)
        for share in shares:
            move = sum((twist[0] for twist in twists), np.zeros(3)) * share
            turn = sum((twist[1] for twist in twists), np.zeros(3)) * share
            pose = pose @ rigid_step(move, turn)
            zoom += sum(twist[2] for twist in twists) * share
            poses.append(pose.copy())
            zooms.append(zoom)
    c2w = np.stack(poses)
    w2c = np.linalg.inv(np.linalg.inv(c2w[0]) @ c2w)
    # A zoom out starts long, so that it does not end in a fish-eye.
    base = _FOCAL * np.exp(-min(0.0, zooms[-1]) * 0.6)
    return FilmedPath(c2w[:, :3], w2c[:, :3], base * np.exp(np.array(zooms)))


def rigid_step(move: Array, turn: Array) -> Array:
    """Return the 4×4 of half a turn, a move, half a turn."""
    step = np.eye(4)
    half = Rotation.from_rotvec(turn / 2).as_matrix()
    step[:3, :3] = half @ half
    step[:3, 3] = half @ move
    return step


def _eased_steps(length: int) -> Array:
    """Shares of a movement per frame: soft at both ends, constant between; they sum to 1."""
    if length == 0:
        return np.zeros(0)
    time = (np.arange(length) + 0.5) / length
    speed = np.clip(np.minimum(time, 1 - time) / 0.15, 0.35, 1.0)
    shares: Array = speed / speed.sum()
    return shares
