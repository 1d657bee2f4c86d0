"""What a record's conditions say for certain, in words: geometry and counts, no opinion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from any2caption.annotation.media import Media
from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.types import Camera, Condition, Depth, Pose
from any2caption.datasets.records import SourceRecord

SURE = 0.5
"""A movement of the pose is told from this confidence on."""


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
    distances: str = ""


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
        distances=_distances(conditions),
    )


def camera_words(condition: Condition) -> str:
    """Return `The camera trucks left, then holds still.`, by geometry alone."""
    words = describe(condition).get("words")
    if isinstance(words, str):
        return _sentence(words)
    from any2caption.captions.lexicon import camera_phrase
    from any2caption.conditions.camera.movements import movements

    path = condition.payload
    found = movements(path) if isinstance(path, Camera) else []
    told = ", then ".join(camera_phrase((one.key,)) for one in found)
    return _sentence(f"The camera {told}") if told else ""


def action_words(condition: Condition) -> str:
    """Return what the pose's movements say with enough confidence, else nothing."""
    described = describe(condition)
    words, found = described.get("words"), described.get("movements")
    if not isinstance(words, list) or not isinstance(found, list):
        return ""
    sure = [
        word
        for word, movement in zip(words, found, strict=True)
        if movement.get("confidence", 0) >= SURE
    ]
    return " ".join(_sentence(word) for word in sure)


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


def _distances(conditions: Sequence[Condition]) -> str:
    """How far away the scene is, where a depth condition knows metres."""
    for condition in conditions:
        depth = condition.payload
        if isinstance(depth, Depth) and depth.nearest is not None and depth.farthest is not None:
            near, far = f"{depth.nearest:.2g}", f"{depth.farthest:.2g}"
            told = f"about {near} m away" if near == far else f"about {near} m to {far} m away"
            return f"The scene is {told}."
    return ""


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _sentence(text: str) -> str:
    clean = " ".join(text.split()).rstrip(".")
    return f"{clean[:1].upper()}{clean[1:]}." if clean else ""
