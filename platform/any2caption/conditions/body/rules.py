"""The rules that name what one body does: each a few curves and thresholds, in order of precedence.

Thresholds are in standing body heights and degrees. A rule gets what earlier rules found, so that a
jumping jack is not also a jump with raised arms.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from any2caption.conditions.body.curves import SIDES, Body, Floats, Swing, span, swings

_ARMS = ("left_shoulder", "right_shoulder", "left_wrist", "right_wrist")
_FEET = ("left_ankle", "right_ankle")
_LOCOMOTION = ("walk", "run")
STRIDE, STEP_UP = 0.16, 0.045
RUN_KNEE, RUN_ELBOW = 75.0, 55.0
BOB, FLIGHT, TURNS_UP = 0.03, 0.04, 0.12
GROWTH = 1.25
HOP, RISE = 0.05, 0.05
ARM_OPENING, LEG_OPENING = 45.0, 0.1
SINK, UPRIGHT = 0.085, 0.34
BEND, SHRUNK = 32.0, 0.05
TURN = 0.1
RAISE = 0.16
LEVEL, HANGING, ARM_OUT = -0.06, -0.2, 0.2
WAVE, WAVE_GOING = 0.05, 0.1
PUNCH_BEND, PUNCH_FROM, PUNCH_REACH = 45.0, 70.0, 0.12
KICK, LIFT_LEG = 0.22, 0.1


@dataclass(frozen=True, slots=True)
class Found:
    """One movement of a body, in the body's own frames."""

    action: str
    part: str
    direction: str | None
    start: int
    end: int
    confidence: float


def evidence(amount: float, threshold: float) -> float:
    """Return 0.5 at the threshold, 0.95 from twice the threshold on."""
    return float(np.clip(0.5 + 0.45 * (abs(amount) / threshold - 1), 0.0, 0.95))


def overlap(one: Found, start: int, end: int) -> bool:
    """Whether a movement shares some of this stretch."""
    return one.start < end and start < one.end


def busy(found: Sequence[Found], start: int, end: int, *actions: str) -> bool:
    """Whether one of these actions takes up the middle of this stretch."""
    middle = (start + end) / 2
    return any(one.action in actions and one.start <= middle <= one.end for one in found)


def locomotion(body: Body, _: Sequence[Found]) -> Iterable[Found]:
    """Walk or run: the feet pass each other again and again, in a side view; else they step."""
    if not body.has(*_FEET, "mid_hip"):
        return
    apart = body.x("left_ankle") - body.x("right_ankle")
    strides = _alternating(apart, STRIDE)
    travel = flight = 0.0
    if len(strides) >= 2:  # noqa: PLR2004 - one stride may be a single step or a lunge
        start, end = span(strides)
        travel = float(body.x("mid_hip")[end] - body.x("mid_hip")[start])
        sure = evidence(float(np.median([abs(one.change) for one in strides])), STRIDE)
        direction = _picture_direction(travel)
    else:
        lifted = body.y("left_ankle") - body.y("right_ankle")
        strides = _alternating(lifted, STEP_UP)
        height = float(np.median([abs(one.change) for one in strides])) if strides else 0.0
        # Towards us steps are small; feet that take turns high up run, whatever the hips do.
        if len(strides) < 3 or (height < TURNS_UP and _hops(body)):  # noqa: PLR2004
            return
        start, end = span(strides)
        sure = 0.6 * evidence(height, STEP_UP)
        direction = _depth_direction(body, start, end)
        flight = _flight(body, start, end)
    run = max(flight, _runs(body, start, end))
    action = "run" if run >= 0.5 else "walk"  # noqa: PLR2004
    sure *= body.sure(*_FEET) * (0.7 + 0.6 * abs(run - 0.5))
    yield Found(action, "body", direction, start, end, min(sure, 0.95))


def _alternating(values: Floats, threshold: float) -> list[Swing]:
    """The swings in which one foot passes the other; none when one never leads: that is a kick."""
    if values.min() > -0.5 * threshold or values.max() < 0.5 * threshold:
        return []
    return [one for one in swings(values, threshold) if _passes(values, one)]


def _passes(values: Floats, one: Swing) -> bool:
    low, high = sorted((float(values[one.start]), float(values[one.end])))
    return low < 0.25 * abs(one.change) and high > -0.25 * abs(one.change)


