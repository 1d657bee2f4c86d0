"""Encoders, positions and files against what they are made of."""

import numpy as np
import pytest
import torch

from any2caption.model.bundle import load_bundle, save_bundle
from any2caption.model.inputs import CAMERA, TEXT


@pytest.mark.parametrize("kind", ["image", "video", "depth", "pose", "motion", "camera"])
def test_positions_of_every_kind_are_transformers_own(model, processor, conditions, kind):
    inputs = processor.assemble("Two red balls.", [processor.features(conditions[kind])])
    ids, types = (torch.from_numpy(np.array(x)) for x in (inputs.input_ids, inputs.token_types))
    media = ((types != TEXT) & (types != CAMERA)).int() * 2  # a camera's tokens count like text
    grid = np.concatenate([inputs.vision_grid, inputs.motion_grid])
    theirs, _ = model.mllm.model.get_rope_index(
        ids[None], media[None], video_grid_thw=torch.from_numpy(grid) if len(grid) else None
    )
    assert torch.equal(torch.from_numpy(np.array(inputs.position_ids)), theirs[:, 0])


def test_cameras_in_a_batch_are_encoded_as_each_alone(model, processor, conditions):
    path = torch.from_numpy(np.array(processor.features(conditions["camera"])["poses"]))
    other = path.flip(0)
    with torch.no_grad():
        together = model.encode_camera(torch.cat([path, other]))
        alone = torch.cat([model.encode_camera(path), model.encode_camera(other)])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(together[:8], together[8:], atol=1e-3)


@pytest.mark.parametrize("kinds", [("pose", "motion"), ("image", "video", "depth")])
def test_media_in_a_batch_are_encoded_as_each_alone(model, processor, conditions, kinds):
    encode = model.encode_motion if "pose" in kinds else model.encode_vision
    tower = "motion" if "pose" in kinds else "vision"
    found = [processor.assemble("x", [processor.features(conditions[kind])]) for kind in kinds]
    parts = [
        [torch.from_numpy(np.array(getattr(i, f"{tower}_{name}"))) for name in ("patches", "grid")]
        for i in found
    ]
    with torch.no_grad():
        together = encode(*(torch.cat(column) for column in zip(*parts, strict=True)))
        alone = torch.cat([encode(*part) for part in parts])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_a_saved_model_writes_the_same_logits(tmp_path, model, processor, conditions):
    folder = save_bundle(tmp_path / "bundle", model, processor, {})
    again = load_bundle(folder).load_model()
    poses = torch.from_numpy(np.array(processor.features(conditions["camera"])["poses"]))
    ids = torch.randint(100, (1, 12))
    none = torch.zeros(0, 192)
    positions = torch.arange(12).expand(3, 1, 12)
    logits = []
    for one in (model, again):
        types = torch.zeros_like(ids)
        types[0, 2:10] = CAMERA
        with torch.no_grad():
            embeds = one.embed(ids, types, none, none, one.encode_camera(poses))
            logits.append(one.logits(one.hidden_states(embeds, positions)))
    assert torch.equal(*logits)
    assert list(folder.glob("*.safetensors"))
