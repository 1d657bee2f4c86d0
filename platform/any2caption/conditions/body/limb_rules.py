"""What arms and legs of a body in space do: wave, point, raise, punch, swing, throw, clap, kick.

Places of a hand are its shoulder's (ahead, outward, up), in body heights: an arm is about 0.3 long.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from any2caption.conditions.body.curves import SIDES, Floats, Swing, swings
from any2caption.conditions.body.rules import Found, busy, evidence, grouped, joined, overlap
from any2caption.conditions.body.space import AHEAD, LEFT, UP, Figure, averaged, stretches

RAISE, HANGING, RAISED, BEFORE_CHEST, UPWARD = 0.16, -0.16, -0.1, -0.16, 0.07
SWAY, CYCLES, SLOWEST, WALKING_SWAY = 0.009, 4, 0.8, 0.06
FIST, OUT, HIT, DRAWN_BACK = 0.8, 0.2, 35.0, 0.22
CLEAR_WAVE, OVERHEAD = 0.7, 0.1
STROKE, SWEEP, GRIP = 1.0, 0.3, 0.13
OPEN_HAND, HELD, SPREAD = 0.16, 0.4, 0.25
KICK_PACE, KICK, LIFT_LEG = 1.8, 0.12, 0.1
CLOSED, OPENED = 0.12, 0.06
THROW = 1.8
_GAITS = ("walk", "run")
_BLOWS = ("punch", "throw")
_STEPS = (
    *("raise arms", "lower arms", "gesture", "point", "swing", "throw", "wave", "clap"),
    *("walk", "run", "turn", "bend", "raise leg"),
)
_BOTH_POINT = ("point", "both arms")


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm over time: the hand from the shoulder, the forearm, the elbow's bend."""

    side: str
    hand: Floats
    forearm: Floats
    elbow: Floats
    pace: Floats

    @property
    def part(self) -> str:
        """`left arm` or `right arm`."""
        return f"{self.side} arm"


def arm_of(figure: Figure, side: str) -> Arm:
    """Return one arm's curves; the second axis of the places points outward."""
    outward = np.array([1.0, 1.0 if side == "left" else -1.0, 1.0])
    names = f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist"
    return Arm(
        side,
        figure.own(names[2], names[0]) * outward,
        figure.own(names[2], names[1]) * outward,
        figure.bend(*names),
        averaged(figure.pace(names[2], "neck"), 3),
    )


def arms(figure: Figure, found: Sequence[Found]) -> Iterable[Found]:
    """What each arm does; two arms that do the same together are one movement."""
    if any(one.action == "jumping jacks" for one in found):
        return []
    both = [arm_of(figure, side) for side in SIDES]
    swaying = [list(_waves(figure, arm, found)) for arm in both]
    blows = [_blows(figure, arm, found, waves) for arm, waves in zip(both, swaying, strict=True)]
    fight = [one for side in blows for one in side if one.action == "punch"]
    singles = [
        one
        for arm, hits, sways in zip(both, blows, swaying, strict=True)
        for one in _acts(figure, arm, found, hits, _free(sways, [*fight, *hits]))
    ]
    return [
        replace(one, action="gesture") if (one.action, one.part) == _BOTH_POINT else one
        for one in joined(singles)
    ]


def _blows(figure: Figure, arm: Arm, found: Sequence[Found], waves: Sequence[Found]) -> list[Found]:
    """Punches and throws of an arm, but for those of a hand that waves over the shoulder."""
    high = [wave for wave in waves if _is_high(arm, wave)]
    hits = (*_punches(figure, arm, found), *_throws(figure, arm, found))
    return [one for one in hits if not any(overlap(wave, *_ends(one)) for wave in high)]


def _free(waves: Sequence[Found], hits: Sequence[Found]) -> list[Found]:
    """Waves while nobody hits: who fights bobs the fists, too."""
    return [one for one in waves if not any(overlap(hit, *_ends(one)) for hit in hits)]


def _acts(
    figure: Figure,
    arm: Arm,
    found: Sequence[Found],
    hits: Sequence[Found],
    sways: Sequence[Found],
) -> Iterable[Found]:
    """What one arm does beside its blows."""
    lifts = [one for one in _lifts(figure, arm, found) if not busy(hits, *_ends(one), *_BLOWS)]
    # A hand on its way up sways.
    waves = [one for one in sways if _shared(one, lifts) < 0.5 * (one.end - one.start)]
    yield from (*hits, *waves, *lifts)
    margin = figure.frames(0.3)
    near = [
        replace(one, start=one.start - margin, end=one.end + margin)
        for one in waves
        if one.confidence > CLEAR_WAVE  # a held-out hand may sway a little
    ]
    for one in (*_strokes(figure, arm, found), *_shows(figure, arm, found)):
        if not busy([*near, *hits], *_ends(one), "wave", *_BLOWS):
            yield one


