"""Start from published Qwen2-VL weights.

A local folder in transformers' layout (safetensors), nothing downloaded.

The motion encoder starts as a copy of the vision tower; the camera encoder starts at random, as in
the paper.
"""

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlparse

import torch
from tokenizers import Tokenizer
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from any2caption.errors import ConfigError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.config import ModelConfig, TextConfig, VisionConfig
from any2caption.model.processor import Processor
from any2caption.model.tokenization import load_tokenizer


def local_folder(source: str) -> Path:
    """Turn a path or file:// URI into a folder that holds weights.

    Anything else raises ConfigError.
    """
    parsed = urlparse(source)
    if parsed.scheme not in {"", "file"}:
        raise ConfigError(
            f"{source}: weights are read from a folder or a file:// URI; copy them there first"
        )
    folder = Path(unquote(parsed.path)) if parsed.scheme else Path(source)
    if not (folder / "config.json").is_file():
        raise ConfigError(f"{folder}: no config.json of a Qwen2-VL model there")
    if not list(folder.glob("*.safetensors")):
        raise ConfigError(f"{folder}: no *.safetensors there (pickled weights are not read)")
    return folder


def from_pretrained(
    source: str, preset: ModelConfig, *, dtype: torch.dtype = torch.float32
) -> tuple[Any2Caption, Processor]:
    """Load Qwen2-VL from `source` into Any2Caption.

    Sizes come from the files, the rest from the preset.
    """
    folder = local_folder(source)
    mllm = Qwen2VLForConditionalGeneration.from_pretrained(
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


def _sizes(found: Qwen2VLConfig, preset: ModelConfig) -> ModelConfig:
    text, vision = found.text_config, found.vision_config
    rope = text.rope_parameters
    return replace(
        preset,
        text=TextConfig(
            vocab_size=text.vocab_size,
            hidden=text.hidden_size,
            layers=text.num_hidden_layers,
            heads=text.num_attention_heads,
            kv_heads=text.num_key_value_heads,
            mlp=text.intermediate_size,
            mrope_section=tuple(rope["mrope_section"]),
            rope_theta=rope["rope_theta"],
            rms_eps=text.rms_norm_eps,
            tie_embeddings=bool(found.tie_word_embeddings),
            max_positions=text.max_position_embeddings,
        ),
        vision=VisionConfig(
            depth=vision.depth,
            width=vision.embed_dim,
            heads=vision.num_heads,
            mlp_ratio=vision.mlp_ratio,
            patch=vision.patch_size,
            merge=vision.spatial_merge_size,
            temporal=vision.temporal_patch_size,
        ),
    )


def describe_pretrained(source: str, preset: ModelConfig) -> tuple[ModelConfig, Tokenizer]:
    """Read only the sizes and the tokenizer of the weights at `source`."""
    folder = local_folder(source)
    tokenizer = load_tokenizer(folder)
    config = _sizes(Qwen2VLConfig.from_pretrained(folder, local_files_only=True), preset)
    return config.with_vocab(max(config.text.vocab_size, tokenizer.get_vocab_size())), tokenizer
