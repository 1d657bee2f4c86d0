"""Every item's encoder output, computed once for a stage whose encoders are frozen.

The paper freezes its encoders while the language model learns to read them. Then an item always
gives the same tokens, and about a third of a step's work is done once instead of every epoch.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from any2caption.model.any2caption import Any2Caption
from any2caption.model.processing.pixels import patchify_batch
from any2caption.model.processing.processor import TOWERS, scaling_of
from any2caption.training.data.tensors import joined
from any2caption.training.data.types import TrainingData

CHUNK = 64


class EncodedItems:
    """Tokens of all items: rows `starts[n]` to `starts[n + 1]` of `tokens` are item n's."""

    def __init__(self, tokens: Tensor, starts: list[int]) -> None:
        self.tokens, self.starts = tokens, starts

    def __getitem__(self, number: int) -> Tensor:
        """Return one item's tokens (k, `ModelConfig.rows`)."""
        return self.tokens[self.starts[number] : self.starts[number + 1]]


@torch.no_grad()
def encode_items(
    model: Any2Caption, data: TrainingData, rank: int, world_size: int
) -> EncodedItems:
    """Encode all items, each rank its share; float32, in the host's memory as batches are."""
    config, device = model.config, next(model.parameters()).device
    cell = config.vision.patch * config.vision.merge
    counts = [
        _count(item, config.camera.frames, cell, config.vision.temporal) for item in data.items
    ]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(int).tolist()
    out = EncodedItems(torch.zeros(starts[-1], config.rows), starts)
    groups: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for number, item in enumerate(data.items):
        if not counts[number]:
            continue
        groups.setdefault((item["kind"], tuple(item.get("shape", ()))), []).append(number)
    chunks = [
        (kind, numbers[at : at + CHUNK])
        for (kind, _), numbers in sorted(groups.items())
        for at in range(0, len(numbers), CHUNK)
    ]
    for kind, numbers in chunks[rank::world_size]:
        found = _encode(model, data, kind, numbers)
        for number, tokens in zip(numbers, found, strict=True):
            out[number].copy_(tokens)
    if world_size > 1:
        shared = out.tokens.to(device)  # where the process group's backend can add it up
        dist.all_reduce(shared)
        out.tokens.copy_(shared)
    return out


def _encode(model: Any2Caption, data: TrainingData, kind: str, numbers: list[int]) -> Tensor:
    """Items of one kind and size → (n, k, `ModelConfig.rows`)."""
    features = [data.feature(number) for number in numbers]
    device = next(model.parameters()).device
    if TOWERS[kind] == "camera":
        poses = joined([item["poses"] for item in features])
        rows = model.encode_camera(poses.to(device))
    else:
        scaling = scaling_of(kind, model.config.processor)
        frames = np.stack([item["frames"] for item in features])
        patches, grid = patchify_batch(frames, scaling, model.config.vision)
        encode = model.encode_motion if TOWERS[kind] == "motion" else model.encode_vision
        flat = joined([patches.reshape(-1, patches.shape[-1])])
        rows = encode(flat.to(device), torch.tensor([grid] * len(numbers), device=device))
    return rows.float().reshape(len(numbers), -1, rows.shape[-1])


def _count(item: Mapping[str, Any], camera_frames: int, cell: int, temporal: int) -> int:
    """Tokens of one item."""
    if TOWERS[item["kind"]] == "camera":
        return camera_frames
    if "shape" not in item:  # regions without a picture are words only
        return 0
    frames, height, width = (int(side) for side in list(item["shape"])[:3])
    return -(-frames // temporal) * (height // cell) * (width // cell)
