"""One optimizer step's forward and backward, in one or several micro-batches.

The loss is a mean over the valid tokens of the whole step, over all ranks and micro-batches: the
number of those tokens is known from the batches, so it is exchanged with the first loss and every
micro-batch is scaled by it. k micro-batches give what one batch of all their samples gives.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from any2caption.model.packed_attention import Documents
from any2caption.training.data.alignment import AlignBatch
from any2caption.training.data.collate import Batch
from any2caption.training.engine.distributed import added, summed
from any2caption.training.reinforce.grpo import RolloutBatch

AnyBatch = Batch | AlignBatch | RolloutBatch
_LEAST = 1e-9  # for a step without a valid token


def micro_batches(
    source: Callable[[int, int, int], AnyBatch],
    step: int,
    rank: int,
    ranks: int,
    accumulate: int,
) -> list[AnyBatch]:
    """A rank's part of a step in `accumulate` micro-batches.

    Each is what one of `ranks` · `accumulate` ranks would get, so that together they are the same
    samples, in any cut.
    """
    return [source(step, rank + ranks * part, ranks * accumulate) for part in range(accumulate)]


def forward_backward(  # noqa: PLR0913, PLR0917 - what a step needs
    engine: Any,
    batches: Sequence[AnyBatch],
    heads_loss: float,
    ranks: int,
    check: Callable[[float], None],
    more: Sequence[float] = (),
) -> tuple[float, list[float]]:
    """Run all micro-batches; return the mean loss over all ranks and `more`, summed over ranks.

    `check` gets the loss sums of all ranks before the optimizer steps, and raises. The caller
    then sets the rates and calls `engine.step()`.
    """
    device = engine.device
    loss, _ = engine(moved(batches[0], device), heads_loss)
    weights = sum(engine.module.weight(batch) for batch in batches)
    sums = added([loss, weights, *more])
    # DeepSpeed takes the mean over ranks and micro-batches. The scale stays on the device: reading
    # it here would hold up backward until forward is done.
    scale = (ranks * len(batches) / sums[1].clamp(min=_LEAST)).to(loss.dtype)
    engine.backward(loss * scale)
    total, weight, *found = sums.tolist()
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
    return total / max(weight, _LEAST), found


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
