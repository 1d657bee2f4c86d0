"""Any2Caption: a backbone (`model.backbones`) with a motion encoder and a camera encoder.

The motion encoder is a copy of the backbone's vision tower.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from any2caption.model.backbones import backbone, run_language, transformers_config
from any2caption.model.config import ModelConfig
from any2caption.model.encoders.camera import CameraEncoder
from any2caption.model.encoders.towers import run_tower
from any2caption.model.fused import packed_attention
from any2caption.model.fused.kernels import Kernels
from any2caption.model.fused.linear_cross_entropy import LossHead
from any2caption.model.inputs import CAMERA, MOTION, VISION


class Any2Caption(nn.Module):
    """The whole model.

    Positions are always explicit, so transformers' hidden rope state is never used.
    """

    def __init__(self, config: ModelConfig, mllm: PreTrainedModel | None = None) -> None:
        super().__init__()
        self.config = config
        model = backbone(config.vision.backbone).model
        self.mllm: Any = mllm or model(transformers_config(config))
        self.mllm.lm_head = LossHead.of(self.mllm.lm_head)
        self.motion_encoder = copy.deepcopy(self.mllm.model.visual)
        self.camera_encoder = CameraEncoder(config.camera, config.text.hidden)

    @property
    def language(self) -> nn.Module:
        """The text model without its head."""
        return self.mllm.model.language_model  # type: ignore[no-any-return]

    def checkpoint_activations(self) -> None:
        """Gradient checkpointing: recompute every layer's activations in backward from now on."""
        for part in (self.mllm, self.motion_encoder):
            part.gradient_checkpointing_enable({"use_reentrant": False})
        self.camera_encoder.recompute = True

    def encode_vision(self, patches: Tensor, grid: Tensor) -> Tensor:
        """Patches (N, D) with grids (n, 3) → (N / merge², `config.rows`)."""
        return run_tower(self.mllm.model.visual, patches, grid)

    def encode_motion(self, patches: Tensor, grid: Tensor) -> Tensor:
        """The same through the motion encoder."""
        return run_tower(self.motion_encoder, patches, grid)

    def encode_camera(self, poses: Tensor) -> Tensor:
        """Poses (c·F, 16) → (c·F, `config.rows`)."""
        frames = self.config.camera.frames
        return widened(
            self.camera_encoder(poses.view(-1, frames, 16)).flatten(0, 1), self.config.rows
        )

    def embed(
        self, input_ids: Tensor, token_types: Tensor, vision: Tensor, motion: Tensor, camera: Tensor
    ) -> Tensor:
        """Token embeddings (B, L, `config.rows`) with encoders' rows in their places, in order."""
        return place(
            self.mllm.get_input_embeddings()(input_ids), token_types, vision, motion, camera
        )

    def hidden_states(
        self, embeds: Tensor, position_ids: Tensor, packed: packed_attention.Documents | None = None
    ) -> Tensor:
        """Causal forward over `embed`'s rows with positions (3, B, L), padded on the right.

        With `packed` a row holds several documents, which do not see each other.
        """
        if packed is not None:
            config: Any = self.language.config
            if config._attn_implementation != packed_attention.NAME:  # noqa: SLF001
                self.language.set_attn_implementation(packed_attention.NAME)  # type: ignore[operator]
            return run_language(
                self.language,
                embeds,
                position_ids=position_ids,
                attention_mask=None,
                use_cache=False,
                documents=packed,
            )
        if embeds.is_cuda:  # fused causal attention: with padding on the right it needs no mask
            return self._fused(embeds, position_ids)
        length = embeds.shape[1]
        mask = torch.full(
            (length, length), torch.finfo(torch.float32).min, device=embeds.device
        ).triu(1)
        return run_language(
            self.language,
            embeds,
            position_ids=position_ids,
            attention_mask=mask[None, None],
            use_cache=False,
        )

    def _fused(self, embeds: Tensor, position_ids: Tensor) -> Tensor:
        if self.mllm.model.language_model.config._attn_implementation != "sdpa":  # noqa: SLF001
            self.language.set_attn_implementation("sdpa")  # type: ignore[operator]
        return run_language(
            self.language,
            embeds,
            position_ids=position_ids,
            attention_mask=None,
            use_cache=False,
        )

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token scores (…, vocabulary)."""
        return self.mllm.lm_head(hidden)  # type: ignore[no-any-return]

    def loss(self, hidden: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Σ weights · cross-entropy of the tokens that follow hidden states (N, hidden)."""
        return self.mllm.lm_head(hidden, targets, weights)  # type: ignore[no-any-return]

    def use_kernels(self, kernels: Kernels) -> None:
        """Choose the implementation of the fused operations (see `model.fused.kernels`)."""
        self.camera_encoder.kernels = kernels
        self.mllm.lm_head.kernels = kernels


def place(
    embeds: Tensor, token_types: Tensor, vision: Tensor, motion: Tensor, camera: Tensor
) -> Tensor:
    """Put encoder rows where `token_types` says, all as wide as the widest; counts must agree."""
    parts = ((VISION, vision), (MOTION, motion), (CAMERA, camera))
    width = max(embeds.shape[-1], *(rows.shape[-1] for _, rows in parts))
    embeds = widened(embeds, width)
    for kind, rows in parts:
        if len(rows):
            found = widened(rows, width).to(embeds.dtype)
            embeds = embeds.masked_scatter((token_types == kind)[..., None], found)
    return embeds


def widened(rows: Tensor, width: int) -> Tensor:
    """Rows (…, n) with zeros behind them, (…, width)."""
    missing = width - rows.shape[-1]
    return nn.functional.pad(rows, (0, missing)) if missing else rows