def _is_high(arm: Arm, wave: Found) -> bool:
    """Whether the hand waves over the shoulder, where no fist strikes."""
    return float(np.median(arm.hand[wave.start : wave.end + 1, UP])) > OVERHEAD


def _shared(one: Found, others: Sequence[Found]) -> int:
    """Frames that a movement shares with others."""
    return sum(max(0, min(one.end, two.end) - max(one.start, two.start)) for two in others)


def _ends(one: Found) -> tuple[int, int]:
    return one.start, one.end


def _waves(figure: Figure, arm: Arm, found: Sequence[Found]) -> Iterable[Found]:
    """The forearm is up, or held out, and sways to and fro several times."""
    up = averaged(arm.forearm[:, UP], figure.frames(0.3))
    over = averaged(arm.hand[:, UP], figure.frames(0.3))
    lifted = (up > -0.04) & (over > -0.2)  # noqa: PLR2004
    rows: list[tuple[Found, float]] = []
    grip = _grip(figure)
    for start, end in stretches(lifted, figure.frames(0.5), figure.frames(0.2)):
        for axis in (LEFT, AHEAD, UP):
            sway = (arm.hand + arm.forearm)[start : end + 1, axis]
            for row in _sways(figure, sway):
                amount = float(np.median([abs(one.change) for one in row]))
                first, last = start + row[0].start, start + row[-1].end
                high = float(np.median(over[first : last + 1])) > 0
                # Arms swing as one walks; a wave on the way is high and wide.
                if busy(found, first, last, *_GAITS) and (amount < WALKING_SWAY or not high):
                    continue
                if amount > WALKING_SWAY and np.median(grip[first : last + 1]) < GRIP:
                    continue
                sure = min(evidence(amount, SWAY), evidence(len(row), CYCLES))
                rows.append((Found("wave", arm.part, None, first, last, sure), amount))
    kept: list[Found] = []
    for one, _ in sorted(rows, key=lambda row: -row[1]):
        if not busy(kept, one.start, one.end, "wave"):
            kept.append(one)
    yield from grouped(kept, figure.frames(1.0))


def _grip(figure: Figure) -> Floats:
    """How far the hands are from each other."""
    gap = figure.body.points["left_wrist"] - figure.body.points["right_wrist"]
    return np.asarray(np.linalg.norm(gap, axis=1))


def _sways(figure: Figure, curve: Floats) -> Iterable[list[Swing]]:
    """Rows of quick turns to and fro, all about as wide as each other, and wider than noise."""
    if len(curve) <= CYCLES:
        return
    rough = 1.4826 * float(np.median(np.abs(np.diff(curve, 2)))) / np.sqrt(6)
    noise = 6 * rough * min(1.0, figure.rate / 30) ** 2  # few frames a second: a wave is rough, too
    row: list[Swing] = []
    for one in swings(curve, max(SWAY, noise)):
        slow = 1.6 if abs(one.change) > WALKING_SWAY else 1.0
        quick = one.end - one.start <= figure.frames(slow * SLOWEST)
        goes_on = row and one.start - row[-1].end <= figure.frames(0.3)
        alike = goes_on and 0.25 < abs(one.change / row[-1].change) < 4  # noqa: PLR2004
        if quick and (alike or not row):
            row.append(one)
            continue
        if len(row) >= CYCLES:
            yield row
        row = [one] if quick else []
    if len(row) >= CYCLES:
        yield row


def _lifts(figure: Figure, arm: Arm, found: Sequence[Found]) -> Iterable[Found]:
    """A hanging hand comes up to the shoulder or above, or goes down from there."""
    height = averaged(arm.hand[:, UP], figure.frames(0.1))
    hold = figure.frames(0.8)
    for one in swings(height, RAISE):
        low, high = sorted((float(height[one.start]), float(height[one.end])))
        # A forearm that points up is a raised hand, too, before the chest.
        top = one.end if one.change > 0 else one.start
        least = BEFORE_CHEST if arm.forearm[top, UP] > UPWARD else RAISED
        if low > HANGING or high < least:
            continue
        start, end = _core(height, one)
        if busy(found, start, end, *_GAITS):  # arms swing as one goes: the hand must stay up
            up = (
                height[end : end + hold] if one.change > 0 else height[max(0, start - hold) : start]
            )
            if len(up) < hold or up.min() < max(RAISED, high - 0.1):
                continue
        action = "raise arms" if one.change > 0 else "lower arms"
        sure = evidence(one.change, RAISE) * (1.0 if high > 0.1 else 0.75)  # noqa: PLR2004
        yield Found(action, arm.part, None, start, end, sure)


