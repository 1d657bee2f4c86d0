"""Checkpoints: weights, optimizer moments and position, as safetensors and JSON.

The completion marker last.

A checkpoint is a folder `step-…/` with `model.safetensors`, `optimizer-<rank>.safetensors`,
`state.json` and `complete.json`.
Without the marker it does not exist. With ZeRO 0 every rank holds the same moments and rank 0
writes them, so a run resumes on any number of ranks; with ZeRO 1 and 2 each rank writes its shard,
and on another number of ranks the moments start anew, which is said.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from any2caption.training import run_folder
from any2caption.training.run_folder import MARKER, Position, complete


def write_shard(folder: Path, rank: int, optimizer: Any) -> None:
    """Write one rank's optimizer moments into a checkpoint that is being made."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(moments(optimizer), folder / f"optimizer-{rank}.safetensors")


def commit(  # noqa: PLR0913 - what a checkpoint holds
    folder: Path,
    state: Mapping[str, Tensor],
    position: Position,
    *,
    ranks: int,
    zero: int,
    keep: int,
    identity: Mapping[str, str] | None = None,
) -> None:
    """Write weights and position, sync, then the marker.

    Remove checkpoints beyond the newest `keep`. `identity` names the recipe and the snapshot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {k: v.detach().contiguous().clone() for k, v in state.items()}, folder / "model.safetensors"
    )
    (folder / "state.json").write_text(
        json.dumps(
            {
                "position": asdict(position),
                "ranks": ranks,
                "zero": zero,
                "identity": dict(identity or {}),
            }
        )
    )
    for file in folder.iterdir():
        _sync(file)
    part = folder / f"{MARKER}.part"
    part.write_text(json.dumps({"files": sorted(f.name for f in folder.iterdir() if f != part)}))
    _sync(part)
    part.rename(folder / MARKER)
    _sync(folder)
    for old in complete(folder.parent)[:-keep]:
        (old / MARKER).unlink()  # first the marker: a half-removed checkpoint is none
        shutil.rmtree(old)


def discard_partial(root: Path) -> None:
    """Remove checkpoints that a killed run left half-written."""
    for folder in root.glob("step-*"):
        if not (folder / MARKER).exists():
            shutil.rmtree(folder)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint as read back."""

    folder: Path
    position: Position
    ranks: int
    zero: int

    def model(self) -> dict[str, Tensor]:
        """All weights."""
        return dict(load_file(self.folder / "model.safetensors"))

    def optimizer(self, rank: int) -> dict[str, Tensor]:
        """One rank's moments; empty at the beginning of a stage."""
        file = self.folder / f"optimizer-{0 if self.zero == 0 else rank}.safetensors"
        return load_file(file) if file.exists() else {}


def newest(root: Path) -> Loaded | None:
    """The last whole checkpoint, or None."""
    found = run_folder.newest(root)
    if found is None:
        return None
    return Loaded(found.folder, found.position, found.ranks, found.zero)


def _base(optimizer: Any) -> torch.optim.Optimizer:
    """The torch optimizer inside DeepSpeed's wrapper."""
    found = getattr(optimizer, "optimizer", optimizer)
    assert isinstance(found, torch.optim.Optimizer)  # noqa: S101 - an invariant, not input
    return found


def moments(optimizer: Any) -> dict[str, Tensor]:
    """The optimizer's state tensors, named by group, place and name."""
    base, out = _base(optimizer), {}
    for g, group in enumerate(base.param_groups):
        for p, parameter in enumerate(group["params"]):
            for name, value in base.state.get(parameter, {}).items():
                out[f"{g}.{p}.{name}"] = torch.as_tensor(value).detach().clone().contiguous()
    return out


def restore_moments(optimizer: Any, saved: Mapping[str, Tensor]) -> None:
    """Put saved state tensors back."""
    base = _base(optimizer)
    for key, value in saved.items():
        g, p, name = key.split(".")
        parameter = base.param_groups[int(g)]["params"][int(p)]
        base.state.setdefault(parameter, {})[name] = value.clone()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
