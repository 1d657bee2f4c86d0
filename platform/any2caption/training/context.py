"""Where a run reads and writes, and who it is among the ranks."""

from dataclasses import dataclass
from pathlib import Path

Address = Path | str
"""Of training data: a local folder, or `file://` or `s3://` of shards."""


def address_of(text: str) -> Address:
    """Return the address that a person wrote; local folders are made absolute."""
    return text if "://" in text else Path(text).absolute()


@dataclass(frozen=True, slots=True)
class RunContext:
    """`data`: the training data; `out`: the run's folder."""

    data: Address
    out: Path
    rank: int
    world_size: int
