"""Duplicates of published snapshots, alone or several together, whatever ingests made them.

The perceptual hashes are those that ingest cached; what is not in the cache (a snapshot of another
version, or one whose cache was cleaned) is decoded again and cached.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from any2caption.datasets.duplicates.fingerprints import BITS
from any2caption.datasets.duplicates.groups import Fingerprints
from any2caption.datasets.ingest.cache import JsonCache
from any2caption.datasets.ingest.probe import (
    MediaSet,
    Probe,
    from_document,
    parser_version,
    probe,
    to_document,
)
from any2caption.datasets.records import Record, RecordCondition
from any2caption.datasets.snapshots import load_snapshot
from any2caption.errors import IntegrityError
from any2caption.storage import ObjectStore, get_content

_HASHED = ("image", "video")
_DIGITS = 12  # of a snapshot's id before a record's id, where several are compared


def duplicates_of(
    store: ObjectStore, identities: Sequence[str], bits: int = BITS
) -> dict[str, Any]:
    """Return the report of all records of these snapshots together (`duplicates`).

    `leaks` counts records that share a caption or pictures with a record of an earlier split. With
    several snapshots a record is named `<first digits of the snapshot>:<id>`.

    Raises:
        NotFoundError, GateRefused, IntegrityError: as `load_snapshot`; or an object is damaged.
    """
    found = Fingerprints()
    cache = JsonCache(store, f"cache/probes/{parser_version()}/")
    for identity in dict.fromkeys(identities):
        for record in load_snapshot(store, identity).records():
            document = record.model_dump(mode="json")
            if len(identities) > 1:
                document["id"] = f"{identity[:_DIGITS]}:{record.id}"
            found.add(document, _hashes(store, cache, record))
    cache.save()
    report = found.judge(bits).report
    del report["rule"]
    return {"snapshots": list(dict.fromkeys(identities)), **report}


def _hashes(store: ObjectStore, cache: JsonCache, record: Record) -> Iterator[tuple[str, ...]]:
    for condition in record.conditions:
        if condition.kind in _HASHED:
            yield _probe(store, cache, record.id, condition).hashes


def _probe(store: ObjectStore, cache: JsonCache, record: str, condition: RecordCondition) -> Probe:
    parts = [(part.name, part.sha256) for part in condition.parts]
    # An ingest probes a set with the role that its manifest gave, which may be none.
    for role in (condition.role, None):
        known = cache.get(MediaSet.of(condition.kind, role, condition.options, parts).key())
        if known is not None and isinstance(outcome := from_document(known), Probe):
            return outcome
    media = MediaSet.of(condition.kind, condition.role, condition.options, parts)
    fresh = probe(media, [get_content(store, sha256) for _, sha256 in parts])
    if not isinstance(fresh, Probe):
        raise IntegrityError(f"record {record}: {condition.kind}: {fresh.reason}")
    cache.put(media.key(), to_document(fresh))
    return fresh
