"""Pictures with holes, and labelled regions: canonical, with rules told and bad input refused."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

from .conftest import DATA, picture


def photo(channels=3):
    return np.random.default_rng(3).integers(1, 255, (20, 30, channels), dtype=np.uint8)


def mask(level=255):
    pixels = np.zeros((20, 30), np.uint8)
    pixels[5:10, 5:15] = level
    return pixels


def test_transparent_pixels_are_holes():
    rgba = photo(4)
    rgba[..., 3] = 255 - mask()
    masked = parse_condition("masked_image", [picture(rgba)]).payload
    np.testing.assert_array_equal(masked.holes, mask() > 0)
    assert (masked.pixels[masked.holes] == 128).all()
    np.testing.assert_array_equal(masked.pixels[0], rgba[0, :, :3])


@pytest.mark.parametrize("level", [255, 1])
def test_a_picture_and_its_mask_in_either_order(level):
    parts = [picture(mask(level), name="b.png"), picture(photo(), name="a.png")]
    for given_parts in (parts, parts[::-1]):
        condition = parse_condition("masked_image", given_parts)
        np.testing.assert_array_equal(condition.payload.holes, mask() > 0)
        assert "b.png is the mask" in condition.assumptions[0]
    black = parse_condition("masked_image", parts, options={"hole": "black"})
    np.testing.assert_array_equal(black.payload.holes, mask() == 0)


def test_masks_that_say_nothing_are_refused(refused):
    assert "nothing says where" in refused("masked_image", picture(photo()))
    both = picture(photo(), name="a.png"), picture(photo(), name="b.png")
    assert "cannot tell which" in refused("masked_image", *both)
    empty = picture(mask() * 0, name="mask.png")
    assert "no hole" in refused("masked_image", picture(photo()), empty)
    wide = picture(np.pad(mask(), ((0, 0), (0, 2))), name="mask.png")
    assert "32×20 pixels" in refused("masked_image", picture(photo()), wide)


def document(value, name="r.json"):
    return Part(name, json.dumps(value).encode())


def regions_of(value, *others, **options):
    return parse_condition("region", [document(value), *others], options=options)


def test_boxes_polygons_and_points_become_fractions():
    value = {
        "width": 200,
        "height": 100,
        "regions": [
            {"label": "red  car", "box": [20, 10, 100, 60]},
            {"label": "tree", "polygon": [[0, 0], [50, 0], [50, 50]], "frame": 2},
            {"label": "ball", "point": [100, 50], "frame": 2},
        ],
    }
    condition = regions_of(value)
    box, polygon, point = (one for frame in condition.payload.frames for one in frame)
    assert box.label == "red car"
    np.testing.assert_allclose(box.points, [[0.1, 0.1], [0.5, 0.6]])
    np.testing.assert_allclose(polygon.points[2], [0.25, 0.5])
    np.testing.assert_allclose(point.points, [[0.5, 0.5]])
    assert [len(frame) for frame in condition.payload.frames] == [1, 0, 2]
    assert describe(condition)["labels"] == ["ball", "red car", "tree"]
    assert any("pixel" in said for said in condition.assumptions)


def test_the_size_may_come_from_the_picture_beside_it():
    condition = regions_of([{"label": "x", "bbox": [3, 2, 15, 10]}], picture(photo()))
    np.testing.assert_allclose(
        condition.payload.frames[0][0].points, [[0.1, 0.1], [0.6, 0.6]], atol=1e-9
    )
    assert condition.payload.overlay.shape == (20, 30, 3)


def test_numbers_in_0_to_1_are_fractions_unless_said_otherwise():
    value = [{"label": "x", "box": [0, 0, 1, 1]}]
    np.testing.assert_allclose(regions_of(value).payload.frames[0][0].points, [[0, 0], [1, 1]])
    pixel = regions_of(value, coordinates="pixel", width=10, height=20)
    np.testing.assert_allclose(pixel.payload.frames[0][0].points, [[0, 0], [0.1, 0.05]])
    qwen = regions_of([{"label": "x", "bbox_2d": [100, 200, 300, 400]}], coordinates="thousandths")
    np.testing.assert_allclose(qwen.payload.frames[0][0].points, [[0.1, 0.2], [0.3, 0.4]])


def test_coco_panoptic_and_labelme_are_read(parse):
    segments = DATA / "segmentation" / "panoptic" / "panoptic_examples_excerpt.json"
    condition = parse("region", segments)
    assert condition.format == "COCO JSON"
    assert "person" in describe(condition)["labels"]
    shapes = [{"label": "a", "shape_type": "rectangle", "points": [[9, 9], [1, 2]]}]
    made = regions_of({"shapes": shapes, "imageWidth": 10, "imageHeight": 10})
    np.testing.assert_allclose(made.payload.frames[0][0].points, [[0.1, 0.2], [0.9, 0.9]])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "no regions"),
        ({"a": 1}, "no regions"),
        ([{"label": "x"}], "neither box nor polygon"),
        ([{"label": "x", "box": [0, 0, 5, 5]}], "need the picture's size"),
        ([{"label": "x", "box": [5, 5, 0, 0]}], "no area"),
        ([{"label": "x", "box": [0, 0, 1]}], "x and y are wanted"),
        ([{"label": "x", "box": "all"}], "is not a list"),
        ([{"label": "x", "box": [0, 0, "1", 1]}], "is not a number"),
        ([{"label": "x", "polygon": [[0, 0], [1, 1]]}], "three and more"),
        ([{"label": "x", "point": [0.5, 0.5], "frame": -1}], "not a frame number"),
        ([{"label": "x", "point": [0.5, 0.5], "frame": 99_999}], "at most 10,000 frames"),
        (
            {"width": 9, "height": 9, "regions": [{"label": "x", "box": [20, 20, 30, 30]}]},
            "outside",
        ),
        ([{"label": "x", "point": [0.5, 1e999]}], "JSON"),
    ],
)
def test_malformed_regions_are_refused_by_place(value, words, refused):
    assert words in refused("region", document(value))


def test_regions_that_reach_out_are_cut_with_a_warning():
    condition = regions_of(
        {"width": 9, "height": 9, "regions": [{"label": "x", "box": [-3, 1, 5, 5]}]}
    )
    assert condition.payload.frames[0][0].points.min() == 0
    assert "cut at its edge" in condition.warnings[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2000) | st.floats(-2, 2) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(
                ["regions", "frames", "label", "box", "bbox", "polygon", "point", "frame"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=120, deadline=None)
@given(JSON)
def test_any_json_is_read_or_refused(value):
    try:
        payload = parse_condition("region", [document(value)]).payload
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is fine
    else:
        points = np.concatenate([one.points for frame in payload.frames for one in frame])
        assert ((points >= 0) & (points <= 1)).all()
