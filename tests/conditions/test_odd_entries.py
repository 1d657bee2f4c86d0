"""One odd entry among good ones is left out and counted; of many pictures all are read."""

import base64
import json

import numpy as np
import pytest

from any2caption.conditions.inspect.detect import detect_kind
from any2caption.conditions.io.images import encode_png
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

SQUARE = [[10, 20, 60, 20, 60, 60, 10, 60]]


def document(value):
    return Part("a.json", json.dumps(value).encode())


def regions_of(value, **options):
    return parse_condition("region", [document(value)], options=options)


def masks_of(value, **options):
    return parse_condition("segmentation", [document(value)], options=options)


def labelme(*shapes):
    return {"version": "5.4.1", "shapes": list(shapes), "imageHeight": 100, "imageWidth": 200}


def shape(kind, *points, **more):
    return {"label": kind or "old", "shape_type": kind, "points": list(points), **more}


def test_every_shape_of_labelme_with_an_area_is_a_region():
    mask = base64.b64encode(encode_png(np.eye(10, 20, 5, dtype=np.uint8) * 255)).decode()
    regions = regions_of(
        labelme(
            shape("polygon", [20, 20], [90, 22], [85, 80]),
            shape("rectangle", [150, 30], [110, 90]),
            shape("oriented_rectangle", [0, 0], [20, 10], [10, 30], [0, 20]),
            shape("circle", [60, 50], [70, 50]),
            shape("mask", [100, 60], [119, 69], mask=mask),
            shape("point", [5, 5]),
            shape(None, [0, 0], [10, 0], [10, 10]),
        )
    ).payload.frames[0]
    assert [(one.label, one.shape) for one in regions] == [
        ("polygon", "polygon"),
        ("rectangle", "box"),
        ("oriented_rectangle", "polygon"),
        ("circle", "polygon"),
        ("mask", "box"),
        ("point", "point"),
        ("old", "polygon"),
    ]
    np.testing.assert_allclose(regions[1].points, [[0.55, 0.3], [0.75, 0.9]])
    radii = np.linalg.norm(regions[3].points * (200, 100) - (60, 50), axis=1)
    np.testing.assert_allclose(radii, 10)
    np.testing.assert_allclose(regions[4].points * (200, 100), [[105, 60], [115, 70]])


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (shape("line", [5, 5], [9, 9]), "a line has no area"),
        (shape("linestrip", [5, 5], [9, 9], [9, 0]), "a linestrip has no area"),
        (shape("sphere", [5, 5]), '"sphere" of 1 points'),
        (shape("polygon"), "x and y are wanted"),
        (shape("mask", [5, 5], [9, 9], mask="####"), "no PNG as base64"),
        (shape("mask", [5, 5], [9, 9]), "no PNG as base64"),
        (shape("rectangle", [500, 500], [600, 600]), "lies outside the picture"),
        ({"label": "x", "points": None, "shape_type": "point"}, "not a list"),
    ],
)
def test_a_shape_that_is_no_region_costs_no_other(odd, reason):
    good = shape("rectangle", [150, 30], [110, 90])
    condition = regions_of(labelme(good, odd, good))
    assert [one.label for one in condition.payload.frames[0]] == ["rectangle", "rectangle"]
    assert "1 of 3 regions are left out: region 2" in condition.warnings[-1]
    assert reason in condition.warnings[-1]
    with pytest.raises(InputError, match="region 1"):
        regions_of(labelme(odd))


def coco(*annotations, images=None):
    return {
        "images": images or [{"id": 1, "width": 200, "height": 160, "file_name": "a.jpg"}],
        "annotations": list(annotations),
        "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}],
    }


def annotation(number, image=1, category=1, bbox=(10, 20, 50, 40), **more):
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": list(bbox),
        "segmentation": SQUARE,
        **more,
    }


