"""Records that wait for captions: manifests that an ingest leaves in `pending/<digest>.jsonl`."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from any2caption.storage import ObjectStore
from any2caption.storage.digest import file_digest

PREFIX = "pending/"


def keep(store: ObjectStore, manifest: Path) -> str:
    """Store a manifest that lacks only captions; return its key."""
    key = f"{PREFIX}{file_digest(manifest)}.jsonl"
    store.upload(key, manifest)
    return key


def count(store: ObjectStore, field: str, name: str) -> int:
    """How many waiting records have `name` in `field`; one that waits in two manifests is two."""
    return sum(lost for _, _, lost in _without(store, field, name))


def drop(store: ObjectStore, field: str, name: str) -> int:
    """Replace every manifest that has such records by one without them; return how many went."""
    gone = 0
    for key, kept, lost in _without(store, field, name):
        if kept.stat().st_size:
            keep(store, kept)
        store.delete(key)
        gone += lost
    return gone


def _without(store: ObjectStore, field: str, name: str) -> Iterator[tuple[str, Path, int]]:
    """Yield manifests that have such records: key, a file of the other records, how many."""
    for key in [info.key for info in store.list(PREFIX)]:
        with TemporaryDirectory(prefix="a2c-pending-") as folder:
            whole, kept = Path(folder, "whole.jsonl"), Path(folder, "kept.jsonl")
            store.download(key, whole)
            lost = 0
            with whole.open("rb") as lines, kept.open("wb") as others:
                for line in lines:
                    if json.loads(line).get(field) == name:
                        lost += 1
                    else:
                        others.write(line)
            if lost:
                yield key, kept, lost
