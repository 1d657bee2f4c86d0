"""Ingest: manifest lines and files in, checked records out, bad ones into quarantine.

1. Read the manifest; judge each line by itself (`manifest`).
2. Copy each file that a good line names into the store, under its SHA-256, in parallel. A file
   whose etag is that of the last run is not read again.
3. Parse each distinct set of files once, in parallel (`probe`), unless its result is cached under
   its content and the parsers' version.
4. Put records together. What went wrong on the way goes to quarantine with file, line and reason;
   too much of it and the source is refused.

Media are held one file (or condition) at a time per worker; records are held as a list.
"""

import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from any2caption import __version__
from any2caption.datasets.ingest import worker
from any2caption.datasets.ingest.cache import JsonCache
from any2caption.datasets.ingest.manifest import Accepted, Problem, Rejection, read_lines
from any2caption.datasets.ingest.pool import Crashed, WorkerPool
from any2caption.datasets.ingest.probe import (
    MediaSet,
    Probe,
    from_document,
    parser_version,
    to_document,
)
from any2caption.datasets.ingest.quarantine import check_threshold, store_quarantine
from any2caption.datasets.records import MediaObject, Record, RecordCondition, SourceCondition
from any2caption.datasets.splits import split_of
from any2caption.errors import ConfigError, InputError, NotFoundError
from any2caption.storage import ObjectInfo, ObjectStore, digest_of
from any2caption.storage.content import MEDIA_PREFIX
from any2caption.storage.keys import join_key

MANIFEST = "manifest.jsonl"
MAX_FILE_BYTES = 512 << 20
# Results after which the caches are saved, so that a killed ingest goes on from there.
SAVE_EVERY = 2_000
_REPORT_EVERY = 1.0  # seconds between progress reports


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage (`files`, `conditions`) is; rate in items a second, `eta` in seconds."""

    stage: str
    done: int
    total: int
    rate: float
    eta: float


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Checked records in manifest order, and what happened to the rest."""

    records: tuple[Record, ...]
    rejected: int
    quarantine_key: str | None
    files: int
    files_copied: int
    media_sets: int
    media_sets_parsed: int
    seconds: float


ReportProgress = Callable[[Progress], None]


def ingest(  # noqa: PLR0913 - the parameters of a run
    source: ObjectStore,
    prefix: str,
    store: ObjectStore,
    *,
    workers: int = 2,
    threshold: float = 0.05,
    progress: ReportProgress | None = None,
) -> IngestResult:
    """Read `<prefix>/manifest.jsonl` of `source` and return its records; media go into `store`.

    `threshold` is the share (0…1) of bad records above which the source is refused.

    Raises:
        InputError: there is no manifest.
        GateRefused: too many bad records, or no good one; they are in quarantine all the same.
        UnavailableError: a store does not answer.
    """
    if workers < 1 or not 0 <= threshold <= 1:
        raise ConfigError(f"workers {workers} must be ≥ 1 and threshold {threshold} in 0…1")
    began = time.monotonic()
    lines = list(_manifest(source, prefix))
    accepted = [line for line in lines if isinstance(line, Accepted)]
    with _open_pool(source, prefix, store, workers) as pool:
        files = _Files(source, prefix, store)
        files.take_in(_paths(accepted), pool, progress)
        probes = _Probes(store)
        probes.run(_media_sets(accepted, files), pool, progress)
    outcomes = [
        assemble(line, files.known, probes.known) if isinstance(line, Accepted) else line
        for line in lines
    ]
    rejections = [outcome for outcome in outcomes if isinstance(outcome, Rejection)]
    where = f"{source.uri}/{join_key(prefix, MANIFEST)}"
    key = store_quarantine(store, where, rejections) if rejections else None
    check_threshold(len(lines), rejections, threshold, f"{store.uri}/{key}" if key else where)
    return IngestResult(
        records=tuple(outcome for outcome in outcomes if isinstance(outcome, Record)),
        rejected=len(rejections),
        quarantine_key=key,
        files=len(files.known),
        files_copied=files.copied,
        media_sets=len(probes.known),
        media_sets_parsed=probes.parsed,
        seconds=round(time.monotonic() - began, 2),
    )


