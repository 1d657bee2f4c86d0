"""DeepSpeed: its configuration, parameter groups and the sums over ranks."""

import json
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from any2caption.errors import ConfigError
from any2caption.training.objective import Objective
from any2caption.training.recipes import Recipe, Stage

ENCODERS = ("vision", "motion", "camera")


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


def trained_modules(recipe: Recipe, stage: Stage) -> tuple[str, ...]:
    """The modules that a stage trains, with `language` read by the recipe's switch."""
    if "language" not in stage.train or recipe.language_tuning != "lm_head":
        return stage.train
    return tuple(dict.fromkeys("lm_head" if name == "language" else name for name in stage.train))


def parameter_groups(objective: Objective, recipe: Recipe, stage: Stage) -> list[dict[str, Any]]:
    """Freeze everything, then thaw and group what the stage trains.

    Encoders with their own rate, the rest.
    """
    objective.requires_grad_(False)
    seen: set[int] = set()
    encoders: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name in trained_modules(recipe, stage):
        for key, parameter in objective.part(name).named_parameters():
            if name == "heads" and not _head_used(key, stage):
                continue
            if name == "language" and recipe.language_tuning == "lora" and ".lora_" not in key:
                continue
            if id(parameter) not in seen:
                seen.add(id(parameter))
                parameter.requires_grad_(True)
                (encoders if name in ENCODERS else others).append(parameter)
    groups = [
        {"params": encoders, "lr": stage.lr, "scale": stage.encoder_lr},
        {"params": others, "lr": stage.lr, "scale": 1.0},
    ]
    return [group for group in groups if group["params"]]


def _head_used(name: str, stage: Stage) -> bool:
    """`heads.<kind>_<slot>.weight`.

    Only the stage's kinds, and only where the heads are in the loss.
    """
    kind = name.split(".")[1].split("_", maxsplit=1)[0]
    return kind in stage.kinds if stage.kinds else bool(stage.heads_loss)


def start(objective: Objective, recipe: Recipe, stage: Stage, ranks: int) -> Any:
    """Return a DeepSpeed engine for one stage."""
    import deepspeed

    if stage.batch % ranks:
        raise ConfigError(
            f"stage {stage.name}: batch {stage.batch} is not divisible by {ranks} ranks"
        )
    groups = parameter_groups(objective, recipe, stage)
    optimizer = torch.optim.AdamW(
        groups, lr=stage.lr, betas=stage.betas, weight_decay=stage.weight_decay
    )
    engine, *_ = deepspeed.initialize(
        model=objective, optimizer=optimizer, config=configuration(recipe, stage, ranks)
    )
    return engine


def configuration(recipe: Recipe, stage: Stage, ranks: int) -> dict[str, Any]:
    """DeepSpeed's configuration. Clipping is explicit: its default of 1.0 would apply silently."""
    return {
        "train_batch_size": stage.batch,
        "train_micro_batch_size_per_gpu": stage.batch // ranks,
        "gradient_accumulation_steps": 1,
        "gradient_clipping": stage.clip,
        "zero_optimization": {"stage": recipe.zero},
        "zero_allow_untested_optimizer": True,
        "steps_per_print": 10**9,
        "wall_clock_breakdown": False,
    }


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
