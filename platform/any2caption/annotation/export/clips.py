"""Which clip each caption describes: of a snapshot, an annotated source, or an annotation run."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from any2caption.annotation.source import MANIFEST, AnnotationRecord, read_lines
from any2caption.captions.schema import StructuredCaption
from any2caption.datasets.records import Split
from any2caption.datasets.snapshots import load_snapshot, resolve
from any2caption.errors import ConfigError, InputError, NotFoundError
from any2caption.settings import Settings
from any2caption.storage import ObjectStore, open_store
from any2caption.storage.content import media_key
from any2caption.storage.keys import check_key


@dataclass(frozen=True, slots=True)
class Found:
    """A record's caption and the object that holds its clip; no `store`: why there is none."""

    record: str
    source: str
    licence: str
    synthetic: bool
    caption: StructuredCaption | None = None
    store: ObjectStore | None = None
    key: str = ""
    problem: str = ""


def clips_of(settings: Settings, name: str, split: Split | None) -> Iterator[Found]:
    """Yield the records of `name`: a folder's URI, an annotation run's key, or a snapshot's id.

    Raises:
        NotFoundError: it is none of these.
        ConfigError: a split of what has none.
        InputError: there is no manifest in the folder.
        GateRefused: the snapshot was withdrawn.
    """
    if "://" in name:
        _no_split(split, "a source")
        return _of_source(open_store(name, settings.s3_endpoint_url), {})
    run = _run(settings, name)
    if run is not None:
        _no_split(split, "an annotation run")
        annotated, source = run
        store = open_store(annotated, settings.s3_endpoint_url)
        return _of_source(store, _targets(open_store(source, settings.s3_endpoint_url)))
    return _of_snapshot(open_store(settings.object_store, settings.s3_endpoint_url), name, split)


def _no_split(split: Split | None, what: str) -> None:
    if split is not None:
        raise ConfigError(f"--split {split}: {what} has no splits; a snapshot has")


def _run(settings: Settings, key: str) -> tuple[str, str] | None:
    """The result and the source of an annotation run."""
    from any2caption.datasets.catalogue import Catalogue

    catalogue = Catalogue(settings.catalogue_url)
    try:
        catalogue.migrate()
        row = catalogue.annotation_run(key)
    except NotFoundError:
        return None
    finally:
        catalogue.close()
    return str(row.report["annotated"]), row.source


def _of_snapshot(store: ObjectStore, name: str, split: Split | None) -> Iterator[Found]:
    snapshot = load_snapshot(store, resolve(store, name))

    def found() -> Iterator[Found]:
        for record in snapshot.records(split):
            about = (record.id, record.source, record.licence, record.synthetic)
            clips = [one.parts for one in record.conditions if one.kind == "video"]
            if problem := _problem([len(parts) for parts in clips]):
                yield Found(*about, problem=problem)
            else:
                yield Found(*about, record.caption, store, media_key(clips[0][0].sha256))

    return found()


Target = tuple[ObjectStore, tuple[str, ...]]


def _of_source(store: ObjectStore, targets: dict[str, Target]) -> Iterator[Found]:
    with tempfile.TemporaryDirectory(prefix="a2c-export-") as scratch:
        for line in read_lines(store, MANIFEST, Path(scratch) / MANIFEST):
            record = line.record
            if record is None:
                yield Found(line.id or f"line {line.number}", "", "", synthetic=False,
                            problem=line.reason)  # fmt: skip
                continue
            about = (record.id, record.source, record.licence, record.synthetic)
            place, clips = store, _paths(record)
            if record.id in targets:
                place, clips = targets[record.id][0], [targets[record.id][1]]
            problem = _problem([len(paths) for paths in clips])
            if record.caption is None:
                problem = "it has no six-part caption"
            if problem:
                yield Found(*about, problem=problem)
                continue
            try:
                yield Found(*about, record.caption, place, check_key(clips[0][0]))
            except InputError as error:
                yield Found(*about, problem=str(error))


def _paths(record: AnnotationRecord) -> list[tuple[str, ...]]:
    if record.target:
        return [record.target]
    return [one.paths for one in record.conditions if one.kind == "video"]


def _targets(store: ObjectStore) -> dict[str, Target]:
    """The clips that records of a run's source name beside their conditions."""
    with tempfile.TemporaryDirectory(prefix="a2c-export-") as scratch:
        try:
            lines = list(read_lines(store, MANIFEST, Path(scratch) / MANIFEST))
        except InputError:  # a plain folder: it names none
            return {}
    records = [line.record for line in lines if line.record is not None]
    return {one.id: (store, one.target) for one in records if one.target}


def _problem(files: list[int]) -> str:
    """Why it is not clear which file the caption describes; `files` counts those of each clip."""
    if not files:
        return "it has no clip"
    if len(files) > 1:
        return f"it has {len(files)} clips: which of them the caption describes is not known"
    return "" if files[0] == 1 else f"its clip is {files[0]} pictures, not a file"
