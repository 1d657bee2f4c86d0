"""What depth, normals, sketches, masks and regions state of the layout, on made arrays."""

import numpy as np
import pytest

from any2caption.conditions.registry import condition_facts
from any2caption.conditions.types import (
    Condition,
    Depth,
    Normals,
    Region,
    Regions,
    Segmentation,
    Sketch,
)


def depth(*maps, nearest=None, farthest=None):
    return Condition("depth", Depth(np.stack(maps).astype(np.float32), nearest, farthest), "npy")


def fields(*rows):
    """A map 60×60 of nine fields."""
    return np.kron(np.array(rows, float), np.ones((20, 20)))


def texts(condition, aspect="layout"):
    return [fact.text for fact in condition_facts(condition) if fact.aspect == aspect]


NEAR_LEFT = fields([0.9, 0.1, 0.2], [0.9, 0.1, 0.2], [0.9, 0.1, 0.5])


@pytest.mark.parametrize(
    ("nearness", "text"),
    [
        (
            fields([0.5, 0.5, 0.5], [0.5, 0.1, 0.5], [0.9, 0.5, 0.5]),
            "near surfaces at the lower left and open space in the middle",
        ),
        (
            fields([0.1, 0.1, 0.1], [0.2, 0.2, 0.2], [0.9, 0.9, 0.9]),
            "near surfaces along the bottom and open space above",
        ),
        (
            fields([0.5, 0.1, 0.5], [0.9, 0.5, 0.9], [0.5, 0.5, 0.5]),
            "near surfaces on the left and on the right, and open space at the top",
        ),
        (np.full((60, 60), 0.4), "everything at about the same distance"),
    ],
)
def test_depth_says_what_lies_near_and_far(nearness, text):
    (fact,) = condition_facts(depth(nearness))
    assert (fact.aspect, fact.text, fact.certainty) == ("layout", text, "measured")


def test_fields_without_readings_are_neither_near_nor_far():
    nearness = NEAR_LEFT.copy()
    nearness[:, 20:40] = np.nan
    (fact,) = condition_facts(depth(nearness))
    assert set(fact.value["far"]) == {"upper right", "right"}
    assert condition_facts(depth(np.full((60, 60), np.nan))) == ()


@pytest.mark.parametrize(
    ("metres", "text"),
    [
        ((0.5, 3.1), "surfaces from about half a metre to about three metres away"),
        ((1.0, 2.4), "surfaces from about one metre to about two and a half metres away"),
        ((9.4, 64.0), "surfaces from about nine metres to about sixty metres away"),
        ((0.2, 0.21), "surfaces about twenty centimetres away"),
        ((1.6, 18.2), "surfaces from about one and a half metres to about eighteen metres away"),
        ((3.0, 700.0), "surfaces from about three metres to over a hundred metres away"),
    ],
)
def test_distances_are_said_where_the_unit_is_known(metres, text):
    fact = condition_facts(depth(NEAR_LEFT, nearest=metres[0], farthest=metres[1]))[1]
    assert fact.text == text
    assert fact.value["metres"] == list(metres)
    assert fact.certainty == "exact"


def test_a_clip_of_maps_says_that_things_come_nearer_or_move_away():
    maps = [np.clip(NEAR_LEFT / 2 + at, 0, 1) for at in np.linspace(0, 0.4, 12)]
    assert texts(depth(*maps))[-1] == "surfaces that come nearer"
    assert texts(depth(*maps[::-1]))[-1] == "surfaces that move farther away"
    assert len(texts(depth(*[NEAR_LEFT] * 12))) == 1
    assert len(texts(depth(*maps[::4]))) == 1  # key frames are no clip


def test_normals_say_which_way_surfaces_face():
    vectors = np.zeros((2, 60, 60, 3), np.float32)
    vectors[:, :40, :, 2] = 1
    vectors[:, 40:, :, 1] = 1
    (fact,) = condition_facts(Condition("normal", Normals(vectors), "PNG"))
    assert fact.text == (
        "surfaces that face the camera in the upper two thirds and level ground along the bottom"
    )
    assert set(fact.value["faces"]) == {"camera", "up"}


def test_unread_normals_say_nothing():
    vectors = np.full((1, 60, 60, 3), np.nan, np.float32)
    assert condition_facts(Condition("normal", Normals(vectors), "PNG")) == ()


