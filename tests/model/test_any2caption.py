from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import Qwen2VLForConditionalGeneration

from any2caption.errors import ConfigError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.backbones import backbone, transformers_config
from any2caption.model.bundle import save_bundle
from any2caption.model.bundled_encoders import encode_vision, load_vision
from any2caption.model.config import NEW_TOKENS, QWEN_TOKENS, ModelConfig, from_dict, to_json
from any2caption.model.decoder import Decoder
from any2caption.model.encoders.camera import CameraEncoder
from any2caption.model.encoders.plucker import plucker_maps
from any2caption.model.encoders.towers import run_tower
from any2caption.model.fused import packed_attention
from any2caption.model.inference import decoder_inputs
from any2caption.model.presets import PRESETS, TINY, preset
from any2caption.model.weights import describe_pretrained, from_pretrained


def tensors(inputs):
    return {
        name: torch.from_numpy(np.array(getattr(inputs, name)))
        for name in (
            "input_ids",
            "position_ids",
            "token_types",
            "vision_patches",
            "vision_grid",
            "motion_patches",
            "motion_grid",
            "camera_poses",
        )
    }


def embedded(model, t):
    return model.embed(
        t["input_ids"][None],
        t["token_types"][None],
        model.encode_vision(t["vision_patches"], t["vision_grid"]),
        model.encode_motion(t["motion_patches"], t["motion_grid"]),
        model.encode_camera(t["camera_poses"]),
    )


def forward(model, inputs):
    t = tensors(inputs)
    return model.logits(model.hidden_states(embedded(model, t), t["position_ids"][:, None]))[0]


@torch.no_grad()
def logits(model, inputs):
    return forward(model, inputs)


BACKBONES = {
    "qwen2_vl": {},
    "qwen2_5_vl": {"mlp": 128, "window": 112, "full_layers": (1,), "time_step": 2},
    "qwen3_vl": {"mlp": 128, "places": 16, "deepstack": (0, 1), "timestamps": True},
}


def with_backbone(config, name):
    vision = replace(config.vision, backbone=name, **BACKBONES[name])
    wider = {"head_dim": 64, "mrope_section": (12, 10, 10)} if name == "qwen3_vl" else {}
    return replace(config, text=replace(config.text, tie_embeddings=False, **wider), vision=vision)


@pytest.fixture(scope="module", params=BACKBONES)
def saved(request, tmp_path_factory, tokenizer, config):
    """A random model in transformers' own layout, as a user would bring one."""
    folder = tmp_path_factory.mktemp("qwen")
    ids = {token: tokenizer.token_to_id(token) for token in QWEN_TOKENS}
    torch.manual_seed(0)
    untied = with_backbone(config, request.param)
    backbone(request.param).model(transformers_config(untied, ids)).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_without_camera_and_motion_logits_equal_transformers_own(saved, conditions):
    model, processor = from_pretrained(saved.as_uri(), TINY)
    stock = backbone(model.config.vision.backbone).model.from_pretrained(saved).eval()
    picture = processor.features(conditions["image"])
    clip = processor.features(conditions["video"])
    for features in ([], [picture], [picture, picture, clip], [clip]):
        inputs = processor.assemble("Show two red balls.", features)
        t = tensors(inputs)
        ids = t["input_ids"][None]
        pictures = sum(str(f["kind"]) == "image" for f in features)
        rows = int(t["vision_grid"][:pictures].prod(1).sum())
        kinds = torch.zeros_like(ids)
        kinds[ids == stock.config.image_token_id] = 1
        kinds[ids == stock.config.video_token_id] = 2
        media = {}
        if pictures:
            media |= {
                "pixel_values": t["vision_patches"][:rows],
                "image_grid_thw": t["vision_grid"][:pictures],
            }
        if len(features) > pictures:
            media |= {
                "pixel_values_videos": t["vision_patches"][rows:],
                "video_grid_thw": t["vision_grid"][pictures:],
            }
        with torch.no_grad():
            theirs = stock(input_ids=ids, mm_token_type_ids=kinds.int(), **media).logits[0]
        assert torch.allclose(logits(model.eval(), inputs), theirs, atol=2e-5)


