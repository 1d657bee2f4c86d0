"""Start from published Qwen2-VL, Qwen2.5-VL or Qwen3-VL weights, or from a package's.

A local folder in transformers' layout (safetensors), nothing downloaded.

The motion encoder starts as a copy of the vision tower; the camera encoder starts at random, as in
the paper.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedConfig

from any2caption.errors import ConfigError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.backbones import Backbone, backbone, sizes_of
from any2caption.model.config import ModelConfig
from any2caption.model.presets import PACKAGED
from any2caption.model.processing.processor import Processor
from any2caption.model.processing.tokenization import load_tokenizer


def local_folder(source: str) -> Path:
    """Turn a path, a file:// URI or a package's name into a folder that holds weights.

    Anything else raises ConfigError.
    """
    if source in PACKAGED.values():
        from any2caption.model.smol.weights import converted

        return converted()
    parsed = urlparse(source)
    if parsed.scheme not in {"", "file"}:
        raise ConfigError(
            f"{source}: weights are read from a folder or a file:// URI; copy them there first"
        )
    folder = Path(unquote(parsed.path)) if parsed.scheme else Path(source)
    if not (folder / "config.json").is_file():
        raise ConfigError(f"{folder}: no config.json of a model there")
    if not list(folder.glob("*.safetensors")):
        raise ConfigError(f"{folder}: no *.safetensors there (pickled weights are not read)")
    return folder


def from_pretrained(
    source: str, preset: ModelConfig, *, dtype: torch.dtype = torch.float32
) -> tuple[Any2Caption, Processor]:
    """Load the model at `source` into Any2Caption.

    Sizes come from the files, the rest from the preset.
    """
    folder = local_folder(source)
    mllm: Any = _backbone(folder).model.from_pretrained(
        folder,
        dtype=dtype,
        attn_implementation="eager",
        local_files_only=True,
        use_safetensors=True,
    )
    tokenizer = load_tokenizer(folder)
    config = _sizes(mllm.config, preset)
    rows = mllm.get_input_embeddings().num_embeddings
    if tokenizer.get_vocab_size() > rows:
        mllm.resize_token_embeddings(tokenizer.get_vocab_size())
        config = config.with_vocab(tokenizer.get_vocab_size())
    model = Any2Caption(config, mllm)
    return model.to(dtype), Processor(config, tokenizer)


def _sizes(found: PreTrainedConfig, preset: ModelConfig) -> ModelConfig:
    text, vision = sizes_of(found)
    return replace(preset, text=text, vision=vision)


def _backbone(folder: Path) -> Backbone:
    """Which model lies there, by its `config.json`."""
    try:
        name = str(json.loads((folder / "config.json").read_text())["model_type"])
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{folder}/config.json: names no model_type") from None
    return backbone(name, str(folder / "config.json"))


def describe_pretrained(source: str, preset: ModelConfig) -> tuple[ModelConfig, Tokenizer]:
    """Read only the sizes and the tokenizer of the weights at `source`."""
    folder = local_folder(source)
    tokenizer = load_tokenizer(folder)
    config = _sizes(_backbone(folder).config.from_pretrained(folder, local_files_only=True), preset)
    return config.with_vocab(max(config.text.vocab_size, tokenizer.get_vocab_size())), tokenizer
