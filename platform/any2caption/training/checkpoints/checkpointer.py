"""When a run saves, what it saves, and how it goes on from there."""

import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from any2caption.errors import ConfigError
from any2caption.training.checkpoints import run_folder
from any2caption.training.checkpoints import write as checkpoint
from any2caption.training.checkpoints.run_folder import Header, Position
from any2caption.training.checkpoints.write import MOMENTS, WEIGHTS, Tensors
from any2caption.training.context import RunContext
from any2caption.training.engine import distributed, optimizer_state
from any2caption.training.engine.optimizer_state import Whole
from any2caption.training.objective.objective import Objective
from any2caption.training.recipes.schema import Recipe


class Checkpointer:
    """One rank's side of a run's checkpoints.

    With ZeRO every rank holds a part of what is saved, so all take part in saving; without, rank 0
    has everything and the others go on.
    """

    def __init__(
        self, context: RunContext, recipe: Recipe, objective: Objective, snapshot: str
    ) -> None:
        self.context, self.recipe, self.objective = context, recipe, objective
        self.folder = context.out / "checkpoints"
        self._identity = {"recipe": recipe.digest, "snapshot": snapshot}
        self._resumed: Header | None = None
        self._saved = ""
        self._saved_at = time.monotonic()

    def due(self) -> bool:
        """Whether rank 0 finds it is time to save; the same answer on all ranks that must save."""
        late = time.monotonic() - self._saved_at > self.recipe.checkpoint_seconds
        if self.recipe.zero == 0:
            return late and self.context.rank == 0
        return distributed.summed([float(late and self.context.rank == 0)])[0] > 0

    def save(self, position: Position, engine: Any = None) -> None:
        """Write a checkpoint; without an engine there are no moments (a stage's beginning)."""
        name = f"step-{position.total_steps:08d}-{position.stage}"
        if name == self._saved:
            return
        first, folder = self.context.rank == 0, self.folder / name
        if first or (self.recipe.zero and engine is not None):
            write = checkpoint.write_tensors if first else _take_part
            write(folder, WEIGHTS, self._weights(engine))
            if engine is not None:
                write(folder, MOMENTS, self._moments(engine))
        if first:
            steps = optimizer_state.steps(engine) if engine is not None else 0
            world_size, zero = self.context.world_size, self.recipe.zero
            written = Header(folder, position, world_size, zero, self._identity, steps)
            checkpoint.commit(written, self.recipe.keep_checkpoints)
        self._saved, self._saved_at = name, time.monotonic()

    def resume(self) -> tuple[Position, str]:
        """Load the last whole checkpoint: (where the run is, a sentence about it or "").

        Rank 0 verifies every digest and chooses for all; what is damaged or half-written it
        removes, so that the checkpoints written next never meet it.
        """
        said = ""
        chosen: list[str] = []
        if self.context.rank == 0:
            found = run_folder.newest(self.folder, digests=True)
            for folder, problem in found.damaged.items():
                said += f"{problem}: removed, the one before is taken; "
                checkpoint.discard(folder)
            checkpoint.discard_partial(self.folder)
            chosen = [found.header.folder.name] if found.header is not None else []
        chosen = distributed.gathered(chosen)
        if not chosen:
            return Position(), ""
        self._resumed = run_folder.header(self.folder / chosen[0])
        self._load(self._resumed)
        self._saved = chosen[0]
        return self._resumed.position, said + _sentence(self._resumed, self.context.world_size)

    @torch.no_grad()
    def restore_optimizer(self, engine: Any) -> None:
        """Give the resumed stage's engine its weights and moments; later stages start with none."""
        found, self._resumed = self._resumed, None
        if found is None or not found.optimizer_steps:
            return
        weights, moments = Tensors(found.folder, WEIGHTS), Tensors(found.folder, MOMENTS)
        optimizer_state.prepare(engine, found.optimizer_steps)
        for name, parameter in self._trained():
            names = optimizer_state.moment_names(engine, parameter)
            own = {key: moments[f"{key}/{name}"] for key in names}
            optimizer_state.write(engine, parameter, Whole(weights[name], own))

    def _trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((n, p) for n, p in self.objective.named_parameters() if p.requires_grad)

    def _weights(self, engine: Any) -> Iterator[tuple[str, Tensor]]:
        for name, parameter in self.objective.named_parameters():
            yield (
                name,
                parameter if engine is None else optimizer_state.whole_weight(engine, parameter),
            )
        yield from self._buffers()

    def _buffers(self) -> Iterator[tuple[str, Tensor]]:
        """Buffers that are part of the state."""
        names = {name for name, _ in self.objective.named_parameters(remove_duplicate=False)}
        state = self.objective.state_dict()
        return ((name, value) for name, value in state.items() if name not in names)

    def _moments(self, engine: Any) -> Iterator[tuple[str, Tensor]]:
        optimizer_state.link(engine)
        for name, parameter in self._trained():
            for key, value in optimizer_state.moments(engine, parameter).items():
                yield f"{key}/{name}", value

    @torch.no_grad()
    def _load(self, header: Header) -> None:
        saved = Tensors(header.folder, WEIGHTS)
        own = {**dict(self.objective.named_parameters()), **dict(self._buffers())}
        if different := sorted(set(saved) ^ set(own)):
            raise ConfigError(
                f"{header.folder}: made for another model: {different[0]} and"
                f" {len(different) - 1} more are not in both"
            )
        for name, tensor in own.items():
            tensor.copy_(saved[name])


def _take_part(_: object, __: object, tensors: Iterator[tuple[str, Tensor]]) -> None:
    """Join the exchanges that gather whole values; rank 0 writes them."""
    for _name, _tensor in tensors:
        pass


def _sentence(found: Header, world_size: int) -> str:
    said = f"resumed at step {found.position.total_steps}"
    if found.world_size != world_size:
        said += f", written by {found.world_size} ranks, now {world_size}: equal but for rounding"
    return said
