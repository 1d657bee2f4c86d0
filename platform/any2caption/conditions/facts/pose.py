"""What a pose states: how many people there are, and what each of them does, in order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.body.movements import PoseMovement, pose_movements
from any2caption.conditions.fact import Certainty, Fact, Source
from any2caption.conditions.facts.words import counted
from any2caption.conditions.types import Condition, DrawnPose, Pose

SURE, SURE_IN_SPACE = 0.5, 0.4
"""A movement is told from this confidence on: of points in the picture, and of such in space."""
_MOST_CLAUSES = 3
_MOST_PEOPLE = 3
_OFTEN = 3
_EACH = 0.15
"""Each time that somebody does something counts like this part of the clip."""
_SHARE = 0.1
"""So many people are there if they are in at least this share of the frames at once."""
_BRIEF = 0.2
"""Who is seen in a smaller share of the clip has no actions of their own."""
_MINOR = frozenset({"still", "sit", "kneel still", "lie", "turn", "bend", "lower arms"})
_MINOR_WEIGHT = 0.5
"""Rests, and what goes with other movements, are told after deeds."""
_UNTOLD = frozenset({"kneel still"})
"""Postures that a view without depth does not tell from others: who sits, seen from above."""
_OTHERS = ("one person", "another person", "a third person")
_SOMEBODY = "somebody else"
_GAP, _TALL = 0.04, 0.35
_DRAWN_SURE = 0.6
_DRAWN_LOOKS, _DRAWN_SIDE, _DRAWN_LEVELS = 9, 240, 64
_CROSSES = 0.2


def pose_facts(condition: Condition, name: str) -> Iterable[Fact]:
    """Yield the number of people, then up to three actions a person, in order of time.

    An action's value has `verb` (the key of `body.movements.ACTIONS`), `who` ("the person", "the
    person on the left"; of mutual actions both, and the clause is plural: `plural`), `person` (its
    number in the pose; None for who was only drawn), `part`, `direction`, `start`, `end` (fractions
    of the clip) and `times`. Pictures of their own show no actions.
    """
    pose = condition.payload
    if isinstance(pose, DrawnPose):
        yield from _drawn_facts(pose, name)
        return
    assert isinstance(pose, Pose)  # noqa: S101 - what the kind's parser gives
    count, certainty = people_count(pose)
    frames = (0, len(pose.keypoints) - 1)
    if count:
        yield Fact(
            aspect="count",
            text=counted(count, "person"),
            source=Source(name, frames=frames),
            value={"noun": "person", "number": count},
            certainty=certainty,
            confidence=1.0 if certainty == "exact" else 0.8,
        )
    if not pose.clip or not count:
        return
    clauses = _clauses(pose, count)
    names = _names([clause.movement for clause in clauses], alone=count == 1)
    for clause in clauses:
        yield _action(clause, name, len(pose.keypoints), names)


def people_count(pose: Pose) -> tuple[int, Certainty]:
    """Return how many people are there at once, and whether all frames agree.

    Of a clip, so many as are there in a tenth of the frames: who flickers up does not count.
    """
    seen = (pose.keypoints[..., 2] > 0).any(axis=2).sum(axis=1)
    if not len(seen):
        return 0, "exact"
    needed = max(1, round(_SHARE * len(seen))) if pose.clip else 1
    count = int(np.sort(seen)[::-1][needed - 1])
    return count, "exact" if int(seen.min()) == int(seen.max()) else "measured"


@dataclass(frozen=True, slots=True)
class _Clause:
    """One action of one person, however often it is done."""

    movement: PoseMovement
    times: int
    end: float
    confidence: float
    weight: float


def _clauses(pose: Pose, count: int) -> list[_Clause]:
    """What is told of whom: the weightiest actions of those who are seen most."""
    by_person: dict[int, list[PoseMovement]] = {}
    for movement in pose_movements(pose):
        if pose.depth is None and movement.action in _UNTOLD:
            continue
        by_person.setdefault(movement.person, []).append(movement)
    seen = (pose.keypoints[..., 2] > 0).any(axis=2).mean(axis=0)
    people = [person for person in by_person if seen[person - 1] >= _BRIEF]
    people = sorted(people, key=lambda person: -seen[person - 1])[: min(count, _MOST_PEOPLE)]
    sure = SURE if pose.depth is None else SURE_IN_SPACE
    return [clause for person in sorted(people) for clause in _told(by_person[person], sure)]


def _told(movements: Sequence[PoseMovement], sure: float) -> list[_Clause]:
    """At most three clauses of one person, each action once, in order of time."""
    alike: dict[str, list[PoseMovement]] = {}
    for movement in movements:
        if movement.confidence >= sure:
            alike.setdefault(movement.words(), []).append(movement)
    clauses = [_clause(group) for group in alike.values()]
    kept = sorted(clauses, key=lambda one: -one.weight)[:_MOST_CLAUSES]
    return sorted(kept, key=lambda one: (one.movement.start, one.end))


def _clause(group: Sequence[PoseMovement]) -> _Clause:
    lasts = sum(one.end - one.start for one in group)
    confidence = max(one.confidence for one in group)
    weight = (lasts + _EACH * len(group)) * confidence
    if group[0].action in _MINOR:
        weight *= _MINOR_WEIGHT
    return _Clause(group[0], len(group), max(one.end for one in group), confidence, weight)


def _names(movements: Sequence[PoseMovement], *, alone: bool) -> dict[int, str]:
    """Name everybody by place; those whom places do not tell apart are one, another, a third."""
    if alone:
        return dict.fromkeys((movement.person for movement in movements), "the person")
    places = {one.person: one.place for one in movements}
    places |= {one.other: one.other_place for one in movements if one.other is not None}
    others = iter(_OTHERS[any(places.values()) :])
    return {person: place or next(others, _SOMEBODY) for person, place in places.items()}


def _action(clause: _Clause, name: str, frames: int, names: Mapping[int, str]) -> Fact:
    movement = replace(clause.movement, place=names[clause.movement.person])
    if movement.other is not None:
        movement = replace(movement, other_place=names[movement.other])
    last = max(frames - 1, 0)
    again = " again and again" if clause.times >= _OFTEN else ""
    return Fact(
        aspect="action",
        text=movement.clause() + again,
        source=Source(name, frames=(round(movement.start * last), round(clause.end * last))),
        value={
            "verb": movement.action,
            "who": movement.who(),
            "person": movement.person,
            "part": movement.part,
            "direction": movement.direction,
            "start": round(movement.start, 3),
            "end": round(clause.end, 3),
            "times": clause.times,
            "plural": movement.mutual,
        },
        certainty="measured",
        confidence=clause.confidence,
    )


def _drawn_facts(pose: DrawnPose, name: str) -> Iterable[Fact]:
    """Who is drawn: separate figures, where every frame that was looked at has as many."""
    looks = np.unique(np.linspace(0, len(pose.frames) - 1, _DRAWN_LOOKS).round().astype(int))
    figures = [_figures(pose.frames[at], pose.ground) for at in looks.tolist()]
    counts = {len(one) for one in figures}
    if len(counts) != 1 or not (count := counts.pop()):
        return
    source = Source(name, frames=(0, len(pose.frames) - 1))
    yield Fact(
        aspect="count",
        text=counted(count, "person"),
        source=source,
        value={"noun": "person", "number": count},
        certainty="measured",
        confidence=_DRAWN_SURE,
    )
    way = figures[-1][0] - figures[0][0]
    if count == 1 and abs(way) > _CROSSES:
        side = "right" if way > 0 else "left"
        yield Fact(
            aspect="action",
            text=f"moves to the {side}",
            source=source,
            value={"verb": "move", "who": "the person", "person": None, "direction": side},
            certainty="measured",
            confidence=_DRAWN_SURE,
        )


def _figures(frame: NDArray[np.uint8], ground: tuple[int, int, int]) -> list[float]:
    """Where the drawn figures of a frame stand (x as a fraction), from left to right.

    Figures are parted by columns of nothing; what is low beside the tallest is a part of one.
    """
    step = max(1, min(frame.shape[:2]) // _DRAWN_SIDE)
    seen = frame[::step, ::step].astype(np.int16)
    drawn = np.abs(seen - np.array(ground, np.int16)).max(axis=2) > _DRAWN_LEVELS
    width = drawn.shape[1]
    columns = np.flatnonzero(drawn.any(axis=0))
    if not len(columns):
        return []
    parts = np.split(columns, np.flatnonzero(np.diff(columns) > max(2, _GAP * width)) + 1)
    heights = [float(np.ptp(np.flatnonzero(drawn[:, part].any(axis=1)))) for part in parts]
    tall = _TALL * max(heights)
    return [
        float(part.mean()) / width
        for part, height in zip(parts, heights, strict=True)
        if height >= tall
    ]