def test_sizes_and_tokens_come_from_the_weights(saved, config):
    found, tokenizer = describe_pretrained(str(saved), TINY)
    assert found.text.hidden == config.text.hidden
    assert not found.text.tie_embeddings
    assert found.vision == with_backbone(config, found.vision.backbone).vision
    assert all(tokenizer.token_to_id(token) is not None for token in NEW_TOKENS)


def test_new_tokens_get_rows_where_the_weights_have_none(tmp_path, config):
    tokenizer = Tokenizer.from_str(
        '{"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}'
    )
    tokenizer.add_special_tokens(list(QWEN_TOKENS))
    small = config.with_vocab(tokenizer.get_vocab_size())
    Qwen2VLForConditionalGeneration(transformers_config(small)).save_pretrained(tmp_path)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    model, processor = from_pretrained(str(tmp_path), TINY)
    assert model.config.text.vocab_size == small.text.vocab_size + 4
    assert processor.assemble("a", []).input_ids.max() < model.mllm.lm_head.out_features


def test_the_motion_encoder_starts_as_a_copy_of_the_vision_tower(saved):
    model, _ = from_pretrained(str(saved), TINY)
    for (name, ours), theirs in zip(
        model.motion_encoder.named_parameters(), model.mllm.model.visual.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs), name
        assert ours is not theirs


def test_a_bundle_of_any_backbone_gives_the_same_captions(saved, conditions, tmp_path):
    short = replace(TINY, processor=replace(TINY.processor, max_part_tokens=4))
    model, processor = from_pretrained(str(saved), short)
    save_bundle(tmp_path / "bundle", model, processor, {"kinds": list(conditions)})
    inputs = processor.assemble("Show two.", [processor.features(conditions["video"])])
    rows = [load_vision(tmp_path / "bundle"), model.mllm.model.visual]
    one, two = (encode_vision(tower, inputs.vision_patches, inputs.vision_grid) for tower in rows)
    assert np.allclose(one, two, atol=1e-6)
    loaded = Decoder.from_bundle(tmp_path / "bundle")
    given = decoder_inputs(inputs, one, np.zeros((0, 192), "f4"), np.zeros((0, 192), "f4"))
    ours = Decoder.from_model(model.eval(), processor).generate_ids([given])
    assert loaded.generate_ids([given]) == ours
    assert loaded.generate_ids([given], cached=False) == ours
    assert len(ours[0]) > 6


def test_every_attention_of_any_backbone_gives_the_same(saved, conditions):
    model, processor = from_pretrained(str(saved), TINY)
    embeds, positions, alone = [], [], []
    for kinds in (("image", "pose"), ("camera", "video"), ()):
        t = tensors(processor.assemble("Red.", [processor.features(conditions[k]) for k in kinds]))
        with torch.no_grad():
            embeds.append(embedded(model, t))
            positions.append(t["position_ids"][:, None])
            alone.append(model.eval().hidden_states(embeds[-1], positions[-1]))
            fused = model._fused(embeds[-1], positions[-1])
        assert torch.allclose(fused, alone[-1], atol=1e-4)
        model.language.set_attn_implementation("eager")
    lengths = [rows.shape[1] for rows in embeds]
    packed = packed_attention.lay_out([lengths], sum(lengths))
    with torch.no_grad():
        found = model.hidden_states(torch.cat(embeds, 1), torch.cat(positions, 2), packed)
    assert torch.allclose(found, torch.cat(alone, 1), atol=1e-4)


def test_every_part_of_any_backbone_learns(saved, conditions):
    model, processor = from_pretrained(str(saved), TINY)
    features = [processor.features(conditions[kind]) for kind in ("image", "pose", "camera")]
    forward(model, processor.assemble("Show two red balls.", features)).square().mean().backward()
    still = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert not {name for name in still if ".blocks." in name and name.endswith("weight")}


def test_weights_of_another_model_are_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llava"}')
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ConfigError, match=r"'llava' model is not supported: qwen2_vl, qwen2_5"):
        from_pretrained(str(tmp_path), TINY)


