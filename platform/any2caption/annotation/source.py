"""The records to annotate: a source folder's manifest, whose captions and prompts may be missing.

A line is that of any source (`datasets.records.SourceRecord`) and may name a `target`: the files of
the clip that the caption is to describe. It is looked at, and is not a condition of the record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from any2caption.annotation.facts import Item
from any2caption.annotation.media import media_of
from any2caption.conditions.io.sniff import IMAGE_FORMATS, sniff
from any2caption.conditions.registry import KINDS, parse_condition
from any2caption.conditions.types import Condition, Part
from any2caption.datasets.records import SourceCondition, SourceRecord
from any2caption.errors import InputError, NotFoundError
from any2caption.storage import ObjectStore, digest_of
from any2caption.storage.keys import check_key, join_key

MANIFEST = "manifest.jsonl"
MAX_LINE_BYTES = 4 << 20


class AnnotationRecord(SourceRecord):
    """A source's record with, if there is one, the clip that its caption describes."""

    target: tuple[str, ...] = Field(default=(), description="Files of the clip, in frame order")

    def plain(self) -> SourceRecord:
        """Return the record without the target."""
        return SourceRecord.model_validate(self.model_dump(exclude={"target"}))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a manifest: its record, or why there is none."""

    number: int
    record: AnnotationRecord | None
    reason: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A source folder; `etags` tells which of its files changed."""

    store: ObjectStore
    etags: dict[str, str]

    def digest(self, record: AnnotationRecord) -> str:
        """Name a record by its line and the state of its files."""
        paths = [path for condition in record.conditions for path in condition.paths]
        states = [f"{path}={self.etags.get(path, '')}" for path in [*paths, *record.target]]
        return digest_of("\n".join([record.model_dump_json(), *states]).encode())

    def read(self, paths: Sequence[str], record: str) -> list[Part]:
        """Read a condition's files.

        Raises:
            InputError: a path leaves the source or a file is missing; names record and file.
        """
        parts = []
        for path in paths:
            try:
                parts.append(Part(path.rpartition("/")[2], self.store.get(check_key(path))))
            except (NotFoundError, InputError) as error:
                raise InputError(
                    f"cannot be read: {error}", file=path[:200], record=record, field="paths"
                ) from error
        return parts


def open_source(store: ObjectStore) -> Source:
    """List a source folder's files."""
    return Source(store, {info.key: info.etag for info in store.list()})


def read_lines(store: ObjectStore, manifest: str, scratch: Path) -> Iterator[Line]:
    """Yield the lines of the manifest with this key one by one.

    `scratch` is a file that holds it meanwhile.

    Raises:
        InputError: there is no manifest.
    """
    try:
        store.download(manifest, scratch)
    except NotFoundError:
        raise InputError(f"there is no {manifest} here", file=store.uri) from None
    seen: dict[str, int] = {}
    with scratch.open("rb") as file:
        for number, raw in enumerate(file, 1):
            text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if not text.strip():
                continue
            line = _line(text, number)
            if line.record is not None:
                first = seen.setdefault(line.record.id, number)
                if first != number:
                    line = Line(number, None, f"the id is that of line {first} already", line.id)
            yield line


def _line(raw: bytes, number: int) -> Line:
    if len(raw) > MAX_LINE_BYTES:
        return Line(number, None, f"the line is longer than {MAX_LINE_BYTES} bytes")
    try:
        record = AnnotationRecord.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        return Line(number, None, f"{field}: {first['msg']}" if field else str(first["msg"]))
    unknown = [c.kind for c in record.conditions if c.kind not in KINDS]
    if unknown:
        reason = f"unknown kind {unknown[0]!r}; known: {', '.join(KINDS)}"
        return Line(number, None, reason, record.id)
    return Line(number, record, id=record.id)


def item_of(source: Source, record: AnnotationRecord, files: Sequence[Sequence[Part]]) -> Item:
    """Parse a record's conditions from their files, and read its clip.

    Raises:
        InputError: a file is missing or no condition of its kind; names record and file.
    """
    conditions, counts = [], dict.fromkeys(KINDS, 0)
    for one, parts in zip(record.conditions, files, strict=True):
        counts[one.kind] += 1
        conditions.append(parsed(one, parts, counts[one.kind], record.id))
    target = None
    if record.target:
        parts = source.read(record.target, record.id)
        still = len(parts) == 1 and sniff(parts[0].data) in IMAGE_FORMATS
        wanted = SourceCondition(kind="image" if still else "video", paths=record.target)
        target = parsed(wanted, parts, 1, record.id)
    return Item(record.plain(), tuple(conditions), media_of(record.id, conditions, target))


def parsed(one: SourceCondition, parts: Sequence[Part], number: int, record: str) -> Condition:
    """Parse a condition; errors name the record, too."""
    try:
        return parse_condition(one.kind, parts, role=one.role, number=number, options=one.options)
    except InputError as error:
        raise InputError(str(error), record=record) from error


def place(store: ObjectStore, prefix: str, parts: Sequence[Part]) -> tuple[str, ...]:
    """Put files into a folder under their digests; return their paths below `prefix`.

    The names stay, because frames are ordered by them; equal files are kept once.
    """
    paths = []
    for part in parts:
        digest = digest_of(part.data)
        path = f"media/{digest[:2]}/{digest}/{part.name}"
        key = join_key(prefix, path)
        if not store.exists(key):
            store.put(key, part.data)
        paths.append(path)
    return tuple(paths)
