"""Moving people as 18 points: eight actions, each a small set of joint angles over time.

Units: one body height; x to the right, y up, the ground at 0. Order of the points: COCO-18 as
OpenPose writes it (nose, neck, right arm, left arm, right leg, left leg, eyes, ears).
"""

from dataclasses import dataclass, field
from random import Random

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_HIP, _THIGH, _SHIN, _TORSO, _UPPER_ARM, _FOREARM = 0.48, 0.23, 0.22, 0.34, 0.17, 0.16
_SIDE_VIEW = {"walk", "run", "bow", "sit"}
_FRONT_VIEW = {"wave", "raise"}


@dataclass(slots=True)
class _Angles:
    """Degrees over T frames. Limbs: 0 hangs down; positive is forward (side view) or outward."""

    frames: int
    lean: Array = field(init=False)
    lift: Array = field(init=False)
    sweep: Array = field(init=False)
    crouch: Array = field(init=False)
    thigh: Array = field(init=False)
    knee: Array = field(init=False)
    arm: Array = field(init=False)
    elbow: Array = field(init=False)

    def __post_init__(self) -> None:
        for name in ("lean", "lift", "sweep", "crouch"):
            setattr(self, name, np.zeros(self.frames))
        for name in ("thigh", "knee", "arm", "elbow"):
            setattr(self, name, np.zeros((2, self.frames)))  # right, left
        self.arm += 8.0
        self.elbow += 5.0


@dataclass(frozen=True, slots=True)
class Style:
    """How one person does it: view, facing, tempo, phase, size of the gesture, the hand used."""

    side: bool
    facing: int
    cycles: float
    phase: float
    size: float
    hand: int


def random_style(action: str, rng: Random) -> Style:
    """Draw the manner of an action."""
    low, high = {"walk": (1.0, 1.5), "run": (2.0, 2.5), "jump": (1.5, 2.0)}.get(action, (1.5, 2.5))
    side = action in _SIDE_VIEW or (action not in _FRONT_VIEW and rng.random() < 0.4)  # noqa: PLR2004
    return Style(
        side=side,
        facing=rng.choice((-1, 1)),
        cycles=rng.uniform(low, high),
        phase=rng.random(),
        size=rng.uniform(0.88, 1.12),
        hand=rng.randrange(2),
    )


def move(action: str, style: Style, frames: int) -> Array:
    """Return the points over time, T×18×2; x relative to the person's place."""
    angles = _Angles(frames)
    time = np.linspace(0.0, 1.0, frames)
    _ACTIONS[action](angles, time, style)
    return _points(angles, style)


def _wave_of(time: Array, style: Style) -> Array:
    return np.sin(2 * np.pi * (style.cycles * time + style.phase))


def _ease(time: Array, start: float = 0.1, end: float = 0.7) -> Array:
    x = np.clip((time - start) / (end - start), 0.0, 1.0)
    return x * x * (3 - 2 * x)


def _stand(angles: _Angles, time: Array, style: Style) -> None:
    angles.lean += 1.5 * _wave_of(time, style)


def _walk(angles: _Angles, time: Array, style: Style) -> None:
    swing = _wave_of(time, style)
    for leg, sign in ((0, 1), (1, -1)):
        angles.thigh[leg] = 28 * style.size * sign * swing
        angles.knee[leg] = 8 + 22 * np.clip(-sign * swing, 0, 1)
        angles.arm[leg] = -26 * style.size * sign * swing
        angles.elbow[leg] = 12.0
    angles.sweep = style.facing * 0.22 * (time - 0.5)


def _run(angles: _Angles, time: Array, style: Style) -> None:
    swing = _wave_of(time, style)
    for leg, sign in ((0, 1), (1, -1)):
        angles.thigh[leg] = 18 + 52 * style.size * sign * swing
        angles.knee[leg] = 25 + 75 * np.clip(-sign * swing, 0, 1)
        angles.arm[leg] = -55 * style.size * sign * swing
        angles.elbow[leg] = 90.0
    angles.lean += 16.0
    angles.lift = 0.06 * np.abs(swing)
    angles.sweep = style.facing * 0.4 * (time - 0.5)


