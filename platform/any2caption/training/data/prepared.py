"""Prepared training data: memory-mapped arrays and an index, read without copying.

pixels.npy   uint8 1-D: the frames of every distinct picture, video, depth and skeleton, one after
the other poses.npy    float32 c×F×16: every distinct camera path
items.jsonl  per feature: kind, role, shape and offset (or row)
captions.npy / weights.npy   int32 / float32 1-D: caption tokens and whether each names a slot (1)
or not (0) records.jsonl   per record: id, split, prompt, features, slot answers, caption offsets
config.json, tokenizer.json   the model's configuration and tokenizer
prepared.json   what it was made from, and size and SHA-256 of the other files; written last
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from any2caption.errors import ConfigError
from any2caption.model.config import ModelConfig, from_dict
from any2caption.model.inputs import Features
from any2caption.model.presets import FROM_SCRATCH, weights_of
from any2caption.model.processing.processor import Processor
from any2caption.storage.digest import file_digest
from any2caption.training.context import Address
from any2caption.training.data.lines import View, json_lines
from any2caption.training.data.types import Sample, kinds_shown, slot_classes
from any2caption.training.recipes.schema import PREPARED_VERSION, Recipe

MARKER = "prepared.json"
SPLITS = ("train", "validation", "general")
"""In the order in which `records.jsonl` has them."""


def file_digests(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of every file of a folder but the marker, for the marker."""
    files = sorted(file for file in folder.iterdir() if file.name != MARKER)
    return {file.name: {"size": file.stat().st_size, "sha256": file_digest(file)} for file in files}


def prepared_marker(folder: Path) -> dict[str, Any]:
    """Read `prepared.json`: what the folder was made from, and the digests of its files.

    Raises:
        ConfigError: nothing is prepared there, the marker is damaged, or of another version.
    """
    file = folder / MARKER
    if not file.is_file():
        raise ConfigError(
            f"{file.parent}: no prepared data there; run any2caption.training.prepare first"
        )
    try:
        marker = dict(json.loads(file.read_text()))
    except (ValueError, TypeError):
        raise ConfigError(f"{file}: damaged; remove the folder and prepare again") from None
    refuse_other_version(folder, marker)
    return marker


def refuse_other_version(folder: Address, marker: Mapping[str, Any]) -> None:
    """Raise ConfigError where another version of this program prepared the folder."""
    if marker.get("version") != PREPARED_VERSION:
        raise ConfigError(f"{folder}: prepared by another version; remove it and prepare again")


def verify_prepared(folder: Path, marker: Mapping[str, Any]) -> list[str]:
    """Check every file of a prepared folder against its marker; returns warnings.

    Raises:
        ConfigError: a file is missing, or is not what it was.
    """
    files = marker.get("files")
    if files is None:
        return [f"{folder} was prepared without digests: its content is not verified"]
    for name, stated in files.items():
        file = folder / name
        if not file.is_file():
            raise ConfigError(f"{file}: is missing; remove the folder and prepare again")
        size = file.stat().st_size
        if size != stated["size"]:
            raise ConfigError(
                f"{file}: {size} bytes, not {stated['size']}; remove the folder and prepare again"
            )
        if (found := file_digest(file)) != stated["sha256"]:
            raise ConfigError(
                f"{file}: damaged: its SHA-256 is {found}, not {stated['sha256']};"
                " remove the folder and prepare again"
            )
    return []


def prepared_from(
    snapshot: str,
    preset: str,
    recipe: Recipe,
    weights: str,
    general: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """What decides the content of a prepared folder.

    `general` are the files of general instruction data: name, SHA-256 and licence.
    """
    return {
        "version": PREPARED_VERSION,
        "snapshot": snapshot,
        "preset": preset,
        "vocab": recipe.vocab if preset in FROM_SCRATCH else 0,
        "weights": weights_of(preset, weights),
        "general": [dict(file) for file in general],
        "reasoning": any(stage.reasoning for stage in recipe.stages),
        "rewards": any(stage.objective == "reinforce" for stage in recipe.stages),
        # Named only where there are some, so that what was prepared without them stays valid.
        **({"facts": recipe.facts} if recipe.facts != "none" else {}),
    }


class Tables(ABC):
    """Everything but the pixels: items, records, tokens and camera paths, in files of a folder."""

    def __init__(self, folder: Path, meta: Mapping[str, Any]) -> None:
        self.meta = dict(meta)
        self.folder = folder
        self.config = from_dict(ModelConfig, json.loads((folder / "config.json").read_text()))
        self.items: Sequence[Mapping[str, Any]] = json_lines(folder / "items.jsonl")
        self._records = json_lines(folder / "records.jsonl")
        self._poses = np.load(folder / "poses.npy", mmap_mode="r", allow_pickle=False)
        self.caption_tokens = np.load(folder / "captions.npy", mmap_mode="r", allow_pickle=False)
        self.slot_tokens = np.load(folder / "weights.npy", mmap_mode="r", allow_pickle=False)

    def processor(self) -> Processor:
        """A processor with the prepared tokenizer."""
        return Processor(self.config, Tokenizer.from_file(str(self.folder / "tokenizer.json")))

    def feature(self, number: int) -> Features:
        """Return one item's features, as `Processor.features` gave them."""
        item = self.items[number]
        arrays: Features = {"kind": np.asarray(item["kind"]), "role": np.asarray(item["role"])}
        if item["kind"] == "camera":
            arrays["poses"] = self._poses[item["at"]]
        elif "shape" in item:
            arrays["frames"] = self._frames(item)
        if "regions" in item:
            arrays["regions"] = np.asarray(item["regions"], np.str_).reshape(-1, 2)
        return arrays

    @abstractmethod
    def _frames(self, item: Mapping[str, Any]) -> NDArray[np.uint8]:
        """The pixels of an item that has some, in its `shape`."""

    def poses(self) -> NDArray[np.float32]:
        """All camera paths c×F×16."""
        return np.asarray(self._poses)

    def samples(self, split: str) -> Sequence[Sample]:
        """The records of `train` or `validation` in order of id, or the rows of `general`."""
        counts = self.meta["splits"]
        first = sum(counts[name] for name in SPLITS[: SPLITS.index(split)])
        return View(counts[split], lambda place: _sample(self._records[first + place]))

    def kinds(self) -> list[str]:
        """The kinds of conditions that training records show, sorted."""
        return kinds_shown(self, self.samples("train"))

    def classes(self) -> dict[str, dict[str, list[str]]]:
        """Kind → slot → class names that training records show."""
        return slot_classes(self.meta)


class Prepared(Tables):
    """The data of one prepared folder: pixels are mapped into memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, prepared_marker(folder))
        self._pixels = np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)

    def _frames(self, item: Mapping[str, Any]) -> NDArray[np.uint8]:
        size = int(np.prod(item["shape"]))
        return np.asarray(self._pixels[item["at"] : item["at"] + size]).reshape(item["shape"])


def _sample(data: dict[str, Any]) -> Sample:
    """A line of `records.jsonl`."""
    del data["split"]
    for name in ("span", "trace"):
        data[name] = tuple(data.get(name, (0, 0)))
    return Sample(item_numbers=tuple(data.pop("features")), **data)
