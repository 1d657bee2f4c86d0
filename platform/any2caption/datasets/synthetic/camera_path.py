"""Camera paths of named movements, written as RealEstate10K text.

OpenCV axes: x right, y down, z forward. In the camera's own frame a turn by a positive angle
about y pans right, about x tilts up, about z rolls clockwise (seen from behind the camera); a move
along -x trucks left, along -y pedestals up. An orbit to the left moves left and keeps its centre
in view by turning right. Zooms change the focal length only.

Speeds range widely (0.2 to 8 units, 8 to 90 degrees) and single movements carry up to a quarter of
another one; with both, a classifier trained on such paths also read real clips.
"""

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]

_MOVES: dict[str, tuple[float, float, float]] = {
    "dolly_in": (0, 0, 1),
    "dolly_out": (0, 0, -1),
    "truck_left": (-1, 0, 0),
    "truck_right": (1, 0, 0),
    "pedestal_up": (0, -1, 0),
    "pedestal_down": (0, 1, 0),
}
_TURNS: dict[str, tuple[float, float, float]] = {
    "pan_left": (0, -1, 0),
    "pan_right": (0, 1, 0),
    "tilt_up": (1, 0, 0),
    "tilt_down": (-1, 0, 0),
    "roll_clockwise": (0, 0, 1),
    "roll_anticlockwise": (0, 0, -1),
}
_ORBITS = {"orbit_left": 1.0, "orbit_right": -1.0}
_ZOOMS = {"zoom_in": 1.0, "zoom_out": -1.0}
# One scene unit weighs as much as a turn of 20 degrees when movements are compared.
DEGREES_PER_UNIT = 20.0


@dataclass(frozen=True, slots=True)
class CameraPath:
    """`intrinsics` T×4 (fx, fy, cx, cy as fractions), `c2w` T×3×4 in the world, `times` T µs."""

    intrinsics: Array
    c2w: Array
    times: NDArray[np.int64]


def make_path(keys: tuple[str, ...], rng: Random) -> CameraPath:
    """Build a path of one movement, or of a translation and a turn at once."""
    count = rng.randint(8, 24)
    progress = _progress(count, rng)
    positions, angles, focal = np.zeros((count, 3)), np.zeros((count, 3)), np.zeros(count)
    if keys[0] in _ORBITS:
        positions, angles = _orbit(_ORBITS[keys[0]], progress, rng)
    elif keys[0] in _ZOOMS:
        focal = _ZOOMS[keys[0]] * np.log(rng.uniform(1.3, 3.0)) * progress
    elif len(keys) > 1:
        positions, angles = _combination(keys, progress, rng)
    elif keys[0] in _MOVES:
        size = _log_uniform(0.2, 8.0, rng)
        positions = size * np.outer(progress, _MOVES[keys[0]])
        positions, angles = _mixed(positions, angles, size, keys[0], progress, rng)
    elif keys[0] in _TURNS:
        size = rng.uniform(8.0, 90.0)
        angles = size * np.outer(progress, _TURNS[keys[0]])
        positions, angles = _mixed(
            positions, angles, size / DEGREES_PER_UNIT, keys[0], progress, rng
        )
    extent = float(np.abs(positions[-1]).max() + np.abs(angles[-1]).max() / DEGREES_PER_UNIT)
    positions, angles = _hand_held(positions, angles, extent, rng)
    return _placed(positions, angles, focal, rng)


def realestate10k(path: CameraPath) -> str:
    """Write the path as RealEstate10K text: an address line, then 19 columns a pose."""
    rotation = path.c2w[:, :, :3].transpose(0, 2, 1)
    w2c = np.concatenate([rotation, -rotation @ path.c2w[:, :, 3:]], axis=2).reshape(-1, 12)
    lines = ["synthetic-world"]
    for time, lens, pose in zip(path.times, path.intrinsics, w2c, strict=True):
        numbers = " ".join(f"{value:.9f}" for value in (*lens, 0.0, 0.0, *pose))
        lines.append(f"{time} {numbers}")
    return "\n".join(lines) + "\n"