def _jump(angles: _Angles, time: Array, style: Style) -> None:
    swing = _wave_of(time, style)
    air, ground = np.clip(swing, 0, 1), np.clip(-swing, 0, 1)
    angles.lift = 0.24 * style.size * air
    angles.crouch = 48 * ground
    angles.arm += 55 * air
    angles.elbow += 25 * air


def _wave(angles: _Angles, time: Array, style: Style) -> None:
    angles.arm[style.hand] = 125.0
    angles.elbow[style.hand] = 30 + 42 * style.size * _wave_of(time, style)


def _raise(angles: _Angles, time: Array, style: Style) -> None:
    angles.arm += 155 * min(style.size, 1.05) * _ease(time)


def _bow(angles: _Angles, time: Array, style: Style) -> None:
    angles.lean += 78 * style.size * np.sin(np.pi * np.clip(time * 1.1, 0, 1)) ** 1.2
    angles.arm += 0.5 * angles.lean


def _sit(angles: _Angles, time: Array, style: Style) -> None:
    angles.crouch = 85 * style.size**0.2 * _ease(time)
    angles.lean += 14 * np.sin(np.pi * _ease(time))
    angles.arm += 28 * _ease(time)
    angles.elbow += 25 * _ease(time)


_ACTIONS = {
    "stand": _stand,
    "walk": _walk,
    "run": _run,
    "jump": _jump,
    "wave": _wave,
    "raise": _raise,
    "bow": _bow,
    "sit": _sit,
}


def _direction(degrees: Array, sign: float) -> Array:
    """Return unit vectors T×2 of a limb: 0 hangs down, positive swings towards `sign`."""
    radians = np.radians(degrees)
    return np.stack([sign * np.sin(radians), -np.cos(radians)], axis=1)


def _points(angles: _Angles, style: Style) -> Array:
    facing = style.facing
    shoulder, hip_width = (0.045, 0.03) if style.side else (0.12, 0.075)
    points = np.zeros((angles.frames, 18, 2))
    # A crouch folds both legs with the feet in place: seen from the side the hips go back.
    fold = np.radians(angles.crouch)
    hips = np.zeros((angles.frames, 2))
    hips[:, 0] = angles.sweep - (facing * _THIGH * np.sin(fold) if style.side else 0.0)
    hips[:, 1] = _HIP + angles.lift - _THIGH * (1 - np.cos(fold))
    spine = -_direction(-angles.lean, facing)
    neck = hips + _TORSO * spine
    head = neck + 0.1 * spine
    across = np.array([1.0, 0.0])
    for side, (arm, leg) in enumerate(((2, 8), (5, 11))):
        outward = -1.0 if side == 0 else 1.0
        sign = float(facing) if style.side else outward
        points[:, arm] = neck + outward * shoulder * across - 0.01 * spine
        points[:, leg] = hips + outward * hip_width * across
        upper = angles.arm[side]
        points[:, arm + 1] = points[:, arm] + _UPPER_ARM * _direction(upper, sign)
        points[:, arm + 2] = points[:, arm + 1] + _FOREARM * _direction(
            upper + angles.elbow[side], sign
        )
        bent, shin = angles.thigh[side], angles.thigh[side] - angles.knee[side]
        if style.side:
            bent = bent + angles.crouch
            thigh = _THIGH * _direction(bent, sign)
        else:  # the knees come towards the viewer: the thighs look shorter
            thigh = np.stack([outward * 0.05 * np.sin(fold), -_THIGH * np.cos(fold)], axis=1)
        points[:, leg + 1] = points[:, leg] + thigh
        points[:, leg + 2] = points[:, leg + 1] + _SHIN * _direction(shin, sign)
    points[:, 1] = neck
    look = facing * across if style.side else 0.0 * across
    points[:, 0] = head + 0.05 * look - 0.01 * spine
    for point, outward, height in ((14, -1, 0.02), (15, 1, 0.02), (16, -1, 0.0), (17, 1, 0.0)):
        width = 0.025 if point < 16 else 0.055  # noqa: PLR2004 - eyes, then ears
        spread = 0.2 if style.side else 1.0
        shift = (0.035 if point < 16 else -0.01) * look  # noqa: PLR2004
        points[:, point] = head + outward * width * spread * across + shift + height * spine
    return points
