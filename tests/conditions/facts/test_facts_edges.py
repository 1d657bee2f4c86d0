"""Whatever a parser lets through states facts or nothing; it never fails, and it stays bounded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.conditions.registry import MOST_FACTS, condition_facts
from any2caption.conditions.types import (
    Camera,
    Condition,
    Depth,
    DrawnPose,
    Image,
    MaskedImage,
    Motion,
    Normals,
    Pose,
    Region,
    Regions,
    Segmentation,
    Sketch,
    Video,
)

NOTHING = np.zeros((0, 2))
POINT = Region("", "point", np.array([[1.0, 1.0]]))
EDGES = {
    "image": [Image(np.zeros((1, 1, 3), np.uint8)), Image(np.full((1, 900, 3), 255, np.uint8))],
    "video": [
        Video(np.zeros((1, 1, 1, 3), np.uint8), 1.0),
        Video(np.zeros((3, 64, 64, 3), np.uint8), 24.0),
        Video(np.zeros((40, 70, 500, 3), np.uint8), 24.0),
    ],
    "depth": [
        Depth(np.full((1, 1, 1), np.nan, np.float32)),
        Depth(np.zeros((1, 2, 2), np.float32)),
        Depth(np.full((9, 2, 5), np.nan, np.float32), 0.01, 0.01),
        Depth(np.ones((30, 1, 40), np.float32), 1e-3, 1e5),
    ],
    "pose": [
        Pose(np.zeros((0, 0, 18, 3), np.float32), "COCO_18"),
        Pose(np.zeros((1, 1, 18, 3), np.float32), "COCO_18"),
        Pose(np.zeros((9, 3, 18, 3), np.float32), "COCO_18", fps=24.0),
        Pose(np.ones((9, 2, 18, 3), np.float32), "COCO_18", clip=False),
        DrawnPose(np.zeros((1, 2, 2, 3), np.uint8), 8.0),
        DrawnPose(np.full((3, 9, 9, 3), 255, np.uint8), 8.0),
    ],
    "motion": [
        Motion(np.full((1, 1, 2), np.nan, np.float32)),
        Motion(np.zeros((1, 3, 2), np.float32)),
        Motion(np.full((9, 40, 2), 7.5, np.float32), aspect=100.0),
    ],
    "segmentation": [
        Segmentation(np.zeros((1, 1, 1), np.int32)),
        Segmentation(np.ones((2, 1, 1), np.int32), ((5, "dog"),)),
        Segmentation(np.arange(600, dtype=np.int32).reshape(1, 20, 30)),
    ],
    "sketch": [
        Sketch(np.full((1, 1, 1), 255, np.uint8), np.ones(1, np.bool_)),
        Sketch(np.zeros((3, 2, 2), np.uint8), np.zeros(3, np.bool_)),
    ],
    "normal": [Normals(np.full((1, 1, 1, 3), np.nan, np.float32))],
    "masked_image": [
        MaskedImage(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), np.bool_)),
        MaskedImage(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.bool_)),
    ],
    "region": [
        Regions(()),
        Regions(((), ())),
        Regions(((POINT,), (POINT, POINT))),
        Regions((tuple(Region(f"thing {at}", "box", np.ones((2, 2))) for at in range(300)),)),
    ],
    "camera": [
        Camera(np.full((1, 4), np.nan), np.eye(3, 4)[None]),
        Camera(np.full((2, 4), np.nan), np.stack([np.eye(3, 4)] * 2), scene_distance=1.0),
    ],
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("kind", "payload"), [(k, one) for k, many in EDGES.items() for one in many]
)
def test_odd_conditions_state_little_and_do_not_fail(kind, payload):
    facts = condition_facts(Condition(kind, payload, "x"))
    assert len(facts) <= MOST_FACTS
    for fact in facts:
        assert fact.text == fact.text.strip() != ""
        assert "  " not in fact.text
        assert "nan" not in fact.text


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9999), st.integers(1, 5))
def test_random_masks_are_named_by_place_and_bounded(height, width, seed, objects):
    ids = np.random.default_rng(seed).integers(0, objects + 1, (2, height, width), np.int32)
    names = tuple((ident, "cup") for ident in range(1, objects + 1))
    facts = condition_facts(Condition("segmentation", Segmentation(ids, names), "x"))
    told = [fact for fact in facts if fact.aspect == "subject"]
    assert len(facts) <= MOST_FACTS
    assert [fact.value["number"] for fact in told] == [len(set(np.unique(ids)) - {0})][: len(told)]