def _picture_direction(travel: float) -> str | None:
    if abs(travel) < 0.08:  # noqa: PLR2004 - on the spot, or the camera goes along
        return None
    return "right" if travel > 0 else "left"


def _depth_direction(body: Body, start: int, end: int) -> str | None:
    """Towards the viewer a body grows in the picture; less than a quarter may be a lean."""
    torso = (
        np.hypot(*(body.points["neck"] - body.points["mid_hip"]).T) if body.has("neck") else None
    )
    if torso is None or end - start < 4:  # noqa: PLR2004
        return None
    third = max(1, (end - start) // 3)
    growth = float(
        np.mean(torso[end - third : end + 1]) / max(np.mean(torso[start : start + third]), 1e-9)
    )
    if 1 / GROWTH < growth < GROWTH:
        return None
    return "toward" if growth > 1 else "away"


def _runs(body: Body, start: int, end: int) -> float:
    """0 = walks … 1 = runs, by how far knees and elbows are bent, and by flight."""
    marks: list[float] = []
    for side in SIDES:
        leg = (f"{side}_hip", f"{side}_knee", f"{side}_ankle")
        arm = (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
        if body.has(*leg):
            bent = float(np.percentile(body.bend(*leg)[start : end + 1], 90))
            marks += [float(np.clip((bent - RUN_KNEE) / 40 + 0.5, 0, 1))] * 2
        if body.has(*arm):
            bent = float(np.median(body.bend(*arm)[start : end + 1]))
            marks.append(float(np.clip((bent - RUN_ELBOW) / 40 + 0.5, 0, 1)))
    hips = body.y("mid_hip")[start : end + 1]
    if marks and np.ptp(hips) > BOB:
        # A walker's hips are highest over the standing leg, a runner's in flight, feet apart.
        apart = np.abs(body.x("left_ankle") - body.x("right_ankle"))[start : end + 1]
        phase = correlation(hips, apart)
        marks += [float(np.clip(0.5 + phase, 0, 1))] * 2
    return float(np.mean(marks)) if marks else 0.0


def _flight(body: Body, start: int, end: int) -> float:
    """0 = a foot always on the ground … 1 = in the air as long as a runner is."""
    low, reach = _lowest(body), max(1, round(0.4 * body.rate))
    padded = np.pad(low, reach, mode="edge")
    ground = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
    share = float((low - ground > FLIGHT)[start : end + 1].mean())
    return float(np.clip(share / 0.4, 0, 1))


def _lowest(body: Body) -> Floats:
    return np.asarray(np.minimum(body.y("left_ankle"), body.y("right_ankle")))


def _hops(body: Body) -> list[tuple[Swing, Swing]]:
    """Up and down swings of both feet together, with the hips going along."""
    low = _lowest(body)
    found = swings(low, HOP)
    hips = body.y("mid_hip")
    out = []
    for up in found:
        if up.change <= 0:
            continue
        down = next((one for one in found if one.change < 0 and one.start >= up.end - 1), None)
        rise = float(hips[up.end] - hips[up.start])
        # Both feet, not one after the other as in running.
        feet = [float(np.ptp(body.y(foot)[up.start : up.end + 1])) for foot in _FEET]
        together = min(feet) > 0.5 * max(feet)
        if down is not None and together and rise >= RISE and rise >= 0.5 * up.change:
            out.append((up, down))
    return out


def jumping_jacks(body: Body, found: Sequence[Found]) -> Iterable[Found]:
    """Arms and legs open and close together."""
    if not body.has(*_ARMS, *_FEET):
        return
    raised = [_arm_angle(body, side) for side in SIDES]
    arms = (raised[0] + raised[1]) / 2
    legs = np.abs(body.x("left_ankle") - body.x("right_ankle"))
    opened = swings(arms, ARM_OPENING)
    spread = swings(legs, LEG_OPENING)
    alike, both = correlation(arms, legs), correlation(*raised)
    if len(opened) < 2 or len(spread) < 2 or alike < 0.4 or both < 0.5:  # noqa: PLR2004
        return
    if _crossed(body):
        return
    start, end = span([*opened, *spread])
    sure = min(
        evidence(float(np.ptp(arms)), ARM_OPENING), evidence(float(np.ptp(legs)), LEG_OPENING)
    )
    sure *= body.sure(*_ARMS, *_FEET) * (0.6 + 0.4 * alike)
    found_loco = [one for one in found if one.action in _LOCOMOTION]
    if not found_loco or sure > max(one.confidence for one in found_loco):
        yield Found("jumping jacks", "body", None, start, end, sure)


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's correlation of two curves; 0 when one of them does not change."""
    first, second = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / scale if scale > 1e-9 else 0.0  # noqa: PLR2004


def _crossed(body: Body) -> bool:
    """Whether the feet pass each other: then legs that open and close are strides."""
    apart = body.x("left_ankle") - body.x("right_ankle")
    return bool(apart.min() < -LEG_OPENING and apart.max() > LEG_OPENING)


def _arm_angle(body: Body, side: str) -> Floats:
    """Degrees between an arm and straight down: 0 hangs, 90 is level, 180 points up."""
    arm = body.points[f"{side}_wrist"] - body.points[f"{side}_shoulder"]
    return np.asarray(np.degrees(np.arctan2(np.abs(arm[:, 0]), -arm[:, 1])))


def jump(body: Body, found: Sequence[Found]) -> Iterable[Found]:
    """Both feet leave the ground and come down, the hips with them; rows are one jumping."""
    if not body.has(*_FEET, "mid_hip"):
        return
    hops = [
        hop
        for hop in _hops(body)
        if not busy(found, hop[0].start, hop[1].end, *_LOCOMOTION, "jumping jacks")
    ]
    if not hops:
        return
    seen = body.sure(*_FEET, "mid_hip")
    jumps = [
        Found("jump", "body", None, up.start, down.end, evidence(up.change, HOP) * seen)
        for up, down in hops
    ]
    longest = max(one.end - one.start for one in jumps)
    yield from grouped(jumps, longest)


def sinking(body: Body, found: Sequence[Found]) -> Iterable[Found]:
    """Sit down, stand up, squat: the hips sink towards the feet, stay there, or come back."""
    if not body.has(*_FEET, "mid_hip"):
        return
    height = body.y("mid_hip") - (body.y("left_ankle") + body.y("right_ankle")) / 2
    taken = ("jump", "jumping jacks", *_LOCOMOTION)
    hips = body.y("mid_hip")
    margin = body.count // 6
    moves = [
        one
        for one in swings(height, SINK)
        if not near(found, one, taken, margin)
        # The hips themselves move: pulled-up feet are no sinking.
        and (hips[one.end] - hips[one.start]) / one.change > 0.5  # noqa: PLR2004
    ]
    seen = body.sure(*_FEET, "mid_hip")
    at = 0
    while at < len(moves):
        one = moves[at]
        back = moves[at + 1] if at + 1 < len(moves) else None
        sure = evidence(one.change, SINK) * seen
        if one.change < 0 and back is not None and back.change >= 0.6 * -one.change:
            at += 2
            last = back.end
            while at + 1 < len(moves) and moves[at].change < 0:  # squats again and again
                last = moves[at + 1].end
                at += 2
            yield Found("squat", "body", None, one.start, last, sure)
            continue
        action = rest_of(body, one.end) if one.change < 0 else "stand up"
        yield Found(action, "body", None, one.start, one.end, sure)
        at += 1


def posture(body: Body, start: int, end: int) -> str:
    """`still` for who stands, or shows no legs; `sit`, `kneel still`, `lie` for who does not."""
    if not body.has(*_FEET, "mid_hip"):
        return "still"
    middle = (start + end) // 2
    foot = min(float(body.y(name)[middle]) for name in _FEET)
    if float(body.y("mid_hip")[middle]) - foot > UPRIGHT:
        return "still"
    return {"sit down": "sit", "kneel": "kneel still"}.get(rest_of(body, middle), "lie")


def rest_of(body: Body, frame: int) -> str:
    """How somebody rests who went down: lies, kneels or sits, by the heights of hips and knees."""
    hips = float(body.y("mid_hip")[frame])
    foot = min(float(body.y(name)[frame]) for name in _FEET)
    if body.has("neck") and float(body.y("neck")[frame]) - foot < 0.25:  # noqa: PLR2004
        return "lie down"
    knees = [float(body.y(f"{side}_knee")[frame]) for side in SIDES if body.has(f"{side}_knee")]
    # A knee on the ground is no higher than the foot, with the hips above it.
    if knees and min(knees) - foot < 0.07 and hips - min(knees) > 0.12:  # noqa: PLR2004
        return "kneel"
    return "sit down"


def grouped(found: Sequence[Found], gap: int, least: int = 1) -> list[Found]:
    """Join what happens again within `gap` frames; rows of fewer than `least` are left out."""
    rows: list[list[Found]] = []
    for one in sorted(found, key=lambda item: (item.start, item.end)):
        row = next(
            (
                row
                for row in reversed(rows)
                if (row[0].action, row[0].part, row[0].direction)
                == (one.action, one.part, one.direction)
                and one.start - row[-1].end <= gap
            ),
            None,
        )
        if row is None:
            rows.append([one])
        else:
            row.append(one)
    return [
        replace(
            row[0],
            end=max(one.end for one in row),
            confidence=max(one.confidence for one in row),
        )
        for row in rows
        if len(row) >= least
    ]


def near(found: Sequence[Found], one: Swing, actions: Sequence[str], margin: int = 0) -> bool:
    """Whether one of these actions overlaps a swing, or comes within `margin` frames of it."""
    start, end = one.start - margin, one.end + margin
    return any(item.action in actions and overlap(item, start, end) for item in found)


def bend(body: Body, found: Sequence[Found]) -> Iterable[Found]:
    """The trunk leaves the upright: by its angle, or, seen from the front, by looking shorter."""
    if not body.has("neck", "mid_hip"):
        return
    trunk = body.points["neck"] - body.points["mid_hip"]
    angle = np.degrees(np.arctan2(trunk[:, 0], trunk[:, 1]))
    seen = body.sure("neck", "mid_hip")
    taken = ("sit down", "stand up", "squat", "jump", *_LOCOMOTION)
    leans = [one for one in swings(np.abs(angle), BEND) if not near(found, one, taken)]
    if leans and max(abs(one.change) for one in leans) >= BEND:
        start, end = span(leans)
        top = start + int(np.argmax(np.abs(angle[start : end + 1])))
        direction = _bend_direction(body, float(angle[top]), top)
        amount = max(abs(one.change) for one in leans)
        yield Found("bend", "body", direction, start, end, evidence(amount, BEND) * seen)
        return
    length = np.hypot(*trunk.T)
    shrunk = [one for one in swings(length, SHRUNK) if not near(found, one, taken)]
    if shrunk and length.min() < 0.83 * np.percentile(length, 90) and shrunk[0].change < 0:
        start, end = span(shrunk)
        sure = 0.6 * evidence(shrunk[0].change, SHRUNK) * seen
        # A trunk that points at us looks short whichever way it leans.
        yield Found("bend", "body", None, start, end, sure)


def _bend_direction(body: Body, angle: float, frame: int) -> str | None:
    """Forward or backward where face or toes tell where that is; sideways, seen from the front."""
    width = _width(body)
    if width is not None and abs(float(np.median(width))) > 0.15:  # noqa: PLR2004 - faces us
        sign = 1 if float(np.median(width)) > 0 else -1
        return "left" if angle * sign > 0 else "right"
    towards = facing(body, frame)
    if towards == 0:
        return None
    return "forward" if angle * towards > 0 else "backward"


def facing(body: Body, frame: int) -> int:
    """-1 faces the left of the picture, 1 the right, 0 nobody knows; toes and nose must agree."""
    told = {int(np.sign(gap)) for gap in _ahead(body, frame)}
    return told.pop() if len(told) == 1 else 0


def _ahead(body: Body, frame: int) -> Iterable[float]:
    """What tells where somebody faces: how far toes and nose lie to the right, where it shows."""
    for side in SIDES:
        if body.has(f"{side}_big_toe", f"{side}_ankle"):
            gap = float((body.x(f"{side}_big_toe") - body.x(f"{side}_ankle"))[frame])
            if abs(gap) > 0.03:  # noqa: PLR2004
                yield gap
    if not body.has("nose", "left_ear", "right_ear"):
        return
    ears = (body.points["left_ear"] + body.points["right_ear"]) / 2
    nose = (body.points["nose"] - ears)[frame]
    if not body.has("neck", "mid_hip"):
        if abs(nose[0]) > 0.02:  # noqa: PLR2004
            yield float(nose[0])
        return
    # Ahead is a quarter turn from the spine: works upside down, too.
    spine = (body.points["neck"] - body.points["mid_hip"])[frame]
    across = float(nose[0] * spine[1] - nose[1] * spine[0])
    if abs(across) > 0.003:  # noqa: PLR2004
        yield across


def _width(body: Body) -> Floats | None:
    """Signed width of the shoulders: above 0 the person faces us."""
    if not body.has("left_shoulder", "right_shoulder"):
        return None
    return np.asarray(body.x("left_shoulder") - body.x("right_shoulder"))


def turn(body: Body, _: Sequence[Found]) -> Iterable[Found]:
    """The shoulders change their width in the picture: towards a side, or all the way round."""
    width = _width(body)
    if width is None or body.count < 5:  # noqa: PLR2004
        return
    for one in swings(width, TURN):
        before, after = width[one.start], width[one.end]
        # Between two wide views it must change sides; between wide and narrow it must end narrow.
        narrow = min(abs(before), abs(after)) < 0.09  # noqa: PLR2004
        if not (before * after < 0 or narrow) or max(abs(before), abs(after)) < 0.12:  # noqa: PLR2004
            continue
        direction = _turn_direction(body, one, width)
        sure = 0.9 * evidence(one.change, TURN) * body.sure("left_shoulder", "right_shoulder")
        yield Found("turn", "body", direction, one.start, one.end, sure)


def _turn_direction(body: Body, one: Swing, width: Floats) -> str | None:
    """Which way, from the person's own view: where they look in the narrow moment of the turn."""
    middle = one.start + int(np.argmin(np.abs(width[one.start : one.end + 1])))
    towards = facing(body, middle)
    # In the narrow moment someone who faces the picture's right has turned left from facing us.
    away = one.change < 0
    if towards == 0:
        return None
    return "left" if (towards > 0) == away else "right"


def arms(body: Body, found: Sequence[Found]) -> Iterable[Found]:
    """Wave, punch, raise and lower arms; two arms that do the same together are one movement."""
    taken = ("jumping jacks", "run", "jump")
    singles: list[Found] = []
    for side in SIDES:
        if not body.has(f"{side}_shoulder", f"{side}_wrist"):
            continue
        waves = list(_waves(body, side, found))
        hits = [] if waves else list(_punches(body, side))
        lifts = [
            one
            for one in _lifts(body, side)
            if not any(overlap(one, wave.start, wave.end) for wave in (*waves, *hits))
        ]
        singles += waves + hits + lifts
    free = [one for one in singles if not busy(found, one.start, one.end, *taken)]
    return joined(free)


def _waves(body: Body, side: str, found: Sequence[Found]) -> Iterable[Found]:
    """The forearm swings to and fro while the hand is up; on the way, high and wide."""
    names = (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
    if not body.has(*names):
        return
    hand = body.points[names[2]] - body.points[names[1]]
    elbow = body.points[names[1]] - body.points[names[0]]
    up = body.y(names[2]) > body.y(names[0]) - 0.02
    swing = [
        one
        for one in swings(hand[:, 0], WAVE)
        if up[one.start : one.end + 1].mean() > 0.6  # noqa: PLR2004
        # The elbow rests: an arm that is raised or shot out does not wave.
        and np.hypot(*(elbow[one.end] - elbow[one.start])) < 0.8 * abs(one.change)
    ]
    if len(swing) < 2:  # noqa: PLR2004 - once to a side is not a wave
        return
    start, end = span(swing)
    amount = float(np.median([abs(one.change) for one in swing]))
    over = float((body.y(names[2]) - body.y(names[0]))[start : end + 1].min())
    if busy(found, start, end, *_LOCOMOTION) and (amount < WAVE_GOING or over < 0):
        return
    sure = evidence(amount, WAVE) * body.sure(*names) * (0.8 if len(swing) == 2 else 1.0)  # noqa: PLR2004
    yield Found("wave", f"{side} arm", None, start, end, sure)


def _punches(body: Body, side: str) -> Iterable[Found]:
    """A bent arm shoots out straight at shoulder height and comes back."""
    names = (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
    if not body.has(*names):
        return
    bent = body.bend(*names)
    reach = np.hypot(*(body.points[names[2]] - body.points[names[0]]).T)
    level = np.abs(body.y(names[2]) - body.y(names[0])) < 0.1  # noqa: PLR2004
    moves = swings(bent, PUNCH_BEND)
    for one, back in pairwise(moves):
        out = float(reach[one.end] - reach[one.start])
        shot = one.change < 0 < back.change and bent[one.start] > PUNCH_FROM
        if shot and out > PUNCH_REACH and level[one.end]:
            sure = 0.9 * evidence(out, PUNCH_REACH) * body.sure(*names)
            direction = "right" if body.x(names[2])[one.end] > body.x(names[0])[one.end] else "left"
            yield Found("punch", f"{side} arm", direction, one.start, back.end, sure)


def _lifts(body: Body, side: str) -> Iterable[Found]:
    """The hand goes from below the shoulder to well above it, or back."""
    height = body.y(f"{side}_wrist") - body.y(f"{side}_shoulder")
    seen = body.sure(f"{side}_shoulder", f"{side}_wrist")
    for one in swings(height, RAISE):
        low, high = sorted((float(height[one.start]), float(height[one.end])))
        # From hanging to level is enough: arms come down from a T-pose.
        least = LEVEL if low < HANGING and _straight_out(body, side, one) else 0.03
        if high < least or low > high - RAISE or low > 0.03:  # noqa: PLR2004 - stays below or above
            continue
        action = "raise arms" if one.change > 0 else "lower arms"
        sure = evidence(one.change, RAISE) * seen * (1.0 if high > 0.1 else 0.7)  # noqa: PLR2004
        yield Found(action, f"{side} arm", None, one.start, one.end, sure)


def _straight_out(body: Body, side: str, one: Swing) -> bool:
    """Whether the arm lies out straight in the picture at the upper end of a swing."""
    frame = one.end if one.change > 0 else one.start
    arm = (body.points[f"{side}_wrist"] - body.points[f"{side}_shoulder"])[frame]
    return bool(abs(arm[0]) > ARM_OUT)


def joined(found: Sequence[Found]) -> list[Found]:
    """Join what the left and the right arm do at about the same time."""
    out: list[Found] = []
    right = [one for one in found if one.part == "right arm"]
    for one in (one for one in found if one.part == "left arm"):
        twin = next(
            (two for two in right if two.action == one.action and _together(one, two)), None
        )
        if twin is None:
            out.append(one)
            continue
        right.remove(twin)
        start, end = min(one.start, twin.start), max(one.end, twin.end)
        sure = (one.confidence + twin.confidence) / 2
        out.append(Found(one.action, "both arms", one.direction, start, end, sure))
    return out + right


def _together(one: Found, two: Found) -> bool:
    shared = min(one.end, two.end) - max(one.start, two.start)
    return shared >= 0.4 * min(one.end - one.start, two.end - two.start)


def legs(body: Body, found: Sequence[Found]) -> Iterable[Found]:
    """Kick or raise a leg: one foot goes up while the other stands."""
    if not body.has(*_FEET, "mid_hip"):
        return
    taken = (*_LOCOMOTION, "jump", "jumping jacks", "sit down", "stand up", "squat")
    for side, other in zip(SIDES, SIDES[::-1], strict=True):
        height = body.y(f"{side}_ankle") - body.y(f"{other}_ankle")
        standing = body.y(f"{other}_ankle")
        moves = swings(height, LIFT_LEG)
        for at, one in enumerate(moves):
            if one.change < 0 or height[one.end] < LIFT_LEG or near(found, one, taken):
                continue
            if abs(float(standing[one.end] - standing[one.start])) > 0.5 * one.change:
                continue
            back = moves[at + 1] if at + 1 < len(moves) else None
            yield _leg(body, side, one, back, float(height[one.end]))


def _leg(body: Body, side: str, up: Swing, back: Swing | None, height: float) -> Found:
    names = (f"{side}_hip", f"{side}_knee", f"{side}_ankle")
    straight = not body.has(*names) or float(body.bend(*names)[up.end]) < 60  # noqa: PLR2004
    quick = back is not None and back.start - up.end <= max(2, 0.15 * body.count)
    seen = body.sure(f"{side}_ankle", "mid_hip")
    if height >= KICK and straight and quick and back is not None:
        sure = 0.9 * evidence(height, KICK) * seen
        gap = float(body.x(f"{side}_ankle")[up.end] - body.x("mid_hip")[up.end])
        direction = None if abs(gap) < 0.1 else ("right" if gap > 0 else "left")  # noqa: PLR2004
        return Found("kick", f"{side} leg", direction, up.start, back.end, sure)
    end = up.end if back is None else back.start
    return Found(
        "raise leg", f"{side} leg", None, up.start, end, evidence(up.change, LIFT_LEG) * seen
    )


RULES: tuple[Callable[[Body, Sequence[Found]], Iterable[Found]], ...] = (
    *(locomotion, jumping_jacks, jump, sinking, bend, turn, arms, legs),
)
