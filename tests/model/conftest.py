from dataclasses import replace

import numpy as np
import pytest
import torch

from any2caption.conditions.types import Camera, Condition, Depth, Image, Motion, Pose, Video
from any2caption.model.any2caption import Any2Caption
from any2caption.model.bundle import save_bundle
from any2caption.model.presets import TINY
from any2caption.model.processing.processor import Processor, prompt_phrases
from any2caption.model.processing.tokenization import train_tokenizer

TEXTS = [
    "1. Dense caption: The clip shows two red balls, on a sandy beach.\n2. Main object caption: x.",
    "A video of one person, walking along, in a city street.",
] * 3


@pytest.fixture(scope="session")
def tokenizer():
    return train_tokenizer([*TEXTS, *prompt_phrases(TINY)], 700)


@pytest.fixture(scope="session")
def config(tokenizer):
    small = replace(TINY.processor, max_part_tokens=24, max_new_tokens=200)
    return replace(TINY, processor=small).with_vocab(tokenizer.get_vocab_size())


@pytest.fixture(scope="session")
def processor(config, tokenizer):
    return Processor(config, tokenizer)


@pytest.fixture(scope="session")
def model(config):
    torch.manual_seed(3)
    return Any2Caption(config).eval()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, model, processor):
    return save_bundle(
        tmp_path_factory.mktemp("bundle") / "tiny", model, processor, {"recipe": "-"}
    )


@pytest.fixture(scope="session")
def rng():
    return np.random.default_rng(5)


def make_conditions(rng) -> dict[str, Condition]:
    """One condition of every kind, of odd sizes and lengths."""
    depth = rng.random((5, 31, 47)).astype(np.float32)
    depth[:, :9] = np.nan
    w2c = np.tile(np.eye(3, 4), (13, 1, 1))
    w2c[:, 0, 3] = np.linspace(0, -2, 13)
    keypoints = rng.random((11, 2, 18, 3)).astype(np.float32)
    keypoints[:, 1, 3:9] = 0
    return {
        "image": Condition("image", Image(_pixels(rng, 37, 91)), "PNG", role="identity"),
        "video": Condition("video", Video(np.stack([_pixels(rng, 20, 33)] * 3), 8.0), "MP4"),
        "depth": Condition("depth", Depth(depth), "npy"),
        "pose": Condition("pose", Pose(keypoints, "COCO_18"), "OpenPose JSON"),
        "motion": Condition("motion", Motion(keypoints[:, 0, :5, :2]), "track text"),
        "camera": Condition("camera", Camera(np.full((13, 4), np.nan), w2c), "RealEstate10K text"),
    }


def _pixels(rng, height, width):
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def conditions(rng):
    return make_conditions(rng)
