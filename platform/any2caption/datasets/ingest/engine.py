"""Ingest: manifest records and files in, checked records out, bad ones into quarantine.

Records are read and judged one by one (`manifest`), then go on in chunks:

1. Copy each file that a good record names into the store, under its SHA-256, in parallel. A file
   whose etag is that of the last run is not read again.
2. Parse each distinct set of files once, in parallel (`probe`), unless its result is cached under
   its content and the parsers' version.
3. Put records together. What went wrong on the way goes to quarantine with file, line and reason;
   too much of it and the source is refused. Good records without a caption wait for annotation.

At the end duplicates are looked for, and records that would leak test data are quarantined too;
these, and what was deleted on request, are no fault of the source and do not count against
its threshold.

Memory: a chunk of records, one file (or condition) a worker, and 200-odd bytes for each record and
picture (ids, fingerprints). Records, rejections, listings and caches lie in temporary files.
"""

import json
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Any

from any2caption import __version__
from any2caption.datasets import pending as waiting
from any2caption.datasets.duplicates.fingerprints import BITS
from any2caption.datasets.duplicates.groups import Fingerprints
from any2caption.datasets.ingest import worker
from any2caption.datasets.ingest.cache import JsonCache
from any2caption.datasets.ingest.open_source import OpenSource, SourceOptions, open_source
from any2caption.datasets.ingest.pool import Crashed, WorkerPool
from any2caption.datasets.ingest.probe import (
    MediaSet,
    Probe,
    from_document,
    parser_version,
    to_document,
)
from any2caption.datasets.ingest.quarantine import check_threshold, store_quarantine
from any2caption.datasets.ingest.rejection_file import RejectionFile
from any2caption.datasets.ingest.scratch import Listed, Scratch
from any2caption.datasets.ingest.source_records import (
    Accepted,
    Problem,
    Rejection,
    Rules,
    read_records,
)
from any2caption.datasets.manifest.record_file import RecordFile
from any2caption.datasets.records import MediaObject, Record, RecordCondition, SourceCondition
from any2caption.datasets.splits import split_of
from any2caption.datasets.supervision.camera_check import compare_record
from any2caption.errors import ConfigError
from any2caption.storage import ObjectStore, digest_of

MAX_FILE_BYTES = 512 << 20
# Results after which the caches are saved, so that a killed ingest goes on from there.
SAVE_EVERY = 2_000
CHUNK_RECORDS = 2_000
_REPORT_EVERY = 1.0  # seconds between progress reports


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage (`records`) is; rate in items a second, `eta` in seconds."""

    stage: str
    done: int
    total: int
    rate: float
    eta: float


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What holds for a run beside the source's own options."""

    source: SourceOptions = field(default_factory=SourceOptions)
    licences: tuple[str, ...] | None = None
    """Allow-list; None allows every licence."""
    removed: frozenset[tuple[str, str]] = frozenset()
    """(`source` or `record`, name) pairs that were deleted on request."""
    near_bits: int = BITS
    """Bits (of 64) in which the hashes of near duplicates differ at most."""
    strict_camera: bool = False
    """Whether a caption that names camera movements which its path does not show is bad."""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Checked records in manifest order, and what happened to the rest."""

    records: RecordFile
    rejected: int
    quarantine_key: str | None
    files: int
    files_copied: int
    media_sets: int
    media_sets_parsed: int
    seconds: float
    format: str = ""
    """`jsonl`, `parquet`, `csv` or the name of a plain folder's shape."""
    pending: int = 0
    """Good records without a caption."""
    pending_key: str | None = None
    leaks: int = 0
    """Records that were quarantined because their content is in another split."""
    duplicates: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


ReportProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Assembled:
    """A record, and the perceptual hashes of its pictures and clips."""

    line: int
    record: Record
    hashes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """A good record that has no caption yet."""

    line: Accepted


