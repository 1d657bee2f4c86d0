"""A camera path states its movements as one clause, and says when a scale would change it."""

import numpy as np
import pytest

from any2caption.captions.camera_reading import read_camera
from any2caption.conditions.camera.movements import movements
from any2caption.conditions.registry import condition_facts
from any2caption.conditions.types import Camera, Condition

from ..conftest import EXAMPLES


def camera(rotations=None, centres=None, *, focal=None, frames=24, scene=None):
    """A path; `rotations` are camera to world, `centres` in the world, one a frame."""
    turns = np.tile(np.eye(3), (frames, 1, 1)) if rotations is None else rotations
    places = np.zeros((frames, 3)) if centres is None else centres
    w2c = np.concatenate(
        [turns.transpose(0, 2, 1), -np.einsum("tji,tj->ti", turns, places)[:, :, None]], axis=2
    )
    lens = np.ones(frames) if focal is None else focal
    half = np.full(frames, 0.5)
    path = Camera(np.stack([lens, lens, half, half], 1), w2c, scene_distance=scene)
    return Condition("camera", path, "matrix text")


def yaw(degrees, frames=24):
    angles = np.radians(np.linspace(0, degrees, frames))
    turns = np.tile(np.eye(3), (frames, 1, 1))
    turns[:, 0, 0] = turns[:, 2, 2] = np.cos(angles)
    turns[:, 0, 2], turns[:, 2, 0] = np.sin(angles), -np.sin(angles)
    return turns


def along(*way, frames=24):
    return np.linspace(0, 1, frames)[:, None] * np.array(way, float)


def one(condition):
    (fact,) = condition_facts(condition)
    assert fact.aspect == "camera"
    assert fact.source.input == "camera 1"
    return fact


@pytest.mark.parametrize(
    ("condition", "text", "keys"),
    [
        (camera(yaw(40)), "pans right", ["pan_right"]),
        (camera(centres=along(0, 0, 2)), "dollies in", ["dolly_in"]),
        (camera(centres=along(-1, 0, 0)), "trucks left", ["truck_left"]),
        (camera(focal=np.linspace(1, 2, 24)), "zooms in", ["zoom_in"]),
        (camera(), "holds still", ["static"]),
        (camera(frames=1), "holds still", ["static"]),
    ],
)
def test_a_movement_is_a_clause_without_its_subject(condition, text, keys):
    fact = one(condition)
    assert (fact.text, fact.value["keys"], fact.certainty) == (text, keys, "exact")
    assert fact.value["denied"] == []
    assert fact.value["shaky"] is False
    assert [move["type"] for move in fact.value["movements"]] == [keys[0].split("_")[0]]


def test_the_clause_reads_back_as_its_keys():
    there_and_back = np.concatenate([yaw(40), yaw(40)[::-1]])
    fact = one(camera(there_and_back, frames=48))
    assert fact.value["keys"] == ["pan_right", "pan_left"]
    assert list(read_camera(f"The camera {fact.text}.").keys) == fact.value["keys"]


def test_a_path_of_many_movements_is_summed_up_and_its_keys_are_those_told():
    swings = np.concatenate([yaw(35) if index % 2 else yaw(35)[::-1] for index in range(8)])
    fact = one(camera(swings, frames=len(swings)))
    assert fact.text.startswith("at first ")
    assert len(fact.value["movements"]) > 3
    assert len(fact.value["keys"]) <= 3
    assert set(read_camera(f"The camera {fact.text}.").keys) == set(fact.value["keys"])


def test_what_an_unknown_scale_would_change_is_measured_and_a_known_one_makes_exact():
    turns, way = yaw(40), along(0, 0.3, 1)
    unknown = one(camera(turns, way))
    assert unknown.certainty == "measured"
    assert unknown.confidence < 1
    assert unknown.value["scale_known"] is False
    known = one(camera(turns, way, scene=1.0))
    assert (known.certainty, known.value["scale_known"]) == ("exact", True)


def test_a_pure_turn_is_exact_whatever_the_scale():
    assert one(camera(yaw(12))).certainty == "exact"


def test_cuts_are_said_and_are_no_movement():
    turns = yaw(20)
    turns[12:] = turns[12:] @ yaw(150)[-1]
    fact = one(camera(turns))
    assert fact.value["cuts"] == [12]
    assert fact.text == "pans right, with a cut on the way"
    assert [move.key for move in movements(camera(turns).payload)] == ["pan_right"]


def test_a_real_path_states_its_movements(parse):
    fact = one(parse("camera", EXAMPLES / "camera" / "walk_through_kitchen.txt"))
    assert fact.value["keys"][:3] == ["dolly_in", "truck_left", "pan_right"]
    assert fact.source.frames == (0, len(fact_frames(parse)) - 1)


def fact_frames(parse):
    return parse("camera", EXAMPLES / "camera" / "walk_through_kitchen.txt").payload.w2c
