"""Captions that the model in training writes by itself, drawn at a temperature, without a grammar.

A grammar would make the form right whatever the model prefers, so that nothing could be learned of
it. Every draw is a function of (seed, step, record, rollout).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache

from any2caption.model.any2caption import Any2Caption
from any2caption.model.backbones import run_language
from any2caption.model.inputs import ModelInputs

Media = tuple[Tensor, Tensor, Tensor]
"""Encoder outputs (N, rows) of vision, motion and camera."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How rollouts are drawn: how many, how warm, how long, and the token that ends them."""

    rollouts: int
    temperature: float
    most: int
    end: int


@torch.no_grad()
def encode(model: Any2Caption, inputs: ModelInputs, device: torch.device) -> Media:
    """One request's encoder outputs."""
    vision, vision_grid, motion, motion_grid, poses = (
        torch.tensor(part, device=device)
        for part in (
            inputs.vision_patches,
            inputs.vision_grid,
            inputs.motion_patches,
            inputs.motion_grid,
            inputs.camera_poses,
        )
    )
    return (
        model.encode_vision(vision, vision_grid),
        model.encode_motion(motion, motion_grid),
        model.encode_camera(poses),
    )


@torch.no_grad()
def write(
    model: Any2Caption,
    inputs: ModelInputs,
    media: Media,
    limits: Limits,
    uniforms: NDArray[np.float64],
) -> list[list[int]]:
    """Write `limits.rollouts` texts for one request; token ids, with the end token where it came.

    `uniforms` (rollouts, most) in [0, 1) decide every draw. The prompt runs once; its keys and
    values are repeated for the rollouts.
    """
    device = next(model.parameters()).device
    language, count = model.language, limits.rollouts
    ids, types, at = (
        torch.tensor(part, device=device)
        for part in (inputs.input_ids, inputs.token_types, inputs.position_ids)
    )
    embeds = model.embed(ids[None], types[None], *media)
    length = embeds.shape[1]
    causal = torch.full((length, length), torch.finfo(torch.float32).min, device=device).triu(1)
    cache = DynamicCache(config=language.config)

    def following(embeds: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        hidden = run_language(
            language,
            embeds,
            position_ids=positions,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
        )
        return model.logits(hidden[:, -1]).float()

    scores = following(embeds, at[:, None], causal[None, None]).expand(count, -1)
    cache.batch_repeat_interleave(count)
    last = int(at.max())
    written: list[list[int]] = [[] for _ in range(count)]
    done = np.zeros(count, np.bool_)
    draws = torch.tensor(uniforms, device=device)
    for step in range(limits.most):
        chosen = drawn(scores / limits.temperature, draws[:, step])
        for row, token in enumerate(chosen.tolist()):
            if not done[row]:
                written[row].append(token)
                done[row] = token == limits.end
        if done.all() or step + 1 == limits.most:
            break
        embeds = model.mllm.get_input_embeddings()(chosen)[:, None]
        positions = torch.full((3, count, 1), last + step + 1, device=device)
        mask = torch.zeros(count, 1, 1, length + step + 1, device=device)
        scores = following(embeds, positions, mask)
    return written


def drawn(scores: Tensor, uniforms: Tensor) -> Tensor:
    """Tokens (B,) of scores (B, vocabulary) by the inverse of their distribution's sum."""
    sums = torch.softmax(scores.double(), -1).cumsum(-1)
    below = sums < uniforms[:, None] * sums[:, -1:]
    return below.sum(-1).clamp(max=scores.shape[-1] - 1)


def uniforms_of(seed: int, step: int, record: str, rollouts: int, most: int) -> NDArray[np.float64]:
    """The numbers (rollouts, most) that decide a record's draws at a step."""
    streams = [
        np.random.default_rng([seed, step, number, *record.encode()]) for number in range(rollouts)
    ]
    return np.stack([stream.random(most) for stream in streams])
