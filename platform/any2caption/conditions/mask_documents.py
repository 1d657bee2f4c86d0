"""Masks as JSON: SA-V masklets, COCO and SA-1B annotations, bare run-length masks and polygons.

Objects get the ids 1, 2, … in the order of the file. Where masks overlap, the smaller lies on top.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from any2caption.conditions.base import Limits, Notes, Options, Parsed
from any2caption.conditions.clips import kept_cap
from any2caption.conditions.documents import load_json, shown, size_of
from any2caption.conditions.mask_shapes import (
    MOST_WORK,
    Shape,
    Work,
    paint,
    read_polygons,
)
from any2caption.conditions.media import MAX_PIXELS
from any2caption.conditions.rle import Runs, mask_size, read_runs
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Part, Segmentation
from any2caption.errors import InputError

_MOST_OBJECTS = 10_000
_ACCEPTED = (
    "accepted: SA-V JSON (masklet), COCO JSON (annotations with segmentation), a run-length mask "
    "or a list of them"
)
_SIZES = (("height", "width"), ("imageHeight", "imageWidth"))


def parse_mask_document(part: Part, options: Options, limits: Limits, notes: Notes) -> Parsed:
    """Parse one JSON file of masks.

    Raises:
        InputError: no masks in it, other sizes in one clip, runs that do not fill the picture.
    """
    value = load_json(part)
    if isinstance(value, dict) and "masklet" in value:
        return _parse_masklet(value, part.name, limits, notes)
    return _parse_coco(value, part.name, options, limits, notes)


def _parse_masklet(value: Mapping[str, Any], file: str, limits: Limits, notes: Notes) -> Parsed:
    frames = _masklet_frames(value, file, limits)
    max_pixels = limits.pixels or MAX_PIXELS
    given = next((mask for frame in frames for mask in frame if mask is not None), None)
    if given is None:
        raise InputError("every mask is null", file=file, field="masklet")
    height, width = mask_size(given, file, "frame 1 object 1", max_pixels)
    cap = kept_cap(height * width, limits)
    kept: Sequence[int] = range(len(frames))
    if len(frames) > cap:
        notes.assume(f"{len(frames)} frames thinned out evenly to {cap}")
        kept = sample_frames(len(frames), cap).tolist()
    _note_rate(value, len(frames), notes)
    work = Work(file)
    ids = np.zeros((len(kept), height, width), np.int32)
    for place, at in enumerate(kept):
        masks: list[tuple[int, Shape]] = []
        for ident, mask in enumerate(frames[at], 1):
            if mask is not None:
                record = f"frame {at + 1} object {ident}"
                runs = _sized_mask(mask, (height, width), file, record, max_pixels)
                work.add(runs, record, "masklet")
                masks.append((ident, runs))
        ids[place], overlap = paint(masks, (height, width))
        _note_overlap(notes, overlap=overlap)
    notes.assume("object k of each frame has the id k, from 1 on")
    return notes.parsed(Segmentation(ids), "SA-V JSON")


def _sized_mask(mask: Any, size: tuple[int, int], file: str, record: str, max_pixels: int) -> Runs:
    height, width = mask_size(mask, file, record, max_pixels)
    if (height, width) != size:
        raise InputError(
            f"{width}×{height} pixels, but the picture has {size[1]}×{size[0]}",
            file=file,
            record=record,
            field="size",
        )
    return read_runs(mask, file, record, max_pixels)


def _masklet_frames(value: Mapping[str, Any], file: str, limits: Limits) -> list[list[Any]]:
    frames = value["masklet"]
    if not isinstance(frames, list) or not frames:
        raise InputError("no frames", file=file, field="masklet")
    if limits.frames and len(frames) > limits.frames:
        raise InputError(
            f"{len(frames):,} frames; at most {limits.frames:,} are taken",
            file=file,
            field="masklet",
        )
    for at, frame in enumerate(frames, 1):
        if not isinstance(frame, list) or len(frame) != len(frames[0]):
            raise InputError(
                f"{shown(frame)}: every frame needs an entry for each object",
                file=file,
                record=f"frame {at}",
                field="masklet",
            )
    if not 1 <= len(frames[0]) <= _MOST_OBJECTS:
        raise InputError(f"{len(frames[0]):,} objects", file=file, field="masklet")
    return frames


def _note_rate(value: Mapping[str, Any], frames: int, notes: Notes) -> None:
    total = value.get("video_frame_count")
    if isinstance(total, int | float) and not isinstance(total, bool) and frames < total < 1e7:  # noqa: PLR2004
        notes.assume(
            f"{frames} mask frames for {total:.0f} video frames: about 1 of "
            f"{total / frames:.0f} has masks"
        )


def _parse_coco(value: Any, file: str, options: Options, limits: Limits, notes: Notes) -> Parsed:
    content = value if isinstance(value, dict) else {"annotations": value}
    if "counts" in content or "segmentation" in content:
        content = {"annotations": [content]}
    annotations = content.get("annotations")
    if not isinstance(annotations, list) or not annotations:
        raise InputError(f"no masks in this JSON; {_ACCEPTED}", file=file, field="annotations")
    size, annotations = _picture(content, annotations, file, options, notes)
    names = _categories(content)
    if len(annotations) > _MOST_OBJECTS:
        raise InputError(f"{len(annotations):,} objects", file=file, field="annotations")
    max_pixels = limits.pixels or MAX_PIXELS
    masks = [_annotated(one, file, f"object {at}") for at, one in enumerate(annotations, 1)]
    sizes = [mask_size(one, file, name, max_pixels) for one, name in masks if isinstance(one, dict)]
    if size is None and sizes:
        size = sizes[0]
    if size is None:
        size = _stated(options)
    if size is None:
        raise InputError(
            "polygons need the picture's size: images[].width and height, or options width and "
            "height",
            file=file,
            field="size",
        )
    if size[0] * size[1] > max_pixels:
        raise InputError(f"{size[1]}×{size[0]} pixels", file=file, field="size")
    work = Work(file)
    drawn: list[tuple[int, Shape]] = []
    for ident, (mask, record) in enumerate(masks, 1):
        shape = _mask(mask, size, record, max_pixels, work)
        work.add(shape, record, "segmentation")
        drawn.append((ident, shape))
    ids, overlap = paint(drawn, size)
    _note_overlap(notes, overlap=overlap)
    labels = tuple(
        (ident, names[annotation["category_id"]])
        for ident, annotation in enumerate(annotations, 1)
        if isinstance(annotation.get("category_id"), int) and annotation["category_id"] in names
    )
    notes.assume("objects are numbered from 1 in the order of the file")
    runs = len(sizes) == len(masks)
    return notes.parsed(Segmentation(ids[None], labels), "COCO RLE JSON" if runs else "COCO JSON")


def _annotated(annotation: Any, file: str, record: str) -> tuple[Any, str]:
    """(what stands for the mask, its record)."""
    if not isinstance(annotation, dict):
        raise InputError(
            f"{shown(annotation)} is no annotation; {_ACCEPTED}",
            file=file,
            record=record,
            field="annotations",
        )
    return (annotation if "counts" in annotation else annotation.get("segmentation")), record


def _picture(
    content: Mapping[str, Any], annotations: list[Any], file: str, options: Options, notes: Notes
) -> tuple[tuple[int, int] | None, list[Any]]:
    """The size of the picture and its annotations; of several pictures the one that is selected."""
    image = content.get("image")
    images = content.get("images")
    if isinstance(image, dict):
        return size_of(image, file, _SIZES), annotations
    if not isinstance(images, list) or not images:
        return size_of(content, file, _SIZES), annotations
    wanted = options.get("select")
    chosen = [
        one
        for one in images
        if isinstance(one, dict)
        and (wanted is None or str(wanted) in (str(one.get("id")), str(one.get("file_name"))))
    ]
    if not chosen:
        known = ", ".join(
            str(one.get("file_name", one.get("id")))[:40] for one in images[:5]
            if isinstance(one, dict)
        )  # fmt: skip
        raise InputError(f"no such picture; there are {known}", file=file, field="select")
    if len(images) > 1 and wanted is None:
        notes.assume(f"the first of {len(images)} pictures is read (option select: its name or id)")
    first = chosen[0]
    own = [
        one for one in annotations
        if not isinstance(one, dict) or one.get("image_id", first.get("id")) == first.get("id")
    ]  # fmt: skip
    if not own:
        raise InputError("the picture has no annotations", file=file, field="annotations")
    return size_of(first, file, _SIZES), own


def _categories(content: Mapping[str, Any]) -> dict[int, str]:
    entries = content.get("categories")
    return {
        entry["id"]: str(entry.get("name", entry["id"]))[:80]
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("id"), int)
    }


def _stated(options: Options) -> tuple[int, int] | None:
    if "width" in options and "height" in options:
        return int(float(options["height"])), int(float(options["width"]))
    return None


def _mask(mask: Any, size: tuple[int, int], record: str, max_pixels: int, work: Work) -> Shape:
    if isinstance(mask, dict):
        return _sized_mask(mask, size, work.file, record, max_pixels)
    if not isinstance(mask, list) or not mask:
        raise InputError(
            f"{shown(mask)} is neither runs nor polygons",
            file=work.file,
            record=record,
            field="segmentation",
        )
    return read_polygons(mask, size, work.file, record, MOST_WORK - work.done)


def _note_overlap(notes: Notes, *, overlap: bool) -> None:
    if overlap:
        notes.assume("where masks overlap, the smaller object lies on top")
