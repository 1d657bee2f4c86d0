"""Masks keep their ids in every accepted format, and each rule that was applied is told."""

import io
import json

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage
from pycocotools import mask as coco

from any2caption.conditions.inspect.describe import describe
from any2caption.conditions.masks.rle import read_runs
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Part
from any2caption.errors import InputError

from .conftest import DATA, picture

MASKS = DATA / "segmentation"


def ids_of(*parts, **options):
    return parse_condition("segmentation", list(parts), options=options).payload.ids


def document(value, name="m.json"):
    return Part(name, json.dumps(value).encode())


def rle(mask):
    found = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(map(int, found["size"])), "counts": found["counts"].decode()}


def test_a_palette_s_index_is_the_id(parse):
    condition = parse("segmentation", MASKS / "judo")
    assert condition.format == "palette PNG"
    assert condition.payload.ids.shape == (3, 480, 854)
    assert condition.payload.ids.dtype == np.int32
    assert describe(condition)["ids"] == [1, 2]
    with PilImage.open(MASKS / "judo" / "00001.png") as stored:
        np.testing.assert_array_equal(condition.payload.ids[1], np.asarray(stored))


def test_panoptic_ids_and_categories_agree_with_the_json(parse):
    condition = parse("segmentation", MASKS / "panoptic")
    segments = json.loads((MASKS / "panoptic" / "panoptic_examples_excerpt.json").read_text())
    segments = segments["annotations"][0]["segments_info"]
    ids = condition.payload.ids[0]
    assert {one["id"] for one in segments} == set(np.unique(ids).tolist()) - {0}
    assert all(int((ids == one["id"]).sum()) == one["area"] for one in segments)
    assert dict(condition.payload.names)[3937500] == "person"
    assert "1 pictures" in condition.warnings[0]  # the two-channel file beside it


def test_two_channels_are_read_when_said(parse):
    path = MASKS / "panoptic" / "000000142238_2ch.png"
    condition = parse("segmentation", path, options={"values": "two_channel"})
    assert condition.format == "two-channel PNG"
    assert dict(condition.payload.names)[257] == "category 1"


def test_masklets_of_sa_v_keep_their_objects(parse):
    path = MASKS / "sav_2_frames.json"
    condition = parse("segmentation", path)
    frames = json.loads(path.read_text())["masklet"]
    assert condition.payload.ids.shape == (2, 848, 480)
    for ids, masks in zip(condition.payload.ids, frames, strict=True):
        for ident, mask in enumerate(masks, 1):
            theirs = coco.decode(mask).astype(bool)
            assert set(np.unique(ids[theirs]).tolist()) <= set(range(ident, 6)) | set(range(1, 6))
            smallest = np.argmin([coco.area(one) or 10**9 for one in masks]) + 1
            if ident == smallest:
                np.testing.assert_array_equal(ids == ident, theirs)
    assert any("2 mask frames for 483 video frames" in said for said in condition.assumptions)


def test_a_lossy_mask_clip_has_one_object(parse):
    condition = parse("segmentation", MASKS / "mask.mp4")
    assert condition.format == "mask MP4"
    assert np.unique(condition.payload.ids).tolist() == [0, 1]
    assert "128" in condition.assumptions[0]


def test_grey_is_a_mask_or_ids_by_its_values():
    square = np.zeros((40, 40), np.uint8)
    square[10:30, 10:30] = 255
    assert np.unique(ids_of(picture(square))).tolist() == [0, 1]
    assert np.unique(ids_of(picture(square), values="index")).tolist() == [0, 255]
    square[20:30] = 7
    assert np.unique(ids_of(picture(square))).tolist() == [0, 7, 255]
    deep = (square > 0).astype(np.uint16)
    assert np.unique(ids_of(picture(deep))).tolist() == [0, 1]
    assert np.unique(ids_of(picture(deep * 40_000))).tolist() == [0, 40_000]
    assert np.unique(ids_of(picture(np.repeat(square[..., None], 3, 2)))).tolist() == [0, 7, 255]


def test_an_empty_frame_of_a_panoptic_sequence_is_no_other_format():
    colours = np.zeros((8, 8, 3), np.uint8)
    colours[2:5] = (1, 2, 3)
    ids = ids_of(picture(colours, name="1.png"), picture(colours * 0, name="2.png"))
    assert np.unique(ids[0]).tolist() == [0, 1 + 2 * 256 + 3 * 65536]
    assert not ids[1].any()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_run_lengths_decode_as_pycocotools_does(height, width, seed, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    np.testing.assert_array_equal(read_runs(rle(mask), "a", "b", 10_000).mask(), mask)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=40), st.integers(1, 60), st.integers(1, 60))
def test_any_run_length_text_is_decoded_or_refused(counts, height, width):
    value = {"size": [height, width], "counts": counts}
    try:
        assert read_runs(value, "a", "b", 10_000).mask().shape == (height, width)
    except InputError as error:
        assert "a: b: " in str(error)  # noqa: PT017 - either outcome is fine


