"""Open a source: its manifest in one of three formats, or a plain folder of a known shape.

Rule: `manifest.jsonl`, `manifest.parquet` or `manifest.csv`; two of them are refused: nobody
could tell which one holds. Without a manifest the folder's shape is looked for (`shapes`).
The manifest is copied to a local file first, so one run reads one version of it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from any2caption.datasets.ingest.shapes.draft import Draft
from any2caption.datasets.ingest.shapes.folder import MAX_FILES, Folder
from any2caption.datasets.ingest.shapes.reader import read_shape
from any2caption.datasets.ingest.source_records import MAX_LINE_BYTES, Raw, Rejection
from any2caption.datasets.ingest.tables import count_parquet, read_csv, read_parquet, table_notes
from any2caption.errors import InputError, NotFoundError
from any2caption.storage import ObjectStore
from any2caption.storage.keys import join_key

MANIFESTS = ("manifest.jsonl", "manifest.parquet", "manifest.csv")
ABOUT_FILE = "a2c-source.json"  # a plain folder's licence and source, when no option gives them
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What a user says about a source. Empty = found out, or refused where it cannot be."""

    manifest: str = ""
    """Path of the manifest below the source, instead of the usual names."""
    shape: str = ""
    """Name of a plain folder's shape."""
    kind: str = ""
    """Kind of a plain folder's media."""
    licence: str = ""
    """Licence of records that state none."""
    source: str = ""
    """Provenance of records that state none."""


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A source that was opened: `items` can be read once or again."""

    where: str
    """The manifest's or the folder's address, for messages."""
    format: str
    """`jsonl`, `parquet`, `csv` or a shape's name."""
    path: Path | None
    count: int
    """Records, or lines, to come: for the progress."""
    defaults: Mapping[str, str]
    notes: tuple[str, ...]
    kinds: Mapping[str, bool]
    drafts: tuple[Draft, ...] = field(default=())

    def items(self) -> Iterator[tuple[int, Raw]]:
        """Yield (line from 1, record as it was read or the problem)."""
        if self.path is None:
            for number, draft in enumerate(self.drafts, 1):
                bad = Rejection(number, draft.id, draft.problems) if draft.problems else None
                yield number, bad or draft.document()
        elif self.format == "jsonl":
            yield from enumerate(read_long_lines(self.path), 1)
        elif self.format == "csv":
            yield from read_csv(self.path, self.where, self.kinds)
        else:
            yield from read_parquet(self.path, self.where, self.kinds)


def open_source(
    store: ObjectStore, prefix: str, folder: Path, options: SourceOptions
) -> OpenSource:
    """Find the manifest or the shape; `folder` is a place for temporary files.

    Raises:
        InputError: no manifest and no known shape, or one that cannot be read.
    """
    from any2caption.conditions.registry import KINDS

    kinds = {name: kind.joins_parts for name, kind in KINDS.items()}
    defaults = {
        name: value
        for name, value in (("licence", options.licence), ("source", options.source))
        if value
    }
    names = [options.manifest] if options.manifest else list(MANIFESTS)
    found = [name for name in names if store.exists(join_key(prefix, name))]
    base = f"{store.uri}/{prefix}".rstrip("/")
    if len(found) > 1:
        raise InputError(f"{' and '.join(found)} are both there; keep one", file=base)
    if options.manifest and not found:
        raise InputError("there is no such manifest", file=f"{base}/{options.manifest}")
    if found:
        where, form = f"{base}/{found[0]}", found[0].rpartition(".")[2].lower()
        if form not in {"jsonl", "parquet", "csv"}:
            raise InputError("a manifest is .jsonl, .parquet or .csv", file=where)
        local = folder / f"manifest.{form}"
        store.download(join_key(prefix, found[0]), local)
        count = count_parquet(local, where) if form == "parquet" else _count_lines(local, where)
        notes = () if form == "jsonl" else table_notes(local, form)
        return OpenSource(where, form, local, count, defaults, notes, kinds)
    return _open_folder(store, prefix, base, options, defaults, kinds)


def read_long_lines(path: Path) -> Iterator[bytes]:
    """Yield lines without a byte-order mark; of a too long one only as much as shows that."""
    with path.open("rb") as file:
        if file.read(len(_BOM)) != _BOM:
            file.seek(0)
        while line := file.readline(MAX_LINE_BYTES + 2):
            yield line
            while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES)
                if not line:
                    break


def _open_folder(  # noqa: PLR0913, PLR0917 - one step of the function above
    store: ObjectStore,
    prefix: str,
    base: str,
    options: SourceOptions,
    defaults: dict[str, str],
    kinds: Mapping[str, bool],
) -> OpenSource:
    start = f"{prefix.rstrip('/')}/" if prefix else ""
    paths: list[str] = []
    for info in store.list(start):
        path = info.key[len(start) :]
        if path != ABOUT_FILE and not any(part.startswith(".") for part in path.split("/")):
            paths.append(path)
        if len(paths) > MAX_FILES:
            raise InputError(f"more than {MAX_FILES:,} files need a manifest", file=base)
    if not paths:
        raise InputError("the source has no manifest (and no files)", file=f"{base}/{MANIFESTS[0]}")
    if options.kind and options.kind not in kinds:
        raise InputError(f"unknown kind; known: {', '.join(kinds)}", field="kind")
    folder = Folder(
        where=base,
        paths=paths,
        read=lambda path: store.get(join_key(prefix, path)),
        kinds=kinds,
        kind=options.kind,
        joining=[name for name, joins in kinds.items() if joins],
    )
    shape, drafts = read_shape(folder, options.shape)
    defaults = {**_about(store, join_key(prefix, ABOUT_FILE), base), **defaults}
    if missing := [name for name in ("licence", "source") if not defaults.get(name)]:
        raise InputError(
            f"a plain folder ({shape}) states no {' and no '.join(missing)}: give "
            f"{' and '.join(f'--{name}' for name in missing)}, or put them into {ABOUT_FILE}",
            file=base,
        )
    notes = tuple(dict.fromkeys(folder.notes))
    return OpenSource(base, shape, None, len(drafts), defaults, notes, kinds, tuple(drafts))


def _about(store: ObjectStore, key: str, base: str) -> dict[str, str]:
    try:
        content = json.loads(store.get(key))
    except NotFoundError:
        return {}
    except ValueError as error:
        raise InputError(f"no JSON: {error}", file=f"{base}/{ABOUT_FILE}") from None
    if not isinstance(content, dict) or set(content) - {"licence", "source"}:
        raise InputError("holds licence and source, nothing else", file=f"{base}/{ABOUT_FILE}")
    return {key: str(value) for key, value in content.items()}


def _count_lines(path: Path, where: str) -> int:
    count, last = 0, b"\n"
    with path.open("rb") as file:
        head = file.read(2)
        if head in {b"\xff\xfe", b"\xfe\xff"}:
            raise InputError("the manifest is UTF-16; save it as UTF-8", file=where)
        file.seek(0)
        while block := file.read(1 << 20):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")
