"""Prepared training data: memory-mapped arrays and an index, read without copying.

pixels.npy   uint8 1-D: the frames of every distinct picture, video, depth and skeleton, one after
the other poses.npy    float32 c×F×16: every distinct camera path
items.json   per feature: kind, role, shape and offset (or row)
captions.npy / weights.npy   int32 / float32 1-D: caption tokens and whether each names a slot (1)
or not (0) records.jsonl   per record: id, split, prompt, features, slot answers, caption offsets
config.json, tokenizer.json   the model's configuration and tokenizer
prepared.json   what it was made from; written last
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from any2caption.errors import ConfigError
from any2caption.model.config import ModelConfig, from_dict
from any2caption.model.inputs import Features
from any2caption.model.processor import Processor
from any2caption.training.recipes import PREPARED_VERSION

MARKER = "prepared.json"


@dataclass(frozen=True, slots=True)
class Sample:
    """One record: `features` are item numbers in prompt order.

    `answers` maps kind → slot → class names that it determines.
    """

    id: str
    prompt: str
    features: tuple[int, ...]
    answers: Mapping[str, Mapping[str, tuple[str, ...]]]
    span: tuple[int, int]
    parts: Mapping[str, str]
    length: int


class Prepared:
    """The data of one prepared folder."""

    def __init__(self, folder: Path) -> None:
        marker = folder / MARKER
        if not marker.is_file():
            raise ConfigError(
                f"{folder}: no prepared data there; run any2caption.training.prepare first"
            )
        self.folder = folder
        self.meta: dict[str, Any] = json.loads(marker.read_text())
        if self.meta["version"] != PREPARED_VERSION:
            raise ConfigError(f"{folder}: prepared by another version; remove it and prepare again")
        self.config = from_dict(ModelConfig, json.loads((folder / "config.json").read_text()))
        self.items: list[dict[str, Any]] = json.loads((folder / "items.json").read_text())
        self._pixels = np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)
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
            size = int(np.prod(item["shape"]))
            arrays["frames"] = self._pixels[item["at"] : item["at"] + size].reshape(item["shape"])
        if "regions" in item:
            arrays["regions"] = np.asarray(item["regions"], np.str_).reshape(-1, 2)
        return arrays

    def poses(self) -> NDArray[np.float32]:
        """All camera paths c×F×16."""
        return np.asarray(self._poses)

    @cached_property
    def _records(self) -> dict[str, list[Sample]]:
        found: dict[str, list[Sample]] = {"train": [], "validation": []}
        with (self.folder / "records.jsonl").open() as lines:
            for line in lines:
                data = json.loads(line)
                split = data.pop("split")
                data["features"], data["span"] = tuple(data["features"]), tuple(data["span"])
                found[split].append(Sample(**data))
        return found

    def samples(self, split: str) -> list[Sample]:
        """The records of `train` or `validation`, in order of id."""
        return self._records[split]

    def kinds(self) -> list[str]:
        """The kinds of conditions that training records show, sorted."""
        used = {number for sample in self.samples("train") for number in sample.features}
        return sorted({str(self.items[number]["kind"]) for number in used})

    def classes(self) -> dict[str, dict[str, list[str]]]:
        """Kind → slot → class names that training records show."""
        return {
            kind: {slot: list(names) for slot, names in slots.items()}
            for kind, slots in self.meta["classes"].items()
        }
