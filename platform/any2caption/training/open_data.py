"""Open training data, a prepared folder or a folder of shards, and hold it to its digests."""

from pathlib import Path
from typing import Any

from any2caption.errors import ConfigError
from any2caption.training.data.prepared import (
    Prepared,
    prepared_from,
    prepared_marker,
    verify_prepared,
)
from any2caption.training.data.types import TrainingData
from any2caption.training.recipes.schema import Recipe
from any2caption.training.shards.training_data import ShardData, marker_of, verify_shards

SHARDS = "index.json"


def open_data(folder: Path) -> TrainingData:
    """Open a prepared folder, or a folder of shards, whichever it is.

    Raises:
        ConfigError: nothing is prepared there.
        IntegrityError: a shard or their index is not what was written.
    """
    return ShardData(folder) if _is_shards(folder) else Prepared(folder)


def read_marker(folder: Path) -> dict[str, Any]:
    """Return what a folder of training data was made from.

    Raises:
        ConfigError: nothing is prepared there, or by another version of this program.
    """
    return marker_of(folder) if _is_shards(folder) else prepared_marker(folder)


def verify(folder: Path) -> list[str]:
    """Check every file of a folder of training data against its digest; returns warnings.

    Raises:
        ConfigError: nothing is prepared there, or a file is missing, or is not what it was.
        IntegrityError: a shard or their index is not what was written.
    """
    meta = read_marker(folder)
    if _is_shards(folder):
        verify_shards(folder)
        return []
    return verify_prepared(folder, meta)


def check_data(data: Path, recipe: Recipe, preset: str, weights: str) -> list[str]:
    """Hold a prepared folder to its digests and to the run; returns warnings.

    Raises:
        ConfigError: it is damaged, or was prepared for another preset, vocabulary or weights.
    """
    notes = verify(data)
    meta = read_marker(data)
    wanted = prepared_from(str(meta["snapshot"]), preset, recipe, weights)
    for name in ("preset", "vocab", "weights"):
        if meta.get(name) != wanted[name]:
            raise ConfigError(
                f"{data}: prepared for {name} {meta.get(name)!r}, this run's is {wanted[name]!r}"
            )
    if wanted["reasoning"] and not meta.get("reasoning"):
        raise ConfigError(f"{data}: prepared without reasoning traces; prepare it for this recipe")
    if wanted["rewards"] and not meta.get("rewards"):
        raise ConfigError(f"{data}: prepared without facts to reward; prepare it for this recipe")
    return notes


def _is_shards(folder: Path) -> bool:
    return (folder / SHARDS).is_file()
