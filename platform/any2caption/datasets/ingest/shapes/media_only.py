"""A folder of media without any text: records that wait for annotation.

Files of one folder, suffix and name (apart from a number at its end) are a series: pictures, and
JSON files of one frame each, are one condition; anything else is a record of its own. Files and
series that differ only in words for a kind (`depth/a.png` and `rgb/a.png`, `a.jpg` and
`a_mask.png`) are conditions of one record.
"""

import re
from collections.abc import Collection, Sequence
from posixpath import basename, dirname, splitext

from any2caption.conditions.io.files import natural_key
from any2caption.conditions.types import Part
from any2caption.datasets.ingest.shapes.folder import FOLDER_KINDS, IMAGES, Folder
from any2caption.errors import InputError

_ORDINARY = ("color", "colour", "rgb", "image", "images", "img", "frames", "video", "videos",
             "jpegimages", "annotations", "keypoints")  # fmt: skip
_PICTURES = ("color", "colour", "rgb", "images", "frames", "jpegimages")
"""Folders whose pictures are what they look like, whatever their colours are."""
_SEPARATORS = re.compile(r"[_\-. ]+")
_NUMBERED = re.compile(r"(.*?)[_\-. ]*(\d+)(_keypoints)?")
Condition = tuple[str, tuple[str, ...]]


def bare_records(folder: Folder) -> list[tuple[str, list[Condition]]]:
    """Return (id, conditions as kind and paths) of each record."""
    records: dict[str, list[Condition]] = {}
    for (place, name, _), paths in _series(folder).items():
        kind = _kind(folder, paths[0])
        if not kind:
            continue
        whole = _joins(folder, kind, paths)
        for group in [paths] if whole else [[path] for path in paths]:
            stem = name if whole else splitext(basename(group[0]))[0]
            records.setdefault(_key(place, stem), []).append((kind, tuple(group)))
    return sorted(records.items(), key=lambda item: natural_key(item[0]))


def _series(folder: Folder) -> dict[tuple[str, str, str], list[str]]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for place, files in folder.by_folder.items():
        for path in files:
            stem, suffix = splitext(basename(path))
            if suffix.lower() == ".json" or folder.kind_of(path):
                numbered = _NUMBERED.fullmatch(stem)
                name = numbered[1] if numbered else f"{stem}{suffix}"
                found.setdefault((place, name, suffix.lower()), []).append(path)
    return found


def _kind(folder: Folder, path: str) -> str:
    """Return the kind of a series by its first file: as its folder says, else by content.

    Clips are not opened: without a folder's or an option's word they are videos.
    """
    named = folder.kind_of(path)
    suffix = splitext(path)[1].lower()
    plain = any(word in _PICTURES for word in dirname(path).lower().split("/"))
    if folder.kind or plain or named not in {"", "image"} or suffix not in {*IMAGES, ".json"}:
        return named
    from any2caption.conditions.inspect.detect import detect_kind

    try:
        kind, _ = detect_kind([Part(basename(path), folder.read(path))])
    except InputError:
        return named  # ingest says what is wrong with it
    return kind if kind in folder.kinds and kind != "text" else named


def _joins(folder: Folder, kind: str, paths: Sequence[str]) -> bool:
    """Whether the files are the frames of one condition."""
    suffix = splitext(paths[0])[1].lower()
    if len(paths) == 1 or suffix not in {*IMAGES, ".json", ".npy"}:
        return False
    if kind == "image":
        return suffix in IMAGES and _one_size(folder, (paths[0], paths[-1]))
    return kind in folder.joining


def _one_size(folder: Folder, paths: Sequence[str]) -> bool:
    from any2caption.conditions.io.images import MAX_PIXELS, image_header

    try:
        parts = [Part(basename(path), folder.read(path)) for path in paths]
        return len({image_header(part, MAX_PIXELS).upright_size for part in parts}) == 1
    except InputError:
        return False


def own_name(stem: str, also: Collection[str] = ()) -> str:
    """Return a file's name without words for kinds and those of `also`, joined by `_`."""
    words = [word for word in _SEPARATORS.split(stem) if word and not _is_word(word)]
    return "_".join(word for word in words if word.lower() not in also)


def _key(place: str, stem: str) -> str:
    folders = [name for name in place.split("/") if name and not _is_word(name)]
    name = own_name(stem)
    return "/".join([*folders, *([name] if name else [])])


def _is_word(name: str) -> bool:
    return name.lower() in FOLDER_KINDS or name.lower() in _ORDINARY
