"""Directions are checked from the written text, by what a point in view does in the picture."""

import numpy as np
import pytest

from any2caption.captions.lexicon import CAMERAS
from any2caption.datasets.synthetic.camera_path import make_path, realestate10k
from any2caption.datasets.synthetic.world import COMBINATIONS, sample_scene

SINGLE = [term.key for term in CAMERAS]


def rng_of(seed):
    return sample_scene(1, seed).random("test")


def read(text):
    lines = text.splitlines()[1:]
    rows = np.array([[float(value) for value in line.split()] for line in lines])
    return rows[:, 0], rows[:, 1:5], rows[:, 7:].reshape(-1, 3, 4)


def relative(text):
    """Return the last camera's centre and axes in the first camera's frame."""
    _, lens, w2c = read(text)
    first, last = np.vstack([w2c[0], [0, 0, 0, 1]]), np.vstack([w2c[-1], [0, 0, 0, 1]])
    pose = first @ np.linalg.inv(last)
    return pose[:3, 3], pose[:3, :3], lens


def measure(text):
    """Signed amounts: moves in units (right, down, forward), turns in units of 20 degrees."""
    centre, axes, lens = relative(text)
    right, forward = axes[:, 0], axes[:, 2]
    down = np.degrees(np.arcsin(np.clip(forward[1], -1, 1)))
    yaw = np.degrees(np.arctan2(forward[0], forward[2]))
    roll = np.degrees(np.arctan2(right[1], right[0]))
    return {
        "truck": centre[0],
        "pedestal": -centre[1],
        "dolly": centre[2],
        "pan": yaw / 20,
        "tilt": -down / 20,
        "roll": roll / 20,
        "zoom": np.log(lens[-1, 0] / lens[0, 0]),
    }


POSITIVE = {"right", "up", "in", "clockwise"}


@pytest.mark.parametrize("key", [key for key in SINGLE if "orbit" not in key and key != "static"])
@pytest.mark.parametrize("seed", range(12))
def test_single_movement_is_the_largest_and_has_the_right_sense(key, seed):
    amounts = measure(realestate10k(make_path((key,), rng_of(seed))))
    name, _, side = key.partition("_")
    assert (amounts[name] > 0) == (side in POSITIVE)
    others = [abs(value) for other, value in amounts.items() if other != name]
    assert abs(amounts[name]) > 1.5 * max(others)


@pytest.mark.parametrize("keys", COMBINATIONS)
def test_combined_movements_both_have_the_right_sense(keys):
    for seed in range(6):
        amounts = measure(realestate10k(make_path(keys, rng_of(seed))))
        for key in keys:
            name, _, side = key.partition("_")
            assert (amounts[name] > 0) == (side in POSITIVE), (keys, seed)
            assert abs(amounts[name]) > 0.25


@pytest.mark.parametrize(("key", "sign"), [("orbit_left", -1), ("orbit_right", 1)])
def test_an_orbit_moves_to_its_side_and_keeps_turning_to_the_centre(key, sign):
    for seed in range(12):
        amounts = measure(realestate10k(make_path((key,), rng_of(seed))))
        assert np.sign(amounts["truck"]) == sign
        assert np.sign(amounts["pan"]) == -sign


def test_a_static_camera_barely_moves():
    for seed in range(12):
        amounts = measure(realestate10k(make_path(("static",), rng_of(seed))))
        assert max(map(abs, amounts.values())) < 0.05


@pytest.mark.parametrize("key", SINGLE)
def test_text_has_19_columns_proper_rotations_and_rising_times(key):
    text = realestate10k(make_path((key,), rng_of(5)))
    lines = text.splitlines()
    assert 8 <= len(lines) - 1 <= 24
    assert all(len(line.split()) == 19 for line in lines[1:])
    times, lens, w2c = read(text)
    rotations = w2c[:, :, :3]
    np.testing.assert_allclose(np.linalg.det(rotations), 1.0, atol=1e-6)
    identity = np.broadcast_to(np.eye(3), rotations.shape)
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1), identity, atol=1e-6)
    assert (np.diff(times) > 0).all()
    assert ((lens[:, :2] > 0.3) & (lens[:, :2] < 8)).all()


def test_speeds_range_widely_and_files_start_anywhere():
    texts = [realestate10k(make_path(("truck_left",), rng_of(seed))) for seed in range(60)]
    sizes = [abs(measure(text)["truck"]) for text in texts]
    assert min(sizes) < 0.5
    assert max(sizes) > 4
    starts = [read(text)[2][0] for text in texts]
    assert np.mean([np.allclose(start[:, :3], np.eye(3)) for start in starts]) < 0.5
