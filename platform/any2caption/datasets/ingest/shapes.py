"""Plain folders as they are published: which shapes are read, told apart by what the files hold.

The shapes, in the order in which they are tried (the first that fits is taken):

`table`     a JSON, JSONL or CSV file that pairs texts with files: rows with a text field (`text`,
            `caption`, `prompt`, `input_text`) and file fields, or an object of file name → text.
`fields`    text lines `id@@prompt@@path[@@path…]`.
`lists`     a text file whose every line names a file, and one with as many lines of prompts.
`subjects`  DreamBooth's: a folder of photos a subject, and `prompts_and_classes.txt`.
`sidecars`  each media file has a text file of the same name beside it.
`samples`   a folder per sample (or one sample): media and one prompt file.
`order`     a JSON file `{"prompts": [...]}` with as many prompts as there are media, in name order.
`prompts`   text files, one prompt a line, and nothing that is a condition: records without any.
`files`     media without any text (`bare`): records that wait for annotation. Where texts lie
            beside them that no shape above could pair, it is only taken when it is asked for.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname, splitext
from typing import Any

from any2caption.datasets.ingest.bare import bare_records, unpaired_texts
from any2caption.datasets.ingest.folder import ABOUT_FILES, TEXTS, Folder
from any2caption.datasets.ingest.subjects import subject_records
from any2caption.errors import InputError

TEXT_FIELDS = (
    "prompt", "caption", "text", "input_text", "short_caption", "short_prompt",
    "Concise Interaction",  # GenDoP: what the camera does and to what
)  # fmt: skip
FILE_FIELDS = (
    "file_name", "file", "path", "video", "image", "input_image", "image_paths", "img_paths",
    "src_ref_images", "images", "videos", "first_frame", "last_frame",
)  # fmt: skip
_REFERENCE = re.compile(r"(image_ref|ref_?image|ref)_?\d+")
_REFERENCES = ("image_paths", "img_paths", "src_ref_images")
_FEW = 2  # paths in a line of the shape `fields`


@dataclass(frozen=True, slots=True)
class Draft:
    """A record as a folder gives it; paths are below the root."""

    id: str
    prompt: str
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """Kind, role or "", paths."""

    def document(self) -> dict[str, Any]:
        """Return the record as a manifest would have it, without licence and source."""
        conditions = [
            {"kind": kind, "paths": list(paths), **({"role": role} if role else {})}
            for kind, role, paths in self.conditions
        ]
        return {"id": self.id, "prompt": self.prompt, "conditions": conditions}


Shape = Callable[[Folder], list[Draft] | None]


def read_shape(folder: Folder, shape: str = "") -> tuple[str, list[Draft]]:
    """Return the shape's name and its records.

    Raises:
        InputError: the folder has none of the shapes, or not the one that was asked for.
    """
    if shape and shape not in SHAPES:
        raise InputError(f"unknown shape; known: {', '.join(SHAPES)}", field="shape")
    unpaired: list[str] = []
    for name, read in SHAPES.items():
        if name == "files" and not shape and (unpaired := unpaired_texts(folder)):
            continue
        if shape in {"", name}:
            drafts = read(folder)
            if drafts:
                _note_unused(folder, drafts)
                return name, drafts
    about = "; ".join(f"{name}: {text}" for name, text in ABOUT.items())
    asked = f"not of the shape {shape!r}" if shape else "no manifest and no known shape"
    if unpaired and folder.media:
        asked += f" ({len(unpaired)} texts pair with no file, e.g. {unpaired[0]})"
    raise InputError(f"{asked}. Accepted: manifest.jsonl, .parquet or .csv; {about}",
                     file=folder.where)  # fmt: skip


def _note_unused(folder: Folder, drafts: Sequence[Draft]) -> None:
    """Say which media no record uses: a shape that fits half a folder is seen at once."""
    used = {path for draft in drafts for _, _, paths in draft.conditions for path in paths}
    unused = [path for path in folder.media if path not in used]
    if unused:
        named = ", ".join(unused[:3])
        folder.notes.append(f"{len(unused)} media files belong to no record, e.g. {named}")


def _table(folder: Folder) -> list[Draft] | None:
    found: list[Draft] = []
    for path in _texts(folder, ".json", ".jsonl", ".csv"):
        rows = list(_rows(folder, path))
        drafts = [_draft_of_row(folder, path, key, row) for key, row in rows]
        if rows and all(draft is not None for draft in drafts):
            found += [draft for draft in drafts if draft is not None]
    named = any(draft.conditions for draft in found)
    # A table without files is one of prompts alone only where there is nothing to pair it with.
    return found if named or not folder.media else None


def _rows(folder: Folder, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (key or number, row) of a table; nothing when the file is another thing."""
    suffix = splitext(path)[1].lower()
    if suffix == ".csv":
        yield from _csv_rows(folder, path)
        return
    content = _load(folder, path, lines=suffix == ".jsonl")
    if isinstance(content, list):
        for number, row in enumerate(content, 1):
            yield str(number), row if isinstance(row, dict) else {}
    elif isinstance(content, dict) and not _text_of(content):
        texts = [key for key, value in content.items() if isinstance(value, str)]
        if texts and not any(_named(folder, key, path) for key in texts):
            return  # settings, a label map, …
        for key, value in content.items():
            if isinstance(value, str):
                yield key, {"file": key, "text": value}
            else:
                yield key, value if isinstance(value, dict) else {}