def _progress(count: int, rng: Random) -> Array:
    """Return 0…1 over the path: even, eased, or with uneven steps."""
    linear = np.linspace(0.0, 1.0, count)
    style = rng.random()
    if style < 1 / 3:
        return linear
    if style < 2 / 3:
        return linear * linear * (3 - 2 * linear)
    steps = np.array([rng.uniform(0.4, 1.6) for _ in range(count - 1)])
    return np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])


def _log_uniform(low: float, high: float, rng: Random) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _orbit(side: float, progress: Array, rng: Random) -> tuple[Array, Array]:
    """Move round a centre straight ahead; `side` +1 = the camera moves left."""
    angle, radius = side * np.radians(rng.uniform(15.0, 90.0)) * progress, rng.uniform(1.0, 6.0)
    positions = np.stack(
        [-radius * np.sin(angle), np.zeros_like(angle), radius * (1 - np.cos(angle))], axis=1
    )
    return positions, np.outer(np.degrees(angle), (0.0, 1.0, 0.0))


def _combination(keys: tuple[str, ...], progress: Array, rng: Random) -> tuple[Array, Array]:
    """A translation and a turn of like size; half of the paths follow the camera's heading."""
    degrees = rng.uniform(12.0, 60.0)
    size = degrees / DEGREES_PER_UNIT * _log_uniform(0.6, 1.7, rng)
    angles = degrees * np.outer(progress, _TURNS[keys[1]])
    steps = size * np.outer(np.diff(progress, prepend=0.0), _MOVES[keys[0]])
    if rng.random() < 1 / 2:
        steps = Rotation.from_rotvec(angles, degrees=True).apply(steps)
    return np.cumsum(steps, axis=0), angles


def _mixed(  # noqa: PLR0913, PLR0917 - one step of the path's construction
    positions: Array, angles: Array, size: float, key: str, progress: Array, rng: Random
) -> tuple[Array, Array]:
    """Add up to a quarter of another movement, as real clips do, in 60 % of the paths."""
    if rng.random() < 0.6:  # noqa: PLR2004 - the share above
        share = rng.uniform(0.0, 0.25) * size
        other = rng.choice([name for name in (*_MOVES, *_TURNS) if name.split("_")[0] not in key])
        if other in _MOVES:
            positions = positions + share * np.outer(progress, _MOVES[other])
        else:
            angles = angles + share * DEGREES_PER_UNIT * np.outer(progress, _TURNS[other])
    return positions, angles


def _hand_held(positions: Array, angles: Array, extent: float, rng: Random) -> tuple[Array, Array]:
    """Add the small noise of a hand or of an estimate, at most 2 % of the movement, in half."""
    if rng.random() < 1 / 2:
        return positions, angles
    noise = np.random.default_rng(rng.getrandbits(64)).standard_normal((2, *positions.shape))
    noise[:, 0] = 0.0
    scale = rng.uniform(0.0, 0.02) * max(extent, 0.3) / 2
    return positions + scale * noise[0], angles + scale * DEGREES_PER_UNIT * noise[1]


def _placed(positions: Array, angles: Array, focal: Array, rng: Random) -> CameraPath:
    """Put a relative path somewhere in the world, with a lens and times."""
    start = Rotation.from_rotvec([rng.uniform(-np.pi, np.pi) for _ in range(3)])
    origin = np.array([rng.uniform(-10.0, 10.0) for _ in range(3)])
    if rng.random() < 0.15:  # noqa: PLR2004 - files that start at the identity exist too
        start, origin = Rotation.identity(), np.zeros(3)
    rotation = (start * Rotation.from_rotvec(angles, degrees=True)).as_matrix()
    c2w = np.concatenate([rotation, (start.apply(positions) + origin)[:, :, None]], axis=2)
    aspect = rng.choice((16 / 9, 16 / 9, 4 / 3, 1.0))
    fx = rng.uniform(0.45, 1.1) * np.exp(focal - focal.min())
    centre = np.full_like(fx, 0.5)
    step = rng.choice((33_333, 41_667, 133_467, 266_933))
    times = step * np.arange(len(fx), dtype=np.int64) + rng.randrange(10**8)
    return CameraPath(np.stack([fx, fx * aspect, centre, centre], axis=1), c2w, times)
