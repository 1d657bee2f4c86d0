"""Group relative policy optimisation (GRPO, arXiv 2402.03300) of the caption writer.

For each record the model writes a group of captions; a caption's advantage is its reward's distance
from the group's mean, over the group's deviation. Each step's captions are written by the model
that the step trains, so the ratio of the two is 1 and its clipping never acts; its gradient stays.

    loss of a caption = mean over its tokens of  -A · π/π' + β · (r - log r - 1),  r = ref/π

with the reference model's probability ref: the weights at the stage's beginning. Only the trained
parameters are kept twice, in a file of the run's folder too, so that a resumed run is held to the
same reference.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from any2caption.errors import ConfigError
from any2caption.model.any2caption import Any2Caption
from any2caption.model.inputs import ModelInputs
from any2caption.model.processing.processor import Processor
from any2caption.storage.atomic import fresh_file
from any2caption.training.data.collate import Order, share, usable
from any2caption.training.data.lines import chosen
from any2caption.training.data.types import Sample, TrainingData
from any2caption.training.recipes.schema import Reinforce, Stage
from any2caption.training.reinforce.rewards import Wanted, reward
from any2caption.training.reinforce.rollouts import Limits, Media, encode, uniforms_of, write

Judge = Callable[[Sample, str], float]
_EPSILON = 1e-4  # of a deviation, so that equal rewards give no advantage


@dataclass(frozen=True, slots=True)
class RolloutBatch:
    """One rank's written captions of a step; R rows, L places, padded on the right.

    `labels` (R, L) are the written tokens that each place led to (-1 = none), `advantages` (R,),
    `reference` (R, L) the reference's log-probabilities of the labels. `vision`, `motion` and
    `camera` are encoder outputs, repeated for each row.
    """

    ids: tuple[str, ...]
    input_ids: Tensor
    positions: Tensor
    types: Tensor
    labels: Tensor
    vision: Tensor
    motion: Tensor
    camera: Tensor
    advantages: Tensor
    reference: Tensor
    rewards: tuple[float, ...]
    tokens: int
    kl: float
    temperature: float


@dataclass(frozen=True, slots=True)
class _Group:
    """What was written for one record."""

    sample: Sample
    inputs: ModelInputs
    media: Media
    written: list[list[int]]
    rewards: NDArray[np.float64]


class ReinforceSource:
    """Writes and judges the captions that a step learns from; `empty` without any facts."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it writes with
        self,
        data: TrainingData,
        processor: Processor,
        stage: Stage,
        seed: int,
        objective: nn.Module,
        folder: Path,
        judge: Judge | None = None,
    ) -> None:
        """`judge` says what a text is worth for a sample; by default `rewards.reward` does."""
        assert stage.reinforce is not None  # noqa: S101 - checks.py saw to it
        self.data, self.processor, self.stage, self.seed = data, processor, stage, seed
        self.settings: Reinforce = stage.reinforce
        self.objective, self.judge = objective, judge or self._rewarded
        self.file = folder / f"reference-{stage.name}.safetensors"
        self.samples = chosen(usable(data, stage), lambda sample: any(sample.wanted.values()))
        self.empty = not self.samples
        lengths = np.asarray([sample.length for sample in self.samples], np.int64)
        self._order = Order(lengths, stage.batch, seed)
        self._reference: dict[str, Tensor] | None = None

    def __call__(self, step: int, rank: int, world_size: int) -> RolloutBatch:
        """One rank's part of a step."""
        self._keep_reference(step, rank)
        chosen = share(self._order(step), rank, world_size)
        model: Any2Caption = self.objective.model  # type: ignore[assignment]
        device = next(model.parameters()).device
        with self._autocast(device):
            groups = [self._group(model, self.samples[i], step, device) for i in chosen]
            batch = self._batch(groups, device)
            if self.settings.kl:
                with self._as_reference(), torch.no_grad():
                    batch = replace(batch, reference=log_probabilities(model, batch))
        return batch

    def _group(self, model: Any2Caption, sample: Sample, step: int, device: torch.device) -> _Group:
        settings = self.settings
        features = [self.data.feature(number) for number in sample.item_numbers]
        inputs = self.processor.assemble(sample.prompt, features, facts=sample.facts)
        media = encode(model, inputs, device)
        limits = Limits(
            settings.rollouts, settings.temperature, settings.max_new_tokens, self.processor.end_id
        )
        draws = uniforms_of(self.seed, step, sample.id, limits.rollouts, limits.most)
        written = write(model, inputs, media, limits, draws)
        rewards = [self.judge(sample, self.processor.decode(ids)) for ids in written]
        return _Group(sample, inputs, media, written, np.asarray(rewards))

    def _rewarded(self, sample: Sample, text: str) -> float:
        facts = Wanted(**sample.wanted)
        return reward(text, facts, reasoning=self.stage.reasoning).total(self.settings)

    def _batch(self, groups: Sequence[_Group], device: torch.device) -> RolloutBatch:
        rows = [(group, ids) for group in groups for ids in group.written]
        longest = max(len(group.inputs.input_ids) + len(ids) for group, ids in rows)
        shape = (len(rows), longest)
        input_ids = np.zeros(shape, np.int64)
        types, labels = np.zeros(shape, np.int64), np.full(shape, -1, np.int64)
        positions = np.zeros((3, *shape), np.int64)
        for row, (group, ids) in enumerate(rows):
            start, end = len(group.inputs.input_ids), len(group.inputs.input_ids) + len(ids)
            input_ids[row, :start], input_ids[row, start:end] = group.inputs.input_ids, ids
            types[row, :start] = group.inputs.token_types
            labels[row, start - 1 : end - 1] = ids
            at = group.inputs.position_ids
            positions[:, row, :start] = at
            positions[:, row, start:end] = at.max() + 1 + np.arange(len(ids))
        media = [torch.cat([group.media[tower] for group, _ in rows]).float() for tower in range(3)]
        scale = self.settings.scale == "deviation"
        advantages = np.concatenate([advantages_of(g.rewards, scale=scale) for g in groups])
        return RolloutBatch(
            ids=tuple(group.sample.id for group in groups),
            input_ids=torch.tensor(input_ids, device=device),
            positions=torch.tensor(positions, device=device),
            types=torch.tensor(types, device=device),
            labels=torch.tensor(labels, device=device),
            vision=media[0],
            motion=media[1],
            camera=media[2],
            advantages=torch.tensor(advantages, dtype=torch.float32, device=device),
            reference=torch.zeros(shape, device=device),
            rewards=tuple(float(one) for group in groups for one in group.rewards),
            tokens=sum(len(group.inputs.input_ids) + len(ids) for group, ids in rows),
            kl=self.settings.kl,
            temperature=self.settings.temperature,
        )

    # --- the reference ---

    def _trained(self) -> dict[str, nn.Parameter]:
        return {n: p for n, p in self.objective.named_parameters() if p.requires_grad}

    def _keep_reference(self, step: int, rank: int) -> None:
        """Copy the trained weights at the stage's beginning; later read them back."""
        if self._reference is not None or not self.settings.kl:
            return
        if step:
            if not self.file.is_file():
                raise ConfigError(f"{self.file}: is missing; start this run in another folder")
            device = next(iter(self._trained().values())).device
            self._reference = {n: t.to(device) for n, t in load_file(self.file).items()}
            return
        self._reference = {n: p.detach().clone() for n, p in self._trained().items()}
        if rank == 0:
            with fresh_file(self.file) as fresh:
                save_file({n: t.cpu().contiguous() for n, t in self._reference.items()}, fresh)

    @contextmanager
    def _as_reference(self) -> Iterator[None]:
        """Put the reference's weights into the model until the block ends."""
        assert self._reference is not None  # noqa: S101
        trained = self._trained()
        now = {name: parameter.data for name, parameter in trained.items()}
        try:
            for name, parameter in trained.items():
                parameter.data = self._reference[name]
            yield
        finally:
            for name, parameter in trained.items():
                parameter.data = now[name]

    def _autocast(self, device: torch.device) -> torch.autocast:
        bf16 = bool(self.objective.bf16)
        return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)


