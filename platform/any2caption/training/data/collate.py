"""Which samples a step sees, and how they become tensors.

The order is a pure function of (seed, stage, step): global batches of samples of like length, so
that neither the number of ranks nor a restart changes it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from any2caption.model.config import ENCODERS
from any2caption.model.fused.packed_attention import Documents
from any2caption.model.inputs import Features
from any2caption.model.processing.processor import BRACKETS, TOWERS, Processor
from any2caption.training.data.encoder_cache import EncodedItems
from any2caption.training.data.examples import blanked, example
from any2caption.training.data.lines import chosen
from any2caption.training.data.tensors import joined
from any2caption.training.data.types import Items, Sample, TrainingData, item_kinds
from any2caption.training.recipes.schema import Stage

Array = NDArray[np.float32]
BUCKETS = 32  # batches that are sorted by length together


@dataclass(frozen=True, slots=True)
class Order:
    """The global order of `lengths` in batches of `batch`."""

    lengths: NDArray[np.int64]
    batch: int
    seed: int

    @property
    def per_epoch(self) -> int:
        """Batches of an epoch; a remainder waits for the next one's shuffle."""
        return max(1, len(self.lengths) // self.batch)

    def __call__(self, step: int) -> NDArray[np.int64]:
        """Return the sample numbers of a step's global batch."""
        epoch, position = divmod(step, self.per_epoch)
        return np.asarray(self._epoch(epoch)[position])

    def _epoch(self, epoch: int) -> NDArray[np.int64]:
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(len(self.lengths))
        if len(order) < self.batch:
            order = np.resize(order, self.batch)
        order = order[: self.per_epoch * self.batch]
        pool = BUCKETS * self.batch
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            order[start : start + pool] = part[np.argsort(self.lengths[part], kind="stable")]
        batches = order.reshape(self.per_epoch, self.batch)
        return np.asarray(batches[rng.permutation(self.per_epoch)])


def share(batch: NDArray[np.int64], rank: int, world_size: int) -> NDArray[np.int64]:
    """One rank's part of a global batch: every `world_size`-th sample, so lengths stay balanced."""
    return batch[rank::world_size]


@dataclass(frozen=True, slots=True)
class Batch:
    """One rank's tensors of a step. L is the longest sequence; sequences are padded on the right.

    `labels` (B, L) are next tokens (-1 = none), `weights` (B, L) their loss weights; `answers` are
    per kind the item's rows and its slots' class names, for the phrase heads.
    """

    ids: tuple[str, ...]
    input_ids: Tensor
    positions: Tensor
    types: Tensor
    labels: Tensor
    weights: Tensor
    vision: Tensor
    vision_grid: Tensor
    motion: Tensor
    motion_grid: Tensor
    camera: Tensor
    """Camera paths (N, F, 16)."""
    answers: tuple["Answers", ...]
    tokens: int
    """Places in `input_ids` that are no padding."""
    blank: Tensor | None = None
    """Encoder tokens (B, L) that dropout blanks."""
    packed: Documents | None = None
    """Where the documents lie, in rows that hold several."""


@dataclass(frozen=True, slots=True)
class EncodedBatch(Batch):
    """A batch whose `vision`, `motion` and `camera` are encoder outputs (N, hidden) already."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The classes that one item determines.

    `rows` is where its tokens lie in the encoder's output.
    """

    kind: str
    rows: tuple[int, int]
    slots: dict[str, tuple[str, ...]]


class Collator:
    """Makes batches of one stage."""

    def __init__(
        self,
        data: Items,
        processor: Processor,
        stage: Stage,
        seed: int,
        encoded: Mapping[int, Tensor] | EncodedItems | None = None,
    ) -> None:
        """With `encoded` items the batches hold encoder outputs instead of patches and poses."""
        self.data, self.processor, self.stage, self.seed = data, processor, stage, seed
        self.encoded = encoded

    def __call__(self, samples: Sequence[Sample], step: int) -> Batch:
        """Return the tensors of these samples; dropout is a function of the step and the sample."""
        ids = tuple(sample.id for sample in samples)
        return self._batch(ids, [self._row(sample, step) for sample in samples])

    def _batch(self, ids: tuple[str, ...], rows: Sequence["Row"]) -> Batch:
        longest = max(len(row.input_ids) for row in rows)
        longest += -longest % 8

        def padded(name: str, value: float, dtype: torch.dtype) -> Tensor:
            out = torch.full((len(rows), longest), value, dtype=dtype)
            for i, row in enumerate(rows):
                found = getattr(row, name)
                out[i, : len(found)] = torch.from_numpy(found)
            return out

        positions = torch.zeros(3, len(rows), longest, dtype=torch.int64)
        for i, row in enumerate(rows):
            positions[:, i, : row.positions.shape[1]] = torch.from_numpy(row.positions)
        answers, offsets = [], dict.fromkeys(ENCODERS, 0)
        for row in rows:
            for answer, (tower, start, end) in row.answers:
                base = offsets[tower]
                answers.append(Answers(answer.kind, (base + start, base + end), answer.slots))
            for tower, count in row.counts.items():
                offsets[tower] += count
        kind = Batch if self.encoded is None else EncodedBatch
        return kind(
            ids=ids,
            input_ids=padded("input_ids", 0, torch.int64),
            positions=positions,
            types=padded("types", 0, torch.int64),
            labels=padded("labels", -1, torch.int64),
            weights=padded("weights", 0, torch.float32),
            vision=joined([row.vision for row in rows]),
            vision_grid=joined([row.vision_grid for row in rows]),
            motion=joined([row.motion for row in rows]),
            motion_grid=joined([row.motion_grid for row in rows]),
            camera=joined([row.camera for row in rows]),
            answers=tuple(answers),
            tokens=sum(len(row.input_ids) for row in rows),
            blank=padded("blank", 0, torch.bool) if any(row.blank.any() for row in rows) else None,
        )

    def _row(self, sample: Sample, step: int, *, media: bool = True) -> "Row":
        """One sample's arrays; without `media` neither patches nor encoder outputs."""
        stage = self.stage
        made = example(sample, stage, self.data, self.processor, self.seed, step)
        numbers, caption, slots = made.numbers, made.target, made.weights
        features = [self.data.feature(number) for number in numbers]
        inputs = self.processor.assemble(
            made.prompt,
            features,
            facts=made.facts,
            patches=media and self.encoded is None,
        )
        start = len(inputs.input_ids)
        ids = np.concatenate([inputs.input_ids, caption])
        at = inputs.position_ids.max() + 1
        after = np.broadcast_to(np.arange(at, at + len(caption)), (3, len(caption)))
        labels = np.full(len(ids), -1, np.int64)
        labels[start - 1 : -1] = np.where(slots < 0, -1, caption)
        weights = np.zeros(len(ids), np.float32)
        weights[start - 1 : -1] = np.where(slots < 0, 0, np.maximum(slots, stage.template_weight))
        blank = np.zeros(len(ids), np.bool_)
        blank[:start] = blanked(inputs.token_types, sample, stage, self.seed, step)
        merge = self.processor.config.vision.merge**2
        counts = {
            tower: int((inputs.token_types == kind).sum()) for kind, tower in BRACKETS.items()
        }
        shown = (inputs.vision_patches, inputs.motion_patches, inputs.camera_poses)
        if media and self.encoded is not None:
            shown = self._tokens(numbers)
        return Row(
            ids,
            np.concatenate([inputs.position_ids, after], axis=1),
            np.concatenate([inputs.token_types, np.zeros(len(caption), np.int64)]),
            labels,
            weights,
            shown[0],
            inputs.vision_grid,
            shown[1],
            inputs.motion_grid,
            shown[2],
            list(_answers(sample, features, inputs.vision_grid, counts, merge)),
            counts,
            blank,
        )

    def _tokens(self, numbers: Sequence[int]) -> tuple[Array, Array, Array]:
        """Encoder outputs of a sample's items by tower, in prompt order."""
        parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ENCODERS}
        for kind, tower in TOWERS.items():
            found = [n for n in numbers if self.data.items[n]["kind"] == kind]
            most = self.processor.most(kind)
            parts[tower] += [self.encoded[n].numpy() for n in found[:most]]  # type: ignore[index]
        none = np.zeros((0, self.processor.config.rows), np.float32)
        vision, motion, camera = (np.concatenate([none, *found]) for found in parts.values())
        return vision, motion, camera


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a batch before padding; see `Batch`.

    `answers` come with (encoder, first, last row of it); `counts` are rows by encoder.
    """

    input_ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    types: NDArray[np.int64]
    labels: NDArray[np.int64]
    weights: NDArray[np.float32]
    vision: NDArray[np.float32]
    vision_grid: NDArray[np.int64]
    motion: NDArray[np.float32]
    motion_grid: NDArray[np.int64]
    camera: NDArray[np.float32]
    answers: list[tuple[Answers, tuple[str, int, int]]]
    counts: dict[str, int]
    blank: NDArray[np.bool_]


def _answers(
    sample: Sample,
    features: Sequence[Features],
    grid: NDArray[np.int64],
    counts: dict[str, int],
    merge: int,
) -> Iterator[tuple[Answers, tuple[str, int, int]]]:
    """What each kind that is there once determines, and where its tokens are in this row."""
    # Regions without a picture are text only.
    kinds = [str(item["kind"]) for item in features if "frames" in item or "poses" in item]
    at = 0
    grids = iter(grid.tolist())
    for kind, tower in TOWERS.items():  # the prompt's order
        for _ in range(kinds.count(kind)):
            if tower == "vision":
                start, size = at, int(np.prod(next(grids))) // merge
                at += size
            else:
                start, size = 0, counts[tower]
            slots = sample.answers.get(kind)
            if slots and kinds.count(kind) == 1:
                fixed = {slot: tuple(names) for slot, names in slots.items()}
                yield Answers(kind, (start, start + size), fixed), (tower, start, start + size)


def usable(data: TrainingData, stage: Stage) -> Sequence[Sample]:
    """The training samples that a stage learns from."""
    samples = data.samples("train")
    if not stage.kinds:
        return samples
    kinds = item_kinds(data)
    by_phrase = stage.objective == "describe" and stage.describe == "phrases"

    def learns(sample: Sample) -> bool:
        if stage.objective == "classify":
            return any(kind in sample.answers for kind in stage.kinds)
        if by_phrase and not sample.phrases.get(stage.part):
            return False
        return any(kinds[number] in stage.kinds for number in sample.item_numbers)

    return chosen(samples, learns)
