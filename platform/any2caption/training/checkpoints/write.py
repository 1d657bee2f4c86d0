"""Checkpoints that any number of ranks can go on from: safetensors and JSON, the marker last.

A checkpoint is a folder `step-…/`:

    weights-00000.safetensors …   every parameter by its name, whole, float32; persistent buffers
    moments-00000.safetensors …   moments of what the stage trains: exp_avg/<name>, …
    state.json                    position, optimizer steps, world size, ZeRO stage, identity
    complete.json                 size and SHA-256 of the files above; written last

Nothing in it depends on how many ranks wrote it or what ZeRO split: as in DeepSpeed's universal
checkpoints, values are whole and named. Tensors are streamed into files of at most `PART_BYTES`, so
that writing takes no more memory than that. Without the marker a checkpoint does not exist.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from any2caption.storage.atomic import sync_path, write_atomically
from any2caption.storage.digest import file_digest
from any2caption.training.checkpoints.run_folder import FORMAT, MARKER, Header, complete

PART_BYTES = 2 << 30
WEIGHTS, MOMENTS = "weights", "moments"


def write_tensors(folder: Path, kind: str, tensors: Iterable[tuple[str, Tensor]]) -> None:
    """Stream named tensors into `<kind>-<number>.safetensors` of a checkpoint in the making."""
    folder.mkdir(parents=True, exist_ok=True)
    part: dict[str, Tensor] = {}
    held = number = 0
    for name, tensor in tensors:
        if part and held + tensor.nbytes > PART_BYTES:
            save_file(part, folder / f"{kind}-{number:05d}.safetensors")
            part, held, number = {}, 0, number + 1
        part[name] = tensor.detach().cpu().contiguous()
        held += tensor.nbytes
    if part:
        save_file(part, folder / f"{kind}-{number:05d}.safetensors")


def commit(header: Header, keep: int) -> None:
    """Write what the checkpoint says of itself, sync everything, then the marker with all digests.

    Removes checkpoints beyond the newest `keep`.
    """
    folder = header.folder
    state: dict[str, Any] = {
        "format": FORMAT,
        "position": asdict(header.position),
        "optimizer_steps": header.optimizer_steps,
        "world_size": header.world_size,
        "zero": header.zero,
        "identity": dict(header.identity),
    }
    (folder / "state.json").write_text(json.dumps(state))
    files = sorted(file for file in folder.iterdir() if file.name != MARKER)
    for file in files:
        sync_path(file)
    listed = {f.name: {"size": f.stat().st_size, "sha256": file_digest(f)} for f in files}
    write_atomically(folder / MARKER, json.dumps({"files": listed}))
    sync_path(folder)
    sync_path(folder.parent)
    for old in complete(folder.parent)[:-keep]:
        discard(old)


def discard(folder: Path) -> None:
    """Remove a checkpoint; first the marker, since a half-removed one is none."""
    (folder / MARKER).unlink(missing_ok=True)
    shutil.rmtree(folder)


def discard_partial(root: Path) -> None:
    """Remove checkpoints that a killed run left half-written."""
    for folder in root.glob("step-*"):
        if not (folder / MARKER).exists():
            shutil.rmtree(folder)


class Tensors:
    """The named tensors of one kind in a checkpoint, each read when it is asked for."""

    def __init__(self, folder: Path, kind: str) -> None:
        files = sorted(folder.glob(f"{kind}-*.safetensors"))
        self._files: list[Any] = [safe_open(file, "pt") for file in files]
        self._at: dict[str, Any] = {name: file for file in self._files for name in file.keys()}  # noqa: SIM118

    def __len__(self) -> int:
        return len(self._at)

    def __iter__(self) -> Iterator[str]:
        return iter(self._at)

    def __contains__(self, name: object) -> bool:
        return name in self._at

    def __getitem__(self, name: str) -> Tensor:
        """Read one tensor."""
        found: Tensor = self._at[name].get_tensor(name)
        return found
