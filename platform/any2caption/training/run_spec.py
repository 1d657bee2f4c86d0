"""What a run is started with, as one value: given to the supervisor, read back by every rank."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from any2caption.progress import ProgressLog
from any2caption.storage.atomic import write_atomically
from any2caption.training.context import Address, address_of
from any2caption.training.recipes.files import RESOLVED, read_resolved, write_resolved
from any2caption.training.recipes.schema import Recipe

RUN = "run.json"
_PATHS = ("out", "progress")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One training run."""

    recipe: Recipe
    preset: str
    data: Address
    """Of training data; see `open_data`."""
    out: Path
    """Folder of the run."""
    world_size: int
    """Processes on all nodes."""
    local_world_size: int = 0
    """Those on this node; 0: all."""
    progress: Path
    """Progress log, where `lifecycle` ties the run's lines to those of other stages."""
    lifecycle: str = ""
    weights: str = ""
    """Folder or URI of the weights to start from; "" for presets that start from nothing."""
    mlflow_run: str = ""
    """MLflow run to log to; "" for one of its own."""
    mlflow_url: str = ""
    profile: str = ""
    """Steps to trace, as `loop.profiling.parse_steps` reads them."""

    @property
    def here(self) -> int:
        """Processes on this node."""
        return self.local_world_size or self.world_size

    @property
    def log(self) -> ProgressLog:
        """The run's progress log."""
        return ProgressLog(self.progress, self.lifecycle)

    def write(self, folder: Path) -> Path:
        """Leave `run.json` in a node's folder, and the recipe in the run's, for the ranks."""
        write_resolved(self.out, self.recipe)
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        values |= {name: str(values[name].absolute()) for name in _PATHS}
        values |= {"recipe": self.recipe.digest, "data": str(address_of(str(self.data)))}
        file = folder.absolute() / RUN
        write_atomically(file, json.dumps(values, indent=1) + "\n")
        return file


def read_run(file: Path) -> RunSpec:
    """Read what `RunSpec.write` left.

    Raises:
        ConfigError: the run's recipe is missing, damaged, or not the one that was written.
    """
    values: dict[str, Any] = json.loads(file.read_text())
    paths = {name: Path(values[name]) for name in _PATHS}
    recipe = read_resolved(paths["out"] / RESOLVED, values["recipe"])
    data = address_of(values["data"])
    return RunSpec(**{**values, **paths, "data": data, "recipe": recipe})
