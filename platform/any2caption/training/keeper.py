"""When a run saves, what it saves, and how it goes on from there."""

import time
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from any2caption.training import checkpoint
from any2caption.training import engine as engines
from any2caption.training.objective import Objective
from any2caption.training.place import Place
from any2caption.training.recipes import Recipe
from any2caption.training.run_folder import Position


class Keeper:
    """One rank's side of a run's checkpoints."""

    def __init__(self, place: Place, recipe: Recipe, objective: Objective, snapshot: str) -> None:
        self.place, self.recipe, self.objective = place, recipe, objective
        self.folder = place.out / "checkpoints"
        self._identity = {"recipe": recipe.digest, "snapshot": snapshot}
        self._moments: dict[str, Tensor] = {}
        self._saved_at = time.monotonic()

    def due(self) -> bool:
        """Whether rank 0 finds it is time to save; the same answer on all ranks that must save."""
        late = time.monotonic() - self._saved_at > self.recipe.checkpoint_seconds
        if self.recipe.zero == 0:
            return late and self.place.rank == 0
        return engines.summed([float(late and self.place.rank == 0)])[0] > 0

    def save(self, position: Position, engine: Any = None) -> None:
        """Write a checkpoint; without an engine there are no moments (a stage's beginning)."""
        folder = self.folder / f"step-{position.total_steps:08d}-{position.stage}"
        if engine is not None and (self.place.rank == 0 or self.recipe.zero):
            checkpoint.write_shard(folder, self.place.rank, engine.optimizer)
        if self.recipe.zero and self.place.ranks > 1:
            dist.barrier()
        if self.place.rank == 0:
            checkpoint.commit(
                folder,
                self._state(),
                position,
                ranks=self.place.ranks,
                zero=self.recipe.zero,
                keep=self.recipe.keep_checkpoints,
                identity=self._identity,
            )
        self._saved_at = time.monotonic()

    def resume(self) -> tuple[Position, str]:
        """Load the last whole checkpoint: (where the run is, a sentence about it or "")."""
        found = checkpoint.newest(self.folder)
        if dist.is_initialized():
            dist.barrier()
        if self.place.rank == 0:
            checkpoint.discard_partial(self.folder)
        if found is None:
            return Position(), ""
        self.objective.load_state_dict(found.model(), strict=False)
        same = found.zero == 0 or found.ranks == self.place.ranks
        if same:
            self._moments = found.optimizer(self.place.rank)
        note = "" if same else f"; optimizer moments start anew ({found.ranks} ranks before)"
        return found.position, f"resumed at step {found.position.total_steps}{note}"

    def restore_moments(self, engine: Any) -> None:
        """Give the resumed stage's engine its moments; later stages start with none."""
        checkpoint.restore_moments(engine.optimizer, self._moments)
        self._moments = {}

    def _state(self) -> dict[str, torch.Tensor]:
        tied = self.objective.model.config.text.tie_embeddings
        return {
            name: tensor
            for name, tensor in self.objective.state_dict().items()
            if not (tied and name == "model.mllm.lm_head.weight")
        }
