"""What training data are prepared from, as one value: it decides a prepared folder's content."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from any2caption.errors import ConfigError
from any2caption.storage.digest import file_digest
from any2caption.training.data.prepared import prepared_from
from any2caption.training.prepare.instruction_data import GeneralFile, identity
from any2caption.training.prepare.traces import Traces
from any2caption.training.recipes.schema import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """One preparation of a snapshot, for a preset and a recipe."""

    snapshot: str
    """Its whole id."""
    preset: str
    recipe: Recipe
    weights: str = ""
    """Folder or URI of the weights whose tokenizer is used; "" for presets without."""
    general: Sequence[GeneralFile] = ()
    """General instruction data to mix in."""
    traces: Path | None = None
    """Reasoning traces by record id, JSONL."""

    def made_from(self) -> dict[str, Any]:
        """What decides the prepared content, with the digests of all files.

        Raises:
            ConfigError: the recipe is for other presets, or a file cannot be read.
        """
        recipe = self.recipe
        if self.preset not in recipe.presets:
            presets = ", ".join(recipe.presets)
            raise ConfigError(
                f"recipe {recipe.name} is for {presets}, not for preset {self.preset}"
            )
        general = identity(self.general)
        made_from = prepared_from(self.snapshot, self.preset, recipe, self.weights, general)
        if self.traces is None:
            return made_from
        if not any(stage.reasoning for stage in recipe.stages):
            raise ConfigError(
                f"{self.traces}: no stage of recipe {recipe.name} has reasoning: true"
            )
        Traces(self.traces)  # a bad file is refused by a plan already
        return {**made_from, "traces": file_digest(self.traces)}
