"""Segmentation condition: masks of objects as int32 ids, 0 = no object.

Stated rules, each told in the assumptions, with option `values` to override:

- a palette picture: index = id; a 16-bit grey picture: value = id;
- an 8-bit grey picture of black and white (also antialiased or resized smoothly) is one mask: white
  = object 1; with other values, value = id;
- a colour picture whose colours are all of PASCAL VOC's palette, without panoptic JSON beside it:
  id = place in the palette; any other is panoptic: id = R + 256 G + 65536 B;
- JPEG and clips are lossy: grey from 128 on is object 1; colours that fill areas are objects, near
  black is none (`painted`); a photo or film is refused.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.clips import decode_video
from any2caption.conditions.io.sniff import beside_pictures, sniff
from any2caption.conditions.io.stored_pixels import (
    IMAGE_FORMATS,
    VIDEO_FORMATS,
    distinct,
    is_two_valued,
    one_source,
    stored_values,
    without_edges,
)
from any2caption.conditions.io.untrusted_json import composed, load_json
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.masks.json_formats import parse_mask_document
from any2caption.conditions.masks.painted import read_colours, voc_index
from any2caption.conditions.pictures.video import thin_pictures
from any2caption.conditions.types import Part, Segmentation
from any2caption.errors import InputError

VALUES = ("index", "mask", "panoptic", "two_channel", "colours")
FORMATS = (
    *("palette PNG", "palette WebP", "grey PNG", "grey WebP", "16-bit PNG", "panoptic PNG"),
    *("panoptic WebP", "two-channel PNG", "mask PNG", "mask JPEG", "mask WebP"),
    *("mask MP4", "mask WebM", "mask GIF"),
    *("colour PNG", "colour JPEG", "colour WebP", "colour MP4", "colour WebM", "colour GIF"),
    *("SA-V JSON", "COCO RLE JSON", "COCO JSON"),
)
KEYS = ("masklet", "counts", "segments_info", "segmentation")
_MOST_IDS = 4096
_WHITE = 128
_COLOURED = 24
_SAMPLE = 256
Ids = NDArray[np.int32]
Categories = dict[int, str]


def sign(parts: Sequence[Part]) -> str:
    """A list of categories, or panoptic JSON, says what the pictures beside it are."""
    if (document := beside_pictures(parts)) is None:
        return ""
    value = load_json(document)
    if isinstance(value, list) and value and isinstance(value[0], dict) and "name" in value[0]:
        return "pictures and a list of categories"
    annotations = value.get("annotations") if isinstance(value, dict) else None
    first = annotations[0] if isinstance(annotations, list) and annotations else None
    panoptic = isinstance(first, dict) and "segments_info" in first
    return "pictures and panoptic JSON" if panoptic else ""


def parse_segmentation(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse mask pictures (one a frame), a mask clip, or masks as JSON.

    A panoptic JSON, or a list of categories, may lie beside the pictures.

    Raises:
        InputError: a photo, mixed sizes or formats, masks that do not fill their picture.
    """
    notes = Notes()
    documents = [part for part in parts if sniff(part.data) == "JSON"]
    pictures = [part for part in parts if sniff(part.data) != "JSON"]
    if not pictures:
        if len(documents) > 1:
            raise InputError(
                "one segmentation takes one JSON file", file=documents[1].name, field="json"
            )
        return parse_mask_document(documents[0], options, limits, notes)
    name, ordered = one_source(pictures, "mask", (*IMAGE_FORMATS, *VIDEO_FORMATS))
    if name in VIDEO_FORMATS:
        return _parse_clip(ordered[0], name, options.get("values"), limits, notes)
    beside = _Beside.read(documents)
    ordered = beside.chosen(ordered, notes)
    frames, encodings = _read(thin_pictures(ordered, limits, notes), limits, notes)
    return _interpret(frames, encodings, name, options, beside, notes, ordered[0].name)