@pytest.mark.parametrize("bbox", [(120.5, 30.25, 1.03, 0.0), (10, 10, 0, 5), (1, 2, 3), "x"])
def test_a_degenerate_box_is_left_out_by_name(bbox):
    odd = {**annotation(2), "bbox": bbox}
    condition = regions_of(coco(annotation(1), odd, annotation(3)))
    assert len(condition.payload.frames[0]) == 2
    assert "1 of 3 regions are left out: region 2" in condition.warnings[0]


@pytest.mark.parametrize(
    "segmentation",
    [
        [],
        None,
        [[120, 30, 130, 40]],
        [[120.5, 30, 121.5, 30, 121, 30]],
        [[5, 5, 5, 5, 5, 5]],
        {"size": [160, 200], "counts": [1]},
        {"size": [16, 20], "counts": [320]},
    ],
)
def test_an_object_without_a_mask_is_left_out_by_name(segmentation):
    odd = annotation(2, segmentation=segmentation)
    condition = masks_of(coco(annotation(1), odd, annotation(3, category=2)))
    assert condition.payload.ids.shape == (1, 160, 200)
    assert condition.payload.names == ((1, "dog"), (3, "cat"))
    assert "1 of 3 objects are left out: object 2" in condition.warnings[0]
    with pytest.raises(InputError, match="object 1"):
        masks_of(coco(odd | {"id": 1}))


def test_a_degenerate_polygon_costs_no_other_of_its_object():
    parts = masks_of(coco(annotation(1, segmentation=[[1, 1, 2, 2], *SQUARE])))
    np.testing.assert_array_equal(parts.payload.ids, masks_of(coco(annotation(1))).payload.ids)


def test_null_is_a_field_that_is_not_there():
    nulls = {"polygon": None, "label": None, "frame": None, "category_id": 2, "point": None}
    condition = regions_of(
        {**coco({"bbox": [1, 2, 3, 4], **nulls}), "shapes": None, "frames": None}
    )
    assert condition.payload.frames[0][0].label == "cat"
    assert not condition.warnings


ORDER = (3, 1, 2, 11, 10)


def export(*annotations, size=lambda number: (200, 160)):
    images = [
        {
            "id": number,
            "file_name": f"frame_{number}.png",
            "width": size(number)[0],
            "height": size(number)[1],
        }
        for number in ORDER
    ]
    return coco(*annotations, images=images)


def test_of_many_pictures_all_are_frames_in_the_order_of_their_names():
    value = export(*(annotation(n, image=n, bbox=(n, 20, 50, 40)) for n in (2, 10, 3)))
    condition = regions_of(value)
    found = [[round(one.points[0, 0] * 200) for one in frame] for frame in condition.payload.frames]
    assert found == [[], [2], [3], [10], []]
    assert "5 pictures of one size are read as frames" in condition.assumptions[0]
    assert detect_kind([document(value)])[0] in {"region", "segmentation"}
    ids = masks_of(value).payload.ids
    assert ids.shape == (5, 160, 200)
    assert ids.any(axis=(1, 2)).tolist() == [False, True, True, True, False]
    assert ids.max() == 1


def test_one_of_many_pictures_can_be_chosen():
    value = export(*(annotation(n, image=n, bbox=(n, 20, 50, 40)) for n in (2, 10, 3)))
    for select in ("10", "frame_10.png"):
        ((one,),) = regions_of(value, select=select).payload.frames
        assert one.points[0, 0] == pytest.approx(0.05)
        assert masks_of(value, select=select).payload.ids.shape == (1, 160, 200)
    with pytest.raises(InputError, match=r"no such picture; there are frame_3\.png"):
        regions_of(value, select="7")


def test_pictures_of_different_sizes_are_no_clip():
    value = export(annotation(1, image=2), size=lambda number: (200 + number, 160))
    condition = regions_of(value)
    assert len(condition.payload.frames) == 1
    assert "only 'frame_2.png' is read (option select" in condition.warnings[0]
    assert masks_of(value).payload.ids.shape == (1, 160, 202)


