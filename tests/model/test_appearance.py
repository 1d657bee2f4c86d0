"""Pictures unlike those of training are told from others, by measure."""

import numpy as np
import pytest

from any2caption.conditions.registry import KINDS
from any2caption.model.appearance import LEAST, MOST, Appearance, measured
from any2caption.model.inputs import Features
from any2caption.model.scope import Scope, sampled


def picture(frames, kind="image") -> Features:
    return {"kind": np.asarray(kind), "role": np.asarray(""), "frames": frames}


def drawing(rng):
    """A flat coloured square on a flat ground, with a little noise."""
    frame = np.empty((1, 56, 56, 3), np.uint8)
    frame[:] = rng.integers(60, 200, 3)
    at, side = rng.integers(0, 30), rng.integers(10, 26)
    frame[:, at : at + side, at : at + side] = rng.integers(0, 255, 3)
    return picture(np.clip(frame + rng.integers(-3, 4, frame.shape), 0, 255).astype(np.uint8))


def photograph(rng):
    """Texture everywhere: noise of several sizes."""
    noise = sum(
        np.kron(rng.normal(0, 25, (56 // size, 56 // size, 3)), np.ones((size, size, 1)))
        for size in (1, 2, 4, 8)
    )
    return picture(np.clip(128 + noise, 0, 255).astype(np.uint8)[None])


@pytest.fixture(scope="module")
def scope():
    rng = np.random.default_rng(0)
    return Scope.of([], ["image"], [drawing(rng) for _ in range(300)])


def test_other_drawings_are_like_those_of_training_and_photographs_are_not(scope):
    rng = np.random.default_rng(1)
    like = [scope.unlike(drawing(rng), "picture 1") for _ in range(100)]
    assert sum(map(bool, like)) <= 4
    for _ in range(20):
        said = scope.unlike(photograph(rng), "picture 1")
        assert said.startswith("picture 1 looks unlike the pictures that the model was trained on")


def test_what_was_not_measured_in_training_is_not_judged(scope):
    rng = np.random.default_rng(2)
    clip = picture(photograph(rng)["frames"], "video")
    assert scope.unlike(clip, "video 1") == ""
    few = Scope.of([], [], [drawing(rng) for _ in range(LEAST - 1)])
    assert not few.appearance
    assert few.unlike(photograph(rng), "picture 1") == ""


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"image", "video"}))
def test_only_what_the_model_alone_tells_of_is_measured(kind):
    assert measured(picture(np.zeros((1, 8, 8, 3), np.uint8), kind)) is None


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (5, 3, 2, 3), (1, 56, 56, 3)])
def test_any_frame_gives_fourteen_finite_numbers(shape):
    row = measured(picture(np.full(shape, 7, np.uint8), "video"))
    assert row is not None
    assert row.shape == (14,)
    assert np.isfinite(row).all()


def test_a_scope_comes_back_from_its_file_with_what_pictures_look_like(scope):
    again = Scope.from_json(scope.to_json(), "scope.json")
    assert again.appearance.keys() == {"image"}
    shown = photograph(np.random.default_rng(3))
    assert again.unlike(shown, "picture 1") == scope.unlike(shown, "picture 1")


@pytest.mark.parametrize("damage", [{"mean": [1.0]}, {"limit": None}, {"precision": 3}])
def test_damaged_looks_are_refused(scope, damage):
    data = {**scope.appearance["image"].as_json(), **damage}
    with pytest.raises((ValueError, TypeError)):
        Appearance.from_json(data)


def test_items_are_taken_evenly_and_only_of_pictures():
    kinds = ["image", "text"] * (2 * MOST)
    taken = sampled(range(len(kinds)), kinds)
    assert len(taken) == MOST
    assert {kinds[number] for number in taken} == {"image"}
    assert taken[-1] > len(kinds) * 0.9
