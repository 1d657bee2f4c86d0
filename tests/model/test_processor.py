import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from any2caption.conditions.types import (
    Camera,
    Condition,
    Depth,
    DrawnPose,
    Image,
    Motion,
    Pose,
    Region,
    Regions,
)
from any2caption.errors import InputError
from any2caption.model.inputs import CAMERA, MOTION, VISION
from any2caption.model.presets import QWEN2_VL_2B
from any2caption.model.processing.pixels import letterbox, patchify, smart_size
from any2caption.model.processing.processor import Processor


def counts(inputs):
    return {kind: int((inputs.token_types == kind).sum()) for kind in (VISION, MOTION, CAMERA)}


def test_every_kind_becomes_finite_arrays_whose_tokens_are_counted(processor, conditions):
    features = [processor.features(c) for c in conditions.values()]
    inputs = processor.assemble("A red ball.", features)
    for array in (inputs.vision_patches, inputs.motion_patches, inputs.camera_poses):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
    assert len(inputs.vision_grid) == 3
    assert len(inputs.vision_patches) == inputs.vision_grid.prod(1).sum()
    cell = processor.config.vision.merge**2
    assert counts(inputs) == {
        VISION: len(inputs.vision_patches) // cell,
        MOTION: len(inputs.motion_patches) // cell,
        CAMERA: 8,
    }
    assert inputs.position_ids.shape == (3, len(inputs.input_ids))


def test_each_kind_alone_and_none_at_all_have_arrays_of_the_same_rank(processor, conditions):
    for chosen in [[], *[[c] for c in conditions.values()]]:
        inputs = processor.assemble("x", [processor.features(c) for c in chosen])
        assert inputs.vision_patches.shape[1] == inputs.motion_patches.shape[1] == 1176
        assert inputs.vision_grid.shape[1] == inputs.motion_grid.shape[1] == 3
        assert inputs.camera_poses.shape[1] == 16


def test_conditions_are_numbered_in_the_prompt(processor, conditions):
    picture = processor.features(conditions["image"])
    inputs = processor.assemble("like picture 2", [picture, picture])
    text = processor.tokenizer.decode(inputs.input_ids.tolist(), skip_special_tokens=False)
    assert "picture 1 (identity): <|vision_start|>" in text
    assert "picture 2 (identity): <|vision_start|>" in text
    assert text.endswith("like picture 2<|im_end|>\n<|im_start|>assistant\n")


def test_special_tokens_in_a_users_text_stay_text(processor):
    plain = processor.assemble("", [])
    inputs = processor.assemble("<|im_end|><|image_pad|>", [])
    for token in ("<|im_end|>", "<|image_pad|>"):
        ident = processor.tokenizer.token_to_id(token)
        assert (inputs.input_ids == ident).sum() == (plain.input_ids == ident).sum()


def test_too_many_pictures_and_too_long_text_are_cut_with_a_warning(processor, conditions):
    picture = processor.features(conditions["image"])
    inputs = processor.assemble("word, " * 2000, [picture] * 30)
    assert len(inputs.vision_grid) == 8
    assert "first 8" in inputs.warnings[0]
    assert "cut to 256 tokens" in inputs.warnings[1]


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 2), (56, 56), (57, 300)])
def test_pictures_of_any_size_go_through(processor, size):
    pixels = np.full((*size, 3), 200, np.uint8)
    features = processor.features(Condition("image", Image(pixels), "PNG"))
    assert features["frames"].shape == (1, 112, 112, 3)


def test_depth_holes_become_zero_and_one_map_is_no_clip(processor):
    maps = np.full((1, 40, 40), np.nan, np.float32)
    features = processor.features(Condition("depth", Depth(maps), "npy"))
    assert features["frames"].shape == (2, 56, 56)
    assert not features["frames"].any()


def test_unknown_intrinsics_get_the_documented_default(processor, conditions):
    poses = processor.features(conditions["camera"])["poses"]
    assert poses[:, :4] == pytest.approx(np.tile([0.5, 0.889, 0.5, 0.5], (8, 1)))
    assert poses[:, 7] == pytest.approx(np.linspace(0, 2, 13)[[0, 2, 3, 5, 7, 9, 10, 12]], abs=1e-6)


def test_camera_to_world_is_the_inverse_of_world_to_camera(processor):
    angle = np.radians(30)
    rotation = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    w2c = np.concatenate([rotation, [[1.0], [2.0], [3.0]]], axis=1)
    poses = processor.features(Condition("camera", Camera(np.full((1, 4), 0.5), w2c[None]), "x"))[
        "poses"
    ]
    c2w = poses[0, 4:].reshape(3, 4)
    assert rotation @ c2w[:, 3] + w2c[:, 3] == pytest.approx(np.zeros(3), abs=1e-6)
    assert rotation @ c2w[:, :3] == pytest.approx(np.eye(3), abs=1e-6)


def test_letterbox_keeps_the_aspect_ratio():
    wide = letterbox(np.full((10, 40, 3), 255, np.uint8), 56, 0)
    rows = np.flatnonzero(wide[:, 28, 0])
    assert len(rows) == 14
    assert wide[rows].min() == 255


def test_smart_size_keeps_to_its_limits():
    for height, width in [(1, 5000), (5000, 7), (333, 777), (10, 10), (4000, 4000)]:
        tall, wide = smart_size(height, width, 28, 56 * 56, 256 * 28 * 28)
        assert tall % 28 == wide % 28 == 0
        assert tall * wide <= 256 * 28 * 28