class _Beside:
    """What JSON files beside the pictures say: categories, and the objects of each picture."""

    def __init__(self) -> None:
        self.categories: Categories = {}
        self.objects: dict[str, Categories] = {}

    @classmethod
    def read(cls, documents: Sequence[Part]) -> "_Beside":
        beside = cls()
        for part in documents:
            value = load_json(part)
            content = value if isinstance(value, dict) else {"categories": value}
            entries = content.get("categories")
            if not isinstance(entries, list):
                raise InputError(
                    "neither panoptic JSON nor a list of categories",
                    file=part.name,
                    field="categories",
                )
            for entry in entries:
                if isinstance(entry, dict) and isinstance(entry.get("id"), int):
                    beside.categories[entry["id"]] = str(entry.get("name", entry["id"]))[:80]
            annotations = content.get("annotations")
            for annotation in annotations if isinstance(annotations, list) else []:
                beside._annotation(annotation, part.name)
        return beside

    def _annotation(self, annotation: Any, file: str) -> None:
        segments = annotation.get("segments_info") if isinstance(annotation, dict) else None
        if not isinstance(segments, list):
            raise InputError("no segments_info", file=file, field="annotations")
        objects: Categories = {}
        for segment in segments:
            ident = segment.get("id") if isinstance(segment, dict) else None
            if not isinstance(ident, int):
                raise InputError("a segment has no id", file=file, field="segments_info")
            category = segment.get("category_id")
            objects[ident] = self.categories.get(category, f"category {str(category)[:20]}")
        self.objects[composed(str(annotation.get("file_name", "")))] = objects

    def chosen(self, pictures: list[Part], notes: Notes) -> list[Part]:
        """Return the pictures that the JSON speaks of; all where it names none of them."""
        named = [part for part in pictures if composed(part.name) in self.objects]
        if not named or len(named) == len(pictures):
            return pictures
        left = len(pictures) - len(named)
        notes.warn(f"{left} pictures that the panoptic JSON does not name are left out")
        return named

    def fits_two_channels(self, found: NDArray[np.int32]) -> bool:
        """Whether every id, without blue, has a category of the list in its red channel."""
        return (
            bool(self.categories)
            and not self.objects
            and int(found.max()) < 65536  # noqa: PLR2004 - no blue
            and set((found[found > 0] % 256).tolist()) <= set(self.categories)
        )

    def names(self, files: Sequence[str], found: NDArray[np.int32], notes: Notes) -> Categories:
        """Return the objects of these pictures by id; tell where their ids are not those found."""
        objects = [self.objects[file] for file in files if file in self.objects]
        names = {ident: label for known in objects for ident, label in known.items()}
        if not names:
            return names
        there = set(found.tolist()) - {0}
        if unknown := sorted(there - set(names)):
            notes.warn(f"{len(unknown)} ids of the picture are not in the JSON, e.g. {unknown[0]}")
        if missing := sorted(set(names) - set(found.tolist())):
            notes.warn(f"{len(missing)} ids of the JSON are not in the picture, e.g. {missing[0]}")
        return names


def _read(
    parts: Sequence[Part], limits: Limits, notes: Notes
) -> tuple[list[tuple[str, NDArray[np.int32]]], set[str]]:
    frames = [(part.name, stored_values(part, limits, notes)) for part in parts]
    encodings = {encoding for _, (encoding, _) in frames}
    if encodings == {"grey", "colour"}:  # a frame without an object is black, so it looks grey
        frames = [
            (name, ("colour", np.repeat(v[:, :, None], 3, axis=2) if e == "grey" else v))
            for name, (e, v) in frames
        ]
        encodings = {"colour"}
    if len(encodings) > 1:
        other = next(name for name, (e, _) in frames if e != frames[0][1][0])
        raise InputError(
            f"{' and '.join(sorted(encodings))} pictures in one sequence",
            file=other,
            field="format",
        )
    return [(name, values) for name, (_, values) in frames], encodings


def _interpret(  # noqa: PLR0913, PLR0917 - what decides about the values
    frames: list[tuple[str, NDArray[np.int32]]],
    encodings: set[str],
    name: str,
    options: Options,
    beside: _Beside,
    notes: Notes,
    file: str,
) -> Parsed:
    (encoding,) = encodings
    wanted = options.get("values")
    if encoding == "colour":
        if wanted in ("index", "mask"):
            raise InputError(
                f"a colour picture has no {wanted}; accepted: panoptic, two_channel, colours",
                file=file,
                field="values",
            )
        return _panoptic(frames, name, str(wanted or ""), beside, notes)
    ids = np.stack([values for _, values in frames])
    frames.clear()
    two_valued = wanted == "mask" or (
        wanted is None and encoding == "grey" and (name == "JPEG" or is_two_valued(ids))
    )
    if two_valued:
        if wanted is None:
            notes.assume("black and white: white is object 1 (option values=index for values = id)")
        white = 32768 if encoding == "deep" and ids.max() > _SAMPLE else _WHITE
        if encoding == "palette" or ids.max() <= 1:
            white = 1
        return _done((ids >= white).astype(np.int32), {}, notes, f"mask {name}")
    if name == "JPEG":
        raise InputError("JPEG is lossy: its values are no ids", file=file, field="values")
    if wanted is None and encoding == "grey":
        notes.assume("grey values are read as ids (option values=mask for one mask)")
        ids = _smoothed(ids, notes)
    label = {"palette": f"palette {name}", "grey": f"grey {name}", "deep": "16-bit PNG"}[encoding]
    return _done(ids, beside.categories, notes, label)


