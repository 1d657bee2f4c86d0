"""What a record's conditions say for certain, in words: geometry and counts, no opinion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from any2caption.annotation.media import Media
from any2caption.captions.lexicon import SLOTS
from any2caption.conditions.describe import describe
from any2caption.conditions.types import Camera, Condition, Depth, Pose
from any2caption.datasets.records import SourceRecord
from any2caption.errors import InputError

_ALSO = {"counterclockwise": "anticlockwise"}
_TOGETHER = 0.5


@dataclass(frozen=True, slots=True)
class Item:
    """A record as the annotators see it: its line, parsed conditions and pictures."""

    record: SourceRecord
    conditions: tuple[Condition, ...]
    media: Media

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of the conditions as `kind_of` names them."""
        return frozenset(kind_of(condition) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Facts:
    """Sentences that the conditions support; an empty one is not known."""

    camera: str = ""
    action: str = ""
    subjects: str = ""


def kind_of(condition: Condition) -> str:
    """Return `pose`, …; `image:first_frame`, … for a picture; `depth:sparse` or `depth:dense`."""
    if isinstance(condition.payload, Depth):
        return f"depth:{'sparse' if condition.payload.sparse else 'dense'}"
    return f"image:{condition.role}" if condition.kind == "image" else condition.kind


def facts_of(conditions: Sequence[Condition]) -> Facts:
    """Read camera, action and the subjects' number off the conditions."""
    cameras = [c for c in conditions if isinstance(c.payload, Camera)]
    poses = [c for c in conditions if isinstance(c.payload, Pose)]
    return Facts(
        camera=camera_words(cameras[0]) if cameras else "",
        action=action_words(poses[0]) if poses else "",
        subjects=_subjects(conditions),
    )


def camera_words(condition: Condition) -> str:
    """Return `The camera trucks left while panning right, then holds still.`, by geometry."""
    moves = _movements(condition)
    groups: list[list[Mapping[str, Any]]] = []
    for move in moves:
        if groups and _overlap(groups[-1][0], move) >= _TOGETHER:
            groups[-1].append(move)
        else:
            groups.append([move])
    known = {term.key: term for term in SLOTS["camera"].terms}
    told = []
    for group in groups:
        keys = [key for move in group if (key := _key(move)) in known]
        if keys:
            first = known[keys[0]].phrase
            told.append(" while ".join([first, *(known[key].also[0] for key in keys[1:])]))
    return f"The camera {', then '.join(told)}." if told else ""


def _movements(condition: Condition) -> list[Mapping[str, Any]]:
    found = describe(condition).get("movements")
    if found is not None:
        return list(found)
    from any2caption.conditions.camera_language import movements

    camera = condition.payload
    if not isinstance(camera, Camera):
        raise InputError("not a camera path", field="camera")
    last = max(len(camera.w2c) - 1, 1)
    return [
        {
            "type": move.type,
            "direction": move.direction,
            "start": move.start / last,
            "end": move.end / last,
        }
        for move in movements(camera)
    ]


def _key(move: Mapping[str, Any]) -> str:
    direction = move.get("direction") or ""
    direction = _ALSO.get(direction, direction)
    return f"{move['type']}_{direction}" if direction else str(move["type"])


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Shared time of two movements as a fraction of the shorter one."""
    shared = min(one["end"], other["end"]) - max(one["start"], other["start"])
    shorter = min(one["end"] - one["start"], other["end"] - other["start"])
    return float(shared / shorter) if shorter > 0 else 0.0


def action_words(condition: Condition) -> str:
    """Return what the pose says people do, if the pose's own words say it, else nothing."""
    described = describe(condition)
    for key in ("words", "sentence", "actions_text"):
        if isinstance(described.get(key), str) and described[key].strip():
            return _sentence(described[key])
    people = described.get("people")
    told = []
    if isinstance(people, list):
        for number, person in enumerate(people, 1):
            actions = [name for one in person.get("actions", ()) if (name := _action_name(one))]
            if actions:
                told.append(f"Person {number}: {', then '.join(actions)}.")
    return " ".join(told)


def _action_name(action: object) -> str:
    if isinstance(action, str):
        return action
    if isinstance(action, Mapping):
        return str(action.get("words") or action.get("phrase") or action.get("action") or "")
    return ""


def people_count(pose: Pose) -> int:
    """Most people who are seen in one frame."""
    seen = (pose.keypoints[..., 2] > 0).any(axis=2).sum(axis=1)
    return int(seen.max()) if len(seen) else 0


def _subjects(conditions: Sequence[Condition]) -> str:
    told = []
    for condition in conditions:
        if isinstance(condition.payload, Pose) and (people := people_count(condition.payload)):
            told.append(f"{_count(people, 'person', 'people')} in the pose condition")
        ids = getattr(condition.payload, "ids", None)
        if condition.kind == "segmentation" and isinstance(ids, np.ndarray):
            objects = len(set(np.unique(ids).tolist()) - {0})
            told.append(f"{_count(objects, 'masked object', 'masked objects')}")
    identities = sum(condition.role == "identity" for condition in conditions)
    if identities:
        told.append(_count(identities, "identity picture", "identity pictures"))
    return _sentence("; ".join(told)) if told else ""


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _sentence(text: str) -> str:
    clean = " ".join(text.split()).rstrip(".")
    return f"{clean[:1].upper()}{clean[1:]}." if clean else ""
