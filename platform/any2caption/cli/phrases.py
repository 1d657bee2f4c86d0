"""`a2c data phrases`: the movement and action phrases that the encoders are aligned with."""

from pathlib import Path
from typing import Annotated

import typer

from any2caption.cli.stack import Home, Json
from any2caption.cli.terminal.console import put, put_json, working

_SHOWN = 25


def phrases(
    snapshot: Annotated[
        str, typer.Argument(metavar="SNAPSHOT", help="Id, its first 6 digits or more, or latest.")
    ] = "latest",
    out: Annotated[Path | None, typer.Option(help="JSON file for all phrases and counts.")] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Mine camera movement and action phrases from a snapshot's training captions and geometry."""
    import json as json_module

    from any2caption.datasets.snapshots import load_condition, load_snapshot, resolve
    from any2caption.datasets.supervision.phrases import phrase_sets
    from any2caption.stack import environment
    from any2caption.storage import open_store

    settings = environment.load_settings(home)
    store = open_store(settings.object_store, settings.s3_endpoint_url)
    identity = resolve(store, snapshot)
    records = load_snapshot(store, identity).records("train")
    with working("reading captions and paths"):
        found = phrase_sets(records, lambda condition: load_condition(store, condition).payload)
    result = {"snapshot": identity, **{part: one.as_json() for part, one in found.items()}}
    if out is not None:
        out.write_text(json_module.dumps(result, indent=1) + "\n")
    if json:
        put_json(result)
        return
    for one in found.values():
        origins = ", ".join(f"{count:,} from {name}" for name, count in one.origins.items())
        put(f"{one.name}: {len(one.counts):,} phrases; records: {origins or 'none'};"
            f" {one.without:,} without")  # fmt: skip
        for phrase, count in one.counts.most_common(_SHOWN):
            put(f"  {count:>7,}  {phrase}")
        if len(one.counts) > _SHOWN:
            put(f"  … {len(one.counts) - _SHOWN} more (--out FILE has all)")
