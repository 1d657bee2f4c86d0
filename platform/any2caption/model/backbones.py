"""The vision-language models that Any2Caption stands on, behind one interface.

Each is transformers' own class. Qwen2-VL and Qwen2.5-VL have the same language model; Qwen2.5-VL's
vision tower attends within windows in most layers, has gated MLPs, and counts a video's time in
steps of its own. Qwen3-VL's tower also gives features of some of its layers (DeepStack, arXiv
2406.04334), which are added behind the first layers of the language model; here they follow a
token's embedding in one wider row, through encoders, packing and serving (`run_language`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import (
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
    Qwen2_5_VisionTransformerPretrainedModel,
    Qwen2_5_VLTextModel,
)
from transformers.models.qwen2_vl.modeling_qwen2_vl import (
    Qwen2VisionTransformerPretrainedModel,
    Qwen2VLTextModel,
)
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextModel, Qwen3VLVisionModel

from any2caption.errors import ConfigError
from any2caption.model.config import ModelConfig, TextConfig, VisionConfig


@dataclass(frozen=True, slots=True)
class Backbone:
    """transformers' classes of one model, and its vision configuration in both directions."""

    model: type[PreTrainedModel]
    config: type[PreTrainedConfig]
    tower: type[PreTrainedModel]
    language: type[PreTrainedModel]
    to_vision: Callable[[VisionConfig, int], dict[str, Any]]
    """Ours and the language model's width → the fields that are not shared."""
    of_vision: Callable[[Any], dict[str, Any]]
    """transformers' → our fields that are not shared."""


BACKBONES: Mapping[str, Backbone] = {
    "qwen2_vl": Backbone(
        Qwen2VLForConditionalGeneration,
        Qwen2VLConfig,
        Qwen2VisionTransformerPretrainedModel,
        Qwen2VLTextModel,
        lambda vision, hidden: {
            "embed_dim": vision.width,
            "hidden_size": hidden,
            "mlp_ratio": vision.mlp_ratio,
        },
        lambda found: {"width": found.embed_dim, "mlp_ratio": found.mlp_ratio},
    ),
    "qwen2_5_vl": Backbone(
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLConfig,
        Qwen2_5_VisionTransformerPretrainedModel,
        Qwen2_5_VLTextModel,
        lambda vision, hidden: {
            "hidden_size": vision.width,
            "out_hidden_size": hidden,
            "intermediate_size": vision.mlp,
            "window_size": vision.window,
            "fullatt_block_indexes": list(vision.full_layers),
            "tokens_per_second": vision.time_step,
        },
        lambda found: {
            "width": found.hidden_size,
            "mlp": found.intermediate_size,
            "window": found.window_size,
            "full_layers": tuple(found.fullatt_block_indexes),
            "time_step": found.tokens_per_second,
        },
    ),
    "qwen3_vl": Backbone(
        Qwen3VLForConditionalGeneration,
        Qwen3VLConfig,
        Qwen3VLVisionModel,
        Qwen3VLTextModel,
        lambda vision, hidden: {
            "hidden_size": vision.width,
            "out_hidden_size": hidden,
            "intermediate_size": vision.mlp,
            "num_position_embeddings": vision.places,
            "deepstack_visual_indexes": list(vision.deepstack),
        },
        lambda found: {
            "width": found.hidden_size,
            "mlp": found.intermediate_size,
            "places": found.num_position_embeddings,
            "deepstack": tuple(found.deepstack_visual_indexes),
            "timestamps": True,
        },
    ),
}
"""By transformers' `model_type`."""


def backbone(name: str, where: str = "") -> Backbone:
    """Return a backbone by its `model_type`; ConfigError with what there is for another."""
    if name not in BACKBONES:
        place = f"{where}: " if where else ""
        raise ConfigError(f"{place}a {name!r} model is not supported: {', '.join(BACKBONES)} are")
    return BACKBONES[name]


def transformers_config(
    config: ModelConfig, token_ids: Mapping[str, int] | None = None
) -> PreTrainedConfig:
    """Translate to transformers' configuration.

    `token_ids` are needed only to run transformers' own multimodal forward.
    """
    text, vision = config.text, config.vision
    found = backbone(vision.backbone)
    ids = token_ids or {}
    return found.config(
        text_config={
            "vocab_size": text.vocab_size,
            "hidden_size": text.hidden,
            "intermediate_size": text.mlp,
            "num_hidden_layers": text.layers,
            "num_attention_heads": text.heads,
            "num_key_value_heads": text.kv_heads,
            "max_position_embeddings": text.max_positions,
            "rms_norm_eps": text.rms_eps,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": text.rope_theta,
                "mrope_section": list(text.mrope_section),
            },
            "bos_token_id": ids.get("<|endoftext|>", 0),
            "eos_token_id": ids.get("<|im_end|>", 2),
            "pad_token_id": ids.get("<|endoftext|>", 0),
            **({"head_dim": text.head_dim} if text.head_dim else {}),
        },
        vision_config={
            "depth": vision.depth,
            "num_heads": vision.heads,
            "patch_size": vision.patch,
            "spatial_merge_size": vision.merge,
            "temporal_patch_size": vision.temporal,
            **found.to_vision(vision, text.hidden),
        },
        image_token_id=ids.get("<|image_pad|>", 5),
        video_token_id=ids.get("<|video_pad|>", 6),
        vision_start_token_id=ids.get("<|vision_start|>", 3),
        vision_end_token_id=ids.get("<|vision_end|>", 4),
        tie_word_embeddings=text.tie_embeddings,
        attn_implementation="eager",
    )


def sizes_of(found: PreTrainedConfig) -> tuple[TextConfig, VisionConfig]:
    """Translate back what decides the sizes."""
    text, vision = found.text_config, found.vision_config
    rope = text.rope_parameters
    return (
        TextConfig(
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
            head_dim=getattr(text, "head_dim", None) or 0,
        ),
        VisionConfig(
            backbone=str(found.model_type),
            depth=vision.depth,
            heads=vision.num_heads,
            patch=vision.patch_size,
            merge=vision.spatial_merge_size,
            temporal=vision.temporal_patch_size,
            **backbone(str(found.model_type)).of_vision(vision),
        ),
    )


def run_language(language: Any, embeds: Tensor, **others: Any) -> Tensor:
    """Last hidden states (B, L, hidden) of embeddings (B, L, hidden · n).

    What follows a token's embedding in its row is added behind the first n - 1 layers. `others` go
    to transformers' forward.
    """
    first, *levels = torch.split(embeds, language.config.hidden_size, dim=-1)
    if levels:
        everywhere = torch.ones(embeds.shape[:2], dtype=torch.bool, device=embeds.device)
        others["visual_pos_masks"] = everywhere
        others["deepstack_visual_embeds"] = [level.flatten(0, 1) for level in levels]
    found: Tensor = language(inputs_embeds=first, **others).last_hidden_state
    return found
