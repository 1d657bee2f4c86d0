"""Tables that pair texts with files: JSON, JSON lines and CSV; told from others by what they hold.

A table is a list (or lines) of rows, or an object of name → row. An object of name → text is one
where a name is a file's. Each row has a text, or at least one has a text and a file: then a row
with files and no text is a record that waits for its prompt, too.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from posixpath import basename, splitext
from typing import Any

from any2caption.datasets.ingest.shapes.draft import Condition, Draft, condition, missing
from any2caption.datasets.ingest.shapes.folder import Folder
from any2caption.datasets.ingest.shapes.texts import read_texts
from any2caption.datasets.ingest.source_records import Problem
from any2caption.errors import InputError

FILE_FIELDS = (
    "file_name", "file", "path", "file_path", "video", "video_path", "image", "image_path",
    "input_image", "image_paths", "img_paths", "src_ref_images", "images", "videos", "first_frame",
    "last_frame",
)  # fmt: skip
_REFERENCE = re.compile(r"(image_ref|ref_?image|ref)_?\d+")
_REFERENCES = ("image_paths", "img_paths", "src_ref_images")
_NAMED = 3  # rows or fields that a note names
_PROSE = 6  # words
Row = tuple[str, Mapping[str, Any]]


def table_drafts(folder: Folder, path: str) -> list[Draft]:
    """Return the records of a table; none when the file is another thing."""
    rows = list(_rows(folder, path))
    drafts = [_draft(folder, path, key, row) for key, row in rows]
    told = [bool(read_texts(row)) for _, row in rows]
    paired = any(text and draft.conditions for text, draft in zip(told, drafts, strict=True))
    if not rows or not (all(told) or paired):
        return []
    empty = [
        key
        for (key, _), text, draft in zip(rows, told, drafts, strict=True)
        if not text and not draft.conditions
    ]
    if empty:
        named = ", ".join(empty[:_NAMED])
        folder.notes.append(f"{path}: {len(empty)} rows have neither text nor file: {named}")
    _note_fields(folder, path, rows)
    return [draft for draft in drafts if draft.prompt or draft.parts or draft.conditions]


def _note_fields(folder: Folder, path: str, rows: list[Row]) -> None:
    """Say which fields hold prose that no record takes."""
    left: dict[str, str] = {}
    for key, row in rows:
        used = read_texts(row).fields
        for name, value in row.items():
            prose = isinstance(value, str) and len(value.split()) >= _PROSE
            if prose and name not in used and not _holds_files(name) and name != "id":
                left.setdefault(name, key)
    if left:
        named = ", ".join(f"{name!r} (row {key})" for name, key in list(left.items())[:_NAMED])
        more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
        folder.notes.append(f"{path}: no record takes the text of the field {named}{more}")


def _rows(folder: Folder, path: str) -> Iterator[Row]:
    """Yield (key or number, row) of a table; nothing when the file is another thing."""
    suffix = splitext(path)[1].lower()
    if suffix == ".csv":
        yield from _csv_rows(folder, path)
        return
    content = _load(folder, path, lines=suffix == ".jsonl")
    if isinstance(content, list):
        for number, row in enumerate(content, 1):
            yield str(number), row if isinstance(row, dict) else {}
    elif isinstance(content, dict) and not read_texts(content):
        texts = [key for key, value in content.items() if isinstance(value, str)]
        if texts and not any(_is_file(folder, key, path) for key in texts):
            return  # settings, a label map, …
        for key, value in content.items():
            if isinstance(value, str):
                yield key, {"file": key, "text": value}
            else:
                yield key, value if isinstance(value, dict) else {}


def _is_file(folder: Folder, name: str, table: str) -> bool:
    """Whether a table's entry names a file, several of that name, or a folder of media."""
    path = folder.find(name, table)
    return path in folder.names or bool(folder.namesakes(path) or _frames(folder, path))


def _csv_rows(folder: Folder, path: str) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(folder.text(path), newline=""), strict=True)
    try:
        for number, row in enumerate(reader, 1):
            yield str(number), {str(key): value for key, value in row.items()}
    except csv.Error as error:
        raise InputError(f"no CSV: {error}", file=path) from None


def _load(folder: Folder, path: str, *, lines: bool = False) -> Any:
    """Read JSON, or JSON lines as a list."""
    try:
        if lines:
            return [json.loads(line) for line in folder.lines(path) if line]
        return json.loads(folder.text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"no JSON: {error}", file=path) from None


def _draft(folder: Folder, table: str, key: str, row: Mapping[str, Any]) -> Draft:
    texts = read_texts(row)
    conditions, problems = row_conditions(folder, table, row)
    stem = splitext(table)[0]
    named = row.get("id") or row.get("file_name") or row.get("file")
    identity = f"{stem}/{named or (key if not key.isdecimal() else f'{int(key):06}')}"
    parts = dict(texts.parts)
    # A text alone is one that a user could type, however long.
    prompt = texts.prompt or ("" if conditions else parts.pop("dense", ""))
    return Draft(identity[:200], prompt, conditions, parts, (table,), problems)


def row_conditions(
    folder: Folder, table: str, row: Mapping[str, Any]
) -> tuple[tuple[Condition, ...], tuple[Problem, ...]]:
    """Return the conditions that a row names, and what is wrong with the names."""
    found: list[Condition] = []
    problems: list[Problem] = []
    for name, value in row.items():
        if not _holds_files(name) or not value:
            continue
        reference = name in _REFERENCES or bool(_REFERENCE.fullmatch(name))
        for item in value if isinstance(value, list) else [value]:
            path = folder.find(str(item), table)
            role = "identity" if reference else name if name.endswith("_frame") else ""
            frames = _frames(folder, path)
            twins = folder.namesakes(path)
            if path not in folder.names and not frames and len(twins) > 1:
                found += [condition(folder, [twin]) for twin in twins]
                continue
            found.append(condition(folder, frames or [path], role))
            if not frames:
                problems += missing(folder, path, table, name)
    return tuple(found), tuple(problems)


def _holds_files(name: str) -> bool:
    return name in FILE_FIELDS or bool(_REFERENCE.fullmatch(name))


def _frames(folder: Folder, path: str) -> list[str]:
    """Return the media of a folder that a table names instead of a file."""
    for name, files in folder.by_folder.items():
        if path and (name == path or basename(name) == path):
            return [file for file in files if folder.kind_of(file)]
    return []
