"""Say in words what tracked people do, by the geometry of their points alone.

Each rule looks at a few curves of one body (see `curves`), in body heights and degrees, and
says what it saw, when, and how sure it is: how far the movement is beyond the rule's threshold,
times how well the points were seen. Whole-body actions come first and take the movements that
belong to them: arms that swing while walking are not raised.

Sides ("left arm", "turns left") are the person's own; the direction of walking is that in the
picture, or towards and away from the viewer. Times are fractions of the clip.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.body.curves import Body, bodies_of
from any2caption.conditions.body.limb_rules import arms, clap, legs, without_steps
from any2caption.conditions.body.rules import RULES, Found, posture
from any2caption.conditions.body.space import Figure, figure_of
from any2caption.conditions.body.space_rules import (
    bend,
    dance,
    gait,
    jump,
    jumping_jacks,
    sinking,
    turn,
)
from any2caption.conditions.body.together import Together, places_of, together
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Pose

ACTIONS = (
    *("still", "walk", "run", "jump", "jumping jacks", "sit down", "stand up", "squat", "bend"),
    *("turn", "wave", "raise arms", "lower arms", "punch", "kick", "raise leg"),
    *("kneel", "lie down", "dance", "throw", "clap", "point", "gesture", "swing"),
    *("sit", "kneel still", "lie"),
    *("approach", "move apart", "follow", "shake hands", "face"),
)
_WORDS: Mapping[str, str] = {
    "still": "keeps still",
    "walk": "walks",
    "run": "runs",
    "jump": "jumps",
    "jumping jacks": "does jumping jacks",
    "sit down": "sits down",
    "stand up": "stands up",
    "squat": "squats",
    "bend": "bends",
    "turn": "turns",
    "wave": "waves",
    "raise arms": "raises",
    "lower arms": "lowers",
    "punch": "punches",
    "kick": "kicks",
    "raise leg": "raises",
    "sit": "sits",
    "kneel still": "kneels",
    "lie": "lies",
    "kneel": "kneels down",
    "lie down": "lies down",
    "dance": "dances",
    "throw": "throws",
    "clap": "claps",
    "point": "points",
    "gesture": "gestures",
    "swing": "swings",
}
# What two people do: one of them to the other, and both.
_TOGETHER: Mapping[str, tuple[str, str]] = {
    "approach": ("approaches {}", "approach each other"),
    "move apart": ("moves away from {}", "move apart"),
    "follow": ("follows {}", "follow each other"),
    "shake hands": ("shakes hands with {}", "shake hands"),
    "face": ("faces {}", "face each other"),
}
_IN_DEPTH = {"toward": "toward the viewer", "away": "away from the viewer"}
_WITH_PART = ("raise arms", "lower arms", "raise leg", "swing")
_BY = dict.fromkeys(("wave", "punch", "kick", "throw", "point", "gesture"), "with")
SPACE_RULES: tuple[Callable[[Figure, Sequence[Found]], Iterable[Found]], ...] = (
    *(jumping_jacks, dance, gait, jump, sinking, bend, turn, arms, clap, legs),
)
"""For bodies with depth, in order of precedence; `rules.RULES` are those for flat ones."""
Seen = TypeVar("Seen", Body, Figure)
_MIN_FRAMES = 3
MAX_FRAMES = 2_000
"""Longer clips are looked at in this many evenly spaced frames."""
_STILL_SHARE = 0.4
_LEAST = 0.2


@dataclass(frozen=True, slots=True)
class PoseMovement:
    """One person's movement.

    `person` counts from 1 in the pose's order; `part` is body, both arms, left arm, right leg …;
    `direction` is left, right, toward, away, forward, backward or None; `start` and `end` are
    fractions of the clip; `confidence` is 0…1. With several people `place` tells who it is by
    place; what two do together has the `other` one's number and place, and whether it is `mutual`.
    """

    person: int
    action: str
    part: str
    direction: str | None
    start: float
    end: float
    confidence: float
    place: str = ""
    other: int | None = None
    other_place: str = ""
    mutual: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form, rounded."""
        told: dict[str, Any] = {
            "person": self.person,
            "action": self.action,
            "part": self.part,
            "direction": self.direction,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "confidence": round(self.confidence, 2),
        }
        if self.place:
            told["place"] = self.place
        if self.other is not None:
            told |= {"other": self.other, "mutual": self.mutual}
        return told

    def words(self) -> str:
        """Return a short sentence: `person 1 raises the left arm`."""
        return f"{self.who()} {self.clause()}"

    def who(self) -> str:
        """Return who does it: `person 1`, `the person on the left`; both where it is mutual."""
        one = self.place or f"person {self.person}"
        return f"{one} and {self._whom()}" if self.mutual else one

    def clause(self) -> str:
        """Return what is done, without who: `raises the left arm`; `approach each other`."""
        if self.other is not None:
            alone, both = _TOGETHER[self.action]
            return both if self.mutual else alone.format(self._whom())
        part = self.part if self.part.startswith("both") else f"the {self.part}"
        text = _WORDS[self.action]
        if self.action in _WITH_PART:
            text += f" {part}"
        elif self.action in _BY:
            text += f" {_BY[self.action]} {part}"
        if self.direction:
            text += f" {_IN_DEPTH.get(self.direction, self.direction)}"
        return text

    def _whom(self) -> str:
        return self.other_place or f"person {self.other}"