def advantages_of(rewards: NDArray[np.float64], *, scale: bool) -> NDArray[np.float64]:
    """A group's rewards (G,) → advantages (G,): from the mean, over the deviation if `scale`."""
    away = rewards - rewards.mean()
    return np.asarray(away / (rewards.std() + _EPSILON)) if scale else away


def log_probabilities(model: Any2Caption, batch: RolloutBatch) -> Tensor:
    """Log-probability (R, L) of each label at the batch's temperature; 0 where there is none."""
    embeds = model.embed(batch.input_ids, batch.types, batch.vision, batch.motion, batch.camera)
    hidden = model.hidden_states(embeds, batch.positions)
    at = batch.labels >= 0
    scores = model.logits(hidden[at]).float() / batch.temperature
    chosen = -nn.functional.cross_entropy(scores, batch.labels[at], reduction="none")
    return torch.zeros(at.shape, device=chosen.device).masked_scatter(at, chosen)


def policy_loss(log_probability: Tensor, batch: RolloutBatch) -> tuple[Tensor, Tensor]:
    """Loss sum over captions, and how many there are; see the module."""
    at = (batch.labels >= 0).float()
    ratio = (log_probability - log_probability.detach()).exp()
    tokens = -batch.advantages[:, None] * ratio
    if batch.kl:
        away = batch.reference - log_probability
        tokens = tokens + batch.kl * (away.exp() - away - 1)
    captions = (tokens * at).sum(1) / at.sum(1).clamp(min=1)
    return captions.sum(), torch.tensor(float(len(captions)))
