"""What DeepSpeed wraps.

The model, its phrase heads and the loss of one step, as sums that ranks can add up.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from any2caption.model.any2caption import Any2Caption
from any2caption.model.config import ENCODERS
from any2caption.model.processing.processor import TOWERS
from any2caption.training.data.alignment import AlignBatch
from any2caption.training.data.collate import Batch, EncodedBatch
from any2caption.training.objective.idle_encoders import encode_in_step
from any2caption.training.objective.new_tokens import NewTokens
from any2caption.training.objective.phrase_heads import Heads
from any2caption.training.reinforce.grpo import RolloutBatch, log_probabilities, policy_loss


class Objective(nn.Module):
    """Model and heads.

    `forward` returns (loss sum, weight sum): the mean over all ranks is one division away.
    """

    def __init__(
        self,
        model: Any2Caption,
        classes: Mapping[str, Mapping[str, Sequence[str]]],
        *,
        bf16: bool,
        new_tokens: Sequence[int] = (),
    ) -> None:
        """`new_tokens` are the ids of the paper's four, for stages that train them."""
        super().__init__()
        self.tokens = NewTokens(new_tokens, model.config.text.hidden)
        self.model, self.heads, self.bf16 = model, Heads(model.config, classes), bf16
        self.in_step = False
        """Whether every rank must run the same modules, as ZeRO over several ranks needs it."""

    def forward(
        self, batch: Batch | AlignBatch | RolloutBatch, heads_loss: float
    ) -> tuple[Tensor, Tensor]:
        """Cross-entropy over caption tokens (plus `heads_loss` × the heads').

        Or the heads' alone, or the policy's loss on captions that the model wrote.
        """
        device = next(self.model.parameters()).device.type
        with torch.autocast(device, dtype=torch.bfloat16, enabled=self.bf16):
            if isinstance(batch, AlignBatch):
                return self._align(batch)
            if isinstance(batch, RolloutBatch):
                return policy_loss(log_probabilities(self.model, batch), batch)
            return self._caption(batch, heads_loss)

    def _align(self, batch: AlignBatch) -> tuple[Tensor, Tensor]:
        tower = TOWERS[batch.kind]
        if tower == "camera":
            tokens = self.model.encode_camera(batch.poses)
        elif tower == "motion":
            tokens = self.model.encode_motion(batch.patches, batch.grid)
        else:
            tokens = self.model.encode_vision(batch.patches, batch.grid)
        total, weight = self.heads({tower: tokens}, batch.answers, in_step=self.in_step)
        return total, torch.tensor(weight)

    def weight(self, batch: Batch | AlignBatch | RolloutBatch) -> float:
        """The weight sum that `forward` returns for this batch, known before it runs."""
        if isinstance(batch, AlignBatch):
            return self.heads.weight(batch.answers)
        if isinstance(batch, RolloutBatch):
            return float(len(batch.advantages))
        return float(batch.weights[batch.labels >= 0].sum())

    def _caption(self, batch: Batch, heads_loss: float) -> tuple[Tensor, Tensor]:
        idle: Tensor | float = 0.0
        if isinstance(batch, EncodedBatch):
            vision, motion, camera = batch.vision, batch.motion, batch.camera
        elif self.in_step:
            found = encode_in_step(self.model, batch)
            vision, motion, camera, idle = found.vision, found.motion, found.camera, found.idle
        else:
            vision = self.model.encode_vision(batch.vision, batch.vision_grid)
            motion = self.model.encode_motion(batch.motion, batch.motion_grid)
            camera = self.model.encode_camera(batch.camera)
        embeds = self.model.embed(batch.input_ids, batch.types, vision, motion, camera)
        embeds = self.tokens(embeds, batch.input_ids)
        if batch.blank is not None:
            embeds = embeds.masked_fill(batch.blank[..., None], 0.0)
        hidden = self.model.hidden_states(embeds, batch.positions, batch.packed)
        at = batch.labels >= 0
        weights = batch.weights[at]
        loss, total = self.model.loss(hidden[at], batch.labels[at], weights), weights.sum()
        if heads_loss and (batch.answers or self.in_step):
            outputs = dict(zip(ENCODERS, (vision, motion, camera), strict=True))
            found, asked = self.heads(outputs, batch.answers, in_step=self.in_step)
            loss = loss + heads_loss * found / max(1.0, asked) * total
        return loss + idle, total

    def part(self, name: str) -> nn.Module:
        """A trainable module by its name in a recipe."""
        model = self.model
        parts: dict[str, nn.Module] = {
            "vision": model.mllm.model.visual,
            "motion": model.motion_encoder,
            "camera": model.camera_encoder,
            "language": model.language,
            "lm_head": model.mllm.lm_head,
            "heads": self.heads,
            "tokens": self.tokens,
        }
        return parts[name]
