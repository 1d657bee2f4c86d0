"""Several people: who is who by place, and what two of them do together.

Only what the points show: without depth, people of different size stand at different distances,
and nothing is said of the way between them. Lengths are in the two people's mean height.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from any2caption.conditions.body.curves import SIDES, Body, Floats, swings
from any2caption.conditions.body.rules import evidence, facing
from any2caption.conditions.body.space import AHEAD, averaged, figure_of, stretches

CLOSER, MEETING, ALIKE = 0.5, 3.0, 1.4
TRAVEL, STEADY = 0.8, 0.5
TOUCH, ARMS_LENGTH = 0.08, 0.9
MOST = 8
"""People who are looked at in pairs: those seen most."""
_APART = 0.15
_LOOKS = 40
_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"),
    "tenth",
)


@dataclass(frozen=True, slots=True)
class Together:
    """What person `one` does with person `other` (indices), in frames of the clip."""

    one: int
    other: int
    action: str
    mutual: bool
    start: int
    end: int
    confidence: float


def places_of(bodies: Sequence[Body | None]) -> list[str]:
    """Name everybody by place: `the person on the left`; empty where places do not tell.

    People who change sides are named by where they are at first.
    """
    names = [""] * len(bodies)
    there = [(at, body) for at, body in enumerate(bodies) if body is not None]
    if len(there) < 2:  # noqa: PLR2004 - nobody to be told from
        return names
    tenth = max(1, min(body.count for _, body in there) // 10)
    first = {at: _middle(body)[:tenth].mean() for at, body in there}
    last = {at: _middle(body)[-tenth:].mean() for at, body in there}
    order = sorted(first, key=lambda at: first[at])
    height = float(np.mean([body.height for _, body in there]))
    clear = np.diff([first[at] for at in order]) > _APART * height
    told = [bool(clear.all())] * len(order)
    told[0], told[-1] = bool(clear[0]), bool(clear[-1])
    moved = order != sorted(last, key=lambda at: last[at])
    for rank, at in enumerate(order[: len(_ORDINALS)]):
        if told[rank]:
            names[at] = _place(rank, len(order)) + (" at first" if moved else "")
    return names


def _place(rank: int, count: int) -> str:
    if rank == 0:
        return "the person on the left"
    if rank == count - 1:
        return "the person on the right"
    if count == 3:  # noqa: PLR2004
        return "the person in the middle"
    return f"the {_ORDINALS[rank]} person from the left"


def _middle(body: Body) -> Floats:
    """X of the body over time, in canvas heights."""
    places = np.stack([places[:, 0] for places in body.points.values()])
    return np.asarray(np.median(places, axis=0) * body.height)


def together(bodies: Sequence[Body | None]) -> list[Together]:
    """What every two of the first `MOST` people do with each other, in order of time."""
    found: list[Together] = []
    ahead = [None if body is None else _ahead(body) for body in bodies[:MOST]]
    for one, other in combinations(range(len(ahead)), 2):
        pair = _pair(one, other, bodies[one], bodies[other])
        if pair is not None:
            found += _faces(pair, (ahead[one], ahead[other]))
            for rule in (_ways, _follows, _shakes):
                found += rule(pair)
    return sorted(found, key=lambda item: (item.start, item.end))


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two bodies in the frames in which both are there, places in their mean height."""

    numbers: tuple[int, int]
    bodies: tuple[Body, Body]
    height: float
    first: int
    last: int

    def place(self, which: int, name: str) -> Floats:
        body = self.bodies[which]
        rows = slice(self.first - body.first, self.last - body.first + 1)
        return body.points[name][rows] * (body.height / self.height)

    def has(self, *names: str) -> bool:
        return all(body.has(*names) for body in self.bodies)

    def way(self) -> Floats:
        """From one's hips to the other's over time, level: n×1 (x), with depth n×2."""
        return self.ground(1) - self.ground(0)

    def ground(self, which: int) -> Floats:
        places = self.place(which, "mid_hip")
        return averaged(np.delete(places, 1, axis=1), round(0.3 * self.bodies[0].rate))

    def found(  # noqa: PLR0913 - a movement's fields
        self, action: str, who: int, start: int, end: int, sure: float, *, mutual: bool
    ) -> Together:
        one, other = self.numbers[who], self.numbers[1 - who]
        return Together(one, other, action, mutual, self.first + start, self.first + end, sure)


def _pair(one: int, other: int, first: Body | None, second: Body | None) -> _Pair | None:
    if first is None or second is None or first.solid != second.solid:
        return None
    start, end = max(first.first, second.first), min(first.last, second.last)
    if end - start < 5 or not (first.has("mid_hip") and second.has("mid_hip")):  # noqa: PLR2004
        return None
    sizes = sorted((first.height, second.height))
    if not first.solid and sizes[1] > ALIKE * sizes[0]:
        return None
    return _Pair((one, other), (first, second), sum(sizes) / 2, start, end)


