"""COCO files of several pictures: which of them a condition is, and in which order.

Exports of tools that track are of many pictures of one size: they are the frames of a clip, also
those without any object. Pictures of different sizes are none; one of them is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from any2caption.conditions.io.files import natural_key
from any2caption.conditions.io.untrusted_json import composed, shown, size_of
from any2caption.conditions.kind import Notes, Options
from any2caption.errors import InputError

SIZES = (("height", "width"), ("imageHeight", "imageWidth"), ("canvas_height", "canvas_width"))
_FRAME_KEYS = ("frame_id", "frame_index", "frame")
_NAMED = 5


@dataclass(slots=True)
class Picture:
    """A picture of the file: (height, width) if it is stated, and its (number, annotation)s.

    Annotations are numbered from 1 in the order of the file.
    """

    name: str
    size: tuple[int, int] | None
    annotations: list[tuple[int, Any]] = field(default_factory=list)


def pictures_of(
    content: Mapping[str, Any], annotations: list[Any], options: Options, file: str, notes: Notes
) -> list[Picture]:
    """Return the pictures to read, frame by frame; one where the file is of one picture.

    Raises:
        InputError: option `select` names none of them, or none has annotations.
    """
    numbered = list(enumerate(annotations, 1))
    single = content.get("image")
    if isinstance(single, dict):
        return [Picture("", size_of(single, file, SIZES), numbered)]
    listed = content.get("images")
    images = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if not images:
        return [Picture("", size_of(content, file, SIZES), numbered)]
    chosen = _selected(images, options, file)
    pictures = _filled(_in_order(chosen), numbered, file, images[0].get("id"))
    if "select" not in options:
        strangers = len(numbered) - sum(len(picture.annotations) for picture in pictures)
        if strangers:
            notes.warn(f"{strangers} annotations of pictures that are not listed are left out")
    if len(images) == 1 or "select" in options:
        return pictures[:1]
    used = [picture for picture in pictures if picture.annotations]
    if not used:
        raise InputError(
            f"none of the {len(images)} pictures has annotations", file=file, field="annotations"
        )
    if len({picture.size for picture in pictures}) == 1:
        notes.assume(
            f"{len(pictures)} pictures of one size are read as frames, in the order of their names "
            "(option select: the name or id of one)"
        )
        return pictures
    notes.warn(
        f"{len(images)} pictures of different sizes are no clip: only {used[0].name!r} is read "
        "(option select: the name or id of another)"
    )
    return used[:1]


def _selected(images: list[dict[str, Any]], options: Options, file: str) -> list[dict[str, Any]]:
    if "select" not in options:
        return images
    wanted = composed(str(options["select"]))
    chosen = [
        one
        for one in images
        if wanted == str(one.get("id")) or wanted == composed(str(one.get("file_name")))
    ]
    if not chosen:
        known = ", ".join(_name(one) for one in images[:_NAMED])
        raise InputError(f"no such picture; there are {known}", file=file, field="select")
    return chosen


def _name(image: Mapping[str, Any]) -> str:
    name = image.get("file_name")
    return shown(image.get("id") if name is None else name).strip('"')


def _in_order(images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By the stated number of the frame, else by the numbers in the names; else as listed."""
    for key in _FRAME_KEYS:
        numbers = [one.get(key) for one in images]
        if all(isinstance(one, int) for one in numbers) and len(set(numbers)) == len(numbers):
            return sorted(images, key=lambda one: int(one[key]))
    names = [one.get("file_name") for one in images]
    if all(isinstance(one, str) for one in names) and len(set(names)) == len(names):
        return sorted(images, key=lambda one: natural_key(one["file_name"]))
    return images


def _filled(
    images: list[dict[str, Any]], numbered: list[tuple[int, Any]], file: str, first: Any
) -> list[Picture]:
    """Give each picture its annotations; those that name no picture are the first one's.

    Ids are compared as text: some writers quote them.
    """
    by_id: dict[str, list[tuple[int, Any]]] = {}
    for number, one in numbered:
        ident = one.get("image_id") if isinstance(one, dict) else None
        by_id.setdefault(str(first if ident is None else ident), []).append((number, one))
    return [
        Picture(_name(image), size_of(image, file, SIZES), by_id.get(str(image.get("id")), []))
        for image in images
    ]
