"""`index.json`: which shards there are, what they must hash to, and how long every sample is."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.errors import IntegrityError, NotFoundError
from any2caption.storage import ObjectStore, digest_of
from any2caption.storage.keys import join_key

SCHEMA = "a2c.shards/2"
NAME = "index.json"


@dataclass(frozen=True, slots=True)
class Shard:
    """One tar: its key below the prefix, SHA-256, size, and the length of each sample in order."""

    key: str
    sha256: str
    bytes: int
    lengths: tuple[int, ...]

    @property
    def samples(self) -> int:
        """How many samples it holds."""
        return len(self.lengths)


@dataclass(frozen=True, slots=True)
class Index:
    """The content of `index.json`. `digest` is the SHA-256 of everything else in it.

    `made_from` says what was written; `files` maps beside-lying files (config.json, tokenizer.json)
    to their SHA-256; `classes` are the slot classes of the training records, as in `Prepared`.
    """

    made_from: Mapping[str, Any]
    splits: Mapping[str, tuple[Shard, ...]]
    files: Mapping[str, str]
    classes: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        """What the digest is taken over."""
        shards = {
            split: [{**asdict(shard), "samples": shard.samples} for shard in found]
            for split, found in self.splits.items()
        }
        return {
            "schema": SCHEMA,
            "made_from": dict(self.made_from),
            "files": dict(self.files),
            "classes": dict(self.classes),
            "splits": shards,
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical content: equal data, equal digest."""
        return digest_of(json.dumps(self.body(), sort_keys=True).encode())

    def to_json(self) -> bytes:
        """Return the file's bytes."""
        return json.dumps({**self.body(), "digest": self.digest}).encode()

    def lengths(self, split: str) -> NDArray[np.int64]:
        """The length of every sample of a split, in order of its number."""
        return np.asarray([n for shard in self.splits[split] for n in shard.lengths], np.int64)


def read_index(store: ObjectStore, prefix: str) -> Index:
    """Read and check an index.

    Raises:
        NotFoundError: there is none below the prefix: nothing was written, or not to its end.
        IntegrityError: it is damaged or of another version.
    """
    key = join_key(prefix, NAME)
    try:
        raw = store.get(key)
    except NotFoundError:
        raise NotFoundError(
            f"{store.uri}: {prefix!r} holds no {NAME}; write it with `a2c data shards`"
        ) from None
    try:
        data = json.loads(raw)
        found, schema = str(data["digest"]), str(data["schema"])
        splits = {
            str(split): tuple(
                Shard(str(s["key"]), str(s["sha256"]), int(s["bytes"]), tuple(s["lengths"]))
                for s in shards
            )
            for split, shards in data["splits"].items()
        }
        index = Index(data["made_from"], splits, data["files"], data["classes"])
        digest = index.digest
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{store.uri}: {key} is damaged: {error!r}") from error
    if schema != SCHEMA:
        raise IntegrityError(
            f"{store.uri}: {key} is {schema}, not {SCHEMA}; write the shards again"
        )
    if found != digest:
        raise IntegrityError(f"{store.uri}: {key} is damaged: its content has digest {digest}")
    return index


def read_file(store: ObjectStore, prefix: str, index: Index, name: str) -> bytes:
    """Return `config.json` or `tokenizer.json`; IntegrityError when it is not what was written."""
    key = join_key(prefix, name)
    data = store.get(key)
    if digest_of(data) != index.files[name]:
        raise IntegrityError(f"{store.uri}: {key} is damaged: its SHA-256 is {digest_of(data)}")
    return data
