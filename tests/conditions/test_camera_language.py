"""Camera movements are named by geometry, on made paths and on every labelled real one."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from any2caption.conditions.camera_language import monotone_runs, movements
from any2caption.conditions.types import Camera

from .conftest import DATA, REAL

# What the file names mean in the words used here (each source has its own words):
# "look" is the turn, "pan" and "zoom" are moves, "rotate clockwise" turns the picture.
NAMED = {
    "cami2v_named/look left": {"pan_left"},
    "cami2v_named/look right": {"pan_right"},
    "cami2v_named/pan left": {"truck_left"},
    "cami2v_named/pan up": {"pedestal_up"},
    "cami2v_named/pan down": {"pedestal_down"},
    "cami2v_named/orbit left": {"orbit_left"},
    "cami2v_named/orbit up": {"orbit_up"},
    "cami2v_named/rotate clockwise": {"roll_anticlockwise"},
    "cami2v_named/zoom in": {"dolly_in"},
    "cami2v_named/stationary": {"static"},
    "videox_fun_named/ACW": {"roll_anticlockwise"},
    "videox_fun_named/Pan_Left": {"truck_left"},
    "videox_fun_named/Pan_Up": {"pedestal_up"},
    "videox_fun_named/Pan_Down": {"pedestal_down"},
    "videox_fun_named/Pan_Left_Up": {"truck_left", "pedestal_up"},
    "videox_fun_named/Pan_Right_Up": {"truck_right", "pedestal_up"},
    "videox_fun_named/Pan_Right_Down": {"truck_right", "pedestal_down"},
    "videox_fun_named/Zoom_In": {"dolly_in"},
}
STEPS = {
    "pan_right": ((0, 0, 0), (0, 1, 0)),
    "pan_left": ((0, 0, 0), (0, -1, 0)),
    "tilt_up": ((0, 0, 0), (1, 0, 0)),
    "tilt_down": ((0, 0, 0), (-1, 0, 0)),
    "roll_clockwise": ((0, 0, 0), (0, 0, 1)),
    "roll_anticlockwise": ((0, 0, 0), (0, 0, -1)),
    "dolly_in": ((0, 0, 1), (0, 0, 0)),
    "dolly_out": ((0, 0, -1), (0, 0, 0)),
    "truck_left": ((-1, 0, 0), (0, 0, 0)),
    "truck_right": ((1, 0, 0), (0, 0, 0)),
    "pedestal_up": ((0, -1, 0), (0, 0, 0)),
    "pedestal_down": ((0, 1, 0), (0, 0, 0)),
}


def keys(camera):
    return {movement.key for movement in movements(camera)}


def path(*pieces, frames=20, noise=0.0, focal=None):
    """Path of pieces, each a set of step names with size 0.03 (units of move, radians of turn)."""
    random = np.random.default_rng(3)
    pose, poses = np.eye(4), [np.eye(4)]
    for names in pieces:
        move = sum((np.array(STEPS[name][0]) * 0.06 for name in names), np.zeros(3))
        turn = sum((np.array(STEPS[name][1]) * 0.03 for name in names), np.zeros(3))
        for _ in range(frames):
            step = np.eye(4)
            step[:3, :3], step[:3, 3] = Rotation.from_rotvec(turn).as_matrix(), move
            pose = pose @ step
            shaken = pose.copy()
            shaken[:3, 3] += random.normal(0, noise, 3)
            shaken[:3, :3] = (
                shaken[:3, :3] @ Rotation.from_rotvec(random.normal(0, noise, 3)).as_matrix()
            )
            poses.append(shaken)
    w2c = np.linalg.inv(np.stack(poses))[:, :3]
    intrinsics = np.full((len(w2c), 4), 0.5)
    if focal is not None:
        intrinsics[:, :2] *= np.linspace(1, focal, len(w2c))[:, None]
    return Camera(intrinsics, w2c)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("look_left", {"pan_left"}),
        ("zoom_in", {"dolly_in"}),
        ("orbit_up", {"orbit_up"}),
        ("stationary", {"static"}),
        ("ACW", {"roll_anticlockwise"}),
        ("Pan_Left_Up", {"truck_left", "pedestal_up"}),
    ],
)
def test_named_motions_are_right(name, label, parse):
    assert keys(parse("camera", DATA / "camera" / f"{name}.txt").payload) == label


@pytest.mark.skipif(not REAL.exists(), reason="the optional folder of real files is not here")
@pytest.mark.parametrize("name", NAMED)
def test_every_named_motion_of_the_real_data_is_right(name, parse):
    file = REAL / "camera" / "realestate10k_txt" / f"{name}.txt"
    assert keys(parse("camera", file).payload) == NAMED[name]


@pytest.mark.parametrize("name", STEPS)
def test_single_movements(name):
    (movement,) = movements(path({name}))
    assert movement.key == name
    assert movement.start <= 1
    assert movement.end >= 19
    if movement.unit == "degrees":
        assert movement.amount == pytest.approx(np.degrees(0.6), rel=1e-6)
        assert movement.speed == pytest.approx(np.degrees(0.03), rel=0.15)
    else:
        assert movement.amount == pytest.approx(1.2, rel=1e-6)


@pytest.mark.parametrize("name", STEPS)
def test_shaking_changes_nothing(name):
    assert keys(path({name}, noise=0.004)) == {name}
    assert keys(path(set(), noise=0.004)) == {"static"}


@pytest.mark.parametrize(
    "names",
    [
        {"dolly_in", "tilt_up"},
        {"truck_left", "pedestal_up"},
        {"pan_right", "tilt_down"},
        {"dolly_out", "roll_clockwise"},
    ],
)
def test_combined_movements(names):
    assert keys(path(names)) == names


def test_movements_one_after_the_other_have_their_times():
    found = movements(path({"pan_left"}, {"dolly_in"}, {"pan_right"}))
    assert [movement.key for movement in found] == ["pan_left", "dolly_in", "pan_right"]
    assert found[0].end <= 21
    assert 18 <= found[1].start <= 22
    assert found[2].start >= 39


def test_there_and_back_are_two_movements():
    found = movements(path({"truck_left"}, {"truck_right"}))
    assert [movement.key for movement in found] == ["truck_left", "truck_right"]


@pytest.mark.parametrize("radius", [1.0, 3.0, 8.0])
@pytest.mark.parametrize(
    ("axis", "direction"),
    [((0, 1, 0), "left"), ((0, -1, 0), "right"), ((-1, 0, 0), "up"), ((1, 0, 0), "down")],
)
def test_orbits_keep_a_point_ahead_fixed(radius, axis, direction):
    centre = np.array([0, 0, radius])
    turns = Rotation.from_rotvec(np.linspace(0, 0.9, 30)[:, None] * np.array(axis)).as_matrix()
    c2w = np.tile(np.eye(4), (30, 1, 1))
    c2w[:, :3, :3] = turns
    c2w[:, :3, 3] = centre - turns @ centre
    camera = Camera(np.full((30, 4), 0.5), np.linalg.inv(c2w)[:, :3])
    (movement,) = movements(camera)
    assert movement.key == f"orbit_{direction}"
    assert movement.amount == pytest.approx(np.degrees(0.9), rel=0.01)


@pytest.mark.parametrize(("focal", "key"), [(1.8, "zoom_in"), (0.6, "zoom_out")])
def test_a_zoom_changes_the_focal_length_only(focal, key):
    (movement,) = movements(path(set(), focal=focal))
    assert movement.key == key
    assert movement.amount == pytest.approx(focal)
    assert keys(path({"dolly_in"}, focal=None)) == {"dolly_in"}


def test_unknown_intrinsics_and_one_pose_are_static():
    camera = Camera(np.full((1, 4), np.nan), np.eye(3, 4)[None])
    (movement,) = movements(camera)
    assert (movement.key, movement.start, movement.end) == ("static", 0, 0)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.floats(0.1, 3))
def test_runs_are_ordered_alternate_and_large_enough(values, threshold):
    curve = np.array(values)
    runs = monotone_runs(curve, threshold)
    assert all(start < end for start, end in runs)
    assert all(a[1] == b[0] for a, b in pairwise(runs))
    changes = np.array([curve[end] - curve[start] for start, end in runs])
    assert (np.abs(changes) >= threshold - 1e-9).all()
    assert (changes[1:] * changes[:-1] < 0).all()
    if not runs:
        assert np.ptp(curve) < threshold


@settings(max_examples=30, deadline=None)
@given(st.floats(-3.1, 3.1), st.sampled_from(sorted(STEPS)))
def test_the_name_does_not_depend_on_where_the_path_starts(angle, name):
    camera = path({name})
    world = np.eye(4)
    world[:3, :3] = Rotation.from_rotvec([0.3, angle, 0.1]).as_matrix()
    world[:3, 3] = (1, 2, 3)
    moved = Camera(camera.intrinsics, camera.w2c @ world)
    assert keys(moved) == {name}
