"""Skeletons are drawn exactly, frames are sampled evenly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from any2caption.conditions.drawing.skeleton import draw_skeleton
from any2caption.conditions.pose.layouts import LAYOUTS
from any2caption.conditions.sampling import Thinner, sample_frames
from any2caption.conditions.types import Pose


def pose(layout="COCO_18", frames=3, people=1):
    random = np.random.default_rng(0)
    keypoints = random.uniform(0.1, 0.9, (frames, people, len(LAYOUTS[layout].points), 3))
    keypoints[..., 2] = 1
    return Pose(keypoints.astype(np.float32), layout)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_limb_has_its_colour(layout):
    clip = draw_skeleton(pose(layout), 256, 256, 1)
    assert clip.shape == (1, 256, 256, 3)
    assert clip.dtype == np.uint8
    drawn = {tuple(colour) for colour in clip.reshape(-1, 3).tolist()}
    assert (0, 0, 0) in drawn
    assert len(drawn & set(LAYOUTS[layout].colours)) > len(LAYOUTS[layout].limbs) * 0.7
    assert len(set(LAYOUTS[layout].colours)) == len(LAYOUTS[layout].limbs)


def test_a_limb_has_the_same_colour_in_every_layout():
    seen = {}
    for layout in LAYOUTS.values():
        for (start, end), colour in zip(layout.limbs, layout.colours, strict=True):
            name = (layout.points[start], layout.points[end])
            assert seen.setdefault(name, colour) == colour


def test_missing_points_are_not_drawn():
    empty = Pose(np.zeros((2, 1, 18, 3), np.float32), "COCO_18")
    assert not draw_skeleton(empty, 32, 32, 2).any()
    one = np.zeros((1, 1, 18, 3), np.float32)
    one[0, 0, 4] = (0.5, 0.5, 1)
    dot = draw_skeleton(Pose(one, "COCO_18"), 32, 32, 1)[0]
    assert dot[16, 16].all()
    assert not dot[:8].any()


def test_points_far_away_are_harmless():
    far = pose()
    far.keypoints[..., 0] = 1e6
    assert not draw_skeleton(far, 32, 48, 2).any()


def test_limbs_lie_where_the_points_are():
    keypoints = np.zeros((1, 1, 18, 3), np.float32)
    keypoints[0, 0, 2] = (0.25, 0.5, 1)
    keypoints[0, 0, 3] = (0.75, 0.5, 1)
    rows, columns = np.nonzero(draw_skeleton(Pose(keypoints, "COCO_18"), 64, 64, 1)[0].any(axis=2))
    assert (rows.min(), rows.max()) == (32, 32)
    assert (columns.min(), columns.max()) == (16, 48)


@given(st.integers(1, 500), st.integers(1, 64))
def test_sampled_frames_are_even_and_in_range(n, k):
    indices = sample_frames(n, k)
    assert len(indices) == k
    assert indices[0] == 0
    assert (np.diff(indices) >= 0).all()
    assert indices.max() < n
    if k > 1:
        assert indices[-1] == n - 1
        assert np.ptp(np.diff(indices)) <= 1
    if n >= k:
        assert len(set(indices.tolist())) == k


def test_nothing_cannot_be_sampled():
    with pytest.raises(ValueError, match="cannot take"):
        sample_frames(0, 4)


@given(st.integers(0, 300), st.integers(1, 20))
def test_thinning_keeps_a_bounded_even_selection(n, cap):
    thinner = Thinner(cap)
    for item in range(n):
        if thinner.wants_next():
            thinner.add(item)
        else:
            thinner.skip()
    assert thinner.kept == list(range(0, n, thinner.stride))
    assert len(thinner.kept) <= max(cap, 1)
    assert thinner.seen == n
