"""Media with known content and, once a session, tiny random models in the transformers layout."""

import json
import os

import numpy as np
import pytest

from .api_server import KEY, ChatServer

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def _save(folder, model, processor):
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def depth_weights(tmp_path_factory):
    import torch
    from transformers import (
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        Dinov2Config,
        DPTImageProcessorPil,
    )

    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=28,
        patch_size=14,
        out_indices=[1, 2],
        apply_layernorm=True,
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        patch_size=14,
        reassemble_hidden_size=16,
        reassemble_factors=[1, 0.5],
        neck_hidden_sizes=[8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
    )
    processor = DPTImageProcessorPil(size={"height": 28, "width": 28})
    folder = tmp_path_factory.mktemp("depth")
    return _save(folder, DepthAnythingForDepthEstimation(config), processor)


@pytest.fixture(scope="session")
def segmentation_weights(tmp_path_factory):
    import torch
    from transformers import (
        SegformerConfig,
        SegformerForSemanticSegmentation,
        SegformerImageProcessorPil,
    )

    torch.manual_seed(1)
    config = SegformerConfig(
        num_encoder_blocks=2,
        depths=[1, 1],
        hidden_sizes=[8, 16],
        num_attention_heads=[1, 2],
        sr_ratios=[2, 1],
        patch_sizes=[7, 3],
        strides=[4, 2],
        mlp_ratios=[2, 2],
        decoder_hidden_size=8,
        num_labels=3,
    )
    processor = SegformerImageProcessorPil(size={"height": 32, "width": 32})
    folder = tmp_path_factory.mktemp("segmentation")
    return _save(folder, SegformerForSemanticSegmentation(config), processor)


@pytest.fixture(scope="session")
def pose_weights(tmp_path_factory):
    import torch
    from transformers import (
        VitPoseBackboneConfig,
        VitPoseConfig,
        VitPoseForPoseEstimation,
        VitPoseImageProcessorPil,
    )

    torch.manual_seed(2)
    backbone = VitPoseBackboneConfig(
        image_size=[64, 48],
        patch_size=[16, 16],
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        mlp_ratio=2,
        out_indices=[2],
        num_experts=1,
        part_features=0,
    )
    config = VitPoseConfig(backbone_config=backbone, num_labels=17, use_simple_decoder=True)
    processor = VitPoseImageProcessorPil(size={"height": 64, "width": 48})
    return _save(tmp_path_factory.mktemp("pose"), VitPoseForPoseEstimation(config), processor)


@pytest.fixture
def broken_weights(tmp_path):
    """A folder that looks like a model and is none."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "nonsense"}))
    (tmp_path / "preprocessor_config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 16)
    return tmp_path


def moving_box(frames=6, height=40, width=60):
    """A bright box of 12×12 pixels that moves right over a dark ground; its masks, too."""
    pictures = np.full((frames, height, width, 3), 20, dtype=np.uint8)
    masks = np.zeros((frames, height, width), dtype=np.int32)
    for t in range(frames):
        box = (slice(10, 22), slice(4 + 3 * t, 16 + 3 * t))
        pictures[(t, *box)] = (230, 200, 40)
        masks[(t, *box)] = 7
    return pictures, masks


@pytest.fixture
def chat():
    """A local endpoint of the chat completions interface."""
    with ChatServer().serving() as server:
        yield server


@pytest.fixture
def annotate_settings(chat):
    """Settings that point to the local endpoint, with short waits."""
    from any2caption.settings import Annotate

    return Annotate(
        base_url=chat.url,
        api_key=KEY,
        model="tiny-vl",
        timeout=5,
        retries=2,
        input_price=2,
        output_price=10,
    )
