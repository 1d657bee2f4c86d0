"""People in space, made of a few curves: what the rules for motion capture are tested on.

Units: body heights and seconds. A place is (ahead, left, up) as the person faces at first; a hand's
is seen from its shoulder, (ahead, outward, up).
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from any2caption.conditions.pose.layouts import BODY_25
from any2caption.conditions.types import Pose

FPS = 30.0
UPPER, FORE, THIGH, SHIN = 0.17, 0.15, 0.245, 0.235
HANG = (0.02, 0.04, -0.31)
SIGN = {"l": 1.0, "r": -1.0}


def times(seconds):
    return np.arange(round(seconds * FPS)) / FPS


def ease(time, start, end):
    x = np.clip((time - start) / (end - start), 0, 1)
    return x * x * (3 - 2 * x)


def between(time, *stops):
    """A path through (second, place) stops, eased from each to the next."""
    path = np.tile(np.array(stops[0][1], float), (len(time), 1))
    for (start, one), (end, other) in pairwise(stops):
        path += ease(time, start, end)[:, None] * (np.array(other) - np.array(one))
    return path


@dataclass
class Person:
    """Curves over `time`; whatever is not set hangs or stands still."""

    time: np.ndarray
    hips: np.ndarray = None
    heading: np.ndarray = None
    lean: np.ndarray = None
    hands: dict = field(default_factory=dict)
    feet: dict = field(default_factory=dict)

    def points(self):
        count = len(self.time)
        zero = np.zeros(count)
        hips = np.tile([0.0, 0.0, 0.5], (count, 1)) if self.hips is None else self.hips
        yaw = np.radians(zero if self.heading is None else self.heading)
        lean = np.radians(zero if self.lean is None else self.lean)
        ahead = np.stack([np.cos(yaw), np.sin(yaw), zero], 1)
        left = np.stack([-np.sin(yaw), np.cos(yaw), zero], 1)
        up = np.tile([0.0, 0.0, 1.0], (count, 1))
        spine = np.cos(lean)[:, None] * up + np.sin(lean)[:, None] * ahead
        neck = hips + 0.31 * spine
        out = {"mid_hip": hips, "neck": neck, "nose": neck + 0.1 * spine + 0.03 * ahead}
        for side, sign in SIGN.items():
            shoulder = neck - 0.02 * spine + sign * 0.11 * left
            hand = self.hands.get(side, np.tile(HANG, (count, 1)))
            own = np.stack([ahead, sign * left, up], 1)
            wrist = shoulder + np.einsum("ti,tij->tj", hand, own)
            elbow, wrist = jointed(shoulder, wrist, UPPER, FORE, sign * 0.5 * left - up)
            hip = hips + sign * 0.06 * left
            at = self.feet.get(side)
            foot = at if at is not None else hip * (1, 1, 0) + 0.04 * up + zero[:, None]
            if at is None:
                foot = np.tile(foot[0], (count, 1))
            knee, ankle = jointed(hip, foot, THIGH, SHIN, ahead)
            toe = ankle + 0.1 * ahead - 0.03 * up
            names = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "big_toe")
            places = (shoulder, elbow, wrist, hip, knee, ankle, toe)
            out |= {f"{side}_{name}": at for name, at in zip(names, places, strict=True)}
        return out


def jointed(start, end, first, second, pole):
    """The middle joint of two bones, bent towards `pole`, and the end as far as they reach."""
    gap = end - start
    length = np.linalg.norm(gap, axis=1, keepdims=True)
    reach = np.clip(length, 0.02, 0.999 * (first + second))
    way = gap / np.maximum(length, 1e-9)
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    side = pole - (pole * way).sum(1, keepdims=True) * way
    side = side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    out = np.sqrt(np.maximum(first**2 - along**2, 0))
    return start + along * way + out * side, start + reach * way


def going(seconds, pace, *, cadence=1.8, rest=0.6, bob=0.012, lift=0.06, ahead=1.0):  # noqa: PLR0913 - a gait's measures
    """Somebody who walks: `rest` of a stride each foot stands; runners rest less than half."""
    time = times(seconds)
    person = Person(time)
    stride = 2 / cadence
    phase = time / stride
    runs = rest < 0.5
    person.hips = np.zeros((len(time), 3))
    person.hips[:, 0] = ahead * pace * time
    middle = np.cos(4 * np.pi * (phase - rest / 2))
    person.hips[:, 2] = 0.475 + bob * (-middle if runs else middle)
    for side, offset in (("l", 0.0), ("r", 0.5)):
        at = (phase + offset) % 1
        length = pace * rest * stride
        stance = 0.5 - at / rest
        fly = np.clip((at - rest) / (1 - rest), 0, 1)
        rel = np.where(at < rest, stance, -0.5 + fly * fly * (3 - 2 * fly)) * length
        foot = np.zeros((len(time), 3))
        foot[:, 0] = person.hips[:, 0] + ahead * rel
        foot[:, 1] = SIGN[side] * 0.05
        foot[:, 2] = 0.04 + lift * np.where(at < rest, 0, np.sin(np.pi * fly))
        person.feet[side] = foot
        hand = np.tile(HANG, (len(time), 1))
        hand[:, 0] -= 0.12 * np.sin(2 * np.pi * (at - rest / 2 + 0.25)) * ahead
        hand[:, 2] += 0.3 * (hand[:, 0] - HANG[0]) ** 2
        person.hands[side] = hand
    return person


def pose_of(*people, yaw=0.0, flat=False, places=None):
    """A pose of these people, seen from `yaw` degrees to their left of the front (0)."""
    turn = np.radians(yaw)
    right = np.array([np.sin(turn), np.cos(turn), 0.0])
    away = np.array([-np.cos(turn), np.sin(turn), 0.0])
    count = min(len(person.time) for person in people)
    keypoints = np.zeros((count, len(people), len(BODY_25.points), 3), np.float32)
    depth = np.zeros(keypoints.shape[:3], np.float32)
    for who, person in enumerate(people):
        shift = np.zeros(3) if places is None else np.array(places[who])
        for name, at in person.points().items():
            column = BODY_25.points.index(name)
            place = at[:count] + shift
            keypoints[:, who, column, 0] = 0.5 + (place @ right) / 3
            keypoints[:, who, column, 1] = 0.8 - place[:, 2] / 3
            keypoints[:, who, column, 2] = 1
            depth[:, who, column] = (place @ away) / 3
    return Pose(keypoints, "BODY_25", FPS, depth=None if flat else depth)
