"""What a plan is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from any2caption.model.config import ModelConfig
from any2caption.training.checkpoints.run_folder import Header
from any2caption.training.recipes.schema import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Longest:
    """The most that one record (or, in `classify`, one item) of a stage brings.

    `*_patches` are patches before merging; `*_attended` patches that attend to each other;
    `targets` are caption tokens.
    """

    tokens: int = 0
    targets: int = 0
    vision_patches: int = 0
    vision_attended: int = 0
    motion_patches: int = 0
    motion_attended: int = 0
    cameras: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Where training would run; `available` bytes for each rank, None where it is not known."""

    device: str
    name: str
    devices: int
    available: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StageData:
    """What the data holds for one stage: `samples` records, or items in `classify`."""

    samples: int
    longest: Longest
    longest_id: str = ""
    slack: int = 0
    """Tokens of `longest` that a measured record may not have."""
    tokens: int = 0
    """Tokens of all samples, about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """All that a plan is made from."""

    recipe: Recipe
    config: ModelConfig
    world_size: int
    snapshot: str
    stages: tuple[StageData, ...]
    parameters: Mapping[str, int]
    """All parameters by module."""
    trained: Sequence[Mapping[str, int]]
    """Stage by stage: trained parameters by module."""
    encoded_tokens: int
    """Encoder tokens of all items."""
    machine: Machine
    measured: bool = True
    """Whether `stages` come from prepared data; else they are bounds."""
    checkpoint: Header | None = None
    bundle: Mapping[str, Any] | None = None
    """What a finished run's bundle says of itself."""
    general: int = 0
    """Rows of general instruction data."""
    notes: tuple[str, ...] = ()