def test_more_regions_than_are_taken_are_thinned_out_by_frames():
    many = [annotation(n, image=1 + n % 3) for n in range(1200)]
    condition = regions_of(export(*many))
    assert [len(frame) for frame in condition.payload.frames] == [400, 400, 0]
    assert "thinned out" in condition.assumptions[1]


def test_an_object_keeps_its_id_over_the_pictures_of_a_file():
    both = [
        annotation(n, image=image, track_id=track, segmentation=[[x, 9, x + 9, 9, x + 9, 20]])
        for n, (image, track, x) in enumerate([(1, 8, 10), (1, 7, 90), (2, 7, 80), (2, 8, 20)])
    ]
    ids = masks_of(export(*both)).payload.ids
    assert (ids[0, 10, 15], ids[0, 10, 97]) == (1, 2)
    assert (ids[1, 10, 25], ids[1, 10, 87]) == (1, 2)
    for one in both:
        del one["track_id"]
    condition = masks_of(export(*both))
    assert condition.payload.ids.max() == 4
    assert "nothing says which objects" in condition.warnings[0]


def test_a_frame_without_an_entry_is_a_frame_without_regions():
    one = {"label": "x", "box": [0, 0, 0.5, 0.5]}
    value = {"frames": [None, {"regions": None}, [], [one], {"regions": [one]}, []]}
    frames = regions_of(value).payload.frames
    assert [len(frame) for frame in frames] == [0, 0, 0, 1, 1, 0]


@pytest.mark.parametrize(
    "box", [[0.7, 0.2, 1.0000001, 1.0], [-0.0004, 0.2, 1.0, 1.0], [0.7, 0.2, 1.2, 1.0]]
)
def test_fractions_that_overstep_are_fractions(box):
    clean = [min(max(value, 0), 1) for value in box]
    good = {"label": "person", "box": [0.25, 0.1, 0.5, 0.9]}
    size = {"width": 640, "height": 480}
    overshoot = regions_of({**size, "regions": [good, {"label": "tree", "box": box}]})
    wanted = regions_of({**size, "regions": [good, {"label": "tree", "box": clean}]})
    for one, other in zip(overshoot.payload.frames[0], wanted.payload.frames[0], strict=True):
        np.testing.assert_allclose(one.points, other.points, atol=1e-3)


def test_one_odd_box_makes_no_pixels_of_the_fractions_beside_it():
    good = {"label": "x", "box": [0.25, 0.1, 0.5, 0.9]}
    odd = {"label": "x", "box": [25, 10, 50, 90]}
    condition = regions_of({"width": 640, "height": 480, "regions": [good, odd, good]})
    assert len(condition.payload.frames[0]) == 2
    np.testing.assert_allclose(condition.payload.frames[0][0].points, [[0.25, 0.1], [0.5, 0.9]])
    assert "region 2" in condition.warnings[0]


def test_ids_of_pictures_may_be_quoted():
    one = annotation(1) | {"image_id": "1"}
    assert len(regions_of(coco(one)).payload.frames[0]) == 1
    assert masks_of(coco(one)).payload.ids.max() == 1


def test_annotations_of_pictures_that_are_not_listed_are_counted():
    condition = regions_of(coco(annotation(1), annotation(2, image=9)))
    assert len(condition.payload.frames[0]) == 1
    assert "1 annotations of pictures that are not listed" in condition.warnings[0]


def test_outlines_are_regions_where_there_is_no_box():
    (one,) = regions_of(coco({**annotation(1), "bbox": None})).payload.frames[0]
    assert one.shape == "polygon"
    np.testing.assert_allclose(one.points[0] * (200, 160), (10, 20))


def test_boxes_that_another_tool_writes_the_other_way_round_are_doubted():
    value = {"width": 640, "height": 480, "regions": [{"label": "x", "box_2d": [9, 9, 90, 40]}]}
    assert "top, left, bottom, right" in regions_of(value).warnings[0]
    assert not regions_of(value, boxes="corners").warnings
