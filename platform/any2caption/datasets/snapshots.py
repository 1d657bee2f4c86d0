"""Snapshots: immutable data sets named by the digest of their content.

Under `snapshots/<id>/` lie the Parquet manifest and, written last, `snapshot.json`: without it the
snapshot does not exist, so a half-written one is never read. `snapshots/latest.json` points to the
one that was published last. Media lie under their own digests and are shared between snapshots.
A snapshot with records that had to be deleted has a `withdrawn.json` and is not loaded any more.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from any2caption.conditions.types import Condition, Part
from any2caption.datasets.manifest.file import ManifestFile, write_manifest
from any2caption.datasets.manifest.record_file import RecordFile
from any2caption.datasets.manifest.table import canonical_line
from any2caption.datasets.records import Record, RecordCondition, Split
from any2caption.datasets.statistics import describe_documents
from any2caption.errors import ConflictError, GateRefused, InputError, IntegrityError, NotFoundError
from any2caption.storage import ObjectStore, get_content
from any2caption.storage.digest import file_digest

SCHEMA = "a2c.snapshot/1"
POINTER = "snapshots/latest.json"
_ID_LENGTH, _LEAST_PREFIX = 64, 6  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published data set: its `snapshot.json`, and its records as a local file."""

    id: str
    metadata: dict[str, Any]
    manifest: ManifestFile

    def __len__(self) -> int:
        return len(self.manifest)

    @property
    def statistics(self) -> dict[str, Any]:
        """Counts of records, splits, conditions per kind, words, media."""
        return dict(self.metadata["statistics"])

    def records(self, split: Split | None = None) -> Iterator[Record]:
        """Yield the records in order of id, all or those of one split."""
        for document in self.manifest.documents(split):
            yield Record.model_validate(document)


@dataclass(frozen=True, slots=True)
class Draft:
    """A snapshot that is not published: its manifest is a local file at `path`."""

    id: str
    path: Path
    sha256: str
    size: int
    statistics: dict[str, Any]


def snapshot_id(records: Iterable[Record]) -> str:
    """Return the id that these records have as a snapshot, in whatever order they come.

    Raises:
        InputError: two records have the same id.
    """
    digest = _start()
    for line in _ordered(records).lines():
        digest.update(line)
    return digest.hexdigest()


def draft(records: Iterable[Record], path: Path) -> Draft:
    """Write the manifest of records to `path`, a few thousand of them in memory at a time.

    Raises:
        InputError: two records have the same id, or there is none.
    """
    ordered = _ordered(records)
    if not ordered:
        raise InputError("a snapshot needs records")
    digest = _start()
    statistics = describe_documents(write_manifest(path, _parsed(ordered, digest)))
    return Draft(digest.hexdigest(), path, file_digest(path), path.stat().st_size, statistics)


