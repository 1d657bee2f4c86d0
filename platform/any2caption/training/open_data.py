"""Open training data, a prepared folder or shards, and hold it to its digests."""

from pathlib import Path
from typing import Any

from any2caption.errors import ConfigError
from any2caption.settings import Settings
from any2caption.storage import ObjectStore, open_store
from any2caption.training.context import Address
from any2caption.training.data.prepared import (
    Prepared,
    prepared_from,
    prepared_marker,
    verify_prepared,
)
from any2caption.training.data.types import TrainingData
from any2caption.training.recipes.schema import Recipe
from any2caption.training.shards.index import NAME
from any2caption.training.shards.training_data import ShardData, read_shards_marker, verify_shards


def open_data(data: Address) -> TrainingData:
    """Open a prepared folder, or the shards of a folder or an object store, whichever it is.

    Raises:
        ConfigError: nothing is prepared there.
        IntegrityError: the index of shards or a file beside it is not what was written.
    """
    store = _shards(data)
    if store is None:
        return Prepared(Path(data))
    return ShardData(store, "", Settings().home / "cache" / "shards")


def read_marker(data: Address) -> dict[str, Any]:
    """Return what training data was made from.

    Raises:
        ConfigError: nothing is prepared there, or by another version of this program.
    """
    store = _shards(data)
    return prepared_marker(Path(data)) if store is None else read_shards_marker(store, "")


def verify(data: Address) -> list[str]:
    """Check every file of training data against its digest; returns warnings.

    Of shards in an object store only sizes are compared beforehand; see `verify_shards`.

    Raises:
        ConfigError: nothing is prepared there, or a file is missing, or is not what it was.
        IntegrityError: a shard or their index is not what was written.
    """
    meta = read_marker(data)
    store = _shards(data)
    if store is None:
        return verify_prepared(Path(data), meta)
    verify_shards(store, "")
    return []


def check_data(data: Address, recipe: Recipe, preset: str, weights: str) -> list[str]:
    """Hold training data to its digests and to the run; returns warnings.

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
    if meta.get("facts", "none") != recipe.facts:
        raise ConfigError(
            f"{data}: prepared with facts={meta.get('facts', 'none')}, the recipe's is"
            f" {recipe.facts}; prepare it for this recipe"
        )
    return notes


def _shards(data: Address) -> ObjectStore | None:
    """The object store of shards; None for a prepared folder."""
    if isinstance(data, str):
        return open_store(data, Settings().s3_endpoint_url)
    return open_store(data.absolute().as_uri()) if (data / NAME).is_file() else None
