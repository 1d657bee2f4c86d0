"""What a run's folder holds, read without torch: the last whole checkpoint, the finished bundle.

Checkpoints are written by `training.checkpoints.write`, the bundle by `model.bundle`. Both say
which recipe and which snapshot they come from, so that a run never goes on with another's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from any2caption.errors import ConfigError
from any2caption.storage.digest import file_digest

MARKER = "complete.json"
RUN_LOCK = "run.lock"
"""File in the run's folder whose lock its supervisor holds."""
FORMAT = "a2c.checkpoint/3"
HISTORY = 2048
"""The most lines of a run's history."""
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
    """(stage, step, loss) at progress lines; those of a long run are thinned out."""

    def note(self) -> None:
        """Add the present loss to the history, which keeps at most `HISTORY` lines."""
        self.history.append((self.stage, self.step, round(self.loss or 0.0, 4)))
        if len(self.history) > HISTORY:
            del self.history[1:-1:2]


@dataclass(frozen=True, slots=True)
class Header:
    """What a checkpoint says of itself in `state.json`."""

    folder: Path
    position: Position
    world_size: int
    zero: int
    identity: Mapping[str, str]
    """Empty where the run did not note it."""
    optimizer_steps: int = 0
    """Steps that its moments have seen; 0: it holds none (a stage's beginning)."""


@dataclass(frozen=True, slots=True)
class Found:
    """The last whole checkpoint, if any, and newer ones that are damaged, with what is wrong."""

    header: Header | None
    damaged: Mapping[Path, str]


def complete(root: Path) -> list[Path]:
    """Checkpoints that have their marker, oldest first."""
    return sorted(path.parent for path in root.glob(f"step-*/{MARKER}"))


def newest(root: Path, *, digests: bool = False) -> Found:
    """Find the last whole checkpoint: its files have the sizes, or `digests`, that its marker says.

    Raises:
        ConfigError: there are some, but all of them are damaged.
    """
    damaged: dict[Path, str] = {}
    for folder in reversed(complete(root)):
        try:
            return Found(header(folder, digests=digests), damaged)
        except ConfigError as error:
            damaged[folder] = str(error)
    if damaged:
        raise ConfigError(
            f"{'; '.join(damaged.values())}: no whole checkpoint is left;"
            f" remove {root} to start over"
        )
    return Found(None, damaged)


def header(folder: Path, *, digests: bool = False) -> Header:
    """Read one checkpoint's header.

    Raises:
        ConfigError: it is damaged, or of another version of this program.
    """
    try:
        listed = dict(json.loads((folder / MARKER).read_text())["files"])
        for name, stated in listed.items():
            if (size := (folder / name).stat().st_size) != stated["size"]:
                raise ValueError(f"{name}: {size} bytes, not {stated['size']}")  # noqa: TRY301
            if digests and (found := file_digest(folder / name)) != stated["sha256"]:
                raise ValueError(f"{name}: SHA-256 {found}, not {stated['sha256']}")  # noqa: TRY301
        data = json.loads((folder / "state.json").read_text())
        if data["format"] != FORMAT:
            raise ValueError(  # noqa: TRY301
                f"of format {data['format']}, not {FORMAT} (which says world_size, not ranks)"
            )
        history = [tuple(line) for line in data["position"]["history"]]
        return Header(
            folder,
            Position(**{**data["position"], "history": history}),
            int(data["world_size"]),
            int(data["zero"]),
            {key: str(value) for key, value in data["identity"].items()},
            int(data["optimizer_steps"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{folder}: damaged checkpoint ({problem})") from None


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
    last = newest(out / "checkpoints").header
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