def _smoothed(ids: Ids, notes: Notes) -> Ids:
    ids, edges = without_edges(ids)
    if edges:
        notes.warn(
            f"{edges} values fill no area, as after smooth resizing: their pixels are given to the "
            "objects beside them (option values keeps them)"
        )
    return ids


def _panoptic(
    frames: list[tuple[str, NDArray[np.int32]]],
    name: str,
    wanted: str,
    beside: _Beside,
    notes: Notes,
) -> Parsed:
    first = frames[0][0]
    if name == "JPEG" or wanted == "colours":
        stacked = np.stack([values.astype(np.uint8) for _, values in frames])
        frames.clear()
        ids, rule = read_colours(stacked, first)
        notes.assume(rule)
        return _done(ids, {}, notes, f"colour {name}")
    ids = np.stack([v[:, :, 0] + 256 * v[:, :, 1] + 65536 * v[:, :, 2] for _, v in frames])
    files = [composed(file) for file, _ in frames]
    frames.clear()
    if not wanted and not beside.objects:
        ids = _smoothed(ids, notes)
    found = _found(ids)
    if len(found) > _MOST_IDS:
        raise InputError(f"{len(found):,} colours: a photo, not a mask", file=first, field="colour")
    if wanted == "two_channel" or (not wanted and beside.fits_two_channels(found)):
        notes.assume("two channels: red = category, green = instance; id = R + 256 G")
        names = {i: beside.categories.get(i % 256, f"category {i % 256}") for i in found.tolist()}
        return _done(ids, names, notes, "two-channel PNG")
    known = None if wanted or beside.objects else voc_index(_channels(found))
    if known is not None and known.any():
        notes.assume(
            "all colours are of PASCAL VOC's palette: id = place in it "
            "(option values=panoptic for R + 256 G + 65536 B)"
        )
        ids = known[np.searchsorted(found, ids)]
        return _done(ids, beside.categories, notes, f"colour {name}")
    if not wanted:
        notes.assume(
            "colours are read as panoptic ids R + 256 G + 65536 B (option values=two_channel)"
        )
    return _done(ids, beside.names(files, found, notes), notes, f"panoptic {name}")


def _parse_clip(part: Part, name: str, wanted: Any, limits: Limits, notes: Notes) -> Parsed:
    if wanted not in {None, "mask", "colours"}:
        raise InputError(
            f"a clip is lossy, so it has no {wanted}; accepted: mask, colours",
            file=part.name,
            field="values",
        )
    clip = decode_video(part, limits, notes)
    if wanted == "colours" or (wanted is None and _in_colour(clip.frames)):
        ids, rule = read_colours(clip.frames, part.name)
        notes.assume(f"a lossy clip in colour: {rule}")
        return _done(ids, {}, notes, f"colour {name}")
    ids = np.empty(clip.frames.shape[:3], np.int32)
    for index, frame in enumerate(clip.frames):
        ids[index] = frame[:, :, 1] >= _WHITE
    notes.assume("a lossy mask clip: grey from 128 on is object 1")
    return _done(ids, {}, notes, f"mask {name}")


def _in_colour(frames: NDArray[np.uint8]) -> bool:
    """Whether a frame has more coloured pixels than lossy coding leaves."""
    step = max(1, max(frames.shape[1:3]) // _SAMPLE)
    return any(
        float((np.ptp(frame[::step, ::step].astype(np.int16), axis=2) > _COLOURED).mean()) > 0.002  # noqa: PLR2004 - stray pixels
        for frame in frames
    )


def _channels(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Unpack N codes R + 256 G + 65536 B to N×3."""
    return np.stack([codes & 255, codes >> 8 & 255, codes >> 16 & 255], axis=1)


def _found(ids: Ids) -> NDArray[np.int32]:
    """The sorted distinct ids, frame by frame: no copy of the whole clip."""
    return distinct(np.concatenate([distinct(frame) for frame in ids]))


def _done(ids: Ids, names: Categories, notes: Notes, format_: str) -> Parsed:
    found = _found(ids)
    if not found.any():
        notes.warn("no object in any frame")
    chosen = tuple((ident, names[ident]) for ident in found.tolist() if ident and ident in names)
    return notes.parsed(Segmentation(ids.astype(np.int32, copy=False), chosen), format_)
