"""Plain folders as they are published: which shapes are read, told apart by what the files hold.

The shapes, in the order in which they are tried (the first that fits is taken):

`table`     a JSON, JSONL or CSV file that pairs texts with files: rows with a text field (`texts`)
            and file fields, or an object of file name → text (`rows`).
`fields`    text lines `id@@prompt@@path[@@path…]`.
`lists`     a text file whose every line names a file, and one with as many lines of prompts.
`subjects`  DreamBooth's: a folder of photos a subject, and `prompts_and_classes.txt`.
`sidecars`  each media file has a text file of the same name beside it.
`samples`   a folder per sample (or one sample): media and one prompt file. In a folder with several
            prompt files, each with the media of its name (`a_caption.json`, `a_transforms.json`).
`order`     a JSON file `{"prompts": [...]}` with as many prompts as there are media, in name order.
`prompts`   text files, one prompt a line, tables of texts, and nothing that is a condition: records
            without any. Here and in tables two files of short and long texts are one (`versions`).
`files`     media without any text (`bare`): records that wait for annotation. Where texts lie
            beside them that no shape above could pair, it is only taken when it is asked for.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from posixpath import basename, dirname, join, splitext

from any2caption.datasets.ingest.shapes.draft import Condition, Draft, condition, missing, with_role
from any2caption.datasets.ingest.shapes.folder import ABOUT_FILES, IMAGES, TEXTS, VIDEOS, Folder
from any2caption.datasets.ingest.shapes.media_only import bare_records, own_name
from any2caption.datasets.ingest.shapes.rows import row_conditions, table_drafts
from any2caption.datasets.ingest.shapes.subjects import FILE as SUBJECTS
from any2caption.datasets.ingest.shapes.subjects import subject_records
from any2caption.datasets.ingest.shapes.texts import Texts, read_texts
from any2caption.datasets.ingest.shapes.versions import pair_versions
from any2caption.datasets.ingest.source_records import Problem
from any2caption.errors import InputError

_FEW = 2  # paths in a line of the shape `fields`
_NAMED = 3  # files that a note names
_SAMPLE_WORDS = ("caption", "captions", "prompt", "text", "transforms", "cleaning")
"""Words in the names of a sample's files that say what each of them is."""

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
        if name == "files" and not shape and (unpaired := _lines(folder)):
            continue
        if shape in {"", name}:
            noted = len(folder.notes)
            drafts = read(folder)
            if drafts:
                _note_unused(folder, drafts)
                return name, drafts
            del folder.notes[noted:]  # of what was not taken
    about = "; ".join(f"{name}: {text}" for name, text in ABOUT.items())
    asked = f"not of the shape {shape!r}" if shape else "no manifest and no known shape"
    if unpaired and folder.media:
        asked += f" ({len(unpaired)} texts pair with no file, e.g. {unpaired[0]})"
    elif not shape and (unread := _texts(folder, ".json")):
        asked += f" ({len(unread)} JSON files are neither table nor condition, e.g. {unread[0]})"
    raise InputError(f"{asked}. Accepted: manifest.jsonl, .parquet or .csv; {about}",
                     file=folder.where)  # fmt: skip


def _note_unused(folder: Folder, drafts: Sequence[Draft]) -> None:
    """Say which media and texts no record uses: a shape that fits half a folder is seen at once."""
    used = {path for draft in drafts for _, _, paths in draft.conditions for path in paths}
    texts = {path for draft in drafts for path in draft.texts}
    media = [path for path in folder.media if path not in used]
    others = [path for path in _texts(folder) if path not in used | texts | folder.known]
    for files, what in ((media, "media files belong"), (others, "text files belong")):
        if files:
            named = ", ".join(files[:_NAMED])
            folder.notes.append(f"{len(files)} {what} to no record, e.g. {named}")
    places = {path.partition("/")[0] for path in used | texts}
    if any("/" in path and path.partition("/")[0] not in places for path in others):
        folder.notes.append(
            "where folders hold data sets of different shapes, ingest them one by one"
        )


