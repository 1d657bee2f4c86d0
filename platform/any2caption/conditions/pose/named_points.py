"""Points that a file names itself: put at their places in BODY_25, whatever the data set.

MMPose writes the names of its points beside its results (`keypoint_id2name`). Those of COCO are
read by number; those of Human3.6M, MPII, CrowdPose, LSP and their like are found by name.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from any2caption.conditions.pose.keypoint_json import Floats, Where
from any2caption.conditions.pose.layouts import BODY_25, COCO_17

# Our point → what data sets call it, the most telling first.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "nose": ("nose", "head_center", "face", "head"),
    "neck": ("thorax", "neck", "upper_neck", "neck_base", "bottom_head"),
    "mid_hip": ("root", "pelvis", "mid_hip", "hip_center", "hips"),
    **{
        f"{short}_{point}": tuple(f"{long}_{name}" for name in names)
        for short, long in (("l", "left"), ("r", "right"))
        for point, names in {
            "shoulder": ("shoulder",),
            "elbow": ("elbow",),
            "wrist": ("wrist", "hand"),
            "hip": ("hip",),
            "knee": ("knee",),
            "ankle": ("ankle", "foot"),
            "eye": ("eye",),
            "ear": ("ear",),
            "big_toe": ("big_toe", "toe"),
            "small_toe": ("small_toe",),
            "heel": ("heel",),
        }.items()
    },
}
_LIMBS = tuple(
    f"{side}_{point}"
    for side in "lr"
    for point in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)
_COCO = tuple(re.sub("^l_", "left_", re.sub("^r_", "right_", name)) for name in COCO_17.points)


def names_of(meta: Any, where: Where) -> tuple[str, ...] | None:
    """The points' names in their order from `keypoint_id2name`; None when COCO's or not stated.

    Raises:
        InputError: numbers with gaps, or names without the limbs of a body.
    """
    stated = meta.get("keypoint_id2name") if isinstance(meta, Mapping) else None
    if isinstance(stated, Mapping):
        pairs = {str(at): name for at, name in stated.items()}
        stated = [pairs.get(str(at)) for at in range(len(pairs))]
    if not isinstance(stated, Sequence) or isinstance(stated, str) or not stated:
        return None
    if not all(isinstance(name, str) for name in stated):
        raise where.error("not a name for every number from 0", "keypoint_id2name")
    names = tuple(_plain(name) for name in stated)
    if names[: len(_COCO)] == _COCO:
        return None
    found = _places(names)
    missing = [name for name in _LIMBS if name not in found]
    if missing:
        raise where.error(
            f"no point called {', '.join(missing)} among {', '.join(names[:8])} …",
            "keypoint_id2name",
        )
    return names


def at_their_places(points: Floats, names: Sequence[str]) -> Floats:
    """Points K×n by name as BODY_25's 25×n; what has no name there is missing (zero).

    Confidence is the third column. Without a nose, it is the middle of the head.
    """
    out = np.zeros((len(BODY_25.points), points.shape[1]))
    for name, at in _places(names).items():
        out[BODY_25.points.index(name)] = points[at]
    if "nose" not in names and {"neck_base", "head"} <= set(names):
        base, head = points[names.index("neck_base")], points[names.index("head")]
        middle = (base + head) / 2
        middle[2] = min(base[2], head[2])
        out[BODY_25.points.index("nose")] = middle if middle[2] > 0 else 0
    return out


def _places(names: Sequence[str]) -> dict[str, int]:
    found = {}
    for point, known in _NAMES.items():
        at = next((names.index(name) for name in known if name in names), None)
        if at is not None:
            found[point] = at
    return found


def _plain(name: str) -> str:
    """`Left Hip`, `l_hip` and `leftHip` as `left_hip`."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)
    plain = "_".join(word.lower() for word in words)
    return re.sub(r"^r_", "right_", re.sub(r"^l_", "left_", plain))
