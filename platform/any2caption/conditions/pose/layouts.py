"""Keypoint layouts of OpenPose and COCO: point names, limbs and a colour per limb."""

import colorsys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """`points`: names in file order; `limbs`: pairs of points that are drawn and measured."""

    name: str
    points: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]

    colours: tuple[tuple[int, int, int], ...]
    """One RGB colour a limb; a limb has the same colour in every layout."""


def _rgb(hue: float) -> tuple[int, int, int]:
    red, green, blue = (round(255 * value) for value in colorsys.hsv_to_rgb(hue, 1.0, 1.0))
    return red, green, blue


_BODY = (
    *("neck-r_shoulder", "r_shoulder-r_elbow", "r_elbow-r_wrist"),
    *("neck-l_shoulder", "l_shoulder-l_elbow", "l_elbow-l_wrist"),
)
_LEGS = ("r_hip-r_knee", "r_knee-r_ankle", "l_hip-l_knee", "l_knee-l_ankle")
_FEET = (
    *("r_ankle-r_heel", "r_ankle-r_big_toe", "r_big_toe-r_small_toe"),
    *("l_ankle-l_heel", "l_ankle-l_big_toe", "l_big_toe-l_small_toe"),
)
_HEAD = ("neck-nose", "nose-r_eye", "r_eye-r_ear", "nose-l_eye", "l_eye-l_ear")
_TRUNK_COCO = ("neck-r_hip", "neck-l_hip")
_TRUNK_25 = ("neck-mid_hip", "mid_hip-r_hip", "mid_hip-l_hip")
_TRUNK_25B = ("r_shoulder-r_hip", "l_shoulder-l_hip", "r_hip-l_hip")
_CROWN = ("nose-head_top",)
_PALETTE = (
    *(_BODY + _TRUNK_COCO + _TRUNK_25 + _TRUNK_25B),
    *(_LEGS + _FEET + _HEAD + _CROWN),
)


def _layout(name: str, points: str, *limbs: str) -> Layout:
    names = tuple(points.split())
    pairs = (limb.split("-") for limb in limbs)
    return Layout(
        name,
        names,
        limbs=tuple((names.index(start), names.index(end)) for start, end in pairs),
        colours=tuple(_rgb(_PALETTE.index(limb) / len(_PALETTE)) for limb in limbs),
    )


COCO_18 = _layout(
    "COCO_18",
    "nose neck r_shoulder r_elbow r_wrist l_shoulder l_elbow l_wrist r_hip r_knee r_ankle "
    "l_hip l_knee l_ankle r_eye l_eye r_ear l_ear",
    *_BODY,
    *_TRUNK_COCO,
    *_LEGS,
    *_HEAD,
)
BODY_25 = _layout(
    "BODY_25",
    "nose neck r_shoulder r_elbow r_wrist l_shoulder l_elbow l_wrist mid_hip r_hip r_knee r_ankle "
    "l_hip l_knee l_ankle r_eye l_eye r_ear l_ear l_big_toe l_small_toe l_heel r_big_toe "
    "r_small_toe r_heel",
    *_BODY,
    *_TRUNK_25,
    *_LEGS,
    *_FEET,
    *_HEAD,
)
BODY_25B = _layout(
    "BODY_25B",
    "nose l_eye r_eye l_ear r_ear l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist l_hip "
    "r_hip l_knee r_knee l_ankle r_ankle neck head_top l_big_toe l_small_toe l_heel r_big_toe "
    "r_small_toe r_heel",
    *_BODY,
    *_TRUNK_25B,
    *_LEGS,
    *_FEET,
    *_HEAD,
    *_CROWN,
)
COCO_17 = _layout(
    "COCO_17",
    "nose l_eye r_eye l_ear r_ear l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist l_hip "
    "r_hip l_knee r_knee l_ankle r_ankle",
    *(limb for limb in _BODY if "neck" not in limb),
    *_TRUNK_25B,
    *_LEGS,
    *(limb for limb in _HEAD if "neck" not in limb),
)
MPI_15 = _layout(
    "MPI_15",
    "head_top neck r_shoulder r_elbow r_wrist l_shoulder l_elbow l_wrist r_hip r_knee r_ankle "
    "l_hip l_knee l_ankle chest",
    *_BODY,
    *_TRUNK_COCO,
    *_LEGS,
)
HUMAN_36M = Layout(
    "HUMAN_36M",
    (
        *("mid_hip", "r_hip", "r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle", "spine"),
        *("thorax", "neck", "head", "l_shoulder", "l_elbow", "l_wrist"),
        *("r_shoulder", "r_elbow", "r_wrist"),
    ),
    limbs=(
        *((0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (0, 7), (7, 8), (8, 11), (11, 12)),
        *((12, 13), (8, 14), (14, 15), (15, 16), (8, 9), (9, 10)),
    ),
    colours=(),
)
"""Another order of 17 points: to doubt COCO's by; read by names only (see `named_points`)."""
LAYOUTS: dict[str, Layout] = {
    layout.name: layout for layout in (COCO_18, BODY_25, BODY_25B, COCO_17, MPI_15)
}
BY_COUNT: dict[int, Layout] = {len(one.points): one for one in (COCO_18, COCO_17, MPI_15)}
"""Layouts that the number of points tells; 25 points need a look at their geometry."""