@pytest.mark.parametrize(
    ("rows", "columns", "text"),
    [
        (slice(20, 40), slice(2, 18), "drawn outlines on the left"),
        (slice(2, 58), slice(2, 58), "drawn outlines over the whole picture"),
        (slice(42, 58), slice(44, 58), "drawn outlines at the lower right"),
    ],
)
def test_a_sketch_says_where_it_is_drawn(rows, columns, text):
    strokes = np.zeros((3, 60, 60), np.uint8)
    strokes[1, rows, columns] = 255
    condition = Condition("sketch", Sketch(strokes, strokes.any((1, 2))), "PNG")
    (fact,) = condition_facts(condition)
    assert fact.text == text
    assert fact.source.frames == (1, 1)


def test_an_empty_sketch_says_nothing():
    empty = Sketch(np.zeros((1, 60, 60), np.uint8), np.zeros(1, np.bool_))
    assert condition_facts(Condition("sketch", empty, "PNG")) == ()


def masks(*boxes, names=(), frames=1):
    """Boxes (left, top, right, bottom) of ids 1, 2 … in 60ths."""
    ids = np.zeros((frames, 60, 60), np.int32)
    for ident, (left, top, right, bottom) in enumerate(boxes, start=1):
        ids[:, top:bottom, left:right] = ident
    return Condition("segmentation", Segmentation(ids, tuple(enumerate(names, 1))), "PNG")


def test_named_masks_are_subjects_with_their_places():
    condition = masks((2, 20, 18, 40), (42, 40, 58, 58), names=("dog", "dog"))
    assert texts(condition, "subject") == ["two dogs"]
    assert texts(condition) == ["dogs on the left and at the lower right"]


def test_surroundings_are_background_and_not_subjects():
    condition = masks(
        (0, 40, 60, 60), (0, 0, 60, 20), (20, 22, 40, 38), names=("grass", "sky-other", "cow")
    )
    assert texts(condition, "subject") == ["a cow"]
    assert texts(condition, "background") == ["with grass and sky"]
    assert texts(condition) == ["a cow in the middle"]


def test_masks_without_names_are_counted_and_crumbs_are_not():
    condition = masks((5, 5, 25, 25), (35, 5, 55, 25), (59, 59, 60, 60))
    (count, layout) = condition_facts(condition)
    assert (count.aspect, count.text, count.certainty) == ("count", "two objects", "measured")
    whole = condition_facts(masks((5, 5, 25, 25), (35, 5, 55, 25)))[0]
    assert (whole.text, whole.certainty) == ("two objects", "exact")
    assert layout.text == "objects at the upper left and at the upper right"


def test_a_hundred_masks_are_a_sum():
    ids = np.arange(1, 101).reshape(10, 10)
    condition = Condition("segmentation", Segmentation(np.kron(ids, np.ones((6, 6)))[None]), "PNG")
    condition.payload.ids[...] = condition.payload.ids.astype(np.int32)
    assert [fact.text for fact in condition_facts(condition)] == ["a hundred objects"]


def test_a_mask_that_moves_is_an_action():
    ids = np.zeros((12, 60, 60), np.int32)
    for frame in range(12):
        ids[frame, 20:40, 4 * frame : 4 * frame + 12] = 7
    condition = Condition("segmentation", Segmentation(ids, ((7, "car"),)), "PNG")
    (action,) = [fact for fact in condition_facts(condition) if fact.aspect == "action"]
    assert (action.text, action.value["who"]) == ("moves from left to right", "the car")


def box(label, left, top, right, bottom):
    return Region(label, "box", np.array([[left, top], [right, bottom]], float))


def test_regions_are_told_by_label_place_and_size():
    regions = Regions(
        ((box("an old man", 0.35, 0.3, 0.65, 0.6), box("kite", 0.9, 0.02, 0.95, 0.08)),)
    )
    condition = Condition("region", regions, "box JSON")
    assert texts(condition, "subject") == ["an old man", "a kite"]
    assert texts(condition) == ["an old man in the middle", "a small kite at the upper right"]


def test_a_region_that_moves_over_frames_is_an_action():
    frames = tuple((box("ball", 0.1, y, 0.2, y + 0.1),) for y in np.linspace(0, 0.8, 9))
    condition = Condition("region", Regions(frames), "box JSON")
    assert texts(condition, "action") == ["moves downwards"]
