import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
sys.path.insert(0, str(Path(__file__).parent))

from gate_writers import held_out

from any2caption.captions.lexicon import SLOTS
from any2caption.datasets.records import SourceRecord
from any2caption.datasets.synthetic.corpus import make_scenes

FORMATS = {"image": "png", "depth": "png", "pose": "openpose", "camera": "re10k", "video": "mp4"}


@pytest.fixture(scope="session")
def records():
    """Records of a small synthetic corpus, all marked as test records."""
    lines, _ = make_scenes(seed=5, first=0, last=60)
    sources = [SourceRecord.model_validate_json(line) for line in lines]
    return [held_out(one, [FORMATS[c.kind] for c in one.conditions]) for one in sources]


@pytest.fixture
def slots():
    return SLOTS


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory):
    """CLIP as transformers saves it, tiny and random."""
    import torch
    from transformers import (
        CLIPConfig,
        CLIPImageProcessor,
        CLIPModel,
        CLIPProcessor,
        CLIPTokenizerFast,
    )

    folder, side = tmp_path_factory.mktemp("clip"), 30
    torch.manual_seed(1)
    tower = {"hidden_size": 32, "intermediate_size": 37, "num_attention_heads": 4}
    tower["num_hidden_layers"] = 2
    text = {**tower, "vocab_size": 99, "max_position_embeddings": 20, "eos_token_id": 98}
    vision = {**tower, "image_size": side, "patch_size": 6}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
    CLIPModel(config).save_pretrained(folder)
    letters = [chr(n) for n in range(97, 123)]
    vocabulary = {w: n for n, w in enumerate([*letters, *(f"{one}</w>" for one in letters)])}
    vocabulary |= {"<|startoftext|>": 97, "<|endoftext|>": 98}
    cut = CLIPTokenizerFast(vocab=vocabulary, merges=[], model_max_length=20)
    size = {"height": side, "width": side}
    pictures = CLIPImageProcessor(size={"shortest_edge": side}, crop_size=size)
    CLIPProcessor(image_processor=pictures, tokenizer=cut).save_pretrained(folder)
    return folder
