"""What a body in space does as a whole: goes, turns, bends, jumps, sinks down, dances.

The rules for bodies whose points have depth (see `space`); those for a flat picture are in
`rules`. Units: body heights, seconds, degrees. Gravity sets the scale of gaits: at a Froude
number v²/(g·leg) of 0.5 people change from walking to running (Alexander 1989), which is about 1.15
heights a second for somebody of 1.7 m.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from any2caption.conditions.body import rules
from any2caption.conditions.body.curves import SIDES, Floats, span, swings
from any2caption.conditions.body.rules import Found, evidence, grouped
from any2caption.conditions.body.space import AHEAD, LEFT, Figure, averaged, stretches

GOING, FAR, STEPS = 0.13, 0.3, 2
CHANGE_OF_GAIT = 1.15
TURN, BEND, SIDE_BEND = 55.0, 18.0, 20.0
FLIGHT, RISE, SQUAT = 0.04, 0.04, 0.12
RESTLESS_HANDS, RESTLESS_FEET, DANCE, GRIP = 0.3, 0.2, 4.0, 0.15
_GAITS = ("walk", "run")
_DOWN = ("sit down", "stand up", "squat", "kneel", "lie down")


def gait(figure: Figure, _: Sequence[Found]) -> Iterable[Found]:
    """Walk or run: the hips travel, the feet take turns."""
    velocity = figure.travel(0.5)
    pace = np.linalg.norm(velocity, axis=1)
    for start, end in stretches(pace > GOING, figure.frames(0.4), figure.frames(0.4)):
        path = figure.body.points["mid_hip"][start : end + 1]
        way = (path[-1] - path[0]) * (1.0, 0.0, 1.0)
        far = float(np.linalg.norm(way))
        steps = _steps(figure, start, end)
        if far < FAR or steps < STEPS:
            continue
        run = _runs(figure, start, end, float(np.median(pace[start : end + 1])))
        sure = min(evidence(far, FAR), evidence(steps, STEPS))
        sure *= 0.7 + 0.6 * abs(run - 0.5)
        direction = _direction(figure, velocity, way, start, end)
        yield Found("run" if run >= 0.5 else "walk", "body", direction, start, end, sure)  # noqa: PLR2004


def _steps(figure: Figure, start: int, end: int) -> int:
    """How often the other foot becomes the one that moves."""
    left, right = (averaged(figure.pace(f"{side}_ankle"), 3) for side in SIDES)
    lead = (left - right)[start : end + 1]
    return len(swings(np.clip(lead, -0.5, 0.5), 0.5))


def _runs(figure: Figure, start: int, end: int, pace: float) -> float:
    """0 = walks … 1 = runs: pace, a foot always at rest, and when the hips are highest.

    A walker's hips are highest over the standing leg, a runner's in flight, feet far apart.
    """
    feet = [averaged(figure.pace(f"{side}_ankle"), 3)[start : end + 1] for side in SIDES]
    slower = float(np.percentile(np.minimum(*feet), 75)) / max(pace, 1e-9)
    gap = figure.body.points["left_ankle"] - figure.body.points["right_ankle"]
    apart = np.hypot(gap[:, 0], gap[:, 2])
    second = figure.frames(1.0)
    hips = figure.body.y("mid_hip")
    bounce = (hips - averaged(hips, second))[start : end + 1]
    opening = (apart - averaged(apart, second))[start : end + 1]
    phase = rules.correlation(bounce, opening)
    marks = (
        0.5 + phase,
        (slower - 0.2) / 0.6,
        0.5 + (pace - CHANGE_OF_GAIT) / (0.6 * CHANGE_OF_GAIT),
    )
    return float(np.mean(np.clip(marks, 0, 1)))


def _direction(figure: Figure, velocity: Floats, way: Floats, start: int, end: int) -> str | None:
    """Backwards as the person sees it; else where they go in the picture, or in depth."""
    own = np.einsum("tij,tj->ti", figure.axes, velocity)[start : end + 1].sum(axis=0)
    if own[AHEAD] < -0.7 * float(np.linalg.norm(own)):
        return "backward"
    side, near = float(way[0]), float(way[2])
    if abs(side) >= abs(near):
        return "right" if side > 0 else "left"
    return "toward" if near > 0 else "away"


def dance(figure: Figure, _: Sequence[Found]) -> Iterable[Found]:
    """Hands and feet keep moving for seconds, and lead nowhere."""
    body = figure.body
    second = figure.frames(1.5)
    hands = [averaged(figure.pace(f"{side}_wrist", "neck"), second) for side in SIDES]
    feet = averaged(np.maximum(*(figure.pace(f"{side}_ankle") for side in SIDES)), second)
    way = np.linalg.norm(figure.travel(2.0), axis=1)
    path = averaged(np.linalg.norm(figure.travel(0.2), axis=1), figure.frames(2.0))
    busy = (np.minimum(*hands) > RESTLESS_HANDS) & (feet > RESTLESS_FEET) & (way < 0.6 * path)
    grip = np.linalg.norm(body.points["left_wrist"] - body.points["right_wrist"], axis=1)
    for start, end in stretches(busy, figure.frames(DANCE), figure.frames(2.0)):
        if np.median(grip[start : end + 1]) < GRIP:  # both hands on one thing, as a sword
            continue
        lasting = (end - start) / figure.rate
        yield Found("dance", "body", None, start, end, evidence(lasting, DANCE) * body.sure("neck"))


def turn(figure: Figure, _: Sequence[Found]) -> Iterable[Found]:
    """The hips turn about the vertical."""
    heading = averaged(figure.heading(), figure.frames(0.3))
    for one in swings(heading, TURN):
        direction = "left" if one.change > 0 else "right"
        yield Found("turn", "body", direction, one.start, one.end, evidence(one.change, TURN))


def bend(figure: Figure, found: Sequence[Found]) -> Iterable[Found]:
    """The trunk leaves its upright and comes back: forward, backward, to a side."""
    ahead, left = (averaged(one, figure.frames(0.1)) for one in figure.lean())
    leans: list[Found] = []
    for curve, least, words in (
        (ahead, BEND, ("forward", "backward")),
        (left, SIDE_BEND, ("left", "right")),
    ):
        for one in swings(curve, least):
            low, high = float(curve[one.start]), float(curve[one.end])
            outward = abs(high) > abs(low)
            peak = high if outward else low
            if abs(peak) < 0.7 * least or rules.near(found, one, (*_GAITS, *_DOWN, "jump")):
                continue
            word = words[0] if peak > 0 else words[1]
            sure = evidence(one.change, least)
            leans.append(Found("bend", "body", word, one.start, one.end, sure))
    return grouped(leans, figure.frames(3.0))


def jumping_jacks(figure: Figure, _: Sequence[Found]) -> Iterable[Found]:
    """Arms and legs open and close to the sides together, again and again."""
    legs = np.abs(figure.own("left_ankle", "right_ankle")[:, LEFT])
    raised = [_arm_angle(figure, side) for side in SIDES]
    arms = (raised[0] + raised[1]) / 2
    opened, spread = swings(arms, rules.ARM_OPENING), swings(legs, rules.LEG_OPENING)
    together = rules.correlation(arms, legs)
    both = rules.correlation(*raised)
    if len(opened) < 3 or len(spread) < 3 or together < 0.7 or both < 0.7:  # noqa: PLR2004
        return
    start, end = span([*opened, *spread])
    sure = min(
        evidence(float(np.ptp(arms)), rules.ARM_OPENING),
        evidence(float(np.ptp(legs)), rules.LEG_OPENING),
    )
    yield Found("jumping jacks", "body", None, start, end, sure * (0.6 + 0.4 * together))


def _arm_angle(figure: Figure, side: str) -> Floats:
    """Degrees between an arm and straight down."""
    arm = figure.own(f"{side}_wrist", f"{side}_shoulder")
    return np.degrees(np.arctan2(np.hypot(arm[:, 0], arm[:, 1]), -arm[:, 2]))


def jump(figure: Figure, found: Sequence[Found]) -> Iterable[Found]:
    """Both feet leave the ground, and the hips go up with them."""
    low, hips = figure.lowest() - figure.ground, figure.body.y("mid_hip")
    jumps: list[Found] = []
    for start, end in stretches(low > FLIGHT, 2):
        top = start + int(np.argmax(low[start : end + 1]))
        before = max(0, start - figure.frames(0.3))
        rise = float(hips[top] - hips[before : start + 1].min())
        if rise < RISE or rules.busy(found, start, end, *_GAITS, "jumping jacks"):
            continue
        sure = min(evidence(float(low[top]), FLIGHT), evidence(rise, RISE))
        first, last = max(0, start - 1), min(len(low) - 1, end + 1)
        jumps.append(Found("jump", "body", None, first, last, sure))
    return grouped(jumps, figure.frames(1.0))


def sinking(figure: Figure, found: Sequence[Found]) -> Iterable[Found]:
    """Sit down, kneel, lie down, squat, stand up: as in a picture, whose height is true."""
    for one in rules.sinking(figure.body.flat(), found):
        hips = figure.body.y("mid_hip")[one.start : one.end + 1]
        if one.action != "squat" or np.ptp(hips) > SQUAT:
            yield one
