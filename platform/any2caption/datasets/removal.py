"""Deletion requests: take everything of a source, or a record, out of the data.

Rules. The request is kept (`deletions/`), so an ingest quarantines what comes back. Every snapshot
that contains it is withdrawn: its manifest stays for the record, but it is not loaded for training
or evaluation any more. It leaves the manifests of records that wait for captions. Where the latest
snapshot contains it, a new one without it is published. Media that only withdrawn snapshots refer
to are deleted when that is asked for (`purge`). Models that were trained on a withdrawn snapshot
are listed; what becomes of them is a person's decision.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from any2caption.datasets import pending
from any2caption.datasets.manifest.record_file import RecordFile
from any2caption.datasets.snapshots import (
    POINTER,
    latest_id,
    list_ids,
    load_snapshot,
    publish,
    withdraw,
    withdrawal,
)
from any2caption.errors import ConfigError, NotFoundError
from any2caption.storage import ObjectStore, digest_of, media_key

if TYPE_CHECKING:
    from any2caption.datasets.catalogue import Catalogue
    from any2caption.datasets.snapshots import Snapshot

PREFIX = "deletions/"
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Removed:
    """What a deletion did; ids only."""

    removed: int
    """Records that the latest snapshot lost."""
    waited: int
    """Records that waited for captions, and went."""
    snapshot: str | None
    """The latest snapshot now."""
    withdrawn: tuple[str, ...]
    models: tuple[dict[str, Any], ...]
    """Training runs on withdrawn snapshots, with their registry versions."""
    purged: int
    """Media that were deleted."""


def removed_keys(store: ObjectStore) -> frozenset[Key]:
    """Return all (`source` or `record`, name) pairs that were asked to be deleted."""
    found = (json.loads(store.get(info.key)) for info in store.list(PREFIX))
    return frozenset((str(item["what"]), str(item["name"])) for item in found)


@dataclass(frozen=True, slots=True)
class Removal:
    """What a deletion would touch, and has not."""

    withdrawn: tuple[str, ...]
    """Snapshots that contain it and are not withdrawn yet."""
    records: int
    """Its records in the latest of them."""
    waiting: int
    """Its records that wait for captions."""
    models: tuple[dict[str, Any], ...]


def affected_by(store: ObjectStore, catalogue: "Catalogue", *, what: str, name: str) -> Removal:
    """Return what removing the source `name`, or the record `name`, would touch; change nothing."""
    with_it = [identity for identity in list_ids(store) if _contains(store, identity, what, name)]
    latest, records = latest_id(store), 0
    if latest in with_it:
        loaded, field = load_snapshot(store, str(latest), withdrawn=True), _field(what)
        records = sum(getattr(record, field) == name for record in loaded.records())
    return Removal(
        withdrawn=tuple(one for one in with_it if withdrawal(store, one) is None),
        records=records,
        waiting=pending.count(store, _field(what), name),
        models=tuple(catalogue.trained_on(with_it)),
    )


def remove(  # noqa: PLR0913 - a request's fields
    store: ObjectStore,
    catalogue: "Catalogue",
    *,
    what: str,
    name: str,
    by: str,
    reason: str = "",
    purge: bool = False,
) -> Removed:
    """Remove all records of the source `name`, or the record `name`; running it again is safe.

    Raises:
        NotFoundError: no snapshot contains it, it does not wait for captions, and nobody asked
            before.
    """
    if what not in {"source", "record"} or not name:
        raise ConfigError("name a source or a record")
    affected = [identity for identity in list_ids(store) if _contains(store, identity, what, name)]
    request = {"what": what, "name": name}
    key = f"{PREFIX}{digest_of(json.dumps(request, sort_keys=True).encode())[:32]}.json"
    known = affected or store.exists(key) or pending.count(store, _field(what), name)
    if not known:
        raise NotFoundError(f"no snapshot has the {what} {name!r}; see `a2c data show`")
    time = datetime.now(UTC).isoformat(timespec="seconds")
    document = {**request, "by": by, "reason": reason, "time": time}
    if not store.exists(key):
        store.put(key, json.dumps(document, ensure_ascii=False).encode())
    latest, lost = latest_id(store), 0
    if latest in affected and withdrawal(store, str(latest)) is None:
        latest, lost = _successor(store, catalogue, str(latest), what, name)
    why = f"the {what} {name!r} was removed on request" + (f" ({reason})" if reason else "")
    fresh = [identity for identity in affected if withdrawal(store, identity) is None]
    for identity in fresh:
        withdraw(store, identity, why, latest)
    return Removed(
        removed=lost,
        waited=pending.drop(store, _field(what), name),
        snapshot=latest,
        withdrawn=tuple(affected),
        models=tuple(catalogue.trained_on(affected)),
        purged=_purge(store) if purge else 0,
    )


def _successor(
    store: ObjectStore, catalogue: "Catalogue", identity: str, what: str, name: str
) -> tuple[str | None, int]:
    """Publish the snapshot without the records; None when nothing is left."""
    old = load_snapshot(store, identity, withdrawn=True)
    field = _field(what)
    kept = RecordFile.of(record for record in old.records() if getattr(record, field) != name)
    lost = len(old) - len(kept)
    if not kept:
        store.delete(POINTER)
        return None, lost
    source = str(old.metadata.get("source", ""))
    new = publish(store, kept, source=source)
    catalogue.record_snapshot(new.id, source=source, statistics=new.statistics)
    return new.id, lost


def _contains(store: ObjectStore, identity: str, what: str, name: str) -> bool:
    import pyarrow.compute as pc

    field = _field(what)
    manifest = load_snapshot(store, identity, withdrawn=True).manifest
    return any(pc.any(pc.equal(batch[field], name)).as_py() for batch in manifest.batches([field]))


def _field(what: str) -> str:
    return "source" if what == "source" else "id"


def _purge(store: ObjectStore) -> int:
    """Delete media that withdrawn snapshots refer to and no other one."""
    kept: set[str] = set()
    gone: set[str] = set()
    for identity in list_ids(store):
        marked = withdrawal(store, identity) is not None
        (gone if marked else kept).update(_media(load_snapshot(store, identity, withdrawn=True)))
    present = [sha256 for sha256 in gone - kept if store.exists(media_key(sha256))]
    for sha256 in present:
        store.delete(media_key(sha256))
    return len(present)


def _media(snapshot: "Snapshot") -> Iterator[str]:
    import pyarrow.compute as pc

    for batch in snapshot.manifest.batches(["conditions"]):
        parts = pc.list_flatten(pc.struct_field(pc.list_flatten(batch["conditions"]), "parts"))
        yield from pc.unique(pc.struct_field(parts, "sha256")).to_pylist()
