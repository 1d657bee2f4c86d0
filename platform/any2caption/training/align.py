"""Alignment of an encoder from scratch.

Linear heads on its tokens name what the condition determines.

The paper aligns encoders with movement and action phrases through a pre-trained language model; a
model that starts from nothing has none yet, so here the phrases are classes. The heads stay as an
auxiliary loss and are not part of the bundle.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from any2caption.model.config import ModelConfig
from any2caption.model.inputs import Features
from any2caption.model.pixels import patchify_batch
from any2caption.model.processor import TOWERS, scaling_of
from any2caption.training.batches import Answers, Order, share
from any2caption.training.recipes import Stage
from any2caption.training.tensors import joined
from any2caption.training.types import Sample, TrainingData

SHARES: Mapping[str, int] = {"image": 6, "depth": 3, "video": 1}
"""Steps of the vision stage per kind, in ten."""


def most_tokens(config: ModelConfig, kind: str) -> int:
    """The most encoder tokens of one item of a kind, where pictures have one size."""
    cell = config.vision.patch * config.vision.merge
    if kind == "camera":
        return config.camera.frames
    if TOWERS[kind] == "motion":
        return config.processor.motion_frames // 2 * (config.processor.motion_size // cell) ** 2
    if kind == "image":
        return (config.processor.image_size // cell) ** 2
    return config.processor.video_frames // 2 * (config.processor.video_size // cell) ** 2


class Heads(nn.Module):
    """A linear classifier per kind and slot.

    It reads an item's flattened tokens, or their mean where sizes vary.
    """

    def __init__(
        self, config: ModelConfig, classes: Mapping[str, Mapping[str, Sequence[str]]]
    ) -> None:
        super().__init__()
        self.flat = config.processor.resize == "letterbox"
        self.tokens = {kind: most_tokens(config, kind) if self.flat else 1 for kind in TOWERS}
        self.index = {
            kind: {slot: {name: i for i, name in enumerate(names)} for slot, names in slots.items()}
            for kind, slots in classes.items()
        }
        self.heads = nn.ModuleDict(
            {
                f"{kind}_{slot}": nn.Linear(self.tokens[kind] * config.rows, len(names))
                for kind, slots in classes.items()
                for slot, names in slots.items()
            }
        )
        self.slot_weights: Mapping[str, float] = {}
        """Weights of slots in the sums, of the stage that is trained; 1 where there is none."""

    def forward(
        self, outputs: Mapping[str, Tensor], answers: Sequence[Answers], *, in_step: bool = False
    ) -> tuple[Tensor, float]:
        """Cross-entropy summed over all (item, slot) pairs by slots' weights, and their sum.

        `outputs` are tower → tokens (N, rows). `in_step` runs the heads of these towers that
        have no answer too, on no rows, so that all ranks run the same ones.
        """
        total, weight = torch.zeros(()), 0.0
        for kind in self.index:
            found = [answer for answer in answers if answer.kind == kind]
            if not found and not (in_step and TOWERS[kind] in outputs):
                continue
            items = self._items(kind, outputs[TOWERS[kind]], found)
            for slot, index in self.index[kind].items():
                rows = [i for i, answer in enumerate(found) if self._known(answer, slot, index)]
                if rows or in_step:
                    targets = torch.zeros(len(rows), len(index))
                    for i, row in enumerate(rows):
                        names = [index[n] for n in found[row].slots[slot] if n in index]
                        targets[i, names] = 1 / len(names)
                    scores = self.heads[f"{kind}_{slot}"](items[rows]).float()
                    own = self.slot_weights.get(slot, 1.0)
                    total = total + own * nn.functional.cross_entropy(
                        scores, targets.to(scores.device), reduction="sum"
                    )
                    weight += own * len(rows)
        return total, weight

    def weight(self, answers: Sequence[Answers]) -> float:
        """The weight that `forward` would sum over."""
        return math.fsum(
            self.slot_weights.get(slot, 1.0)
            for answer in answers
            for slot, index in self.index.get(answer.kind, {}).items()
            if self._known(answer, slot, index)
        )

    def predict(self, kind: str, slot: str, tokens: Tensor) -> list[str]:
        """The best class of each item; tokens (n, k, rows)."""
        names = list(self.index[kind][slot])
        rows = tokens.flatten(1) if self.flat else tokens.mean(1)
        return [names[i] for i in self.heads[f"{kind}_{slot}"](rows).argmax(-1).tolist()]

    @staticmethod
    def _known(answer: Answers, slot: str, index: Mapping[str, int]) -> bool:
        return any(name in index for name in answer.slots.get(slot, ()))

    def _items(self, kind: str, tokens: Tensor, found: Sequence[Answers]) -> Tensor:
        """Items as rows (n, width)."""
        if not self.flat:
            if not found:
                return tokens.new_zeros(0, tokens.shape[-1])
            return torch.stack([tokens[slice(*answer.rows)].mean(0) for answer in found])
        size = self.tokens[kind]
        out = tokens.new_zeros(len(found), size, tokens.shape[-1])
        for i, answer in enumerate(found):
            rows = tokens[slice(*answer.rows)][:size]
            out[i, : len(rows)] = rows
        return out.flatten(1)


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
        self.data, self.config, self.shift, self.seed = data, config, stage.shift, seed
        self.items = {kind: _items_of(data.samples("train"), kind, data) for kind in stage.kinds}
        self.items = {kind: items for kind, items in self.items.items() if items}
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

    def batch(self, step: int, rank: int, ranks: int) -> AlignBatch:
        """Return one rank's part of a step."""
        rounds, position = divmod(step, len(self.turns))
        kind = self.turns[position]
        own_step = rounds * self.turns.count(kind) + self.turns[:position].count(kind)
        chosen = [self.items[kind][i] for i in share(self.orders[kind](own_step), rank, ranks)]
        features = [self.data.feature(item.number) for item in chosen]
        ids = tuple(f"{kind} item {item.number}" for item in chosen)
        if kind == "camera":
            poses = joined([f["poses"] for f in features])
            size = self.config.camera.frames
            spans = [(i * size, (i + 1) * size) for i in range(len(chosen))]
            return AlignBatch(
                ids, kind, torch.zeros(0), torch.zeros(0), poses, _answers(kind, spans, chosen)
            )
        if self.shift:
            features = [
                {**f, "frames": shifted(f["frames"], self.shift, (self.seed, step, item.number))}
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


def _items_of(samples: Sequence[Sample], kind: str, data: TrainingData) -> list[Item]:
    found: dict[int, dict[str, tuple[str, ...]]] = {}
    for sample in samples:
        numbers = [n for n in sample.features if data.items[n]["kind"] == kind]
        if len(numbers) == 1 and kind in sample.answers:
            slots = {slot: tuple(names) for slot, names in sample.answers[kind].items()}
            found[numbers[0]] = {**found.get(numbers[0], {}), **slots}
    return [Item(number, slots) for number, slots in sorted(found.items())]