def test_patches_lie_in_transformers_order():
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    pixels = np.random.default_rng(0).integers(0, 256, (56, 84, 3), dtype=np.uint8)
    theirs = Qwen2VLImageProcessorPil(do_resize=False)(images=[pixels], return_tensors="np")
    ours, grid = patchify(pixels[None], QWEN2_VL_2B.processor.image, QWEN2_VL_2B.vision)
    assert theirs["image_grid_thw"].tolist() == [list(grid)]
    assert ours == pytest.approx(theirs["pixel_values"], abs=1e-4)


def test_smart_preset_takes_every_kind(tokenizer, conditions, config):
    big = replace(QWEN2_VL_2B, camera=config.camera)
    processor = Processor(big, tokenizer)
    inputs = processor.assemble("x", [processor.features(c) for c in conditions.values()])
    assert len(inputs.vision_patches) == inputs.vision_grid.prod(1).sum()


def test_the_processor_needs_no_torch():
    code = "import sys, any2caption.model.processing.processor; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_tracks_and_drawn_poses_go_through_the_motion_encoder(processor):
    tracks = np.stack([np.linspace(0.1, 0.9, 9), np.full(9, 0.5)], axis=1)[:, None]
    drawn = np.full((3, 40, 60, 3), 200, np.uint8)
    drawn[:, 10:20, 20:30] = (255, 0, 0)
    features = [
        processor.features(Condition("motion", Motion(tracks.astype(np.float32)), "track text")),
        processor.features(Condition("pose", DrawnPose(drawn, 8.0, (200,) * 3), "drawn")),
    ]
    size = processor.config.processor.motion_size
    assert all(one["frames"].shape[1:] == (size, size, 3) for one in features)
    assert all(0 < one["frames"].any(axis=3).mean() < 0.3 for one in features)
    inputs = processor.assemble("x", features)
    cell = processor.config.vision.merge**2
    assert counts(inputs)[MOTION] == len(inputs.motion_patches) // cell > 0
    assert counts(inputs)[VISION] == 0
    assert "motion 1: " in processor.tokenizer.decode(inputs.input_ids.tolist())


def labelled(letters, count=64):
    label = "".join(chr(97 + (7 * at * at + at) % 26) for at in range(letters))
    regions = [Region(label, "box", np.array([[0.1, 0.1], [0.9, 0.9]]))] * count
    return Condition("region", Regions((tuple(regions),)), "regions JSON")


def test_a_prompt_longer_than_the_positions_is_refused_with_what_takes_most(processor, conditions):
    features = [processor.features(conditions["image"]), processor.features(labelled(200))]
    with pytest.raises(InputError) as caught:
        processor.assemble("a street", features)
    text, settings = processor.config.text, processor.config.processor
    most = text.max_positions - settings.max_new_tokens
    message = str(caught.value)
    assert message.startswith("region 1: the prompt has 1")
    assert f"the model takes {most:,} (4,096 less the caption's); region 1 takes most, 1" in message
    assert len(processor.assemble("a street", features[:1]).input_ids) < most


def test_a_prompt_is_measured_before_patches_are_made(processor, conditions, monkeypatch):
    def never(*_):
        raise AssertionError

    monkeypatch.setattr("any2caption.model.processing.processor.patchify", never)
    features = [processor.features(conditions["image"]), processor.features(labelled(200))]
    with pytest.raises(InputError, match="takes most"):
        processor.assemble("", features)


def not_finite():
    w2c = np.tile(np.eye(3, 4), (4, 1, 1))
    w2c[2, 0, 3] = np.nan
    far = np.tile(np.eye(3, 4), (4, 1, 1))
    far[2, 0, 3] = 1e300
    lens = np.full((4, 4), np.nan)
    keypoints = np.ones((3, 1, 18, 3), np.float32)
    keypoints[1, 0, 3, 0] = np.inf
    tracks = np.zeros((3, 2, 2), np.float32)
    tracks[0, 0, 0] = -np.inf
    points = np.array([[0.1, 0.1], [np.nan, 0.9]])
    return {
        "camera": Camera(lens, w2c),
        "far camera": Camera(lens, far),
        "pose": Pose(keypoints, "COCO_18"),
        "motion": Motion(tracks),
        "region": Regions(((Region("a", "box", points),),)),
    }


@pytest.mark.parametrize("name", not_finite())
def test_numbers_that_are_not_finite_are_refused_by_condition(processor, name):
    kind = name.split()[-1]
    condition = Condition(kind, not_finite()[name], "made here", number=2)
    with pytest.raises(InputError, match=f"^{kind} 2: {kind}: .*numbers"):
        processor.features(condition)


def test_half_a_character_in_a_prompt_is_refused_in_one_line(processor):
    with pytest.raises(InputError, match="text: U\\+D800 at character 4 is half a character"):
        processor.assemble("red\ud800", [])


def test_a_very_long_text_is_cut_as_a_long_one_is(processor):
    most = processor.config.processor.max_text_tokens
    long, longer = ("red ball " * n for n in (5_000, 500_000))
    assert processor.assemble(longer, []).input_ids.tolist() == (
        processor.assemble(long, []).input_ids.tolist()
    )
    assert processor.assemble(longer, []).warnings == (f"the text was cut to {most} tokens",)
