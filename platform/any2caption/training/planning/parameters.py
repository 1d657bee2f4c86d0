"""How many parameters each stage trains, counted on the model itself.

It is built on torch's meta device: shapes without numbers, so the 7B preset takes megabytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from any2caption.model.any2caption import Any2Caption
from any2caption.model.config import NEW_TOKENS, ModelConfig
from any2caption.training.objective import lora
from any2caption.training.objective.objective import Objective
from any2caption.training.objective.trainable import parameter_groups
from any2caption.training.recipes.schema import MODULES, Recipe


@dataclass(frozen=True, slots=True)
class Counts:
    """Parameters by module in all, and, stage by stage, those that are trained."""

    all: dict[str, int]
    trained: tuple[dict[str, int], ...]

    @property
    def total(self) -> int:
        """All parameters."""
        return sum(self.all.values())


def count(
    config: ModelConfig, classes: Mapping[str, Mapping[str, Sequence[str]]], recipe: Recipe
) -> Counts:
    """Count by module; a parameter that two modules share counts in the last of them."""
    with torch.device("meta"):
        # An update beside the embedding, no weights of the model: it counts where it is trained.
        wanted = any("tokens" in stage.train for stage in recipe.stages)
        new_tokens = range(len(NEW_TOKENS)) if wanted else ()
        objective = Objective(Any2Caption(config), classes, bf16=False, new_tokens=new_tokens)
        if recipe.language_tuning == "lora":
            lora.attach(objective.model.language, recipe.lora_rank, recipe.lora_alpha)
    owner: dict[int, str] = {}
    for name in MODULES:
        owner.update(dict.fromkeys(map(id, objective.part(name).parameters()), name))
    numbers = {id(p): p.numel() for p in objective.parameters()}

    def by_module(chosen: Sequence[int]) -> dict[str, int]:
        out = dict.fromkeys(MODULES, 0)
        for key in chosen:
            out[owner[key]] += numbers[key]
        return out

    trained = []
    for stage in recipe.stages:
        groups = parameter_groups(objective, recipe, stage)
        trained.append(by_module([id(p) for group in groups for p in group["params"]]))
    return Counts(by_module(list(numbers)), tuple(trained))