def ingest(  # noqa: PLR0913 - the parameters of a run
    source: ObjectStore,
    prefix: str,
    store: ObjectStore,
    *,
    workers: int = 2,
    threshold: float = 0.05,
    progress: ReportProgress | None = None,
    options: IngestOptions | None = None,
) -> IngestResult:
    """Read the source below `prefix` and return its records; media go into `store`.

    `threshold` is the share (0…1) of bad records above which the source is refused.

    Raises:
        InputError: there is no manifest and no known shape, or it cannot be read.
        GateRefused: too many bad records, or no good one; they are in quarantine all the same.
        UnavailableError: a store does not answer.
    """
    if workers < 1 or not 0 <= threshold <= 1:
        raise ConfigError(f"workers {workers} must be ≥ 1 and threshold {threshold} in 0…1")
    options = options or IngestOptions()
    began = time.monotonic()
    scratch = Scratch()
    with tempfile.TemporaryDirectory(prefix="a2c-ingest-") as folder:
        opened = open_source(source, prefix, Path(folder), options.source)
        scratch.list_source(source, prefix)
        scratch.list_media(store)
        sink = _Sink()
        with _open_pool(source, prefix, store, workers) as pool:
            files = _Files(source, prefix, store, scratch)
            probes = _Probes(store, scratch)
            meter = _Meter("records", opened.count, progress)
            for lines in _chunks(
                read_records(opened.items(), _rules(opened, options), scratch.first_line)
            ):
                accepted = [line for line in lines if isinstance(line, Accepted)]
                meter.begin(len(lines))
                known = files.take_in(_paths(accepted), pool, meter)
                found = probes.run(_media_sets(accepted, known), pool, meter)
                judge = partial(
                    assemble, files=known, probes=found, strict_camera=options.strict_camera
                )
                for line in lines:
                    sink.add(judge(line) if isinstance(line, Accepted) else line)
                meter.step(len(lines))
            files.save()
            probes.save()
            meter.end()
    scratch.close()
    return _finish(opened, store, sink, files, probes, threshold, options.near_bits, began)


def _finish(  # noqa: PLR0913, PLR0917 - the end of the function above
    opened: OpenSource,
    store: ObjectStore,
    sink: "_Sink",
    files: "_Files",
    probes: "_Probes",
    threshold: float,
    near_bits: int,
    began: float,
) -> IngestResult:
    found = sink.fingerprints.judge(near_bits)
    leaks = (
        Rejection(sink.lines[leak.place], sink.records.ids[leak.place], (Problem(leak.reason),))
        for leak in found.leaks
    )
    everything = RejectionFile(merge(sink.bad, sink.removed, leaks, key=lambda item: item.line))
    key = store_quarantine(store, opened.where, everything) if everything else None
    where = f"{store.uri}/{key}" if key else opened.where
    check_threshold(sink.total - len(sink.removed), sink.bad, threshold, where)
    gone = {leak.place for leak in found.leaks}
    kept = [place for place in range(len(sink.records)) if place not in gone]
    return IngestResult(
        records=sink.records.select(kept),
        rejected=len(everything),
        quarantine_key=key,
        files=files.seen,
        files_copied=files.copied,
        media_sets=probes.seen,
        media_sets_parsed=probes.parsed,
        seconds=round(time.monotonic() - began, 2),
        format=opened.format,
        pending=sink.pending,
        pending_key=sink.store_pending(store),
        leaks=len(found.leaks),
        duplicates=found.report,
        notes=opened.notes,
    )