def publish(store: ObjectStore, records: Iterable[Record] | Draft, *, source: str = "") -> Snapshot:
    """Write a snapshot and point `latest` to it; the same records again give the same snapshot.

    Media must be in the store already; they are made durable before the snapshot comes to be.

    Raises:
        InputError: two records have the same id, or there is none.
    """
    if not isinstance(records, Draft):
        with tempfile.TemporaryDirectory(prefix="a2c-snapshot-") as folder:
            return publish(store, draft(records, Path(folder) / "manifest"), source=source)
    found = records
    marker = _marker_key(found.id)
    if not store.exists(marker):
        # The name holds the file's own digest: a writer of another version cannot replace it.
        key = f"snapshots/{found.id}/manifest-{found.sha256[:16]}.parquet"
        metadata = {
            "schema": SCHEMA,
            "id": found.id,
            "manifest": {"key": key, "sha256": found.sha256, "size": found.size},
            "statistics": found.statistics,
            "source": source,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        store.upload(key, found.path)
        store.flush()
        with suppress(ConflictError):  # somebody published the same content meanwhile
            store.put(marker, json.dumps(metadata, indent=1).encode(), overwrite=False)
    snapshot = load_snapshot(store, found.id)
    point(store, found.id)
    return snapshot


def point(store: ObjectStore, identity: str) -> None:
    """Make a snapshot the latest one."""
    store.put(POINTER, json.dumps({"id": identity}).encode())


def read_metadata(store: ObjectStore, identity: str) -> dict[str, Any]:
    """Return the content of a snapshot's `snapshot.json`.

    Raises:
        NotFoundError: there is no such snapshot.
        IntegrityError: it is damaged.
    """
    try:
        raw = store.get(_marker_key(identity))
    except NotFoundError:
        raise NotFoundError(f"{store.uri}: there is no snapshot {identity!r}") from None
    try:
        metadata = json.loads(raw)
        str(metadata["manifest"]["key"]), str(metadata["manifest"]["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{store.uri}: snapshot.json of {identity} is damaged") from error
    return dict(metadata)


def withdrawal(store: ObjectStore, identity: str) -> dict[str, Any] | None:
    """Return why and when a snapshot was withdrawn, or None."""
    try:
        return dict(json.loads(store.get(_withdrawn_key(identity))))
    except NotFoundError:
        return None


def withdraw(store: ObjectStore, identity: str, reason: str, successor: str | None) -> None:
    """Mark a snapshot: its manifest stays for the record, nothing is trained on it any more."""
    document = {
        "reason": reason,
        "successor": successor,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    store.put(_withdrawn_key(identity), json.dumps(document).encode())


def list_ids(store: ObjectStore) -> list[str]:
    """Return the ids of all snapshots, withdrawn ones too, oldest first."""
    found = []
    for info in store.list("snapshots/"):
        _, identity, *rest = info.key.split("/")
        if rest == ["snapshot.json"]:
            found.append((str(read_metadata(store, identity).get("created", "")), identity))
    return [identity for _, identity in sorted(found)]


def resolve(store: ObjectStore, name: str) -> str:
    """Return the id that `latest`, an id or the beginning of one (6 digits at least) means.

    Raises:
        NotFoundError: none, or more than one.
    """
    if name in {"", "latest"}:
        identity = latest_id(store)
        if identity is None:
            raise NotFoundError(f"{store.uri}: there is no snapshot yet")
        return identity
    if len(name) == _ID_LENGTH:
        return name
    if len(name) < _LEAST_PREFIX or not set(name) <= set("0123456789abcdef"):
        raise NotFoundError(
            f"{name!r} is not a snapshot id ({_LEAST_PREFIX} hexadecimal digits or more, or latest)"
            "; see `a2c data list`"
        )
    markers = [info.key.split("/") for info in store.list(f"snapshots/{name}")]
    found = sorted({key[1] for key in markers if key[2:] == ["snapshot.json"]})
    if len(found) != 1:
        raise NotFoundError(f"{len(found)} snapshots begin with {name!r}; see `a2c data list`")
    return found[0]


def load_snapshot(store: ObjectStore, identity: str, *, withdrawn: bool = False) -> Snapshot:
    """Fetch a snapshot and check every record against its id, a few of them in memory at a time.

    Raises:
        NotFoundError: there is no such snapshot.
        GateRefused: it was withdrawn, and `withdrawn` does not ask for it all the same.
        IntegrityError: the stored content is not what the id says.
    """
    import pyarrow as pa

    metadata = read_metadata(store, identity)
    if not withdrawn and (mark := withdrawal(store, identity)) is not None:
        successor = mark.get("successor")
        instead = f"; its successor is {successor}" if successor else ""
        raise GateRefused(f"snapshot {identity[:12]} was withdrawn: {mark['reason']}{instead}")
    key, expected = metadata["manifest"]["key"], metadata["manifest"]["sha256"]
    folder = tempfile.TemporaryDirectory(prefix="a2c-manifest-")
    manifest = ManifestFile(path := Path(folder.name) / "manifest.parquet", folder)
    try:
        store.download(key, path)
    except NotFoundError as error:
        raise IntegrityError(f"{store.uri}: snapshot {identity} lacks its manifest") from error
    if file_digest(path) != expected:
        raise IntegrityError(f"{store.uri}: {key} is damaged: its SHA-256 is not {expected}")
    try:
        found = _digest(manifest.documents())
    except (pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise IntegrityError(f"{store.uri}: {key} is not a snapshot manifest: {error}") from error
    if found != identity:
        raise IntegrityError(f"{store.uri}: {key} holds the records of {found}, not of {identity}")
    return Snapshot(identity, metadata, manifest)


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


def _ordered(records: Iterable[Record]) -> RecordFile:
    ordered = RecordFile.of(records).ordered()
    for first, second in pairwise(ordered.ids):
        if first == second:
            raise InputError("the id is there twice", record=first, field="id")
    return ordered


def _parsed(records: RecordFile, digest: "hashlib._Hash") -> Iterator[dict[str, Any]]:
    """Yield records as JSON objects and feed the digest with them."""
    for line in records.lines():
        digest.update(line)
        yield json.loads(line)


def _digest(content: Iterator[dict[str, Any]]) -> str:
    digest = _start()
    for document in content:
        digest.update(canonical_line(document))
    return digest.hexdigest()


def _start() -> "hashlib._Hash":
    return hashlib.sha256(f"{SCHEMA}\n".encode())


def _withdrawn_key(identity: str) -> str:
    return f"snapshots/{identity}/withdrawn.json"


def _marker_key(identity: str) -> str:
    return f"snapshots/{identity}/snapshot.json"
