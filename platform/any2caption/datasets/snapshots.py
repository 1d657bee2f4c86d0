"""Snapshots: immutable data sets named by the digest of their content.

Under `snapshots/<id>/` lie the Parquet manifest and, written last, `snapshot.json`: without it the
snapshot does not exist, so a half-written one is never read. `snapshots/latest.json` points to the
one that was published last. Media lie under their own digests and are shared between snapshots.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from any2caption.conditions.types import Condition, Part
from any2caption.datasets.manifest_table import canonical_line, documents, to_table
from any2caption.datasets.records import Record, RecordCondition, Split
from any2caption.datasets.statistics import describe
from any2caption.errors import ConflictError, InputError, IntegrityError, NotFoundError
from any2caption.storage import ObjectStore, digest_of, get_content

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "a2c.snapshot/1"
POINTER = "snapshots/latest.json"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published data set. `metadata` is the content of its `snapshot.json`."""

    id: str
    metadata: dict[str, Any]
    table: "pa.Table"

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def statistics(self) -> dict[str, Any]:
        """Counts of records, splits, conditions per kind, words, media."""
        return dict(self.metadata["statistics"])

    def records(self, split: Split | None = None) -> Iterator[Record]:
        """Yield the records in order of id, all or those of one split."""
        for document in documents(self.table, split):
            yield Record.model_validate(document)


def snapshot_id(records: Sequence[Record]) -> str:
    """Return the id that these records have as a snapshot, in whatever order they come.

    Raises:
        InputError: two records have the same id.
    """
    ordered = _ordered(records)
    return _digest(record.model_dump(mode="json") for record in ordered)


def publish(store: ObjectStore, records: Sequence[Record], *, source: str = "") -> Snapshot:
    """Write a snapshot and point `latest` to it; the same records again give the same snapshot.

    Media must be in the store already; they are made durable before the snapshot comes to be.

    Raises:
        InputError: two records have the same id, or there is none.
    """
    import pyarrow.parquet as pq

    if not records:
        raise InputError("a snapshot needs records")
    identity = snapshot_id(records)
    marker = _marker_key(identity)
    if not store.exists(marker):
        ordered = _ordered(records)
        buffer = io.BytesIO()
        pq.write_table(to_table(ordered), buffer, compression="zstd")
        manifest = buffer.getvalue()
        digest = digest_of(manifest)
        # The name holds the file's own digest: a writer of another version cannot replace it.
        key = f"snapshots/{identity}/manifest-{digest[:16]}.parquet"
        metadata = {
            "schema": SCHEMA,
            "id": identity,
            "manifest": {"key": key, "sha256": digest, "size": len(manifest)},
            "statistics": describe(ordered),
            "source": source,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        store.put(key, manifest)
        store.flush()
        with suppress(ConflictError):  # somebody published the same content meanwhile
            store.put(marker, json.dumps(metadata, indent=1).encode(), overwrite=False)
    store.put(POINTER, json.dumps({"id": identity}).encode())
    return load_snapshot(store, identity)


def load_snapshot(store: ObjectStore, identity: str) -> Snapshot:
    """Read a snapshot and check every record against its id.

    Raises:
        NotFoundError: there is no such snapshot.
        IntegrityError: the stored content is not what the id says.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        raw = store.get(_marker_key(identity))
    except NotFoundError:
        raise NotFoundError(f"{store.uri}: there is no snapshot {identity!r}") from None
    try:
        metadata = json.loads(raw)
        key, expected = metadata["manifest"]["key"], metadata["manifest"]["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{store.uri}: snapshot.json of {identity} is damaged") from error
    try:
        manifest = store.get(key)
    except NotFoundError as error:
        raise IntegrityError(f"{store.uri}: snapshot {identity} lacks its manifest") from error
    if digest_of(manifest) != expected:
        raise IntegrityError(f"{store.uri}: {key} is damaged: its SHA-256 is not {expected}")
    try:
        table = pq.read_table(pa.BufferReader(manifest))
        found = _digest(documents(table))
    except (pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise IntegrityError(f"{store.uri}: {key} is no snapshot manifest: {error}") from error
    if found != identity:
        raise IntegrityError(f"{store.uri}: {key} holds the records of {found}, not of {identity}")
    return Snapshot(identity, metadata, table)


def latest_id(store: ObjectStore) -> str | None:
    """Return the id of the snapshot that was published last, or None before the first."""
    try:
        return str(json.loads(store.get(POINTER))["id"])
    except NotFoundError:
        return None


def load_condition(store: ObjectStore, condition: RecordCondition) -> Condition:
    """Fetch a condition's files, check their digests and parse them."""
    from any2caption.conditions.registry import parse_condition

    parts = [Part(part.name, get_content(store, part.sha256)) for part in condition.parts]
    return parse_condition(
        condition.kind,
        parts,
        role=condition.role,
        number=condition.number,
        options=condition.options,
    )


def _ordered(records: Sequence[Record]) -> list[Record]:
    ordered = sorted(records, key=lambda record: record.id)
    for first, second in pairwise(ordered):
        if first.id == second.id:
            raise InputError("the id is there twice", record=first.id, field="id")
    return ordered


def _digest(content: Iterator[dict[str, Any]]) -> str:
    digest = hashlib.sha256(f"{SCHEMA}\n".encode())
    for document in content:
        digest.update(canonical_line(document))
    return digest.hexdigest()


def _marker_key(identity: str) -> str:
    return f"snapshots/{identity}/snapshot.json"
