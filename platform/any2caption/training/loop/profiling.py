"""A trace of chosen steps by torch's profiler, for Perfetto or chrome://tracing.

    OUT/profile/<stage>-<first>-<last>-rank<rank>.json.gz

The first profiled step is slower than the others: the profiler warms up in it.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from any2caption.errors import ConfigError
from any2caption.training.recipes.schema import Recipe

_SPEC = re.compile(r"(?P<stage>[^:]+):(?P<first>\d+)(-(?P<last>\d+))?")
MOST = 50
"""Steps of a trace: a step of a large model takes megabytes."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps `first` to `last` of a stage, counted from 0, both included."""

    stage: str
    first: int
    last: int


def parse_steps(text: str, recipe: Recipe) -> Steps | None:
    """Read `STAGE:FIRST` or `STAGE:FIRST-LAST`; nothing is None.

    Raises:
        ConfigError: it is none, or the recipe has no such stage or step.
    """
    if not text:
        return None
    match = _SPEC.fullmatch(text)
    if match is None:
        raise ConfigError(f"--profile {text}: must be STAGE:FIRST-LAST, as interpret:20-24")
    first = int(match["first"])
    found = Steps(match["stage"], first, int(match["last"] or first))
    stages = {stage.name: stage for stage in recipe.stages}
    if found.stage not in stages:
        raise ConfigError(
            f"--profile {text}: no stage {found.stage!r}; there are {', '.join(stages)}"
        )
    steps = stages[found.stage].steps
    if not first <= found.last < steps or found.last - first >= MOST:
        raise ConfigError(
            f"--profile {text}: steps go from 0 to {steps - 1}, at most {MOST} at a time"
        )
    return found


class Profile:
    """One rank's trace; without `steps` it does nothing."""

    def __init__(self, steps: Steps | None, out: Path, rank: int) -> None:
        self.steps, self.folder, self.rank = steps, out / "profile", rank
        self._running: Any = None

    def before(self, stage: str, step: int) -> None:
        """Start where the first step begins."""
        steps = self.steps
        if steps is None or self._running is not None or stage != steps.stage:
            return
        if step == steps.first:
            from torch.profiler import profile

            self._running = profile(profile_memory=True, record_shapes=True)
            self._running.start()

    def after(self, step: int, *, ends: bool = False) -> Path | None:
        """Write the trace after the last step; returns its file then.

        A stage that ends before it, out of time, leaves the steps that it made.
        """
        steps = self.steps
        if steps is None or self._running is None or (step < steps.last and not ends):
            return None
        self._running.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{steps.stage}-{steps.first}-{step}-rank{self.rank}.json"
        part, file = self.folder / f".{name}.gz", self.folder / f"{name}.gz"
        self._running.export_chrome_trace(str(part))
        part.rename(file)
        self._running = None
        return file
