"""Batches of a stage that aligns an encoder from scratch: all items of one kind a step."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from any2caption.model.config import ModelConfig
from any2caption.model.inputs import Features
from any2caption.model.processing.pixels import patchify_batch
from any2caption.model.processing.processor import TOWERS, scaling_of
from any2caption.training.data.collate import Answers, Order, share
from any2caption.training.data.tensors import joined
from any2caption.training.data.types import TrainingData, item_kinds
from any2caption.training.recipes.schema import Stage

SHARES: Mapping[str, int] = {"image": 7, "depth": 2, "video": 4}
"""Steps of the vision stage per kind, in thirteen."""


@dataclass(frozen=True, slots=True)
class Item:
    """One distinct condition and everything that records say it determines."""

    number: int
    slots: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class AlignBatch:
    """One rank's part of an alignment step: all items of one kind."""

    ids: tuple[str, ...]
    kind: str
    patches: Tensor
    grid: Tensor
    poses: Tensor
    answers: tuple[Answers, ...]


class AlignData:
    """The items of one alignment stage.

    One kind a step, in an order that is a function of (seed, step).
    """

    def __init__(self, data: TrainingData, config: ModelConfig, stage: Stage, seed: int) -> None:
        self.data, self.config, self.stage, self.seed = data, config, stage, seed
        self.items = _items_of(data, stage.kinds)
        # Interleave the kinds: position i of n copies lies at (i + ½) / n.
        places = [
            ((i + 0.5) / SHARES.get(kind, 1), kind)
            for kind in self.items
            for i in range(SHARES.get(kind, 1))
        ]
        self.turns = [kind for _, kind in sorted(places)]
        self.orders = {
            kind: Order(np.zeros(len(items), np.int64), stage.batch, seed)
            for kind, items in self.items.items()
        }

    def batch(self, step: int, rank: int, world_size: int) -> AlignBatch:
        """Return one rank's part of a step."""
        rounds, position = divmod(step, len(self.turns))
        kind = self.turns[position]
        own_step = rounds * self.turns.count(kind) + self.turns[:position].count(kind)
        chosen = [self.items[kind][i] for i in share(self.orders[kind](own_step), rank, world_size)]
        features = [self.data.feature(item.number) for item in chosen]
        ids = tuple(f"{kind} item {item.number}" for item in chosen)
        if TOWERS[kind] == "camera":
            poses = joined([f["poses"] for f in features])
            size = self.config.camera.frames
            spans = [(i * size, (i + 1) * size) for i in range(len(chosen))]
            return AlignBatch(
                ids, kind, torch.zeros(0), torch.zeros(0), poses, _answers(kind, spans, chosen)
            )
        features = [
            {**f, "frames": varied(f["frames"], kind, self.stage, (self.seed, step, item.number))}
            for f, item in zip(features, chosen, strict=True)
        ]
        patches, grid, spans = self._patches(kind, features)
        return AlignBatch(
            ids, kind, patches, grid, torch.zeros(0, 16), _answers(kind, spans, chosen)
        )

    def _patches(
        self, kind: str, features: Sequence[Features]
    ) -> tuple[Tensor, Tensor, list[tuple[int, int]]]:
        vision, scaling = self.config.vision, scaling_of(kind, self.config.processor)
        parts, grids, spans, at = [], [], [], 0
        shapes = {f["frames"].shape for f in features}
        clips = (
            [np.stack([f["frames"] for f in features])]
            if len(shapes) == 1
            else [f["frames"][None] for f in features]
        )
        for clip in clips:
            patches, grid = patchify_batch(clip, scaling, vision)
            size = patches.shape[1] // vision.merge**2
            for _ in clip:
                grids.append(grid)
                spans.append((at, at + size))
                at += size
            parts.append(patches.reshape(-1, patches.shape[-1]))
        return joined(parts), torch.tensor(grids), spans


def varied(
    frames: NDArray[np.uint8], kind: str, stage: Stage, seed: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Return T×H×W(×3) as a stage's `shift` and `mirror` have it, for this seed."""
    out = shifted(frames, stage.shift, seed) if stage.shift else frames
    # Only a still picture has no left and right that words name: a clip slides to one side.
    if stage.mirror and kind == "image" and np.random.default_rng((*seed, 1)).random() < 1 / 2:
        return out[:, :, ::-1]
    return out


def shifted(
    frames: NDArray[np.uint8], share_of_side: float, seed: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Move T×H×W(×3) by up to a share of each side, evenly at random; edges are repeated."""
    most = [round(share_of_side * side) for side in frames.shape[1:3]]
    generator = np.random.default_rng(seed)
    rows, columns = (
        np.clip(np.arange(side) + generator.integers(-m, m + 1), 0, side - 1)
        for side, m in zip(frames.shape[1:3], most, strict=True)
    )
    return frames[:, rows[:, None], columns]


def _answers(
    kind: str, spans: Sequence[tuple[int, int]], chosen: Sequence[Item]
) -> tuple[Answers, ...]:
    return tuple(Answers(kind, span, item.slots) for span, item in zip(spans, chosen, strict=True))


def shown_alone(
    data: TrainingData, kinds: Collection[str]
) -> Iterator[tuple[str, int, Mapping[str, Sequence[str]]]]:
    """Yield kind, item and slots where a training record shows one item of a kind, with answers."""
    of = item_kinds(data)
    for sample in data.samples("train"):
        for kind in kinds:
            numbers = [number for number in sample.item_numbers if of[number] == kind]
            if len(numbers) == 1 and kind in sample.answers:
                yield kind, numbers[0], sample.answers[kind]


def _items_of(data: TrainingData, kinds: Collection[str]) -> dict[str, list[Item]]:
    found: dict[str, dict[int, dict[str, tuple[str, ...]]]] = {kind: {} for kind in kinds}
    for kind, number, answers in shown_alone(data, kinds):
        slots = {slot: tuple(names) for slot, names in answers.items()}
        found[kind][number] = {**found[kind].get(number, {}), **slots}
    return {
        kind: [Item(number, slots) for number, slots in sorted(items.items())]
        for kind, items in found.items()
        if items
    }
