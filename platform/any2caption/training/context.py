"""Where a run reads and writes, and who it is among the ranks."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunContext:
    """`data`: the prepared folder; `out`: the run's folder."""

    data: Path
    out: Path
    rank: int
    world_size: int
