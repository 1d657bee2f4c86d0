"""A folder of shards, read as a prepared folder is: any record and any feature at any time.

Opening reads every shard once, checks its SHA-256, and keeps records, tokens and where each
feature's media lie; media are read from the tar when a batch asks for them.
"""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from any2caption.errors import IntegrityError
from any2caption.model.config import ModelConfig, from_dict
from any2caption.model.inputs import Features
from any2caption.model.processing.processor import Processor
from any2caption.storage import ObjectStore, open_store
from any2caption.training.data.prepared import refuse_other_version
from any2caption.training.data.types import Sample, kinds_shown, slot_classes
from any2caption.training.shards.cache import ShardCache
from any2caption.training.shards.codec import Loaded, ShardSample, decode, decode_feature
from any2caption.training.shards.index import Shard, read_file, read_index
from any2caption.training.shards.tars import read_tar

SPLITS = ("train", "validation", "general")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a feature is: its entry in the sample's meta.json and the bytes of its medium."""

    shard: str
    sample: int
    entry: dict[str, Any]
    media: tuple[str, int, int] | None
    """Name, offset in the tar and size; None for words alone."""


class ShardData:
    """The data of one folder of shards.

    Raises:
        IntegrityError: the index, a shard or a sample is not what was written; names it.
    """

    def __init__(self, folder: Path) -> None:
        store = _store(folder)
        index = read_index(store, "")
        self.folder, self.meta = folder, marker_of(folder)
        self.config = from_dict(ModelConfig, json.loads(read_file(store, "", index, "config.json")))
        self._tokenizer = read_file(store, "", index, "tokenizer.json").decode()
        self._places: dict[int, _Place] = {}
        found: list[tuple[str, ShardSample]] = []
        # The order of a prepared folder's records; the index sorts splits by name.
        for split in SPLITS:
            for shard in index.splits.get(split, ()):
                found += [(split, sample) for sample in self._read(store, shard)]
        self.items: Sequence[Mapping[str, Any]] = [
            _item(self._places[n].entry) if n in self._places else {"kind": ""}
            for n in range(max(self._places, default=-1) + 1)
        ]
        loaded = Loaded([sample for _, sample in found])
        self.caption_tokens, self.slot_tokens = loaded.caption_tokens, loaded.slot_tokens
        self._records: dict[str, list[Sample]] = {split: [] for split in SPLITS}
        for (split, sample), record in zip(found, loaded.samples, strict=True):
            self._records[split].append(replace(record, features=sample.items))

    def _read(self, store: ObjectStore, shard: Shard) -> Iterator[ShardSample]:
        """Yield a shard's samples without media, and note where those are."""
        data = ShardCache(store, "").read(shard)
        offsets = _offsets(data)
        for at, files in enumerate(read_tar(data, shard)):
            sample = decode(files, f"{shard.key}: sample {at}", media=False)
            entries = json.loads(files["meta.json"])["features"]
            if len(sample.items) != len(entries):
                raise IntegrityError(f"{shard.key}: sample {at} does not number its items")
            for number, entry in zip(sample.items, entries, strict=True):
                name = entry.get("poses") or entry.get("frames")
                media = (name, *offsets[f"{at:08d}.{name}"]) if name else None
                self._places.setdefault(number, _Place(shard.key, at, entry, media))
            yield sample

    def processor(self) -> Processor:
        """A processor with the tokenizer beside the shards."""
        return Processor(self.config, Tokenizer.from_str(self._tokenizer))

    def feature(self, number: int) -> Features:
        """Return one item's features; IntegrityError where they cannot be decoded."""
        place = self._places[number]
        files = {}
        if place.media is not None:
            name, offset, size = place.media
            with (self.folder / place.shard).open("rb") as tar:
                tar.seek(offset)
                files[name] = tar.read(size)
        return decode_feature(place.entry, files, f"{place.shard}: sample {place.sample}")

    def samples(self, split: str) -> list[Sample]:
        """The records of `train` or `validation` in order of id, or the rows of `general`."""
        return self._records[split]

    def kinds(self) -> list[str]:
        """The kinds of conditions that training records show, sorted."""
        return kinds_shown(self, self.samples("train"))

    def classes(self) -> dict[str, dict[str, list[str]]]:
        """Kind → slot → class names that training records show."""
        return slot_classes(self.meta)

    def poses(self) -> NDArray[np.float32]:
        """All camera paths c×F×16, in order of item."""
        cameras = [n for n, item in enumerate(self.items) if item["kind"] == "camera"]
        found = [self.feature(number)["poses"] for number in cameras]
        return np.stack(found) if found else np.zeros((0, self.config.camera.frames, 16), "f4")


def marker_of(folder: Path) -> dict[str, Any]:
    """Return what a folder of shards was made from, as a prepared folder's marker says it.

    Raises:
        ConfigError: another version of this program prepared it.
        IntegrityError: the index is damaged or of another version.
    """
    index = read_index(_store(folder), "")
    marker = {**index.made_from, "classes": index.classes}
    refuse_other_version(folder, marker)
    return marker


def verify_shards(folder: Path) -> None:
    """Check every shard and file of a folder against the index.

    Raises:
        IntegrityError: one is missing or not what was written; names it.
    """
    store = _store(folder)
    index = read_index(store, "")
    cache = ShardCache(store, "")
    for shards in index.splits.values():
        for shard in shards:
            cache.read(shard)
    for name in index.files:
        read_file(store, "", index, name)


def _store(folder: Path) -> ObjectStore:
    return open_store(folder.absolute().as_uri())


def _offsets(data: bytes) -> dict[str, tuple[int, int]]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        return {member.name: (member.offset_data, member.size) for member in tar}


def _item(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("kind", "role", "shape", "regions") if name in entry}