def assemble(
    line: Accepted,
    files: Mapping[str, MediaObject | Problem],
    probes: Mapping[MediaSet, Probe | Problem],
    *,
    strict_camera: bool = False,
) -> Assembled | Pending | Rejection:
    """Put a record together from what is known about its files and conditions. Pure.

    `strict_camera`: one whose text names camera movements that its path does not show is rejected.
    """
    record = line.record
    problems: list[Problem] = []
    conditions: list[RecordCondition] = []
    hashes: list[tuple[str, ...]] = []
    numbers: dict[str, int] = {}
    for index, condition in enumerate(record.conditions):
        parts = [files[path] for path in condition.paths]
        bad = [part for part in parts if isinstance(part, Problem)]
        if bad:
            problems += [replace(part, field=f"conditions.{index}.{part.field}") for part in bad]
            continue
        objects = tuple(part for part in parts if isinstance(part, MediaObject))
        outcome = probes[_media_set(condition, objects)]
        if isinstance(outcome, Problem):
            file = _full_path(outcome.file, condition.paths)
            problems.append(Problem(outcome.reason, f"conditions.{index}.{outcome.field}", file))
            continue
        numbers[condition.kind] = numbers.get(condition.kind, 0) + 1
        conditions.append(_record_condition(condition, numbers[condition.kind], objects, outcome))
        hashes.append(outcome.hashes)
    if problems:
        return Rejection(line.line, record.id, tuple(problems))
    if record.caption is None:
        return Pending(line)
    whole = Record(
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
    if strict_camera and (contrary := compare_record(whole)) and not contrary.agrees:
        return Rejection(line.line, record.id, (Problem(str(contrary), "caption.camera"),))
    return Assembled(line.line, whole, tuple(hashes))


class _Sink:
    """Where outcomes go: records, rejections, records that wait."""

    def __init__(self) -> None:
        self.total = 0
        self.pending = 0
        self.records = RecordFile()
        self.lines = array("q")
        self.bad, self.removed = RejectionFile(), RejectionFile()
        self.fingerprints = Fingerprints()
        self._waiting = tempfile.NamedTemporaryFile(prefix="a2c-pending-")  # noqa: SIM115

    def add(self, outcome: Assembled | Pending | Rejection) -> None:
        """Take an outcome."""
        self.total += 1
        match outcome:
            case Assembled(line_number, record, hashes):
                document = self.records.append(record)
                self.lines.append(line_number)
                self.fingerprints.add(document, hashes)
            case Pending(line):
                self.pending += 1
                document = line.record.model_dump(mode="json", exclude_defaults=True)
                text = json.dumps(document, ensure_ascii=False)
                self._waiting.write(text.encode("utf-8", "backslashreplace") + b"\n")
            case Rejection():
                (self.removed if outcome.asked else self.bad).append(outcome)

    def store_pending(self, store: ObjectStore) -> str | None:
        """Write `pending/<digest>.jsonl`, a manifest that lacks only captions; return its key."""
        if not self.pending:
            return None
        self._waiting.flush()
        return waiting.keep(store, Path(self._waiting.name))


class _Files:
    """The source's files by path: where they lie in the store, or what is wrong with them."""

    def __init__(self, source: ObjectStore, prefix: str, store: ObjectStore, disk: Scratch) -> None:
        self._source, self._disk = source, disk
        self._prefix = prefix
        address = f"{source.uri}\n{getattr(source, 'endpoint_url', None)}\n{prefix}"
        self._cache = JsonCache(store, f"cache/files/{digest_of(address.encode())[:16]}/")
        self.seen = self.copied = 0

    def take_in(
        self, paths: Sequence[str], pool: WorkerPool, meter: "_Meter"
    ) -> dict[str, MediaObject | Problem]:
        """Bring every path's content into the store; return what each is."""
        known: dict[str, MediaObject | Problem] = {}
        changed: list[str] = []
        for path in paths:
            self.seen += self._disk.first_time(f"file:{path}")
            info = self._find(path)
            if info is None:
                known[path] = Problem(self._why_missing(path), "paths", path)
                continue
            if info.size > MAX_FILE_BYTES:
                reason = f"the file has {info.size} bytes, at most {MAX_FILE_BYTES} are read"
                known[path] = Problem(reason, "paths", path)
                continue
            before = self._cache.get(path)
            if before and before["etag"] == info.etag and self._disk.has_media(before["sha256"]):
                known[path] = _media(path, before["sha256"], info.size)
            else:
                changed.append(path)
        for path, sha256 in pool.map(worker.take_in, changed):
            meter.within(0.5 / len(changed))
            info = self._find(path)
            if isinstance(sha256, str) and info is not None:
                known[path] = _media(path, sha256, info.size)
                self._cache.put(path, {"etag": info.etag, "sha256": sha256})
                self._disk.add_media(sha256)
                self.copied += 1
                if self.copied % SAVE_EVERY == 0:
                    self._cache.save()
            else:
                known[path] = Problem("the file cannot be read", "paths", path)
        return known

    def save(self) -> None:
        """Keep what is known for the next run."""
        self._cache.save()

    def _find(self, path: str) -> Listed | None:
        return next(filter(None, map(self._disk.find, worker.spellings(path))), None)

    def _why_missing(self, path: str) -> str:
        root = getattr(self._source, "root", None)
        if isinstance(root, Path) and (root / self._prefix / path).is_symlink():
            return "the file is a symbolic link; links are not followed"
        return "the file is not in the source"


class _Probes:
    """What each distinct media set is, from the cache or from its parser."""

    def __init__(self, store: ObjectStore, disk: Scratch) -> None:
        self._cache = JsonCache(store, f"cache/probes/{parser_version()}/")
        self._disk = disk
        self.seen = self.parsed = 0

    def run(
        self, sets: Sequence[MediaSet], pool: WorkerPool, meter: "_Meter"
    ) -> dict[MediaSet, Probe | Problem]:
        """Return what every set is, parsing those that the cache lacks."""
        known: dict[MediaSet, Probe | Problem] = {}
        fresh: list[MediaSet] = []
        for media in sets:
            key = media.key()
            self.seen += self._disk.first_time(f"set:{key}")
            before = self._cache.get(key)
            if before is None:
                fresh.append(media)
            else:
                known[media] = from_document(before)
        for media, outcome in pool.map(worker.probe_sets, fresh):
            self.parsed += 1
            meter.within(0.5 / len(fresh))
            if isinstance(outcome, Crashed):
                known[media] = Problem("the parser's process died on it", media.kind)
                continue  # not cached: it may have been short of memory
            known[media] = outcome
            self._cache.put(media.key(), to_document(outcome))
            if self.parsed % SAVE_EVERY == 0:
                self._cache.save()
        return known

    def save(self) -> None:
        """Keep what is known for the next run."""
        self._cache.save()


class _Meter:
    """Counts items and reports at most once a second, and at the end."""

    def __init__(self, stage: str, total: int, report: ReportProgress | None) -> None:
        self._stage, self._total, self._report = stage, total, report
        self._done, self._began, self._last = 0, time.monotonic(), 0.0
        self._chunk, self._share = 0, 0.0

    def begin(self, chunk: int) -> None:
        """Start on a chunk of items."""
        self._chunk, self._share = chunk, 0.0

    def within(self, share: float) -> None:
        """Count a share (0…1) of the chunk's work."""
        self._share = min(self._share + share, 1.0)
        self._report_now_and_then()

    def step(self, count: int) -> None:
        """Count items; the chunk is done."""
        self._done += count
        self.begin(0)
        self._report_now_and_then()

    def _report_now_and_then(self) -> None:
        present = time.monotonic()
        if present - self._last >= _REPORT_EVERY:
            self._last = present
            self._send(present)

    def end(self) -> None:
        """Report the end: the total was an estimate (blank lines are no records)."""
        self._total = self._done
        self._send(time.monotonic())

    def _send(self, present: float) -> None:
        if self._report is not None:
            done = self._done + int(self._share * self._chunk)
            rate = done / max(present - self._began, 1e-9)
            eta = max(self._total - done, 0) / rate if rate else 0.0
            self._report(Progress(self._stage, done, self._total, rate, eta))


def _chunks(
    lines: Iterator[Accepted | Rejection],
) -> Iterator[list[Accepted | Rejection]]:
    while chunk := list(islice(lines, CHUNK_RECORDS)):
        yield chunk


def _rules(opened: OpenSource, options: IngestOptions) -> Rules:
    return Rules(
        kinds=opened.kinds,
        licences=options.licences,
        defaults=opened.defaults,
        captions=False,
        removed=options.removed,
    )


def _open_pool(source: ObjectStore, prefix: str, store: ObjectStore, workers: int) -> WorkerPool:
    if workers == 1 or any(item.uri.startswith("memory:") for item in (source, store)):
        return WorkerPool(1, worker.prepare_open, (source, prefix, store))
    addresses = worker.StoreAddress.of(source), prefix, worker.StoreAddress.of(store)
    return WorkerPool(workers, worker.prepare, addresses)


def _paths(accepted: Sequence[Accepted]) -> list[str]:
    conditions = (condition for line in accepted for condition in line.record.conditions)
    return list(dict.fromkeys(path for condition in conditions for path in condition.paths))


def _media_sets(
    accepted: Sequence[Accepted], known: Mapping[str, MediaObject | Problem]
) -> list[MediaSet]:
    sets: dict[MediaSet, None] = {}
    for line in accepted:
        for condition in line.record.conditions:
            parts = [known[path] for path in condition.paths]
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
        seconds=found.seconds,
        options=condition.options,
        assumptions=found.assumptions,
        movements=found.movements,
        tool=condition.tool or "a2c",
        tool_version=condition.tool_version or __version__,
    )
