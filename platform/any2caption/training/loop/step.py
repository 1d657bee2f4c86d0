"""One optimizer step's forward and backward, in one or several micro-batches.

The loss is a mean over the valid tokens of the whole step, over all ranks and micro-batches: the
number of those tokens is known from the batches, so it is exchanged with the first loss and every
micro-batch is scaled by it. k micro-batches give what one batch of all their samples gives.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from any2caption.model.fused.packed_attention import Documents
from any2caption.training.data.alignment import AlignBatch
from any2caption.training.data.collate import Batch
from any2caption.training.engine.distributed import added, summed, world_size
from any2caption.training.reinforce.grpo import RolloutBatch

AnyBatch = Batch | AlignBatch | RolloutBatch
_LEAST = 1e-9  # for a step without a valid token


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What every rank tells with a step's first loss; each field is summed over ranks."""

    tokens: float = 0.0
    """Places in sequences that are no padding; none in alignment."""
    places: float = 0.0
    """Places in sequences."""
    seconds: float = 0.0
    """Time of the stage so far: rank 0's clock, 0 from the others."""
    stopping: float = 0.0
    """1 from a rank that was asked to stop."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step tells: `loss` is the mean over the valid tokens of all ranks."""

    loss: float
    gradient_norm: float
    """Of all gradients, before clipping."""
    tally: Tally
    waited: float
    """Seconds without a batch."""
    rewards: tuple[float, ...]
    """Of the captions that this rank wrote, in a reinforce stage."""


def micro_batches(
    source: Callable[[int, int, int], AnyBatch],
    step: int,
    rank: int,
    world_size: int,
    accumulate: int,
) -> list[AnyBatch]:
    """A rank's part of a step in `accumulate` micro-batches.

    Each is what one of `world_size` · `accumulate` ranks would get, so that together they are the
    same samples, in any cut.
    """
    cuts = world_size * accumulate
    return [source(step, rank + world_size * part, cuts) for part in range(accumulate)]


def tokens_of(batches: Sequence[AnyBatch]) -> tuple[float, float]:
    """(tokens that are no padding, places for tokens); none in alignment and reinforcement."""
    texts = [batch for batch in batches if isinstance(batch, Batch)]
    return (
        float(sum(batch.tokens for batch in texts)),
        float(sum(batch.input_ids.numel() for batch in texts)),
    )


def rewards_of(batches: Sequence[AnyBatch]) -> tuple[float, ...]:
    """Rewards of the captions that a reinforce stage's batches hold."""
    written = (batch.rewards for batch in batches if isinstance(batch, RolloutBatch))
    return tuple(reward for rewards in written for reward in rewards)


def forward_backward(
    engine: Any,
    batches: Sequence[AnyBatch],
    heads_loss: float,
    check: Callable[[float], None],
    tally: Tally,
) -> tuple[float, Tally]:
    """Run all micro-batches; return the mean loss over all ranks and the tally summed over ranks.

    `check` gets the loss sums of all ranks before the optimizer steps, and raises. The caller
    then sets the rates and calls `engine.step()`.
    """
    device = engine.device
    loss, _ = engine(moved(batches[0], device), heads_loss)
    weights = sum(engine.module.weight(batch) for batch in batches)
    sums = added([loss, weights, *dataclasses.astuple(tally)])
    # DeepSpeed takes the mean over ranks and micro-batches. The scale stays on the device: reading
    # it here would hold up backward until forward is done.
    scale = (world_size() * len(batches) / sums[1].clamp(min=_LEAST)).to(loss.dtype)
    engine.backward(loss * scale)
    total, weight, tokens, places, seconds, stopping = sums.tolist()
    check(total)
    if len(batches) > 1:
        rest = torch.zeros((), dtype=torch.float64, device=device)
        for batch in batches[1:]:
            engine.step()  # counts the micro-batch; the optimizer waits for the last
            loss, _ = engine(moved(batch, device), heads_loss)
            engine.backward(loss * scale)
            rest += loss.detach()
        total += summed([rest])[0]
        check(total)
    everybody = Tally(tokens=tokens, places=places, seconds=seconds, stopping=stopping)
    return total / max(weight, _LEAST), everybody


def moved(batch: AnyBatch, device: torch.device) -> AnyBatch:
    """The batch with its tensors on a device."""
    if torch.device(device).type == "cpu":
        return batch
    values: dict[str, Any] = {f.name: getattr(batch, f.name) for f in dataclasses.fields(batch)}
    for name, value in values.items():
        if isinstance(value, Tensor):
            values[name] = value.to(device, non_blocking=True)
        elif isinstance(value, Documents):
            values[name] = value.to(device)
    return dataclasses.replace(batch, **values)
