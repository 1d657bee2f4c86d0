"""Training data whose frames stay in the object store, as shards: each rank fetches its own.

The small files (items, records, tokens, camera paths) are fetched once a machine and read as those
of a prepared folder are, so that every rank sees the order that a prepared folder gives. Frames are
fetched when a batch shows them, by their place in a shard, and held to their SHA-256.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.errors import IntegrityError, NotFoundError
from any2caption.storage import ObjectStore, digest_of
from any2caption.storage.digest import file_digest
from any2caption.storage.folder import FolderStore
from any2caption.storage.keys import join_key
from any2caption.storage.locks import file_lock
from any2caption.training.data.prepared import SPLITS, Tables, refuse_other_version
from any2caption.training.shards.codec import decode_frames
from any2caption.training.shards.index import Index, read_index


class ShardData(Tables):
    """The data of the shards below a prefix; `cache` is a local folder for the small files.

    `fetched` counts the bytes of frames that were read.

    Raises:
        IntegrityError: the index or a file beside it is not what was written; names it.
    """

    def __init__(self, store: ObjectStore, prefix: str, cache: Path) -> None:
        index = read_index(store, prefix)
        super().__init__(_fetch_tables(store, prefix, index, cache), _marker(store, index))
        self._store, self._prefix = store, prefix
        self.fetched = 0

    def _frames(self, item: Mapping[str, Any]) -> NDArray[np.uint8]:
        place = item["frames"]
        key, offset = join_key(self._prefix, place["shard"]), int(place["offset"])
        where = f"{self._store.uri}: shard {key}: {place['name']} at byte {offset}"
        try:
            data = self._store.get_range(key, offset, int(place["size"]))
        except NotFoundError:
            raise IntegrityError(f"{self._store.uri}: shard {key} is missing") from None
        self.fetched += len(data)
        if digest_of(data) != place["sha256"]:
            raise IntegrityError(f"{where} is damaged: its SHA-256 is not {place['sha256']}")
        try:
            return decode_frames(data, str(place["name"]), tuple(item["shape"]))
        except (ValueError, OSError) as error:
            raise IntegrityError(f"{where} is damaged: {error}") from error


def read_shards_marker(store: ObjectStore, prefix: str) -> dict[str, Any]:
    """Return what shards were made from, as a prepared folder's marker says it.

    Raises:
        ConfigError: another version of this program prepared the data.
        IntegrityError: the index is damaged or of another version.
    """
    return _marker(store, read_index(store, prefix))


def verify_shards(store: ObjectStore, prefix: str) -> None:
    """Check that all shards are there; those of a local folder are read and hashed too.

    Elsewhere only sizes are compared, since hashing would fetch everything: what a batch shows is
    hashed when it is fetched.

    Raises:
        IntegrityError: one is missing or not what was written; names it.
    """
    index = read_index(store, prefix)
    sizes = {info.key: info.size for info in store.list(f"{prefix}/" if prefix else "")}
    for shard in (shard for shards in index.splits.values() for shard in shards):
        key = join_key(prefix, shard.key)
        if key not in sizes:
            raise IntegrityError(f"{store.uri}: shard {key} is missing")
        found = f"it has {sizes[key]} bytes, the index says {shard.bytes}"
        if sizes[key] == shard.bytes:
            if not isinstance(store, FolderStore):
                continue
            sha256 = file_digest(store.root / key)
            if sha256 == shard.sha256:
                continue
            found = f"its SHA-256 is {sha256}, the index says {shard.sha256}"
        raise IntegrityError(
            f"{store.uri}: shard {key} is damaged: {found}; "
            "delete it and its index and write the shards again"
        )


def _marker(store: ObjectStore, index: Index) -> dict[str, Any]:
    counts = {split: sum(s.samples for s in index.splits.get(split, ())) for split in SPLITS}
    marker = {**index.made_from, "classes": index.classes, "splits": counts}
    refuse_other_version(store.uri, marker)
    return marker


def _fetch_tables(store: ObjectStore, prefix: str, index: Index, cache: Path) -> Path:
    """Return the folder where the files beside the shards lie, checked."""
    if isinstance(store, FolderStore):
        folder = store.root / prefix
        for name in index.files:
            _check(folder / name, index, f"{store.uri}: {join_key(prefix, name)}")
        return folder
    folder = cache / index.digest
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(folder / ".lock"):  # one rank fetches for all of the machine
        for name, sha256 in index.files.items():
            path, key = folder / name, join_key(prefix, name)
            if not path.is_file() or file_digest(path) != sha256:
                store.download(key, path)
            _check(path, index, f"{store.uri}: {key}")
    return folder


def _check(path: Path, index: Index, where: str) -> None:
    if not path.is_file():
        raise IntegrityError(f"{where} is missing")
    if (found := file_digest(path)) != index.files[path.name]:
        raise IntegrityError(f"{where} is damaged: its SHA-256 is {found}")
