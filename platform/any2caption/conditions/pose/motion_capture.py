"""Motion capture to 2-D points: joint names to BODY_25, and an orthographic look at the person.

Names are read as tokens (`mixamorig:LeftForeArm`, `Bip01 L Forearm`, `lowerarm_l`, `L_Elbow`), for
the skeletons of CMU, Mixamo, 3ds Max Biped, Unreal, Poser/DAZ, SMPL, Xsens and LAFAN. The person is
seen from the front as they stand in the first frame, everything parallel to the line of sight
flattened (option `view`); up is the axis along which they stand most of the time (option `up`).
"""

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.kind import Notes, Options
from any2caption.conditions.pose.bvh import Capture
from any2caption.conditions.pose.layouts import BODY_25
from any2caption.conditions.pose.viewpoint import upward_of, view_of
from any2caption.errors import InputError

Floats = NDArray[np.float64]
_TOKENS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SIDE = {"l": "l", "left": "l", "r": "r", "right": "r"}
_NOISE = re.compile(r"^(mixamorig\d*|bip\d*|character\d*|def|bone|jnt|joint|bend)$")
# Point → names of its joint, the most telling first: a "shoulder" is a collar bone where there is
# an "arm", a "foot" is the toes where there is an "ankle".
_SIDED: Mapping[str, tuple[str, ...]] = {
    "shoulder": ("upperarm", "uparm", "arm", "shldr", "shoulder"),
    "elbow": ("elbow", "forearm", "lowerarm", "lowarm"),
    "wrist": ("wrist", "hand"),
    "hip": ("upleg", "upperleg", "thigh", "hip", "femur"),
    "knee": ("knee", "calf", "shin", "lowerleg", "lowleg", "leg", "tibia"),
    "ankle": ("ankle", "foot"),
    "big_toe": ("toebase", "toe", "toe0", "toes", "ball", "foot"),
}
_MIDDLE: Mapping[str, tuple[str, ...]] = {
    "mid_hip": ("hips", "pelvis", "hip", "root"),
    "neck": ("neck", "neck1", "neck0", "lowerneck"),
    "head": ("head",),
}
_OPTIONAL = {"l_big_toe", "r_big_toe", "mid_hip", "neck", "head"}


def _plain(name: str) -> tuple[str, str]:
    """Split a joint's name into its side ("l", "r", "") and the rest in one word."""
    tokens = [token.lower() for token in _TOKENS.findall(name)]
    side, rest = "", []
    for token in tokens:
        if token in _SIDE and not side:
            side = _SIDE[token]
        else:
            rest.append(token)
    while len(rest) > 1 and _NOISE.match(rest[0]):
        rest = rest[2:] if rest[1].isdigit() and len(rest) > 2 else rest[1:]  # noqa: PLR2004
    while len(rest) > 1 and _NOISE.match(rest[-1]):
        rest.pop()
    word = "".join(rest)
    return (side, word) if side else _joined(word)


def _joined(word: str) -> tuple[str, str]:
    """Split a side off a name in one word: "leftarm", "larm"."""
    for long, short in (("left", "l"), ("right", "r")):
        if word.startswith(long) and len(word) > len(long):
            return short, word[len(long) :]
    known = {name for names in _SIDED.values() for name in names}
    if word[:1] in {"l", "r"} and word[1:] in known:
        return word[0], word[1:]
    return "", word


def find_joints(capture: Capture, file: str) -> dict[str, int]:
    """Map body points to joints by name.

    Raises:
        InputError: limbs without a joint; names them.
    """
    named: dict[tuple[str, str], int] = {}
    for index, joint in enumerate(capture.joints):
        if not joint.tip:
            named.setdefault(_plain(joint.name), index)
    wanted = {
        f"{side}_{point}": [(side, name) for name in names]
        for side in ("l", "r")
        for point, names in _SIDED.items()
    }
    wanted |= {point: [("", name) for name in names] for point, names in _MIDDLE.items()}
    found: dict[str, int] = {}
    for point, names in wanted.items():
        at = next((named[name] for name in names if name in named), None)
        if at is not None and (point in _MIDDLE or at not in found.values()):
            found[point] = at
    missing = [point for point in wanted if point not in found and point not in _OPTIONAL]
    if missing:
        have = ", ".join(joint.name for joint in capture.joints[:12] if not joint.tip)
        raise InputError(
            f"no joint for {', '.join(missing)}; joints here: {have[:160]} …",
            file=file,
            field="HIERARCHY",
        )
    return found


def capture_points(
    capture: Capture, options: Options, file: str, notes: Notes
) -> tuple[Floats, Floats]:
    """Return a capture as BODY_25 points T×25×3 = (x right, y down, confidence), its own units.

    And T×25, how far each point lies behind the others, away from the viewer.
    """
    joints = find_joints(capture, file)
    bodies = _body(capture, joints, notes)
    top, low = ((bodies[f"l_{name}"] + bodies[f"r_{name}"]) / 2 for name in ("shoulder", "ankle"))
    up = upward_of(top - low, options, notes)
    if "view" not in options:
        notes.assume("motion capture is seen from the front of its first frame (option view)")
    across = sum(bodies[f"l_{name}"][0] - bodies[f"r_{name}"][0] for name in ("hip", "shoulder"))
    view = view_of(np.asarray(across), up, options)
    out = np.zeros((len(capture.places), len(BODY_25.points), 3))
    depth = np.zeros(out.shape[:2])
    for name, places in bodies.items():
        at = BODY_25.points.index(name)
        shown = view.apply(places)
        out[:, at, :2], out[:, at, 2], depth[:, at] = shown[:, :2], 1.0, shown[:, 2]
    return out, depth


def _body(capture: Capture, joints: Mapping[str, int], notes: Notes) -> dict[str, Floats]:
    """The points' places T×3 by name; what has no joint is derived or left out."""
    places = {name: capture.places[:, index] for name, index in joints.items() if name != "head"}
    for name, pair in (("neck", "shoulder"), ("mid_hip", "hip")):
        if name not in places:
            places[name] = (places[f"l_{pair}"] + places[f"r_{pair}"]) / 2
            notes.assume(f"no joint for {name}: the middle of the {pair}s")
    if "head" in joints:
        head = joints["head"]
        tips = [at for at, joint in enumerate(capture.joints) if joint.parent == head]
        tip = capture.places[:, tips[0]] if tips else capture.places[:, head]
        places["nose"] = (capture.places[:, head] + tip) / 2
        notes.assume("the nose is the middle of the head's bone; eyes and ears are missing")
    return places
