"""What a run's folder holds, read without torch: the last whole checkpoint, the finished bundle.

Checkpoints are written by `training.checkpoint`, the bundle by `model.bundle`. Both say which
recipe and which snapshot they come from, so that a run never goes on with another's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from any2caption.errors import ConfigError

MARKER = "complete.json"
IDENTITY = ("recipe", "snapshot")
"""What a checkpoint must have in common with the run: the recipe's digest, the snapshot's id."""


@dataclass(slots=True)
class Position:
    """Where a run is. `elapsed` and `stage_elapsed` are seconds of work so far, over all starts."""

    stage: int = 0
    step: int = 0
    total_steps: int = 0
    elapsed: float = 0.0
    stage_elapsed: float = 0.0
    starts: int = 0
    loss: float | None = None
    history: list[tuple[int, int, float]] = field(default_factory=list)
    """(stage, step, loss) at every progress line."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a checkpoint says of itself in `state.json`."""

    folder: Path
    position: Position
    ranks: int
    zero: int
    identity: Mapping[str, str]
    """Empty for checkpoints of versions that did not note it."""


def complete(root: Path) -> list[Path]:
    """Whole checkpoints, oldest first."""
    return sorted(path.parent for path in root.glob(f"step-*/{MARKER}"))


def newest(root: Path) -> Header | None:
    """The header of the last whole checkpoint, or None.

    Raises:
        ConfigError: it is damaged: its files are not those that its marker lists.
    """
    found = complete(root)
    return header(found[-1]) if found else None


def header(folder: Path) -> Header:
    """Read one checkpoint's header.

    Raises:
        ConfigError: it is damaged.
    """
    try:
        listed = json.loads((folder / MARKER).read_text())["files"]
        data = json.loads((folder / "state.json").read_text())
        history = [tuple(line) for line in data["position"]["history"]]
        position = Position(**{**data["position"], "history": history})
        identity = {key: str(value) for key, value in data.get("identity", {}).items()}
        found = Header(folder, position, int(data["ranks"]), int(data["zero"]), identity)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{folder}: damaged checkpoint ({type(error).__name__}: {error});"
            " remove the folder to go on from the one before"
        ) from None
    if missing := [name for name in listed if not (folder / str(name)).is_file()]:
        raise ConfigError(
            f"{folder}: damaged checkpoint, without {', '.join(map(str, missing))};"
            " remove the folder to go on from the one before"
        )
    return found


def bundle_meta(out: Path) -> dict[str, Any] | None:
    """What the finished run's bundle says of how it was made, or None before the end.

    Raises:
        ConfigError: there is a bundle, but its `meta.json` cannot be read.
    """
    bundle = out / "bundle"
    if not (bundle / "manifest.json").exists():
        return None
    try:
        return dict(json.loads((bundle / "meta.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"{bundle}: damaged bundle ({error}); remove it to finish the run again"
        ) from None


def refuse_another(out: Path, recipe: str, snapshot: str = "") -> None:
    """Raise ConfigError where the folder's bundle or checkpoint is of another recipe or snapshot.

    `recipe` is the digest of the recipe that would run; an empty `snapshot` is not compared.
    """
    meta = bundle_meta(out)
    if meta is not None:
        found = {
            "recipe": str(meta.get("recipe_digest", "")),
            "snapshot": str(meta.get("snapshot", "")),
        }
        _compare(out / "bundle", found, {"recipe": recipe, "snapshot": snapshot})
        return
    last = newest(out / "checkpoints")
    if last is not None:
        _compare(last.folder, last.identity, {"recipe": recipe, "snapshot": snapshot})


def _compare(folder: Path, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    for name in IDENTITY:
        is_there, is_wanted = found.get(name, ""), wanted[name]
        if is_there and is_wanted and is_there != is_wanted:
            raise ConfigError(
                f"{folder}: made by another {name}: {is_there}, this run's is {is_wanted};"
                " give another --out, or remove the folder to start over"
            )
