"""Points that a file names go to their places; people in space are read in space."""

import numpy as np
import pytest

from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.registry import parse_condition

from .test_pose import part
from .test_pose_formats import pose_of

H36M = (
    *("root", "right_hip", "right_knee", "right_foot", "left_hip", "left_knee", "left_foot"),
    *("spine", "thorax", "neck_base", "head", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_shoulder", "right_elbow", "right_wrist"),
)
PLACES_36M = {
    "root": (0, 0, 0.95),
    "spine": (0, 0, 1.15),
    "thorax": (0, 0, 1.4),
    "neck_base": (0, 0, 1.5),
    "head": (0, 0, 1.65),
    **{
        f"{side}_{name}": (sign * x, 0, height)
        for side, sign in (("left", 1), ("right", -1))
        for name, x, height in (
            *(("hip", 0.13, 0.95), ("knee", 0.13, 0.5), ("foot", 0.13, 0.05)),
            *(("shoulder", 0.18, 1.42), ("elbow", 0.2, 1.15), ("wrist", 0.2, 0.88)),
        )
    },
}


def raising(names, space, frames=20):
    """MMPose's form: both arms go up; in a picture or in space (z up, metres)."""
    stretch = 1.5 if space else 200
    info = []
    for frame_ in np.linspace(0, 1, frames):
        angle = np.pi * 0.8 * frame_
        points = []
        for name in names:
            x, y, z = PLACES_36M[name]
            if name.endswith(("elbow", "wrist")):
                length = 0.27 if name.endswith("elbow") else 0.54
                sign = 1 if name.startswith("left") else -1
                x, z = sign * (0.18 + length * np.sin(angle)), 1.42 - length * np.cos(angle)
            points.append([x, y, z] if space else [400 + stretch * x, 500 - stretch * z])
        info.append({"instances": [{"keypoints": points, "keypoint_scores": [0.9] * len(points)}]})
    named = {str(at): name for at, name in enumerate(names)}
    return {"meta_info": {"keypoint_id2name": named}, "instance_info": info}


@pytest.mark.parametrize("space", [False, True])
@pytest.mark.parametrize("shuffled", [False, True])
def test_points_are_put_at_their_places_by_the_names_in_the_file(space, shuffled):
    names = H36M[::-1] if shuffled else H36M
    condition = pose_of(raising(names, space))
    assert condition.payload.layout == "BODY_25"
    assert any("keypoint_id2name" in text for text in condition.assumptions)
    assert describe(condition)["words"] == ["person 1 raises both arms"]


def test_points_in_space_say_the_same_from_every_side():
    value = raising(H36M, True)
    front = pose_of(value).payload
    assert front.depth.shape == front.keypoints.shape[:3]
    for view in ("front", "left", "right", "back"):
        condition = parse_condition("pose", [part(value)], options={"view": view})
        assert describe(condition)["words"] == ["person 1 raises both arms"]
    side = parse_condition("pose", [part(value)], options={"view": "left"}).payload
    there = front.keypoints[-1, 0, :, 2] > 0
    wide, narrow = (np.ptp(one.keypoints[-1, 0, there, 0]) for one in (front, side))
    assert narrow < 0.1 * wide


def test_people_in_space_need_no_scores():
    value = raising(H36M, space=True)
    for info in value["instance_info"]:
        info["instances"][0]["keypoint_scores"] = None
    condition = pose_of(value)
    assert condition.payload.depth is not None
    assert describe(condition)["words"] == ["person 1 raises both arms"]


def test_17_points_that_are_nobody_s_in_coco_s_order_are_refused(refused):
    value = raising(H36M, False)
    del value["meta_info"]
    message = refused("pose", part(value))
    assert "look like Human3.6M's" in message
    assert "keypoint_id2name" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda value: value["meta_info"]["keypoint_id2name"].pop("3"), "not a name for every"),
        (lambda value: value["meta_info"]["keypoint_id2name"].update({"3": "tail"}), "right_foot"),
        (
            lambda value: value["meta_info"]["keypoint_id2name"].update({"17": "tail"}),
            "17 points, but 18 names",
        ),
    ],
)
def test_names_that_do_not_fit_are_named(change, words, refused):
    value = raising(H36M, False)
    change(value)
    message = refused("pose", part(value))
    assert words.replace("right_foot", "r_ankle") in message


def test_people_in_a_picture_and_in_space_do_not_mix(refused):
    value = raising(H36M, True)
    for point in value["instance_info"][4]["instances"][0]["keypoints"]:
        del point[2]
    assert "others three" in refused("pose", part(value))