def _table(folder: Folder) -> list[Draft] | None:
    found = pair_versions(folder, _tables(folder))
    named = any(draft.conditions for draft in found)
    # A table without files is one of prompts alone only where there is nothing to pair it with.
    return found if named or not (folder.media or _lines(folder, ".txt")) else None


def _tables(folder: Folder) -> dict[str, list[Draft]]:
    paths = _texts(folder, ".json", ".jsonl", ".csv")
    return {path: drafts for path in paths if (drafts := table_drafts(folder, path))}


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
            problems = [p for file in files for p in missing(folder, file, path, "path")]
            found.append(
                Draft(
                    f"{stem}/{name}"[:200],
                    prompt,
                    conditions,
                    texts=(path,),
                    problems=tuple(problems),
                )
            )
    return found


def _lists(folder: Folder) -> list[Draft] | None:
    found: list[Draft] = []
    for place in folder.by_folder:
        texts = [path for path in folder.by_folder[place] if path.endswith(".txt")]
        lines = {path: folder.lines(path) for path in texts}
        listings = [path for path in texts if _is_listing(folder, path, lines[path])]
        for listing in listings:
            files = [folder.find(item, listing) for item in lines[listing]]
            prompts = [path for path in texts if path not in listings
                       and len(lines[path]) == len(files)]  # fmt: skip
            drafts = {
                path: [
                    _listed(folder, listing, file, path, prompt)
                    for file, prompt in zip(files, lines[path], strict=True)
                ]
                for path in prompts
            }
            paired = pair_versions(folder, drafts)
            if len(paired) == len(files):
                found += paired
            elif paired:
                folder.notes.append(f"{', '.join(prompts)} all have as many lines as {listing}")
    return found


def _is_listing(folder: Folder, path: str, lines: Sequence[str]) -> bool:
    """Whether every line names a file; some of them may be missing."""
    there = [folder.find(line, path) in folder.names for line in lines]
    media = (*IMAGES, *VIDEOS)
    return all(there) or (any(there) and all(line.lower().endswith(media) for line in lines))


def _listed(folder: Folder, listing: str, file: str, text: str, prompt: str) -> Draft:
    conditions = (condition(folder, [file]),)
    problems = missing(folder, file, listing, "path")
    return Draft(splitext(file)[0][:200], prompt, conditions, {}, (listing, text), problems)


def _sidecars(folder: Folder) -> list[Draft] | None:
    found = []
    for path in folder.media:
        text = f"{splitext(path)[0]}.txt"
        if text in folder.names and text != path:
            prompt = " ".join(folder.text(text).split())
            conditions = (condition(folder, [path]),)
            found.append(Draft(splitext(path)[0][:200], prompt, conditions, texts=(text,)))
    return found


def _samples(folder: Folder) -> list[Draft] | None:
    found: list[Draft] = []
    for place, files in folder.by_folder.items():
        prompts = [path for path in files if _is_prompt(folder, path)]
        media = [path for path in files if folder.kind_of(path) and path not in prompts]
        below = [path for path in folder.media if place and dirname(dirname(path)) == place]
        if len(prompts) > 1 and media:
            found += _namesakes(folder, prompts, media)
        if len(prompts) != 1 or not (media or below):
            continue
        inside = dict.fromkeys(dirname(path) for path in below)
        groups = [
            *([path] for path in media),
            *([path for path in below if dirname(path) == name] for name in inside),
        ]
        found.append(_sample(folder, place or basename(folder.where), prompts[0], groups))
    return found


def _namesakes(folder: Folder, prompts: Sequence[str], media: Sequence[str]) -> Iterator[Draft]:
    """Yield a sample for each prompt file in a folder of several whose name is that of media."""
    by_name: dict[str, list[str]] = {}
    for path in media:
        by_name.setdefault(_own_name(path), []).append(path)
    names = [_own_name(path) for path in prompts]
    for path, name in zip(prompts, names, strict=True):
        if name and names.count(name) == 1 and name in by_name:
            groups = [[item] for item in by_name[name]]
            yield _sample(folder, join(dirname(path), name), path, groups)


