"""Camera movements are named by geometry, on made paths and on every labelled real one."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from any2caption.conditions.camera.motion_curves import motion_curves
from any2caption.conditions.camera.movements import movements
from any2caption.conditions.curves import monotone_runs
from any2caption.conditions.types import Camera

from ..conftest import DATA, REAL
from .source_labels import RECAMMASTER_CAMERAS, label_keys

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


SHIPPED = [
    ("cami2v", "look_left.txt", "look left"),
    ("cami2v", "zoom_in.txt", "zoom in"),
    ("cami2v", "orbit_up.txt", "orbit up"),
    ("cami2v", "stationary.txt", "stationary"),
    ("videox_fun", "ACW.txt", "ACW"),
    ("videox_fun", "Pan_Left_Up.txt", "Pan_Left_Up"),
    ("motionctrl", "motionctrl.json", "D"),
    ("viewcrafter", "left.txt", "left"),
    ("recammaster", "recammaster.json", "cam07"),
    ("recammaster", "recammaster.json", "cam09"),
]


def real_named():
    """(source, file, label) of every labelled file of the folder of real files."""
    folder = REAL / "camera"
    for source in ("cami2v", "videox_fun"):
        for file in sorted((folder / "realestate10k_txt" / f"{source}_named").glob("*.txt")):
            yield source, file, file.stem
    for file in sorted((folder / "motionctrl_json" / "basic").glob("*.json")):
        yield "motionctrl", file, file.stem.removeprefix("test_camera_")
    for file in sorted((folder / "recammaster_ue_json").glob("*.json")):
        for camera in RECAMMASTER_CAMERAS:
            if f'"{camera}"' in file.read_text():
                yield "recammaster", file, camera


NAMED = [(source, DATA / "camera" / name, label) for source, name, label in SHIPPED]
NAMED += real_named()


@pytest.mark.parametrize(("source", "file", "label"), NAMED, ids=str)
def test_named_motions_are_right(source, file, label, parse):
    options = {"select": label} if source == "recammaster" else {}
    assert keys(parse("camera", file, options=options).payload) == set(label_keys(source, label))


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
    ("axis", "names"),
    [
        ((0, 1, 0), {"orbit_left"}),
        ((0, -1, 0), {"orbit_right"}),
        ((-1, 0, 0), {"pedestal_up", "tilt_down"}),
        ((1, 0, 0), {"pedestal_down", "tilt_up"}),
    ],
)
def test_orbits_keep_a_point_ahead_fixed(radius, axis, names):
    centre = np.array([0, 0, radius])
    turns = Rotation.from_rotvec(np.linspace(0, 0.9, 30)[:, None] * np.array(axis)).as_matrix()
    c2w = np.tile(np.eye(4), (30, 1, 1))
    c2w[:, :3, :3] = turns
    c2w[:, :3, 3] = centre - turns @ centre
    camera = Camera(np.full((30, 4), 0.5), np.linalg.inv(c2w)[:, :3])
    found = movements(camera)
    assert {movement.key for movement in found} == names
    turned = next(movement for movement in found if movement.unit == "degrees")
    assert turned.amount == pytest.approx(np.degrees(0.9), rel=0.01)


@pytest.mark.parametrize(("focal", "key"), [(1.8, "zoom_in"), (0.6, "zoom_out")])
def test_a_zoom_changes_the_focal_length_only(focal, key):
    (movement,) = movements(path(set(), focal=focal))
    assert movement.key == key
    assert movement.amount == pytest.approx(focal)
    assert keys(path({"dolly_in"}, focal=None)) == {"dolly_in"}


def test_a_lens_unknown_in_some_frames_is_no_zoom():
    camera = path(set(), focal=1.8)
    camera.intrinsics[7] = np.nan
    assert keys(camera) == {"static"}


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


TYPES = {"static", "pan", "tilt", "roll", "dolly", "truck", "pedestal", "orbit", "zoom"}
DIRECTIONS = {"left", "right", "up", "down", "in", "out", "clockwise", "counterclockwise", None}
MOVES = [name for name in STEPS if not STEPS[name][1].count(1) + STEPS[name][1].count(-1)]
TURNS = [name for name in STEPS if name not in MOVES]


def made(pieces, frames, pace="even", noise=0.0, seed=0):
    """Path of pieces (names, units of move, degrees of turn) from a random pose in the world."""
    random = np.random.default_rng(seed)
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec(random.normal(0, 2, 3)).as_matrix()
    pose[:3, 3] = random.normal(0, 9, 3)
    poses = [pose]
    for names, size, degrees in pieces:
        move = sum((np.array(STEPS[name][0]) * size for name in names), np.zeros(3))
        turn = sum((np.radians(degrees) * np.array(STEPS[name][1]) for name in names), np.zeros(3))
        shares = np.full(frames, 1 / frames)
        if pace == "eased":
            shares = np.diff((1 - np.cos(np.linspace(0, np.pi, frames + 1))) / 2)
        if pace == "uneven":
            shares = random.uniform(0.4, 1.6, frames)
            shares /= shares.sum()
        for share in shares:
            half = Rotation.from_rotvec(turn * share / 2).as_matrix()
            step = np.eye(4)
            step[:3, :3], step[:3, 3] = half @ half, half @ (move * share)
            pose = pose @ step
            poses.append(pose)
    poses = np.stack(poses)
    for shaken in poses:
        shaken[:3, 3] += random.normal(0, noise, 3)
        shaken[:3, :3] = (
            shaken[:3, :3] @ Rotation.from_rotvec(random.normal(0, noise, 3)).as_matrix()
        )
    w2c = np.linalg.inv(poses)
    return Camera(np.full((len(poses), 4), np.nan), (w2c @ poses[0])[:, :3])


paths = {
    "frames": st.integers(12, 90),
    "pace": st.sampled_from(["even", "eased", "uneven"]),
    "noise": st.sampled_from([0.0, 0.002, 0.004]),
    "seed": st.integers(0, 2**31),
}
size, degrees = st.floats(0.5, 2.5), st.floats(14, 80)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(STEPS)), size, degrees, st.fixed_dictionaries(paths))
def test_any_single_movement_comes_back(name, size, degrees, how):
    (movement,) = movements(made([({name}, size, degrees)], **how))
    assert movement.key == name
    wanted = degrees if movement.unit == "degrees" else size
    assert movement.amount == pytest.approx(wanted, rel=0.1)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.sampled_from(MOVES),
    st.sampled_from(TURNS),
    st.floats(0.7, 1.6),
    st.floats(25, 45),
    st.fixed_dictionaries(paths),
)
def test_any_move_with_a_turn_comes_back(move, turn, size, degrees, how):
    found = keys(made([({move, turn}, size, degrees)], **how))
    arcs = {("truck_left", "pan_right"): "left", ("truck_right", "pan_left"): "right"}
    side = arcs.get((move, turn))
    assert found == ({f"orbit_{side}"} if side else {move, turn})


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from(sorted(STEPS)), min_size=2, max_size=3),
    st.lists(size, min_size=3, max_size=3),
    st.lists(degrees, min_size=3, max_size=3),
    st.fixed_dictionaries(paths | {"noise": st.sampled_from([0.0, 0.002])}),
)
def test_any_sequence_comes_back_in_order(names, sizes, degrees, how):
    kinds = [name.split("_")[0] for name in names]
    if any(one == other for one, other in pairwise(kinds)):
        names = names[:1]
    pieces = [({name}, *pair) for name, *pair in zip(names, sizes, degrees, strict=False)]
    assert [movement.key for movement in movements(made(pieces, **how))] == names


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(2, 120), st.sampled_from([0.0, 0.002, 0.005]), st.integers(0, 2**31))
def test_a_held_camera_stays_static_whatever_it_shakes(frames, noise, seed):
    found = keys(made([(set(), 0, 0)], frames, noise=noise, seed=seed))
    # Of a few poses nobody can tell shaking from travel without knowing how large the scene is.
    few = {name for name in MOVES if frames < 12 and noise}
    assert found - few <= {"static"}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from(MOVES),
    st.sampled_from(TURNS),
    st.sampled_from([0.01, 0.1, 0.37, 7.3, 100.0]),
    st.fixed_dictionaries(paths),
)
def test_words_do_not_depend_on_the_unit_of_length(move, turn, scale, how):
    camera = made([({move}, 0.8, 0), ({move, turn}, 0.5, 30), (set(), 0, 0)], **how)
    scaled = replace(camera, w2c=camera.w2c * [1, 1, 1, scale])
    assert [one.key for one in movements(scaled)] == [one.key for one in movements(camera)]


def test_a_stated_distance_tells_small_moves_from_large_ones():
    camera = made([({"truck_left", "pan_left"}, 0.1, 60)], 40)
    assert keys(camera) == {"truck_left", "pan_left"}
    assert keys(replace(camera, scene_distance=5.0)) == {"pan_left"}


def test_what_arithmetic_leaves_is_no_travel():
    camera = path(set(), focal=1.8)
    residue = camera.w2c.copy()
    residue[1:, :, 3] += (5e-15, 0, 2e-15)
    assert keys(replace(camera, w2c=residue)) == {"zoom_in"}


def test_an_orbit_keeps_its_distance():
    """A car that drives past its subject while the camera turns with it is not an orbit."""
    share = np.linspace(0, 1, 40)
    poses = np.tile(np.eye(4), (40, 1, 1))
    poses[:, 0, 3] = -4 + 8 * share
    look = np.arctan2(-poses[:, 0, 3], 1.0)
    poses[:, :3, :3] = Rotation.from_rotvec(look[:, None] * np.array([0.0, 1, 0])).as_matrix()
    camera = Camera(np.full((40, 4), np.nan), np.linalg.inv(np.linalg.inv(poses[0]) @ poses)[:, :3])
    assert not {"orbit_left", "orbit_right"} & keys(camera)


def test_a_single_step_that_turns_around_is_a_cut():
    camera = made([({"dolly_in"}, 2, 0)], 40)
    flipped = camera.w2c.copy()
    flipped[20:] = np.einsum("ij,tjk->tik", np.diag([-1.0, -1, 1]), flipped[20:])
    assert keys(replace(camera, w2c=flipped)) == {"dolly_in"}
    assert motion_curves(replace(camera, w2c=flipped)).cuts == (20,)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.sampled_from(MOVES), st.sampled_from(TURNS), st.floats(0.8, 2), st.floats(20, 45))
def test_a_straight_rail_keeps_its_words_while_the_camera_turns(move, turn, size, degrees):
    share = np.linspace(0, 1, 40)[:, None]
    poses = np.tile(np.eye(4), (40, 1, 1))
    poses[:, :3, :3] = Rotation.from_rotvec(
        share * np.array(STEPS[turn][1]) * np.radians(degrees)
    ).as_matrix()
    poses[:, :3, 3] = share * np.array(STEPS[move][0]) * size
    camera = Camera(np.full((40, 4), np.nan), np.linalg.inv(poses)[:, :3])
    assert keys(camera) == {move, turn}


def test_a_pause_parts_unequal_movements():
    camera = made([({"dolly_in"}, 1, 0), ({"pan_left"}, 0, 60), ({"dolly_in"}, 0.5, 0)], 12)
    assert [one.key for one in movements(camera)] == ["dolly_in", "pan_left", "dolly_in"]


def test_long_rests_are_static():
    found = movements(path({"truck_left"}, set(), {"truck_left"}))
    assert [movement.key for movement in found] == ["truck_left", "static", "truck_left"]
    found = movements(path(set(), {"pan_left"}))
    assert [movement.key for movement in found] == ["static", "pan_left"]


def test_a_shaking_hand_is_no_movement():
    time = np.linspace(0, 1, 80)
    poses = np.tile(np.eye(4), (80, 1, 1))
    sway = 0.02 * np.sin(2 * np.pi * np.outer(time, [5, 7, 4]))
    poses[:, :3, :3] = Rotation.from_rotvec(sway).as_matrix()
    poses[:, :3, 3] = sway
    assert keys(Camera(np.full((80, 4), np.nan), np.linalg.inv(poses)[:, :3])) == {"static"}


@pytest.mark.parametrize("name", STEPS)
def test_a_small_movement_counts_if_it_goes_one_way_all_the_time(name):
    assert keys(made([({name}, 0.02, 0.8)], 30)) == {name}
    assert keys(made([({name}, 0.02, 0.8)], 30, noise=0.002)) == {"static"}


def test_json_is_as_published():
    camera = path({"truck_left", "roll_anticlockwise"}, set())
    found = [movement.as_json(len(camera.w2c)) for movement in movements(camera)]
    assert {movement["direction"] for movement in found} == {"left", "counterclockwise", None}
    for movement in found:
        assert list(movement) == ["type", "direction", "start", "end", "amount", "unit", "speed"]
        assert movement["type"] in TYPES
        assert movement["direction"] in DIRECTIONS
        assert 0 <= movement["start"] < movement["end"] <= 1
    assert found[-1] == {
        "type": "static",
        "direction": None,
        "start": 0.5,
        "end": 1.0,
        "amount": 0.0,
        "unit": None,
        "speed": 0.0,
    }