def _core(curve: Floats, one: Swing) -> tuple[int, int]:
    """The stretch of a swing in which most of it happens, without slow drift before and after."""
    pace = np.abs(np.diff(curve[one.start : one.end + 1]))
    if not len(pace):
        return one.start, one.end
    top = int(np.argmax(pace))
    slow = np.flatnonzero(pace < 0.1 * pace[top])
    before, after = slow[slow < top], slow[slow > top]
    first = int(before[-1]) + 1 if len(before) else 0
    last = int(after[0]) if len(after) else len(pace)
    return one.start + first, one.start + last


def _punches(figure: Figure, arm: Arm, found: Sequence[Found]) -> Iterable[Found]:
    """A bent arm shoots out straight, about level, and comes back."""
    hits: list[Found] = []
    for out, back in pairwise(swings(arm.elbow, HIT)):
        if out.change > 0 or out.end - out.start > figure.frames(0.6):
            continue
        if np.linalg.norm(arm.hand[out.start]) > DRAWN_BACK:
            continue
        place = arm.hand[out.end]
        fast = float(arm.pace[out.start : out.end + 1].max())
        # Who boxes stands turned away: the blow may go out to the side of the hips.
        level = -0.17 < place[UP] < 0.17 and place[AHEAD] > -0.1  # noqa: PLR2004
        if not level or np.hypot(place[AHEAD], place[LEFT]) < OUT or fast < FIST:
            continue
        if back.start - out.end > figure.frames(0.4) or busy(found, out.start, out.end, *_GAITS):
            continue
        sure = min(evidence(fast, FIST), evidence(-out.change, HIT))
        hits.append(Found("punch", arm.part, None, out.start, back.end, sure))
    return grouped(hits, figure.frames(1.5))


def _throws(figure: Figure, arm: Arm, found: Sequence[Found]) -> Iterable[Found]:
    """From behind the head the hand shoots ahead, and does not stop level."""
    for one in swings(arm.hand[:, AHEAD], 0.3):
        cocked = arm.hand[max(0, one.start - figure.frames(0.2)) : one.start + 1]
        fast = float(arm.pace[one.start : one.end + 1].max())
        quick = one.end - one.start <= figure.frames(0.5)
        follows = arm.hand[one.end : one.end + figure.frames(0.4), UP].min()
        if one.change > 0 and quick and fast > THROW and cocked[:, UP].max() > 0 > follows:
            if cocked[:, AHEAD].min() > -0.05 or busy(found, one.start, one.end, *_GAITS):  # noqa: PLR2004
                continue
            yield Found("throw", arm.part, None, one.start, one.end, evidence(fast, THROW))


def _strokes(figure: Figure, arm: Arm, found: Sequence[Found]) -> Iterable[Found]:
    """The arm sweeps fast from side to side, or down from above to the front, as with a sword."""
    strokes: list[Found] = []
    grip = _grip(figure)
    for start, end in stretches(arm.pace > STROKE, 2, 1):
        way, last = arm.hand[end] - arm.hand[start], arm.hand[end]
        length = float(arm.pace[start : end + 1].sum() / figure.rate)
        # Sideways more than up: an arm that is raised to the side sweeps nothing.
        across = abs(float(way[LEFT])) > max(0.18, abs(float(way[UP])))
        # A hand that is let down ends at the side, one that strikes ends in front.
        down = way[UP] < -0.18 and (last[AHEAD] > 0.1 or last[LEFT] < 0)  # noqa: PLR2004
        held = float(np.median(grip[start : end + 1])) < GRIP  # both hands on one thing
        if length < SWEEP or not (across or down or held):
            continue
        if busy(found, start, end, *_GAITS) and arm.hand[start : end + 1, UP].max() < 0:
            continue
        strokes.append(Found("swing", arm.part, None, start, end, evidence(length, SWEEP)))
    return grouped(strokes, figure.frames(2.0))