def assemble(
    line: Accepted,
    files: Mapping[str, MediaObject | Problem],
    probes: Mapping[MediaSet, Probe | Problem],
) -> Record | Rejection:
    """Put a record together from what is known about its files and conditions. Pure."""
    record = line.record
    problems: list[Problem] = []
    conditions: list[RecordCondition] = []
    numbers: dict[str, int] = {}
    for index, condition in enumerate(record.conditions):
        parts = [files[path] for path in condition.paths]
        bad = [part for part in parts if isinstance(part, Problem)]
        if bad:
            problems += bad
            continue
        objects = tuple(part for part in parts if isinstance(part, MediaObject))
        outcome = probes[_media_set(condition, objects)]
        if isinstance(outcome, Problem):
            file = _full_path(outcome.file, condition.paths)
            problems.append(Problem(outcome.reason, f"conditions.{index}.{outcome.field}", file))
            continue
        numbers[condition.kind] = numbers.get(condition.kind, 0) + 1
        conditions.append(_record_condition(condition, numbers[condition.kind], objects, outcome))
    if problems or record.caption is None:
        return Rejection(line.line, record.id, tuple(problems))
    return Record(
        id=record.id,
        source=record.source,
        licence=record.licence,
        split=split_of(record.caption),
        prompt=record.prompt,
        conditions=tuple(conditions),
        caption=record.caption,
        qa=record.qa,
        synthetic=record.synthetic,
    )


class _Files:
    """The source's files by path: where they lie in the store, or what is wrong with them."""

    def __init__(self, source: ObjectStore, prefix: str, store: ObjectStore) -> None:
        self._source, self._prefix, self._store = source, prefix, store
        address = f"{source.uri}\n{getattr(source, 'endpoint_url', None)}\n{prefix}"
        self._cache = JsonCache(store, f"cache/files/{digest_of(address.encode())[:16]}/")
        self.known: dict[str, MediaObject | Problem] = {}
        self.copied = 0

    def take_in(
        self, paths: Sequence[str], pool: WorkerPool, progress: ReportProgress | None
    ) -> None:
        """Bring every path's content into the store and enter it in `known`."""
        listed = dict(self._listing(frozenset(paths)))
        there = {info.key.rpartition("/")[2] for info in self._store.list(MEDIA_PREFIX)}
        changed: list[str] = []
        for path in paths:
            info = listed.get(path)
            if info is None:
                self.known[path] = Problem("the file is not in the source", "paths", path)
                continue
            if info.size > MAX_FILE_BYTES:
                reason = f"the file has {info.size} bytes, at most {MAX_FILE_BYTES} are read"
                self.known[path] = Problem(reason, "paths", path)
                continue
            before = self._cache.get(path)
            if before and before["etag"] == info.etag and before["sha256"] in there:
                self.known[path] = _media(path, before["sha256"], info.size)
            else:
                changed.append(path)
        meter = _Meter("files", len(changed), progress)
        for path, sha256 in pool.map(worker.take_in, changed):
            meter.step()
            if isinstance(sha256, str):
                info = listed[path]
                self.known[path] = _media(path, sha256, info.size)
                self._cache.put(path, {"etag": info.etag, "sha256": sha256})
                self.copied += 1
                if self.copied % SAVE_EVERY == 0:
                    self._cache.save()
            else:
                self.known[path] = Problem("the file cannot be read", "paths", path)
        self._cache.save()

    def _listing(self, wanted: Collection[str]) -> Iterator[tuple[str, ObjectInfo]]:
        start = f"{self._prefix.rstrip('/')}/" if self._prefix else ""
        for info in self._source.list(start):
            path = info.key[len(start) :]
            if path in wanted:
                yield path, info