def _own_name(path: str) -> str:
    return own_name(splitext(basename(path))[0], _SAMPLE_WORDS)


def _sample(folder: Folder, name: str, text: str, groups: Sequence[Sequence[str]]) -> Draft:
    texts, listed, problems = _prompt_of(folder, text)
    conditions = listed or tuple(condition(folder, group) for group in groups)
    identity = (name or "sample")[:200]
    return Draft(identity, texts.prompt, conditions, texts.parts, (text,), problems)


def _is_prompt(folder: Folder, path: str) -> bool:
    suffix = splitext(path)[1].lower()
    if ABOUT_FILES.match(basename(path)):
        return False
    if suffix == ".json":
        try:
            content = json.loads(folder.text(path))
        except (ValueError, RecursionError):
            return False
        return isinstance(content, dict) and bool(read_texts(content))
    return suffix == ".txt" and not folder.kind_of(path)


def _prompt_of(
    folder: Folder, path: str
) -> tuple[Texts, tuple[Condition, ...], tuple[Problem, ...]]:
    """Return a sample's texts, the conditions that its JSON names, and what is wrong with them."""
    if path.endswith(".json"):
        content = json.loads(folder.text(path))
        return read_texts(content), *row_conditions(folder, path, content)
    return Texts(" ".join(folder.text(path).split()), {}, frozenset()), (), ()


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
                Draft(splitext(item)[0][:200], prompt, (condition(folder, [item]),), texts=(path,))
                for item, prompt in zip(media, prompts, strict=True)
            ]
    return None


def _subjects(folder: Folder) -> list[Draft] | None:
    return [
        Draft(
            identity[:200],
            prompt,
            (condition(folder, [photo], "identity"),),
            texts=(join(dirname(dirname(photo)), SUBJECTS),),
        )
        for identity, prompt, photo in subject_records(folder)
    ]


def _prompts(folder: Folder) -> list[Draft] | None:
    # What is not text by its name may still be a condition by its content (JSON of skeletons).
    if folder.media or bare_records(folder):
        return None
    lines = {path: _line_drafts(folder, path) for path in _texts(folder, ".txt")}
    tables = _tables(folder)
    known = {draft.prompt for drafts in lines.values() for draft in drafts}
    for path, drafts in tables.items():
        fresh = [draft for draft in drafts if draft.parts or draft.prompt not in known]
        if gone := len(drafts) - len(fresh):
            folder.known.add(path)
            folder.notes.append(f"{path}: {gone} of {len(drafts)} texts are lines of other files")
        tables[path] = fresh
    found = pair_versions(folder, {**tables, **lines})
    return [draft for draft in found if draft.prompt or draft.parts]


def _line_drafts(folder: Folder, path: str) -> list[Draft]:
    return [
        Draft(f"{splitext(path)[0]}/{number:06}"[:200], line, texts=(path,))
        for number, line in enumerate(folder.lines(path), 1)
    ]


def _files(folder: Folder) -> list[Draft] | None:
    return [
        Draft(
            (identity or basename(folder.where) or "sample")[:200],
            "",
            tuple(with_role(kind, paths) for kind, paths in conditions),
        )
        for identity, conditions in bare_records(folder)
    ]


def _lines(folder: Folder, *suffixes: str) -> list[str]:
    """Return text files that may hold prompts."""
    return _texts(folder, *(suffixes or (".txt", ".jsonl", ".csv")))


def _texts(folder: Folder, *suffixes: str) -> list[str]:
    wanted = suffixes or TEXTS
    return [
        path
        for path in sorted(folder.paths)
        if splitext(path)[1].lower() in wanted
        and not folder.kind_of(path)
        and not ABOUT_FILES.match(basename(path))
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
    "samples": "a folder per sample with media and one prompt file, or prompt files called like "
    "their media (a_caption.json, a_rgb.png)",
    "order": '{"prompts": […]} with as many prompts as files',
    "prompts": "text files of one prompt a line (and tables of texts), and no media",
    "files": "media without any text, which wait for annotation",
}
