"""What a run says of itself: one line every few seconds, and the same numbers as metrics.

Tokens are counted over all ranks; data wait and memory are rank 0's own.
"""

import resource
import time
from dataclasses import dataclass, field

import psutil
import torch

from any2caption.progress import ProgressLog
from any2caption.training.checkpoints.run_folder import Position
from any2caption.training.loop.metrics import Metrics
from any2caption.training.loop.schedule import stage_progress
from any2caption.training.loop.step import StepResult
from any2caption.training.recipes.schema import Recipe, Stage

REPORT_SECONDS = 2.0
LOSS_EVERY = 10


@dataclass
class _Window:
    """Sums since the last line."""

    began: float = field(default_factory=time.monotonic)
    tokens: float = 0.0
    places: float = 0.0
    waited: float = 0.0
    steps: int = 0
    gradient_norm: float = 0.0
    """Of the last step."""


class Reporter:
    """Writes progress lines and metrics of one rank; only rank 0 says anything."""

    def __init__(self, progress: ProgressLog, metrics: Metrics, recipe: Recipe, rank: int) -> None:
        self.progress, self.metrics, self.recipe, self.rank = progress, metrics, recipe, rank
        self._window = _Window()

    def say(self, stage: Stage, message: str) -> None:
        """A sentence about a stage."""
        if self.rank == 0:
            self.progress.emit("finetune", f"{stage.name}: {message}")

    def step(self, stage: Stage, position: Position, result: StepResult) -> None:
        """Count a step."""
        window = self._window
        window.steps += 1
        window.gradient_norm = result.gradient_norm
        window.tokens += result.tally.tokens
        window.places += result.tally.places
        window.waited += result.waited
        if self.rank:
            return
        if time.monotonic() - window.began >= REPORT_SECONDS:
            self.line(stage, position)
        elif position.step % LOSS_EVERY == 0:
            self._log(stage, position, loss=result.loss, gradient_norm=result.gradient_norm)
        if result.rewards:
            self._log(stage, position, reward=sum(result.rewards) / len(result.rewards))

    def line(self, stage: Stage, position: Position) -> None:
        """Write a progress line now, of the steps since the last one; nothing without any."""
        if self.rank or not self._window.steps:
            return
        window, self._window = self._window, _Window()
        seconds = max(time.monotonic() - window.began, 1e-6)
        numbers = {
            "tokens_per_second": round(window.tokens / seconds) if window.places else None,
            "useful_share": round(window.tokens / window.places, 4) if window.places else None,
            "data_wait": round(window.waited / seconds, 4),
            "memory_mb": round(memory() / 2**20),
            "gradient_norm": round(window.gradient_norm, 4),
        }
        position.note()
        eta = round(self._remaining(stage, position), 1)
        self.progress.emit(
            "finetune",
            stage.name,
            step=position.step,
            total=stage.steps,
            loss=round(position.loss or 0.0, 4),
            **numbers,
            elapsed=round(position.elapsed, 1),
            eta=eta,
        )
        self._log(stage, position, loss=position.loss, **numbers, eta=eta)

    def _log(self, stage: Stage, position: Position, **values: float | None) -> None:
        """Log metrics of a stage; None is not known."""
        named = {f"{stage.name}/{name}": v for name, v in values.items() if v is not None}
        self.metrics.log(position.total_steps, **named)

    def _remaining(self, stage: Stage, position: Position) -> float:
        """Seconds until the stage ends, at its pace so far."""
        budget = stage.share * self.recipe.max_minutes * 60
        done = stage_progress(position.step, stage.steps, position.stage_elapsed, budget)
        return position.stage_elapsed / done * (1 - done) if done else 0.0


def memory() -> int:
    """Bytes this process holds: the peak of its GPU's, or without a GPU its resident size."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return int(psutil.Process().memory_info().rss)


def peak_memory() -> int:
    """The most bytes this process ever held, as `memory` counts them."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