def _named(folder: Folder, name: str, table: str) -> bool:
    """Whether a table's entry names a file, several of that name, or a folder of media."""
    path = folder.find(name, table)
    return path in folder.names or bool(folder.namesakes(path) or _frames(folder, path))


def _csv_rows(folder: Folder, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
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


def _draft_of_row(folder: Folder, table: str, key: str, row: Mapping[str, Any]) -> Draft | None:
    prompt = _text_of(row)
    if not prompt:
        return None
    conditions = tuple(_conditions_of(folder, table, row))
    stem = splitext(table)[0]
    named = row.get("id") or row.get("file_name") or row.get("file")
    identity = f"{stem}/{named or (key if not key.isdecimal() else f'{int(key):06}')}"
    return Draft(identity[:200], prompt, conditions)


def _text_of(row: Mapping[str, Any]) -> str:
    texts = (row.get(name) for name in TEXT_FIELDS)
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), "")


def _conditions_of(
    folder: Folder, table: str, row: Mapping[str, Any]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for name, value in row.items():
        reference = bool(_REFERENCE.fullmatch(name)) or name in _REFERENCES
        if not (reference or name in FILE_FIELDS) or not value:
            continue
        for item in value if isinstance(value, list) else [value]:
            path = folder.find(str(item), table)
            role = "identity" if reference else name if name.endswith("_frame") else ""
            frames = _frames(folder, path)
            twins = folder.namesakes(path)
            if path not in folder.names and not frames and len(twins) > 1:
                yield from (condition(folder, [twin]) for twin in twins)
            else:
                yield condition(folder, frames or [path], role)


def _frames(folder: Folder, path: str) -> list[str]:
    """Return the media of a folder that a table names instead of a file."""
    for name, files in folder.by_folder.items():
        if path and (name == path or basename(name) == path):
            return [file for file in files if folder.kind_of(file)]
    return []


def condition(
    folder: Folder, paths: Sequence[str], role: str = ""
) -> tuple[str, str, tuple[str, ...]]:
    """Return one condition: several pictures without a kind of their own are a video's frames."""
    return _with_role(folder.kind_of(paths[0]) or "image", paths, role)


def _with_role(kind: str, paths: Sequence[str], role: str = "") -> tuple[str, str, tuple[str, ...]]:
    stem = splitext(basename(paths[0]))[0].lower()
    if kind == "image" and len(paths) > 1:
        kind = "video"
    if kind != "image":
        role = ""
    elif not role:
        role = next((name for name in ("first_frame", "last_frame") if name in stem), "")
    return kind, role, tuple(paths)


def _fields(folder: Folder) -> list[Draft] | None:
    found = []
    for path in _texts(folder, ".txt"):
        lines = [line for line in folder.lines(path) if line]
        rows = [[cell.strip() for cell in line.split("@@")] for line in lines]
        if not rows or any(len(row) <= _FEW for row in rows):
            continue
        stem = splitext(path)[0]
        for name, prompt, *paths in rows:
            files = [folder.find(item, path) for item in paths]
            conditions = tuple(condition(folder, [file], "identity") for file in files)
            found.append(Draft(f"{stem}/{name}"[:200], prompt, conditions))
    return found


def _lists(folder: Folder) -> list[Draft] | None:
    found: list[Draft] = []
    for place in folder.by_folder:
        texts = [path for path in folder.by_folder[place] if path.endswith(".txt")]
        lines = {path: folder.lines(path) for path in texts}
        files = [path for path in texts if all(folder.find(i, path) in folder.names
                                               for i in lines[path])]  # fmt: skip
        for listing in files:
            prompts = [path for path in texts if path not in files
                       and len(lines[path]) == len(lines[listing])]  # fmt: skip
            if len(prompts) != 1:
                continue
            for item, prompt in zip(lines[listing], lines[prompts[0]], strict=True):
                path = folder.find(item, listing)
                found.append(Draft(splitext(path)[0][:200], prompt, (condition(folder, [path]),)))
    return found


def _sidecars(folder: Folder) -> list[Draft] | None:
    found = []
    for path in folder.media:
        text = f"{splitext(path)[0]}.txt"
        if text in folder.names and text != path:
            prompt = " ".join(folder.text(text).split())
            found.append(Draft(splitext(path)[0][:200], prompt, (condition(folder, [path]),)))
    return found


def _samples(folder: Folder) -> list[Draft] | None:
    found: list[Draft] = []
    for place, files in folder.by_folder.items():
        prompts = [path for path in files if _is_prompt(folder, path)]
        media = [path for path in files if folder.kind_of(path) and path not in prompts]
        below = [path for path in folder.media if place and dirname(dirname(path)) == place]
        if len(prompts) != 1 or not (media or below):
            continue
        prompt, listed = _prompt_of(folder, prompts[0])
        groups = {dirname(path): [p for p in below if dirname(p) == dirname(path)]
                  for path in below}  # fmt: skip
        conditions = tuple(listed) or (
            *(condition(folder, [path]) for path in media),
            *(condition(folder, group) for group in groups.values()),
        )
        found.append(Draft((place or basename(folder.where) or "sample")[:200], prompt, conditions))
    return found


def _is_prompt(folder: Folder, path: str) -> bool:
    suffix = splitext(path)[1].lower()
    if ABOUT_FILES.match(basename(path)):
        return False
    if suffix == ".json":
        try:
            content = json.loads(folder.text(path))
        except (ValueError, RecursionError):
            return False
        return isinstance(content, dict) and bool(_text_of(content))
    return suffix == ".txt" and not folder.kind_of(path)


def _prompt_of(folder: Folder, path: str) -> tuple[str, list[tuple[str, str, tuple[str, ...]]]]:
    if path.endswith(".json"):
        content = json.loads(folder.text(path))
        return _text_of(content), list(_conditions_of(folder, path, content))
    return " ".join(folder.text(path).split()), []


def _order(folder: Folder) -> list[Draft] | None:
    for path in _texts(folder, ".json"):
        try:
            content = json.loads(folder.text(path))
        except (ValueError, RecursionError):
            continue
        prompts = content.get("prompts") if isinstance(content, dict) else None
        if not isinstance(prompts, list) or not all(isinstance(item, str) for item in prompts):
            continue
        media = [item for item in folder.media if item != path]
        if len(media) == len(prompts):
            folder.notes.append(f"{path}: prompt k belongs to file k in name order")
            return [
                Draft(splitext(item)[0][:200], prompt, (condition(folder, [item]),))
                for item, prompt in zip(media, prompts, strict=True)
            ]
    return None


def _subjects(folder: Folder) -> list[Draft] | None:
    return [
        Draft(identity[:200], prompt, (condition(folder, [photo], "identity"),))
        for identity, prompt, photo in subject_records(folder)
    ]


def _prompts(folder: Folder) -> list[Draft] | None:
    # What is no text by its name may still be a condition by its content (JSON of skeletons).
    if folder.media or bare_records(folder):
        return None
    return [
        Draft(f"{splitext(path)[0]}/{number:06}"[:200], line)
        for path in sorted(folder.paths)
        if path.endswith(".txt") and not ABOUT_FILES.match(basename(path))
        for number, line in enumerate(folder.lines(path), 1)
        if line
    ]


def _files(folder: Folder) -> list[Draft] | None:
    found = [
        Draft(
            (identity or basename(folder.where) or "sample")[:200],
            "",
            tuple(_with_role(kind, paths) for kind, paths in conditions),
        )
        for identity, conditions in bare_records(folder)
    ]
    if unpaired := unpaired_texts(folder):
        folder.notes.append(f"{len(unpaired)} texts are not used, e.g. {unpaired[0]}")
    return found


def _texts(folder: Folder, *suffixes: str) -> list[str]:
    wanted = suffixes or TEXTS
    return [
        path
        for path in sorted(folder.paths)
        if splitext(path)[1].lower() in wanted and not folder.kind_of(path)
    ]


SHAPES: dict[str, Shape] = {
    "table": _table,
    "fields": _fields,
    "lists": _lists,
    "subjects": _subjects,
    "sidecars": _sidecars,
    "samples": _samples,
    "order": _order,
    "prompts": _prompts,
    "files": _files,
}
ABOUT = {
    "table": "a JSON, JSONL or CSV file that pairs texts with files",
    "fields": "lines id@@prompt@@path",
    "lists": "a list of files and a list of prompts with as many lines",
    "subjects": "DreamBooth's folders of photos with prompts_and_classes.txt",
    "sidecars": "a .txt beside each media file",
    "samples": "a folder per sample with media and one prompt file",
    "order": '{"prompts": […]} with as many prompts as files',
    "prompts": "text files of one prompt a line, and no media",
    "files": "media without any text, which wait for annotation",
}
