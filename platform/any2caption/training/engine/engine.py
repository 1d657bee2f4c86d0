"""DeepSpeed's engine of a stage: parameter groups, start and end, the sums over ranks."""

import math
from typing import Any

import torch
from torch import nn

from any2caption.errors import ConfigError
from any2caption.training.engine import optimizer_state
from any2caption.training.engine.config import configuration
from any2caption.training.engine.muon import MuonAndAdamW
from any2caption.training.hardware import has_bf16
from any2caption.training.objective.objective import Objective
from any2caption.training.objective.trainable import parameter_groups
from any2caption.training.recipes.schema import Recipe, Stage


def multiplies_in_bf16(recipe: Recipe) -> bool:
    """Whether products are made in bfloat16: the recipe says so, or leaves it to the hardware."""
    if recipe.precision == "auto":
        return has_bf16() or torch.cuda.is_available()
    return recipe.precision == "bf16"


def start(objective: Objective, recipe: Recipe, stage: Stage, world_size: int) -> Any:
    """Return a DeepSpeed engine for one stage."""
    import deepspeed

    if stage.batch % (world_size * stage.accumulate):
        raise ConfigError(
            f"stage {stage.name}: batch {stage.batch} is not divisible by {world_size} ranks"
            + (f" with accumulate={stage.accumulate}" if stage.accumulate > 1 else "")
        )
    gpu = torch.cuda.is_available()
    objective.in_step = bool(recipe.zero) and world_size > 1
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
            recipe, stage, world_size, hidden=objective.model.config.text.hidden, pin_memory=gpu
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


def step(engine: Any) -> float:
    """Make the optimizer's step; return the norm of all gradients before clipping.

    Without ZeRO it is known beforehand and an infinite one is not stepped with; ZeRO splits the
    gradients and tells the norm with the step.
    """
    if engine.zero_optimization():
        engine.step()
        return float(engine.get_global_grad_norm() or 0.0)
    gradients = [p.grad for p in engine.module.parameters() if p.grad is not None]
    norm = float(nn.utils.get_total_norm(gradients))
    if math.isfinite(norm):
        engine.step()
    return norm


def set_rate(engine: Any, stage: Stage, factor: float) -> None:
    """Set the learning rate of every group."""
    for group in engine.optimizer.param_groups:
        group["lr"] = stage.lr * group["scale"] * factor