class _Probes:
    """What each distinct media set is, from the cache or from its parser."""

    def __init__(self, store: ObjectStore) -> None:
        self._cache = JsonCache(store, f"cache/probes/{parser_version()}/")
        self.known: dict[MediaSet, Probe | Problem] = {}
        self.parsed = 0

    def run(
        self, sets: Sequence[MediaSet], pool: WorkerPool, progress: ReportProgress | None
    ) -> None:
        """Enter every set in `known`, parsing those that the cache lacks."""
        fresh: list[MediaSet] = []
        for media in sets:
            before = self._cache.get(media.key())
            if before is None:
                fresh.append(media)
            else:
                self.known[media] = from_document(before)
        meter = _Meter("conditions", len(fresh), progress)
        for media, outcome in pool.map(worker.probe_sets, fresh):
            meter.step()
            self.parsed += 1
            if isinstance(outcome, Crashed):
                self.known[media] = Problem("the parser's process died on it", media.kind)
                continue  # not cached: it may have been short of memory
            self.known[media] = outcome
            self._cache.put(media.key(), to_document(outcome))
            if self.parsed % SAVE_EVERY == 0:
                self._cache.save()
        self._cache.save()


class _Meter:
    """Counts items and reports at most once a second, and at the end."""

    def __init__(self, stage: str, total: int, report: ReportProgress | None) -> None:
        self._stage, self._total, self._report = stage, total, report
        self._done, self._began, self._last = 0, time.monotonic(), 0.0

    def step(self) -> None:
        self._done += 1
        present = time.monotonic()
        if self._report is None or (
            present - self._last < _REPORT_EVERY and self._done < self._total
        ):
            return
        self._last = present
        rate = self._done / max(present - self._began, 1e-9)
        eta = (self._total - self._done) / rate
        self._report(Progress(self._stage, self._done, self._total, rate, eta))


def _manifest(source: ObjectStore, prefix: str) -> Iterator[Accepted | Rejection]:
    from any2caption.conditions.registry import KINDS

    key = join_key(prefix, MANIFEST)
    with tempfile.TemporaryDirectory(prefix="a2c-ingest-") as folder:
        path = Path(folder) / MANIFEST
        try:
            source.download(key, path)
        except NotFoundError as error:
            raise InputError("the source has no manifest", file=f"{source.uri}/{key}") from error
        with path.open("rb") as file:
            yield from read_lines(file, KINDS)


def _open_pool(source: ObjectStore, prefix: str, store: ObjectStore, workers: int) -> WorkerPool:
    if workers == 1 or any(item.uri.startswith("memory:") for item in (source, store)):
        return WorkerPool(1, worker.prepare_open, (source, prefix, store))
    addresses = worker.StoreAddress.of(source), prefix, worker.StoreAddress.of(store)
    return WorkerPool(workers, worker.prepare, addresses)


def _paths(accepted: Sequence[Accepted]) -> list[str]:
    conditions = (condition for line in accepted for condition in line.record.conditions)
    return list(dict.fromkeys(path for condition in conditions for path in condition.paths))


def _media_sets(accepted: Sequence[Accepted], files: _Files) -> list[MediaSet]:
    sets: dict[MediaSet, None] = {}
    for line in accepted:
        for condition in line.record.conditions:
            parts = [files.known[path] for path in condition.paths]
            objects = tuple(part for part in parts if isinstance(part, MediaObject))
            if len(objects) == len(parts):
                sets.setdefault(_media_set(condition, objects))
    return list(sets)


def _media_set(condition: SourceCondition, objects: Sequence[MediaObject]) -> MediaSet:
    parts = [(item.name, item.sha256) for item in objects]
    return MediaSet.of(condition.kind, condition.role, condition.options, parts)


def _media(path: str, sha256: str, size: int) -> MediaObject:
    return MediaObject(name=path.rpartition("/")[2], sha256=sha256, size=size)


def _full_path(name: str, paths: Sequence[str]) -> str:
    """Return the source path of a file that a parser named, or the condition's first path."""
    return next((path for path in paths if path.rpartition("/")[2] == name), paths[0])


def _record_condition(
    condition: SourceCondition, number: int, parts: tuple[MediaObject, ...], found: Probe
) -> RecordCondition:
    return RecordCondition(
        kind=condition.kind,
        number=number,
        role=found.role,
        format=found.format,
        parts=parts,
        frames=found.frames,
        height=found.height,
        width=found.width,
        options=condition.options,
        assumptions=found.assumptions,
        tool=condition.tool or "a2c",
        tool_version=condition.tool_version or __version__,
    )