def test_coco_annotations_with_runs_polygons_and_names():
    mask = np.zeros((20, 30), bool)
    mask[2:9, 3:12] = True
    value = {
        "images": [{"id": 5, "width": 30, "height": 20}],
        "annotations": [
            {"image_id": 5, "category_id": 2, "segmentation": rle(mask)},
            {"image_id": 5, "category_id": 3, "segmentation": [[15, 5, 25, 5, 25, 15, 15, 15]]},
            {"image_id": 6, "category_id": 3, "segmentation": [[1, 1, 2, 1, 2, 2]]},
        ],
        "categories": [{"id": 2, "name": "cat"}, {"id": 3, "name": "dog"}],
    }
    condition = parse_condition("segmentation", [document(value)])
    assert condition.payload.names == ((1, "cat"), (2, "dog"))
    np.testing.assert_array_equal(condition.payload.ids[0] == 1, mask)
    assert (condition.payload.ids[0] == 2).sum() == pytest.approx(121, abs=22)
    assert ids_of(document([rle(mask), rle(mask)])).max() == 2
    assert ids_of(document({"size": [2, 3], "counts": [1, 2, 3]})).tolist() == [
        [[0, 1, 0], [1, 0, 0]]
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"masklet": []}, "masklet: no frames"),
        ({"masklet": [[{"size": [4, 4], "counts": "04"}], []]}, "frame 2"),
        ({"size": [4, 4], "counts": [10]}, "the runs cover 10 pixels"),
        ({"size": [4, 4], "counts": [-1, 17]}, "the runs cover"),
        ({"size": [4, 1e12], "counts": [16]}, "size"),
        ({"size": [4, 4], "counts": "o"}, "cut off"),
        ({"size": [4, 4], "counts": "~"}, "character"),
        ({"size": ["a", 4], "counts": [16]}, "is not a number"),
        ([{"segmentation": [[1, 2, 3, 4, 5, 6]]}], "polygons need the picture's size"),
        (
            {"image": {"width": 4, "height": 4}, "annotations": [{"segmentation": 3}]},
            "neither runs",
        ),
        ({"hello": 1}, "no masks in this JSON"),
        (
            [{"size": [6000, 6000], "counts": [0, 36_000_000]}] * 200,
            "at most 300,000,000 are taken",
        ),
    ],
)
def test_malformed_masks_are_refused_by_place(value, words, refused):
    assert words in refused("segmentation", document(value))


@pytest.mark.parametrize(
    "raw", [b'{"size": [4, 4], "counts": [NaN]}', b'{"size": [4', b"[" * 99_999]
)
def test_damaged_json_is_refused(raw, refused):
    assert "JSON" in refused("segmentation", Part("m.json", raw))


def test_photos_and_lossy_colours_are_refused(refused):
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    assert "a photo, not a mask" in refused("segmentation", picture(noise))
    assert "a photo or film" in refused("segmentation", picture(noise, "JPEG", "a.jpg"))
    film = Part("hiker.mp4", (DATA / "video" / "hiker.mp4").read_bytes())
    assert "option values=mask" in refused("segmentation", film)


def painted(colours, frames=1):
    """Two boxes and a disc that move over black, in three colours; with their ids."""
    ids = np.zeros((frames, 96, 128), np.int32)
    rows, columns = np.mgrid[:96, :128]
    for frame in range(frames):
        ids[frame, 10:40, 10 + 2 * frame : 50 + 2 * frame] = 1
        ids[frame, 55:90, 80:120] = 2
        ids[frame][(rows - 65) ** 2 + (columns - 30 - frame) ** 2 < 300] = 3
    return np.array([(0, 0, 0), *colours], np.uint8)[ids], ids


DAVIS = [(128, 0, 0), (0, 128, 0), (128, 128, 0)]


def clip(frames, codec="libx264"):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return Part("masks.mp4", buffer.getvalue())


@pytest.mark.parametrize("colours", [DAVIS, [(255, 0, 0), (0, 200, 255), (250, 250, 60)]])
def test_colours_of_a_lossy_clip_are_objects(colours):
    frames, truth = painted(colours, 8)
    condition = parse_condition("segmentation", [clip(frames)])
    assert condition.format == "colour MP4"
    ids = condition.payload.ids
    assert np.unique(ids).tolist() == [0, 1, 2, 3]
    if colours is DAVIS:
        assert "PASCAL VOC" in condition.assumptions[0]
        assert (ids == truth).mean() > 0.97
    for ident in (1, 2, 3):  # one id an object, the same in every frame
        inside = ids[truth == ident]
        assert (inside == np.bincount(inside).argmax()).mean() > 0.95
    assert np.unique(ids_of(clip(frames), values="mask")).tolist() in ([0], [0, 1])


def test_a_palette_saved_as_colours_gets_its_ids_back():
    frames, truth = painted(DAVIS)
    condition = parse_condition("segmentation", [picture(frames[0])])
    assert condition.format == "colour PNG"
    np.testing.assert_array_equal(condition.payload.ids, truth)
    panoptic = ids_of(picture(frames[0]), values="panoptic")
    assert np.unique(panoptic).tolist() == [0, 128, 32768, 32896]
    jpeg = ids_of(picture(frames[0], "JPEG", "a.jpg"))
    assert (jpeg == truth).mean() > 0.97


def test_a_clip_has_no_exact_values(refused):
    frames, _ = painted(DAVIS, 2)
    assert "accepted: mask, colours" in refused(
        "segmentation", clip(frames), options={"values": "panoptic"}
    )


def test_a_byte_order_mark_and_windows_line_ends_are_read():
    text = json.dumps({"size": [2, 2], "counts": [1, 3]}, indent=1).replace("\n", "\r\n")
    part = Part("m.json", b"\xef\xbb\xbf" + text.encode())
    assert ids_of(part).sum() == 3