def _shows(figure: Figure, arm: Arm, found: Sequence[Found]) -> Iterable[Found]:
    """Point with a straight arm, or gesture: a hand held out from the body, below the head."""
    level = arm.hand[:, UP]
    out = np.hypot(np.maximum(arm.hand[:, AHEAD], 0.0), np.maximum(arm.hand[:, LEFT], 0.0))
    held = (out > OPEN_HAND) & (level > -0.17) & (level < 0.17)  # noqa: PLR2004
    for start, end in stretches(held, figure.frames(HELD), figure.frames(0.1)):
        if busy(found, start, end, *_GAITS):
            continue
        rested = min(level[:start].min(initial=0.0), level[end:].min(initial=0.0))
        calm = float(np.median(arm.pace[start : end + 1])) < 0.5  # noqa: PLR2004
        straight = float(np.percentile(arm.elbow[start : end + 1], 25)) < 45  # noqa: PLR2004
        ends = start == 0 or end == len(level) - 1
        aside = float(np.median(arm.hand[start : end + 1, LEFT])) > SPREAD
        if rested > HANGING or not calm or (ends and aside):  # a T-pose is not a gesture
            continue
        action = "point" if straight else "gesture"
        sure = evidence(float(out[start : end + 1].max()), OPEN_HAND)
        yield Found(action, arm.part, None, start, end, sure)


def clap(figure: Figure, found: Sequence[Found]) -> Iterable[Found]:
    """The hands meet again and again in front of the body."""
    apart = _grip(figure)
    ahead = np.minimum(*(figure.own(f"{side}_wrist", "mid_hip")[:, AHEAD] for side in SIDES))
    meets = [
        one
        for one in swings(apart, OPENED)
        if one.change < 0
        and apart[one.end] < CLOSED
        and ahead[one.end] > 0.05  # noqa: PLR2004
        and one.end - one.start <= figure.frames(0.6)
    ]
    claps = [
        Found("clap", "both hands", None, one.start, one.end, evidence(-one.change, OPENED))
        for one in meets
        if not busy(found, one.start, one.end, "jumping jacks", "run")
    ]
    return grouped(claps, figure.frames(1.0), least=3)


def legs(figure: Figure, found: Sequence[Found]) -> Iterable[Found]:
    """Kick or raise a leg: one foot goes up and out while the other stands."""
    kept = (*_GAITS, "jump", "jumping jacks", "sit down", "stand up", "squat", "kneel", "lie down")
    kicks: list[Found] = []
    for side, other in zip(SIDES, SIDES[::-1], strict=True):
        lift = figure.body.y(f"{side}_ankle") - figure.body.y(f"{other}_ankle")
        gap = figure.own(f"{side}_ankle", "mid_hip")
        out = np.hypot(gap[:, AHEAD], gap[:, LEFT])
        pace = averaged(figure.pace(f"{side}_ankle"), 3)
        knee = figure.bend(f"{side}_hip", f"{side}_knee", f"{side}_ankle")
        for start, end in stretches(lift > LIFT_LEG, figure.frames(0.15), 1):
            high = start + int(np.argmax(lift[start : end + 1]))
            fast = float(pace[start : end + 1].max())
            straight = float(knee[start : end + 1].min()) < 60  # noqa: PLR2004
            far = float(out[start : end + 1].max())
            quick = end - start <= figure.frames(1.5)
            kicked = lift[high] > KICK and fast > KICK_PACE and straight and quick
            if kicked and far > 0.25 and not busy(found, start, end, "run"):  # noqa: PLR2004
                if busy(found, start, end, "walk") and lift[high] < 2 * KICK:
                    continue
                sure = min(evidence(fast, KICK_PACE), evidence(float(lift[high]), KICK))
                kicks.append(Found("kick", f"{side} leg", None, start, end, sure))
            elif end - start >= figure.frames(0.4) and not busy(found, start, end, *kept):
                sure = evidence(float(lift[high]), LIFT_LEG)
                kicks.append(Found("raise leg", f"{side} leg", None, start, end, sure))
    return grouped(kicks, figure.frames(0.5))


def without_steps(found: Sequence[Found]) -> list[Found]:
    """Drop what a dance is made of: steps, turns, and the ways of the arms."""
    dances = [one for one in found if one.action == "dance" and one.confidence >= 0.5]  # noqa: PLR2004
    return [
        one
        for one in found
        if one.action not in _STEPS or not busy(dances, one.start, one.end, "dance")
    ]
