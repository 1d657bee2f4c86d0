"""Mine the phrases that the encoders are aligned with: camera movements and actions.

The paper (arXiv 2503.24379, section 4) mines phrases such as "fixed, backward, pan right" from
camera captions and "walking, dancing, holding" from action captions. Here a phrase has one
spelling, so that counts mean something: movements in the words that captions use (`pans right`),
actions as -ing forms. Where a caption says nothing, the condition's own geometry does: a camera
path's movements, the rules on a pose's points. Pure, but for `pose_of`, which fetches a pose.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from any2caption.captions.actions import STILL, action_phrases, gerund
from any2caption.captions.camera_reading import read_camera
from any2caption.conditions.body.movements import pose_movements
from any2caption.conditions.camera.vocabulary import PHRASES
from any2caption.conditions.types import Pose
from any2caption.datasets.records import Record, RecordCondition

PART_OF: Mapping[str, str] = {"camera": "camera", "pose": "action"}
"""Condition kind → the caption's part whose phrases it is aligned with."""
SETS: Mapping[str, str] = {
    "camera": "camera movement description",
    "action": "action description",
}
"""Part → the paper's name of its set."""
_OTHER_CAMERA = (
    (re.compile(r"\b(?:track(?:s|ing)|follow(?:s|ing)?)\b"), "follows the subject"),
    (re.compile(r"\b(?:hand[- ]?held|shak(?:y|es|ing))\b"), "is handheld"),
)
_POSE_ACTIONS: Mapping[str, str] = {
    "still": STILL,
    "jumping jacks": "doing jumping jacks",
    "sit down": "sitting down",
    "stand up": "standing up",
    "raise arms": "raising the arms",
    "lower arms": "lowering the arms",
    "raise leg": "raising a leg",
    "lie down": "lying down",
    "kneel still": "kneeling",
    "swing": "swinging the arms",
    "move apart": "moving apart",
    "shake hands": "shaking hands",
    "face": "facing each other",
}
Origin = Literal["caption", "geometry"]
PoseOf = Callable[[RecordCondition], object]


@dataclass(frozen=True, slots=True)
class Mined:
    """A record's phrases for one part, in order, and where they come from."""

    phrases: tuple[str, ...]
    origin: Origin


def camera_phrases(text: str) -> tuple[str, ...]:
    """Return the movements that a camera caption names, in the words of captions and its order."""
    keys = read_camera(text).keys
    found = [PHRASES[key][0] for key in dict.fromkeys(keys) if key in PHRASES]
    found += [phrase for pattern, phrase in _OTHER_CAMERA if pattern.search(text.casefold())]
    return tuple(dict.fromkeys(found))


def phrases_of(part: str, text: str) -> tuple[str, ...]:
    """Return the phrases of a caption's `camera` or `action` part."""
    return camera_phrases(text) if part == "camera" else action_phrases(text)


def pose_phrases(pose: Pose) -> tuple[str, ...]:
    """Return what the people of a pose do, by the geometry of their points."""
    actions = dict.fromkeys(one.action for one in pose_movements(pose))
    if len(actions) > 1:  # rest between movements says less than they do
        actions.pop("still", None)
    return tuple(_POSE_ACTIONS.get(action) or gerund(action) for action in actions)


def mine(record: Record, pose_of: PoseOf | None = None) -> dict[str, Mined]:
    """Return part → phrases for every kind of `PART_OF` that the record has a condition of.

    `pose_of` loads a condition's payload, for poses whose caption says nothing; without it
    their geometry is not looked at. A part without any phrase is left out.
    """
    out: dict[str, Mined] = {}
    for kind, part in PART_OF.items():
        conditions = [one for one in record.conditions if one.kind == kind]
        if not conditions:
            continue
        said = phrases_of(part, getattr(record.caption, part))
        if said:
            out[part] = Mined(said, "caption")
        elif shown := _geometry(kind, conditions[0], pose_of):
            out[part] = Mined(shown, "geometry")
    return out


def _geometry(kind: str, condition: RecordCondition, pose_of: PoseOf | None) -> tuple[str, ...]:
    if kind == "camera":
        return tuple(PHRASES[key][0] for key in condition.movements if key in PHRASES)
    payload = pose_of(condition) if pose_of else None
    return pose_phrases(payload) if isinstance(payload, Pose) else ()


@dataclass(slots=True)
class PhraseSet:
    """One set: how often each phrase was found, and in how many records by origin."""

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    without: int = 0
    """Records with such a condition and no phrase."""

    def as_json(self) -> dict[str, Any]:
        """Phrases by falling count."""
        ordered = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return {
            "name": self.name,
            "records": dict(sorted(self.origins.items())),
            "without": self.without,
            "phrases": dict(ordered),
        }


def phrase_sets(records: Iterable[Record], pose_of: PoseOf | None = None) -> dict[str, PhraseSet]:
    """Collect the two sets over records: part → set."""
    sets = {part: PhraseSet(name) for part, name in SETS.items()}
    for record in records:
        found = mine(record, pose_of)
        kinds = {condition.kind for condition in record.conditions}
        for kind, part in PART_OF.items():
            if kind not in kinds:
                continue
            if part not in found:
                sets[part].without += 1
                continue
            sets[part].counts.update(found[part].phrases)
            sets[part].origins[found[part].origin] += 1
    return sets
