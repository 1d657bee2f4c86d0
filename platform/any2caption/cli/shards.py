"""`a2c data shards`: write training data to the object store as verified shards."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from any2caption.cli.stack import Home, Json
from any2caption.cli.terminal.console import ProgressPrinter, put, put_json

if TYPE_CHECKING:
    from any2caption.settings import Settings
    from any2caption.storage import ObjectStore

_EVERY = 0.5  # seconds between progress lines
_MEDIA = ("png", "npy")


def shards(
    snapshot: Annotated[
        str, typer.Argument(metavar="SNAPSHOT", help="Id, its first 6 digits or more, or latest.")
    ] = "",
    out: Annotated[
        str, typer.Option(help="Prefix in the object store, or file:///… or s3://….")
    ] = "",
    prepared: Annotated[
        Path | None, typer.Option(help="A folder of any2caption.training.prepare instead.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Model preset whose inputs are made.")] = "tiny",
    recipe: Annotated[str, typer.Option(help="Recipe whose tokenizer size is used.")] = "tiny",
    weights: Annotated[str, typer.Option(help="Folder of Qwen2-VL weights.")] = "",
    shard_mb: Annotated[float, typer.Option(help="Size of a shard, 10^6 bytes.")] = 64.0,
    media: Annotated[str, typer.Option(help="Frames as png (small) or npy (fast).")] = "png",
    workers: Annotated[int, typer.Option(min=1, help="Processes that parse conditions.")] = 2,
    home: Home = None,
    json: Json = False,
) -> None:
    """Write a snapshot or a prepared folder to shards: tars with SHA-256, lengths and tokens."""
    from any2caption.datasets.snapshots import resolve
    from any2caption.errors import ConfigError
    from any2caption.stack import environment
    from any2caption.storage import open_store
    from any2caption.training.prepare.preparation import Preparation
    from any2caption.training.recipes.builtin import recipe as recipe_of
    from any2caption.training.shards import from_prepared, from_snapshot, write_shards

    if bool(snapshot) == (prepared is not None):
        raise ConfigError("give either a SNAPSHOT or --prepared DIR")
    if not out:
        raise ConfigError("--out is missing: a prefix in the object store, or a store's URI")
    if media not in _MEDIA:
        raise ConfigError(f"--media {media!r} is none of {', '.join(_MEDIA)}")
    settings = environment.load_settings(home)
    store, prefix = _target(settings, out)
    began = time.monotonic()
    if prepared is not None:
        source = from_prepared(prepared)
    else:
        preparation = Preparation(
            snapshot=resolve(open_store(settings.object_store, settings.s3_endpoint_url), snapshot),
            preset=preset,
            recipe=recipe_of(recipe),
            weights=weights,
        )
        source = from_snapshot(settings, preparation, workers)
    with ProgressPrinter() as show:
        index = write_shards(
            source,
            store,
            prefix,
            shard_bytes=round(shard_mb * 1e6),
            media="png" if media == "png" else "npy",
            progress=_Teller(show),
        )
    written = [shard for found in index.splits.values() for shard in found]
    result: dict[str, Any] = {
        "store": store.uri,
        "prefix": prefix,
        "digest": index.digest,
        "made_from": dict(index.made_from),
        "samples": {
            split: sum(shard.samples for shard in found) for split, found in index.splits.items()
        },
        "shards": len(written),
        "bytes": sum(shard.bytes for shard in written),
        "seconds": round(time.monotonic() - began, 2),
    }
    if json:
        put_json(result)
        return
    counts = ", ".join(f"{count:,} {split}" for split, count in result["samples"].items())
    put(
        f"shards   {len(written)} of {result['bytes'] / 1e6:,.1f} MB in all at {store.uri} {prefix}"
    )
    put(f"samples  {counts}")
    put(f"digest   {index.digest}")
    put(f"train    a2c train --data {store.uri.rstrip('/')}/{prefix}".rstrip("/"))


def _target(settings: "Settings", out: str) -> "tuple[ObjectStore, str]":
    """A prefix below the platform's store, or a store of its own."""
    from any2caption.storage import open_store
    from any2caption.storage.keys import check_key

    if "://" in out:
        return open_store(out, settings.s3_endpoint_url), ""
    prefix = check_key(out.rstrip("/"))
    return open_store(settings.object_store, settings.s3_endpoint_url), prefix


class _Teller:
    """Progress with rate and remaining time, a few times a second at most."""

    def __init__(self, show: ProgressPrinter) -> None:
        self._show, self._began, self._told = show, 0.0, 0.0

    def __call__(self, done: int, total: int, written: int) -> None:
        now = time.monotonic()
        # The clock starts with the first sample: starting the workers is not a rate.
        self._began = self._began or now
        self._told = self._told or now
        if done < total and now - self._told < _EVERY:
            return
        self._told = now
        rate = done / max(now - self._began, 1e-6)
        left = (total - done) / rate
        message = f"{rate:,.0f} samples/s, {written / 1e6:,.1f} MB, {left:,.0f} s left"
        line: dict[str, Any] = {"stage": "shards", "step": done, "total": total}
        self._show({**line, "message": message})
