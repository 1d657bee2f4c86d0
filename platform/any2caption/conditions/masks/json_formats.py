"""Masks as JSON: SA-V masklets, COCO and SA-1B annotations, bare run-length masks and polygons.

Objects get the ids 1, 2, … in the order of the file; those without a mask are left out with a
warning. Of a COCO file of several pictures of one size all are read, as frames. Where masks
overlap, the smaller lies on top.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.clips import kept_cap
from any2caption.conditions.io.images import MAX_PIXELS
from any2caption.conditions.io.left_out import LeftOut
from any2caption.conditions.io.untrusted_json import load_json, shown, without_nulls
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.masks.coco_images import Picture, pictures_of
from any2caption.conditions.masks.rle import Runs, mask_size, read_runs
from any2caption.conditions.masks.shapes import (
    MOST_WORK,
    Shape,
    TooMuchWorkError,
    Work,
    paint,
    read_polygons,
)
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Part, Segmentation
from any2caption.errors import InputError

_MOST_OBJECTS = 10_000
_ACCEPTED = (
    "accepted: SA-V JSON (masklet), COCO JSON (annotations with segmentation), a run-length mask "
    "or a list of them"
)


@dataclass(frozen=True, slots=True)
class _Mask:
    """What stands for a mask: the annotation's number in the file, its record, runs or polygons."""

    number: int
    record: str
    mask: Any
    annotation: Mapping[str, Any]


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
    content = without_nulls(value) if isinstance(value, dict) else {"annotations": value}
    if "counts" in content or "segmentation" in content:
        content = {"annotations": [content]}
    annotations = content.get("annotations")
    if not isinstance(annotations, list) or not annotations:
        raise InputError(f"no masks in this JSON; {_ACCEPTED}", file=file, field="annotations")
    pictures = pictures_of(content, annotations, options, file, notes)
    left_out = LeftOut("objects", never=TooMuchWorkError)
    masks = [_masks(picture, file, left_out) for picture in pictures]
    every = [one for own in masks for one in own]
    if not every and not left_out.errors:
        raise InputError("the picture has no annotations", file=file, field="annotations")
    max_pixels = limits.pixels or MAX_PIXELS
    size = pictures[0].size or _size_of_runs(every, file, max_pixels) or _stated(options)
    if size is None:
        raise InputError(
            "polygons need the picture's size: images[].width and height, or options width and "
            "height",
            file=file,
            field="size",
        )
    if size[0] * size[1] > max_pixels:
        raise InputError(f"{size[1]}×{size[0]} pixels", file=file, field="size")
    kept = _thinned(masks, size, limits, notes)
    if sum(map(len, kept)) > _MOST_OBJECTS:
        raise InputError(f"{sum(map(len, kept)):,} objects", file=file, field="annotations")
    ids, labels = _painted(kept, size, _categories(content), max_pixels, left_out, file, notes)
    runs = all(isinstance(one.mask, dict) for one in every)
    return notes.parsed(Segmentation(ids, labels), "COCO RLE JSON" if runs else "COCO JSON")


def _painted(  # noqa: PLR0913, PLR0917 - masks and what they are painted with
    frames: Sequence[Sequence[_Mask]],
    size: tuple[int, int],
    names: Mapping[int, str],
    max_pixels: int,
    left_out: LeftOut,
    file: str,
    notes: Notes,
) -> tuple[NDArray[np.int32], tuple[tuple[int, str], ...]]:
    """Return the ids T×H×W and the names of those that are known."""
    idents = _idents(frames, notes)
    labels: dict[int, str] = {}
    work, left_out.good = Work(file), 0
    ids = np.zeros((len(frames), *size), np.int32)
    for place, own in enumerate(frames):
        drawn: list[tuple[int, Shape]] = []
        for one in own:
            ident = idents[one.number]
            with left_out.entry():
                shape = _mask(one.mask, size, one.record, max_pixels, work)
                work.add(shape, one.record, "segmentation")
                drawn.append((ident, shape))
                category = one.annotation.get("category_id")
                if isinstance(category, int) and category in names:
                    labels[ident] = names[category]
        ids[place], overlap = paint(drawn, size)
        _note_overlap(notes, overlap=overlap)
    left_out.settle(notes)
    return ids, tuple(sorted(labels.items()))


def _masks(picture: Picture, file: str, left_out: LeftOut) -> list[_Mask]:
    masks = []
    for number, annotation in picture.annotations:
        with left_out.entry():
            record = f"object {number}"
            if not isinstance(annotation, dict):
                raise InputError(
                    f"{shown(annotation)} is not an annotation; {_ACCEPTED}",
                    file=file,
                    record=record,
                    field="annotations",
                )
            mask = annotation if "counts" in annotation else annotation.get("segmentation")
            masks.append(_Mask(number, record, mask, annotation))
    return masks


def _size_of_runs(masks: Sequence[_Mask], file: str, max_pixels: int) -> tuple[int, int] | None:
    """The size of the first run-length mask that states one."""
    first: InputError | None = None
    for one in masks:
        if isinstance(one.mask, dict):
            try:
                return mask_size(one.mask, file, one.record, max_pixels)
            except InputError as error:
                first = first or error
    if first:
        raise first
    return None


def _thinned(
    frames: Sequence[list[_Mask]], size: tuple[int, int], limits: Limits, notes: Notes
) -> list[list[_Mask]]:
    cap = kept_cap(size[0] * size[1], limits)
    if len(frames) <= cap:
        return list(frames)
    notes.assume(f"{len(frames)} frames thinned out evenly to {cap}")
    return [frames[at] for at in sample_frames(len(frames), cap).tolist()]


def _idents(frames: Sequence[Sequence[_Mask]], notes: Notes) -> dict[int, int]:
    """The id of each annotation, by its number; an object keeps its id over time.

    By the track that the file states, else by category where each is there once a picture.
    """
    if len(frames) == 1:
        notes.assume("objects are numbered from 1 in the order of the file")
        return {one.number: place for place, one in enumerate(frames[0], 1)}
    every = [one for own in frames for one in own]
    keys = [_track(one.annotation) for one in every]
    if None in keys:
        keys = [str(one.annotation.get("category_id")) for one in every]
        twice = any(
            len({str(one.annotation.get("category_id")) for one in own}) < len(own)
            for own in frames
        )
        if twice:
            keys = [str(one.number) for one in every]
            notes.warn(
                "nothing says which objects of different pictures are the same (track_id): each is "
                "an object of its own"
            )
        else:
            notes.assume("each category is one object: none is there twice in a picture")
    places = {key: at for at, key in enumerate(dict.fromkeys(keys), 1)}
    return {one.number: places[key] for one, key in zip(every, keys, strict=True)}


def _track(annotation: Mapping[str, Any]) -> str | None:
    attributes = annotation.get("attributes")
    for holder in (annotation, attributes if isinstance(attributes, dict) else {}):
        for key in ("track_id", "instance_id", "object_id"):
            if isinstance(holder.get(key), int | str):
                return f"{annotation.get('category_id')} {holder[key]}"
    return None


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