def _ways(pair: _Pair) -> Iterable[Together]:
    """Approach, or move apart: the gap between them changes; who moves is told."""
    way = pair.way()
    gap = np.linalg.norm(way, axis=1)
    for one in swings(gap, CLOSER):
        along = way[one.start] / max(float(gap[one.start]), 1e-9)
        part = [
            sign * float((pair.ground(which)[one.end] - pair.ground(which)[one.start]) @ along)
            for which, sign in ((0, -1.0), (1, 1.0))
        ]
        shares = [share / one.change for share in part]
        mutual = min(shares) > 0.25  # noqa: PLR2004
        action = "approach" if one.change < 0 else "move apart"
        if action == "approach" and gap[one.end] > MEETING:
            continue
        who = int(shares[1] > shares[0])
        sure = evidence(one.change, CLOSER)
        yield pair.found(action, who, one.start, one.end, sure, mutual=mutual)


def _follows(pair: _Pair) -> Iterable[Together]:
    """Both go the same way, one behind the other, at a steady distance."""
    ways = [pair.ground(which)[-1] - pair.ground(which)[0] for which in (0, 1)]
    lengths = [float(np.linalg.norm(one)) for one in ways]
    gap = np.linalg.norm(pair.way(), axis=1)
    if min(lengths) < TRAVEL or np.ptp(gap) > STEADY or not 0.3 < gap.mean() < MEETING:  # noqa: PLR2004
        return
    course = (ways[0] + ways[1]) / max(float(np.linalg.norm(ways[0] + ways[1])), 1e-9)
    if float(ways[0] @ ways[1]) < 0.7 * lengths[0] * lengths[1]:
        return
    ahead = float(np.median(pair.way() @ course))
    if abs(ahead) < 0.6 * float(gap.mean()):
        return
    who = 0 if ahead > 0 else 1
    sure = evidence(min(lengths), TRAVEL)
    yield pair.found("follow", who, 0, len(gap) - 1, sure, mutual=False)


def _shakes(pair: _Pair) -> Iterable[Together]:
    """A hand of each meets the other's between hips and shoulders, at arm's length."""
    rate = pair.bodies[0].rate
    gap = np.linalg.norm(pair.way(), axis=1)
    best: tuple[int, int] | None = None
    for side in SIDES:
        name = f"{side}_wrist"
        if not pair.has(name, f"{side}_shoulder"):
            continue
        hands = [pair.place(which, name) for which in (0, 1)]
        apart = np.linalg.norm(hands[0] - hands[1], axis=1)
        level = np.all(
            [
                (pair.place(which, "mid_hip")[:, 1] - 0.05 < hands[which][:, 1])
                & (hands[which][:, 1] < pair.place(which, f"{side}_shoulder")[:, 1] + 0.02)
                for which in (0, 1)
            ],
            axis=0,
        )
        meet = (apart < TOUCH) & level & (gap > 0.25) & (gap < ARMS_LENGTH)  # noqa: PLR2004
        for start, end in stretches(meet, max(3, round(0.4 * rate)), round(0.2 * rate)):
            if best is None or end - start > best[1] - best[0]:
                best = start, end
    if best is not None:
        yield pair.found("shake hands", 0, *best, 0.8, mutual=True)


def _ahead(body: Body) -> Floats | None:
    """Level directions n×2 (x, z) into which a body with depth faces."""
    figure = figure_of(body) if body.solid else None
    return None if figure is None else figure.axes[:, AHEAD][:, [0, 2]]


def _faces(pair: _Pair, ahead: tuple[Floats | None, Floats | None]) -> Iterable[Together]:
    """Each looks to where the other is, most of the time."""
    way = pair.way()
    frames = np.unique(np.linspace(0, len(way) - 1, _LOOKS).round().astype(int)).tolist()
    shares = []
    for which, sign in ((0, 1.0), (1, -1.0)):
        looks = [_looks(pair, which, ahead[which], at, sign * way[at]) for at in frames]
        shares.append(float(np.mean(looks)))
    gap = np.linalg.norm(way, axis=1)
    if min(shares) > 0.6 and np.median(gap) < MEETING:  # noqa: PLR2004
        yield pair.found("face", 0, 0, len(way) - 1, min(shares) * 0.9, mutual=True)


def _looks(pair: _Pair, which: int, ahead: Floats | None, at: int, way: Floats) -> bool:
    body = pair.bodies[which]
    frame = pair.first + at - body.first
    if not body.solid:
        return facing(body, frame) == int(np.sign(way[0]))
    if ahead is None:
        return False
    return float(ahead[frame] @ way) > 0.7 * float(np.linalg.norm(way))