@pytest.mark.parametrize("source", ["s3://bucket/weights", "/nowhere/at/all"])
def test_weights_that_are_not_there_are_named(source):
    with pytest.raises(ConfigError, match=source.rsplit("/", maxsplit=1)[-1]):
        from_pretrained(source, TINY)


@pytest.mark.parametrize(
    "grid",
    [[[1, 4, 4], [4, 4, 4]], [[1, 8, 8], [4, 4, 4], [1, 8, 8], [2, 4, 8]]],
    ids=["one size", "several sizes"],
)
def test_the_fast_tower_equals_transformers_own(model, grid):
    torch.manual_seed(1)
    grid = torch.tensor(grid)
    patches = torch.randn(int(grid.prod(-1).sum()), 1176)
    tower = model.mllm.model.visual
    with torch.no_grad():
        stock = tower(patches, grid_thw=grid).pooler_output
        assert torch.allclose(run_tower(tower, patches, grid), stock, atol=1e-5)


def test_pluecker_maps_equal_a_plain_loop():
    torch.manual_seed(0)
    rotation = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
    origin = torch.randn(3, dtype=torch.float64)
    lens = torch.tensor([0.6, 0.9, 0.45, 0.55], dtype=torch.float64)
    pose = torch.cat([lens, torch.cat([rotation, origin[:, None]], 1).flatten()])
    maps = plucker_maps(pose, 5)
    for row in range(5):
        for column in range(5):
            u, v = (column + 0.5) / 5, (row + 0.5) / 5
            ray = torch.tensor([(u - 0.45) / 0.6, (v - 0.55) / 0.9, 1.0], dtype=torch.float64)
            direction = rotation @ (ray / ray.norm())
            moment = torch.linalg.cross(origin, direction)
            expected = torch.cat([moment, direction])
            assert torch.allclose(maps[:, row, column], expected)


def test_a_zoom_is_visible_to_the_camera_encoder():
    encoder = CameraEncoder(TINY.camera, 192).eval()
    poses = torch.zeros(1, 8, 16)
    poses[..., :4] = torch.tensor([0.6, 0.9, 0.5, 0.5])
    poses[..., 4] = poses[..., 9] = poses[..., 14] = 1
    zoomed = poses.clone()
    zoomed[..., :2] *= torch.linspace(1, 2, 8)[None, :, None]
    with torch.no_grad():
        assert not torch.allclose(encoder(poses), encoder(zoomed), atol=1e-3)


def test_the_camera_encoder_takes_96_channels_in_every_preset():
    assert {p.camera.in_channels for p in PRESETS.values()} == {96}


def test_conditions_change_the_logits(model, processor, conditions):
    for kind in conditions:
        given = [processor.features(conditions[kind])]
        other = [dict(given[0])]
        if kind == "camera":
            other[0]["poses"] = given[0]["poses"][::-1].copy()
        else:
            other[0]["frames"] = 255 - given[0]["frames"]
        a, b = (logits(model, processor.assemble("x", f)) for f in (given, other))
        assert not torch.allclose(a[-1], b[-1], atol=1e-6), kind


def test_a_configuration_survives_json_and_refuses_unknown_keys():
    import json

    data = json.loads(to_json(TINY))
    assert from_dict(ModelConfig, data) == TINY
    data["text"]["colour"] = 1
    with pytest.raises(ConfigError, match=r"config\.text: unknown keys colour"):
        from_dict(ModelConfig, data)
    with pytest.raises(ConfigError, match="unknown preset"):
        preset("huge")


@pytest.mark.parametrize(
    ("name", "billions"), [("qwen2-vl-7b", 8.29), ("qwen2.5-vl-7b", 8.29), ("qwen3-vl-8b", 8.77)]
)
def test_presets_have_the_published_models_sizes(name, billions):
    with torch.device("meta"):
        model = Any2Caption(preset(name))
    size = sum(p.numel() for p in model.mllm.parameters()) / 1e9
    assert size == pytest.approx(billions, abs=0.01)
