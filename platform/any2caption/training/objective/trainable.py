"""Which parameters a stage trains, in groups by their optimizer and rate."""

from typing import Any

from torch import nn

from any2caption.model.config import ENCODERS
from any2caption.model.processing.processor import TOWERS
from any2caption.training.objective.objective import Objective
from any2caption.training.recipes.schema import Recipe, Stage


def trained_modules(recipe: Recipe, stage: Stage) -> tuple[str, ...]:
    """The modules that a stage trains, with `language` read by the recipe's switch."""
    if "language" not in stage.train or recipe.language_tuning != "lm_head":
        return stage.train
    return tuple(dict.fromkeys("lm_head" if name == "language" else name for name in stage.train))


def parameter_groups(objective: Objective, recipe: Recipe, stage: Stage) -> list[dict[str, Any]]:
    """Freeze everything, then thaw and group what the stage trains.

    Encoders' matrices for Muon, encoders with their own rate, the rest.
    """
    objective.requires_grad_(False)
    seen: set[int] = set()
    matrices: list[nn.Parameter] = []
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
                if name not in ENCODERS:
                    others.append(parameter)
                elif stage.muon_lr and is_matrix(key, parameter):
                    matrices.append(parameter)
                else:
                    encoders.append(parameter)
    groups = [
        {"params": matrices, "scale": stage.muon_lr / stage.lr, "muon": True},
        {"params": encoders, "scale": stage.encoder_lr},
        {"params": others, "scale": 1.0},
    ]
    return [group for group in groups if group["params"]]


def _head_used(name: str, stage: Stage) -> bool:
    """`heads.<kind>_<slot>.weight`, where kinds and slots may have underscores themselves.

    Only the stage's kinds, and only where the heads are in the loss.
    """
    if not stage.kinds:
        return bool(stage.heads_loss)
    head = name.split(".")[1]
    kind = max((one for one in TOWERS if head.startswith(f"{one}_")), key=len, default="")
    return kind in stage.kinds


def is_matrix(name: str, parameter: nn.Parameter) -> bool:
    """Whether Muon is for it: the weight matrices of an encoder's layers, named in the encoder."""
    return ".blocks." in f".{name}" and parameter.ndim == 2  # noqa: PLR2004 - a matrix
