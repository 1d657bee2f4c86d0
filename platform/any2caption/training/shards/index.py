"""`index.json`: which shards there are, what they must hash to, and what lies beside them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from any2caption.errors import IntegrityError, NotFoundError
from any2caption.storage import ObjectStore, digest_of
from any2caption.storage.keys import join_key

SCHEMA = "a2c.shards/3"
NAME = "index.json"


@dataclass(frozen=True, slots=True)
class Shard:
    """One tar: its key below the prefix, SHA-256, size in bytes, and how many samples it holds."""

    key: str
    sha256: str
    bytes: int
    samples: int


@dataclass(frozen=True, slots=True)
class Index:
    """The content of `index.json`. `digest` is the SHA-256 of everything else in it.

    `made_from` says what was written; `files` maps the files beside the shards to their SHA-256;
    `classes` are the slot classes of the training records, as in `Prepared`.
    """

    made_from: Mapping[str, Any]
    splits: Mapping[str, tuple[Shard, ...]]
    files: Mapping[str, str]
    classes: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        """What the digest is taken over."""
        shards = {split: [asdict(shard) for shard in found] for split, found in self.splits.items()}
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
                Shard(str(s["key"]), str(s["sha256"]), int(s["bytes"]), int(s["samples"]))
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