def pose_movements(pose: Pose) -> list[PoseMovement]:
    """Return what every person does, person by person, in order of time.

    Fewer than three frames, and pictures of their own, show no movement: the list is empty.
    """
    if len(pose.keypoints) < _MIN_FRAMES or not pose.clip:
        return []
    if len(pose.keypoints) > MAX_FRAMES:
        kept = sample_frames(len(pose.keypoints), MAX_FRAMES)
        pose = _thinned(pose, kept)
    bodies = [
        body if body is not None and body.count >= _MIN_FRAMES else None for body in bodies_of(pose)
    ]
    places = places_of(bodies)
    out: list[PoseMovement] = []
    for person, body in enumerate(bodies, start=1):
        if body is not None:
            found = sorted(_read(body), key=_order)
            out += [_movement(one, person, body, places[person - 1]) for one in found]
    last = max(len(pose.keypoints) - 1, 1)
    return out + [_joint(one, places, last) for one in together(bodies)]


def _joint(one: Together, places: Sequence[str], last: int) -> PoseMovement:
    """What two people do together, as a movement of the first."""
    return PoseMovement(
        person=one.one + 1,
        action=one.action,
        part="body",
        direction=None,
        start=one.start / last,
        end=one.end / last,
        confidence=float(np.clip(one.confidence, 0.05, 0.98)),
        place=places[one.one],
        other=one.other + 1,
        other_place=places[one.other],
        mutual=one.mutual,
    )


def _thinned(pose: Pose, kept: NDArray[np.intp]) -> Pose:
    """The pose in these frames only."""
    rate = pose.fps * len(kept) / len(pose.keypoints) if pose.fps else None
    depth = None if pose.depth is None else pose.depth[kept]
    return replace(pose, keypoints=pose.keypoints[kept], fps=rate, depth=depth)


def _order(one: Found) -> tuple[int, int, str]:
    return one.start, one.end, one.action


def _movement(one: Found, person: int, body: Body, place: str) -> PoseMovement:
    # A person who is seen in a few frames of a long clip is thin evidence.
    thin = min(1.0, body.count / 6)
    return PoseMovement(
        person=person,
        action=one.action,
        part=one.part,
        direction=one.direction,
        start=body.at(one.start),
        end=body.at(one.end),
        confidence=float(np.clip(one.confidence * thin, 0.05, 0.98)),
        place=place,
    )


def _read(body: Body) -> list[Found]:
    """Apply the rules in order; an earlier one takes the time and parts that are its own."""
    figure = figure_of(body)
    if figure is None:
        found = _applied(RULES, body.flat())
    else:
        found = without_steps(_applied(SPACE_RULES, figure))
    return found + list(_stills(body, found))


def _applied(
    rules: Iterable[Callable[[Seen, Sequence[Found]], Iterable[Found]]], body: Seen
) -> list[Found]:
    found: list[Found] = []
    for rule in rules:
        found += [one for one in rule(body, found) if one.confidence >= _LEAST]
    return found


def _stills(body: Body, found: Sequence[Found]) -> Iterable[Found]:
    """Yield the long stretches in which nothing was found, by posture."""
    busy = np.zeros(body.count, dtype=bool)
    for one in found:
        busy[one.start : one.end + 1] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[True], busy, [True]]).astype(np.int8)))
    for start, end in zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True):
        if end - start + 1 >= max(_MIN_FRAMES, _STILL_SHARE * body.count):
            moved = _moved(body, start, end)
            sure = float(np.mean(list(body.seen.values())))
            calm = float(np.clip(1.3 - 4 * moved, 0.2, 1))
            # Rest between movements says less about a clip than the movements do.
            sure *= calm * (0.7 if found else 1.0)
            yield Found(posture(body, start, end), "body", None, start, end, sure)


def _moved(body: Body, start: int, end: int) -> float:
    """How far the point that moved most moved, in body heights, without the body's own drift."""
    ways = [np.ptp(places[start : end + 1], axis=0).max() for places in body.points.values()]
    return float(np.percentile(ways, 92))
