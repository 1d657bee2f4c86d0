"""The small files beside the shards: what `data.prepared.Tables` reads, without pixels.

An item's entry says in which shard its frames lie, where, and their SHA-256, so that a reader
fetches and checks nothing but what it shows.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from any2caption.model.inputs import Features
from any2caption.storage import digest_of
from any2caption.training.prepare.npy_writer import NpyWriter
from any2caption.training.shards.codec import ShardSample

_ROW = (16, 16)  # of camera paths, where there is none


@dataclass(frozen=True, slots=True)
class Located:
    """A file of a sample, and where it lies in its shard."""

    shard: str
    name: str
    offset: int
    size: int
    content: bytes

    def entry(self) -> dict[str, Any]:
        """What an item says about its frames."""
        place = asdict(self)
        return place | {"sha256": digest_of(place.pop("content"))}


class TablesWriter:
    """Writes items.jsonl, records.jsonl, captions.npy, weights.npy and poses.npy to a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._items = (folder / "items.jsonl").open("w")
        self._records = (folder / "records.jsonl").open("w")
        self._tokens = NpyWriter(folder / "captions.npy", np.int32)
        self._weights = NpyWriter(folder / "weights.npy", np.float32)
        self._poses: NpyWriter | None = None
        self._next = 0

    def add(self, split: str, sample: ShardSample, files: Mapping[str, Located]) -> None:
        """Take a sample whose files lie there; items are numbered in order of first use."""
        numbers = sample.items or range(self._next, self._next + len(sample.features))
        for place, (number, feature) in enumerate(zip(numbers, sample.features, strict=True)):
            self._item(number, feature, files.get(f"{place}.png") or files.get(f"{place}.npy"))
        weights = np.ones(len(sample.trace), np.float32)
        record = {
            "id": sample.id,
            "split": split,
            "prompt": sample.prompt,
            "features": list(numbers),
            "answers": _plain(sample.answers),
            "parts": dict(sample.parts),
            "phrases": _plain({"": sample.phrases})[""],
            "wanted": _plain(sample.wanted),
            "facts": sample.facts,
            "general": sample.general,
            "length": sample.length,
            "span": self._stored(sample.caption, sample.slots),
            "trace": self._stored(sample.trace, weights),
        }
        self._records.write(json.dumps(record) + "\n")

    def close(self) -> None:
        """Finish the files."""
        self._items.close()
        self._records.close()
        poses = self._poses or NpyWriter(self._folder / "poses.npy", np.float32, _ROW)
        for array in (self._tokens, self._weights, poses):
            array.close()

    def _item(self, number: int, feature: Features, frames: Located | None) -> None:
        if number < self._next:
            return
        while self._next < number:  # a general row's picture that was refused
            self._write({"kind": "image", "role": ""})
        entry: dict[str, Any] = {"kind": str(feature["kind"]), "role": str(feature["role"])}
        if "poses" in feature:
            poses = feature["poses"]
            self._poses = self._poses or NpyWriter(
                self._folder / "poses.npy", np.float32, poses.shape
            )
            entry["at"], _ = self._poses.append(poses)
        elif "frames" in feature and frames is not None:
            entry |= {"shape": list(feature["frames"].shape), "frames": frames.entry()}
        if "regions" in feature:
            entry["regions"] = feature["regions"].tolist()
        self._write(entry)

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._items.write(json.dumps(entry) + "\n")
        self._next += 1

    def _stored(self, tokens: Any, weights: Any) -> tuple[int, int]:
        self._weights.append(weights)
        return self._tokens.append(tokens)


def _plain(found: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, list[Any]]]:
    return {name: {key: list(value) for key, value in one.items()} for name, one in found.items()}
