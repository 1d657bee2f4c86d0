"""Extractors: one interface, files that the platform's own parsers take, and honest refusals."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any2caption.annotation.extractors import TOOLS, Extractor, make_extractor, make_extractors
from any2caption.annotation.extractors.depth_model import relative_maps
from any2caption.annotation.extractors.edges import CannyEdges
from any2caption.annotation.extractors.geometry import GivenGeometry
from any2caption.annotation.extractors.pose_model import openpose_points
from any2caption.annotation.extractors.stills import MaskCrops
from any2caption.annotation.media import Media, media_of
from any2caption.conditions.io.images import decode_image
from any2caption.conditions.registry import parse_condition
from any2caption.conditions.types import Camera, Condition, Part, Video
from any2caption.errors import ConfigError, InputError

from .conftest import moving_box


@pytest.fixture
def media():
    pictures, masks = moving_box()
    return Media("r1", pictures, 12.0, masks)


def camera(turn=0.1, frames=5, intrinsics=(0.6, 0.9, 0.5, 0.5)):
    w2c = np.zeros((frames, 3, 4))
    for t in range(frames):
        c, s = np.cos(turn * t), np.sin(turn * t)
        w2c[t, :, :3] = [[c, 0, -s], [0, 1, 0], [s, 0, c]]
        w2c[t, :, 3] = w2c[t, :, :3] @ [-0.2 * t, 0, 0]
    return Camera(np.tile(np.array(intrinsics, dtype=float), (frames, 1)), w2c)


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if not tool.weights])
def test_every_tool_without_weights_is_an_extractor_with_name_and_version(name):
    tool = make_extractor(name)
    assert isinstance(tool, Extractor)
    assert tool.name == name
    assert tool.kind == TOOLS[name].kind
    assert tool.version


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if tool.weights])
def test_a_tool_that_needs_weights_says_which_path_it_wants(name, tmp_path):
    with pytest.raises(ConfigError, match=f"extractor {name} needs model weights.*{name}=/path"):
        make_extractor(name)
    with pytest.raises(ConfigError, match=r"no transformers model: no config\.json"):
        make_extractor(f"{name}={tmp_path}")


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if tool.weights])
def test_pickled_weights_are_never_read(name, tmp_path):
    for file in ("config.json", "preprocessor_config.json"):
        (tmp_path / file).write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ConfigError, match="pickled weights are never read"):
        make_extractor(f"{name}={tmp_path}")


@pytest.mark.parametrize("name", ["depth-model", "pose-model", "segmentation-model"])
def test_a_folder_with_another_model_is_refused_by_name(name, broken_weights, media):
    tool = make_extractor(f"{name}={broken_weights}")
    with pytest.raises(ConfigError, match=f"extractor {name}: .* is not a "):
        tool.extract(media)


def test_an_unknown_tool_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match="there is no extractor 'magic'; there are: depth-model"):
        make_extractors(["canny", "magic"])
    with pytest.raises(ConfigError, match="there is no extractor 'image'"):
        make_extractor("image")  # three tools make pictures: it must be said which
    with pytest.raises(ConfigError, match="takes no weights"):
        make_extractor("canny=/models/x")
    assert make_extractor("sketch").name == "canny"


def test_canny_finds_the_outline_of_a_box_and_nothing_else(media):
    (found,) = CannyEdges().extract(media)
    assert len(found.parts) == 6
    edges = decode_image(found.parts[0])[:, :, 0] > 0
    outline = np.zeros_like(edges)
    outline[8:24, 2:18] = True
    outline[12:20, 6:14] = False
    assert 30 <= edges.sum() <= 60  # the outline has 44 pixels
    assert not (edges & ~outline).any()


def test_canny_on_a_flat_picture_is_black(media):
    flat = Media("r", np.full((1, 30, 30, 3), 90, dtype=np.uint8))
    (found,) = CannyEdges().extract(flat)
    assert not decode_image(found.parts[0]).any()


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 255))
def test_canny_takes_every_size(height, width, value):
    picture = np.full((height, width, 3), value, dtype=np.uint8)
    assert CannyEdges().edges(picture).shape == (height, width, 3)


def test_first_and_last_frame_are_the_clips_own(media):
    for name, at in (("first-frame", 0), ("last-frame", -1)):
        (found,) = make_extractor(name).extract(media)
        condition = parse_condition("image", found.parts, role=found.role)
        assert condition.role == name.replace("-", "_")
        assert np.array_equal(condition.payload.pixels, media.frames[at])


def test_mask_crops_hold_the_object_on_white(media):
    (found,) = MaskCrops(margin=0.25).extract(media)
    pixels = parse_condition("image", found.parts, role=found.role).payload.pixels
    assert found.role == "identity"
    assert (pixels == (230, 200, 40)).all(axis=2).sum() == 144
    assert (pixels == 255).all(axis=2).sum() == pixels.shape[0] * pixels.shape[1] - 144
    assert "mask id 7" in found.assumptions[0]


def test_mask_crops_leave_out_specks_and_keep_the_largest():
    pictures = np.zeros((1, 50, 50, 3), dtype=np.uint8)
    masks = np.zeros((1, 50, 50), dtype=np.int32)
    masks[0, :2, :2] = 9  # 0.16 % of the frame
    for number in range(1, 6):
        masks[0, 8 * number : 8 * number + 5 + number // 5, : 10 + number] = number
    found = MaskCrops().extract(Media("r", pictures, masks=masks))
    assert [one.parts[0].name for one in found] == [
        "object_3.png",
        "object_4.png",
        "object_5.png",
    ]


def test_mask_crops_without_masks_or_with_others_say_so(media):
    with pytest.raises(InputError, match="r1: segmentation: mask-crops needs masks"):
        MaskCrops().extract(Media("r1", media.frames))
    with pytest.raises(InputError, match="masks are 40×60, frames 20×60"):
        MaskCrops().extract(Media("r1", media.frames[:, :20], masks=media.masks))


@pytest.mark.parametrize("name", ["canny", "first-frame", "mask-crops"])
def test_a_record_without_pictures_is_refused_with_its_id(name):
    with pytest.raises(InputError, match=f"r9: target: {name} needs the record's clip"):
        make_extractor(name).extract(Media("r9"))


def test_given_geometry_comes_back_the_same():
    path = camera()
    (found,) = GivenGeometry().extract(Media("r", camera=path, fps=10))
    again = parse_condition("camera", found.parts).payload
    assert np.allclose(again.w2c, path.w2c, atol=1e-9)
    assert np.allclose(again.intrinsics, path.intrinsics)
    assert found.assumptions == ()


def test_unknown_intrinsics_are_written_by_a_stated_rule():
    path = camera(intrinsics=(np.nan, np.nan, 0.5, 0.5))
    (found,) = GivenGeometry().extract(Media("r", camera=path))
    assert "focal length 0.5" in found.assumptions[0]
    assert parse_condition("camera", found.parts).payload.intrinsics[0, 0] == 0.5


def test_a_camera_is_never_made_up():
    with pytest.raises(InputError, match="structure-from-motion tool, which is not built in"):
        make_extractor("camera").extract(Media("r"))


def test_depth_by_a_brought_model_is_a_sparse_condition_with_one_scale(depth_weights, media):
    tool = make_extractor(f"depth={depth_weights}")
    (found,) = tool.extract(media)
    depth = parse_condition("depth", found.parts, options=found.options).payload
    assert depth.maps.shape == (5, 40, 60)
    assert depth.sparse
    assert float(depth.maps.min()) == 0
    assert float(depth.maps.max()) == 1
    assert "weights " in tool.version
    assert tool.version == make_extractor(f"depth={depth_weights}").version


def test_the_version_changes_with_the_weights(depth_weights, tmp_path):
    for file in depth_weights.iterdir():
        data = bytearray(file.read_bytes())
        if file.suffix == ".safetensors":
            data[-1] ^= 1
        (tmp_path / file.name).write_bytes(bytes(data))
    other = make_extractor(f"depth-model={tmp_path}")
    assert other.version != make_extractor(f"depth-model={depth_weights}").version


def test_metric_depth_is_turned_round():
    maps = np.array([[[1.0, 2.0]], [[3.0, 5.0]]], dtype=np.float32)
    assert relative_maps(maps, "dark")[..., 0].tolist() == [[[255, 191]], [[128, 0]]]
    assert relative_maps(maps, "bright")[0, 0, 0, 0] == 0
    assert not relative_maps(np.ones((1, 2, 2), np.float32), "bright").any()


def test_segmentation_by_a_brought_model_labels_every_frame(segmentation_weights, media):
    (found,) = make_extractor(f"segmentation={segmentation_weights}").extract(media)
    assert len(found.parts) == 6
    assert found.masks.shape == (6, 40, 60)
    assert set(np.unique(found.masks)) <= {0, 1, 2, 3}
    assert found.masks.any()
    assert found.assumptions[0] == "ids are classes, not objects"
    crops = MaskCrops().extract(media.with_masks(found.masks))
    assert {one.role for one in crops} == {"identity"}


def test_pose_by_a_brought_model_is_openpose_json(pose_weights, media):
    tool = make_extractor(f"pose-model={pose_weights}")
    object.__setattr__(tool, "keep", -10.0)  # random weights give low scores
    (found,) = tool.extract(media)
    assert len(found.parts) == 6
    document = json.loads(found.parts[0].data)
    assert len(document["people"][0]["pose_keypoints_2d"]) == 54
    assert found.options == {"layout": "COCO_18", "width": 60, "height": 40}
    pose = make_extractor(f"pose-model={pose_weights}").extract(media)[0]
    assert parse_condition("pose", found.parts, options=found.options).payload.layout == "COCO_18"
    assert len(pose.parts) == 6


def test_openpose_points_put_the_neck_between_the_shoulders_and_miss_the_unsure():
    coco = np.array([[point, 10.0 * point, 0.9] for point in range(17)])
    coco[9, 2] = 0.1  # the left wrist is not sure
    points = openpose_points(coco, keep=0.3)
    assert points[0].tolist() == [0, 0, 0.9]
    assert points[1].tolist() == [5.5, 55.0, 0.9]
    assert points[2, 0] == 6  # right shoulder
    assert points[7].tolist() == [0, 0, 0]  # left wrist
    assert points[16, 0] == 4  # right ear


def test_media_prefer_the_target_over_the_conditions():
    pictures, _ = moving_box()
    video = Condition("video", Video(pictures, 8.0), "MP4")
    target = Condition("video", Video(pictures[:2], 24.0), "MP4")
    assert media_of("r", [video]).fps == 8
    assert len(media_of("r", [video], target).frames) == 2
    assert media_of("r", []).frames is None
    text = parse_condition("text", [Part("a.txt", b"hello")])
    assert media_of("r", [text]).camera is None
