"""DeepSpeed's engine of a stage: parameter groups, start and end, the sums over ranks."""

import json
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from any2caption.errors import ConfigError
from any2caption.training import optimizer_state
from any2caption.training.deepspeed_config import configuration
from any2caption.training.machine import has_bf16
from any2caption.training.muon import MuonAndAdamW
from any2caption.training.objective import Objective
from any2caption.training.recipes import Recipe, Stage
from any2caption.training.trainable import parameter_groups


def connect() -> tuple[int, int]:
    """Join the process group of the launcher; returns (rank, ranks)."""
    import deepspeed

    # Its shared-memory exchange is compiled at first use, for minutes, and a process killed
    # meanwhile leaves a lock that every later start waits for without end. gloo's own exchange of
    # a tiny model costs milliseconds.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    deepspeed.init_distributed(dist_backend=backend, verbose=False)
    return dist.get_rank(), dist.get_world_size()


def multiplies_in_bf16(recipe: Recipe) -> bool:
    """Whether products are made in bfloat16: the recipe says so, or leaves it to the hardware."""
    if recipe.precision == "auto":
        return has_bf16() or torch.cuda.is_available()
    return recipe.precision == "bf16"


def start(objective: Objective, recipe: Recipe, stage: Stage, ranks: int) -> Any:
    """Return a DeepSpeed engine for one stage."""
    import deepspeed

    if stage.batch % (ranks * stage.accumulate):
        raise ConfigError(
            f"stage {stage.name}: batch {stage.batch} is not divisible by {ranks} ranks"
            + (f" with accumulate={stage.accumulate}" if stage.accumulate > 1 else "")
        )
    gpu = torch.cuda.is_available()
    objective.in_step = bool(recipe.zero) and ranks > 1
    if recipe.checkpoint_activations:
        objective.model.checkpoint_activations()
    buffers = [
        (module, name, value)
        for module in objective.modules()
        for name, value in module.named_buffers(recurse=False)
    ]
    groups = parameter_groups(objective, recipe, stage)
    exact = optimizer_state.inexact(objective) if recipe.precision == "bf16" else {}
    objective.heads.slot_weights = stage.slot_weights
    optimizer = (MuonAndAdamW if stage.muon_lr else torch.optim.AdamW)(
        groups,
        lr=0.0,  # `set_rate` gives every step its own; DeepSpeed may try a step of zeros before
        betas=stage.betas,
        weight_decay=stage.weight_decay,
        fused=True if gpu or recipe.offload != "none" else None,
    )
    engine, *_ = deepspeed.initialize(
        model=objective,
        optimizer=optimizer,
        config=configuration(
            recipe, stage, ranks, hidden=objective.model.config.text.hidden, pin_memory=gpu
        ),
    )
    # In bf16 DeepSpeed converts them too, and rotary frequencies or means lose their digits.
    for module, name, value in buffers:
        module._buffers[name] = value.to(engine.device)  # noqa: SLF001
    optimizer_state.clear(engine)
    engine.frozen_exact = exact
    return engine


@torch.no_grad()
def finish(engine: Any, objective: Objective) -> None:
    """End a stage's engine; the objective is left whole and in fp32, as it was before the start.

    Every parameter is put back as a fresh one: DeepSpeed leaves its own on the module, whose
    attributes hold on to the stage's moments, or that are only a part (ZeRO 3). Trained weights
    come from the fp32 masters.
    """
    whole: dict[int, nn.Parameter] = {}
    for parameter in objective.parameters():
        value = optimizer_state.whole_weight(engine, parameter)
        whole[id(parameter)] = nn.Parameter(value, requires_grad=parameter.requires_grad)
    engine.destroy()
    for module in objective.modules():
        own = {k: v if v is None else whole[id(v)] for k, v in module._parameters.items()}  # noqa: SLF001
        module._parameters = own  # noqa: SLF001


def set_rate(engine: Any, stage: Stage, factor: float) -> None:
    """Set the learning rate of every group."""
    for group in engine.optimizer.param_groups:
        group["lr"] = stage.lr * group["scale"] * factor


def summed(values: Sequence[float | Tensor]) -> list[float]:
    """Add numbers over all ranks in one exchange."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    total = torch.stack(
        [torch.as_tensor(v, dtype=torch.float64, device=device).detach() for v in values]
    )
    if dist.is_initialized() and dist.get_world_size() > 1:
        dist.all_reduce(total)
    return [float(value) for value in total]


def gathered(values: Sequence[str]) -> list[str]:
    """The values of all ranks, in order of rank; every rank must call it.

    As JSON in tensors: torch's own exchange of objects pickles them.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return list(values)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    text = json.dumps(list(values)).encode()
    sizes = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(dist.get_world_size())]
    dist.all_gather(sizes, torch.tensor([len(text)], device=device))
    longest = max(int(size) for size in sizes)
    padded = torch.tensor(list(text.ljust(longest)), dtype=torch.uint8, device=device)
    parts = [torch.zeros_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    return [str(value) for part in parts for value in json.loads(bytes(part.tolist()))]
