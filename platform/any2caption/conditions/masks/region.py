"""Region condition: labelled boxes, polygons and points, per frame, as fractions of the picture.

JSON, one of: `{"regions": [{"label": "red car", "box": [x1, y1, x2, y2]}]}` (or `polygon`, `point`,
`points`; `frame` counts from 0), `{"frames": [[…], …]}`, a bare list of regions, COCO annotations
(`bbox` = x, y, width, height), LabelMe shapes. A picture may lie beside it: the overlay.

Regions that cannot be read are left out with a warning. Of a COCO file of several pictures of one
size all are read, as frames.

Stated rules: numbers that lie within 0…1, or step over it a little, are fractions, else pixels of a
size that the JSON, the overlay or the options `width` and `height` state (option `coordinates`);
`bbox` is x, y, width, height, `box` and `bbox_2d` are two corners (option `boxes`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.images import MAX_PIXELS, decode_image
from any2caption.conditions.io.left_out import LeftOut
from any2caption.conditions.io.sniff import IMAGE_FORMATS, beside_pictures, sniff
from any2caption.conditions.io.untrusted_json import (
    has_key,
    load_json,
    number,
    pairs,
    shown,
    size_of,
    without_nulls,
)
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.masks.coco_images import SIZES, Picture, pictures_of
from any2caption.conditions.masks.labelme import read_labelme
from any2caption.conditions.types import Part, Region, Regions
from any2caption.errors import InputError

COORDINATES = ("pixel", "normalised", "thousandths")
BOXES = ("corners", "size")
FORMATS = ("regions JSON", "COCO JSON", "LabelMe JSON")
KEYS = ("regions", "shapes", "bbox", "box", "bbox_2d", "polygon")
_MOST_REGIONS = 1000
_MOST_LABEL = 200
_OVERSHOOT = 0.5
"""How far fractions may reach out of the picture and still be no pixels."""
_ROUNDED = 0.001
_CORNER_KEYS = ("box", "bbox_2d", "box_2d", "xyxy")
_SIZE_KEYS = ("bbox", "xywh")
_ACCEPTED = (
    'accepted: {"regions": [{"label": …, "box" | "polygon" | "point": …}]}, COCO annotations, '
    "LabelMe shapes"
)
Shape = Literal["box", "polygon", "point"]


@dataclass(frozen=True, slots=True)
class _Raw:
    """A region in the file's own coordinates."""

    frame: int
    label: str
    shape: Shape
    points: NDArray[np.float64]
    record: str


@dataclass(frozen=True, slots=True)
class _Entries:
    """(frame, number, region) as they stand, and the object that may hold the size."""

    format: str
    entries: list[tuple[int, int, Any]]
    content: Mapping[str, Any]
    frames: int = 1


def sign(parts: Sequence[Part]) -> str:
    """JSON of regions says what the picture beside it is."""
    document = beside_pictures(parts)
    return "a picture and JSON" if document is not None and has_key(document, KEYS) else ""


def parse_region(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse one JSON file of regions, and the picture beside it if there is one.

    Raises:
        InputError: no region, malformed or non-finite numbers, pixels without a size.
    """
    notes = Notes()
    document, overlay = _sources(parts, limits)
    found = _entries(load_json(document), document.name, options, notes)
    categories = _categories(found.content)
    left_out = LeftOut("regions")
    raws: list[_Raw] = []
    for frame, number_, entry in found.entries:
        with left_out.entry():
            raws += _read(entry, frame, f"region {number_}", found.format, document.name,
                          categories, options, notes)  # fmt: skip
    if not raws and not left_out.errors:
        raise InputError(f"no regions; {_ACCEPTED}", file=document.name, field="regions")
    count = max([found.frames, *(raw.frame + 1 for raw in raws)])
    if limits.frames and count > limits.frames:
        raise InputError(
            f"frame {count - 1:,}; at most {limits.frames:,} frames are taken",
            file=document.name,
            field="frame",
        )
    frames: list[list[Region]] = [[] for _ in range(count)]
    if raws:
        scale = _scale(raws, found.content, overlay, options, document.name, notes)
        left_out.good = 0
        for raw in raws:
            with left_out.entry():
                points = _inside(raw, raw.points / scale, document.name, notes)
                frames[raw.frame].append(Region(raw.label, raw.shape, points))
    left_out.settle(notes)
    regions = Regions(tuple(tuple(frame) for frame in frames), overlay)
    return notes.parsed(regions, found.format)


def _sources(parts: Sequence[Part], limits: Limits) -> tuple[Part, NDArray[np.uint8] | None]:
    documents = [part for part in parts if sniff(part.data) == "JSON"]
    others = [part for part in parts if sniff(part.data) != "JSON"]
    for part in others:
        if sniff(part.data) not in IMAGE_FORMATS:
            raise InputError(
                f"this is {sniff(part.data)}; accepted: JSON of regions and one picture",
                file=part.name,
                field="format",
            )
    if len(documents) != 1 or len(others) > 1:
        raise InputError(
            f"{len(documents)} JSON files and {len(others)} pictures; one JSON file and at most "
            "one picture are taken",
            file=(documents[1:] or others)[0].name,
            field="region",
        )
    pixels = decode_image(others[0], limits.pixels or MAX_PIXELS) if others else None
    return documents[0], pixels


def _entries(value: Any, file: str, options: Options, notes: Notes) -> _Entries:
    content = without_nulls(value) if isinstance(value, dict) else {"regions": value}
    if isinstance(content.get("shapes"), list):
        listed = [(0, at, one) for at, one in enumerate(content["shapes"], 1)]
        return _Entries("LabelMe JSON", _limited(listed, file), content)
    if isinstance(content.get("annotations"), list):
        flat = _flat(content["annotations"])
        pictures = _thinned(pictures_of(content, flat, options, file, notes), notes)
        entries = [
            (frame, at, one)
            for frame, picture in enumerate(pictures)
            for at, one in picture.annotations
        ]
        size = pictures[0].size
        stated = {"height": size[0], "width": size[1]} if size else {}
        return _Entries(
            "COCO JSON", _limited(entries, file), {**content, **stated}, frames=len(pictures)
        )
    if isinstance(content.get("frames"), list):
        return _framed(content, file)
    inner = content.get("regions")
    if inner is None and any(key in content for key in (*_CORNER_KEYS, *_SIZE_KEYS, "polygon")):
        inner = [content]
    if not isinstance(inner, list):
        raise InputError(f"no regions; {_ACCEPTED}", file=file, field="regions")
    listed = [(0, at, one) for at, one in enumerate(inner, 1)]
    return _Entries("regions JSON", _limited(listed, file), content)


def _framed(content: dict[str, Any], file: str) -> _Entries:
    """`{"frames": [[…], …]}`: a frame without an entry has no region."""
    entries: list[tuple[int, int, Any]] = []
    last = 0
    for at, frame in enumerate(content["frames"]):
        inner, index = frame, at
        if isinstance(frame, dict):
            inner = frame.get("regions")
            index = _frame_of(frame, at, file, f"frame {at + 1}")
            if inner is None and not without_nulls(frame).keys() - {"frame"}:
                inner = []
        if inner is None and frame is None:
            inner = []
        if not isinstance(inner, list):
            raise InputError(
                f"{shown(frame)} has no regions",
                file=file,
                record=f"frame {at + 1}",
                field="frames",
            )
        last = max(last, index)
        entries += [(index, len(entries) + place, one) for place, one in enumerate(inner, 1)]
    return _Entries("regions JSON", _limited(entries, file), content, frames=last + 1)


def _thinned(pictures: list[Picture], notes: Notes) -> list[Picture]:
    """Every n-th picture, so that the regions of all are not too many."""
    step = 1
    while len(pictures) > step and _regions_of(pictures[::step]) > _MOST_REGIONS:
        step += 1
    if step > 1:
        kept = len(pictures[::step])
        notes.assume(f"{len(pictures)} pictures thinned out to {kept} (1 of {step})")
    return pictures[::step]


def _regions_of(pictures: list[Picture]) -> int:
    return sum(len(picture.annotations) for picture in pictures)


def _flat(annotations: list[Any]) -> list[Any]:
    """Annotations, with panoptic ones taken apart into their segments."""
    flat: list[Any] = []
    for one in annotations:
        segments = one.get("segments_info") if isinstance(one, dict) else None
        if isinstance(segments, list):
            own = {"image_id": one["image_id"]} if "image_id" in one else {}
            flat += [{**own, **item} if isinstance(item, dict) else item for item in segments]
        else:
            flat.append(one)
    return flat


def _limited(entries: list[tuple[int, int, Any]], file: str) -> list[tuple[int, int, Any]]:
    if len(entries) > _MOST_REGIONS:
        raise InputError(
            f"{len(entries):,} regions; at most {_MOST_REGIONS:,} are taken",
            file=file,
            field="regions",
        )
    return entries


def _frame_of(entry: Mapping[str, Any], default: int, file: str, record: str) -> int:
    if entry.get("frame") is None:
        return default
    frame = number(entry["frame"], file, record, "frame")
    if frame < 0 or frame != int(frame) or frame > 1e6:  # noqa: PLR2004
        raise InputError(
            f"{frame:g} is not a frame number", file=file, record=record, field="frame"
        )
    return int(frame)


def _read(  # noqa: PLR0913, PLR0917 - one region and what it is read with
    entry: Any,
    frame: int,
    record: str,
    format_: str,
    file: str,
    categories: Mapping[int | str, str],
    options: Options,
    notes: Notes,
) -> list[_Raw]:
    if not isinstance(entry, dict):
        raise InputError(
            f"{shown(entry)} is not a region", file=file, record=record, field="regions"
        )
    entry = without_nulls(entry)
    frame = _frame_of(entry, frame, file, record)
    label = _label(entry, categories)
    if not label:
        notes.warn("regions without a label are called object")
        label = "object"

    shapes = (
        read_labelme(entry, file, record)
        if format_ == "LabelMe JSON" or "shape_type" in entry
        else _shapes(entry, file, record, options, notes)
    )
    return [
        _Raw(frame, label, shape, np.asarray(points, np.float64).reshape(-1, 2), record)
        for shape, points in shapes
    ]


def _shapes(
    entry: Mapping[str, Any], file: str, record: str, options: Options, notes: Notes
) -> list[tuple[Shape, Any]]:
    found: list[tuple[Shape, Any]] = []
    for key in (*_CORNER_KEYS, *_SIZE_KEYS):
        if key in entry:
            found.append(("box", _box(entry[key], key, file, record, options, notes)))
            break
    if "polygon" in entry:
        corners = _pairs(entry["polygon"], file, record, "polygon")
        if len(corners) < 3:  # noqa: PLR2004
            raise InputError(
                f"{len(corners)} corners; a polygon has three and more",
                file=file,
                record=record,
                field="polygon",
            )
        found.append(("polygon", corners))
    for key in ("point", "points"):
        if key in entry:
            found += [("point", one) for one in _pairs(entry[key], file, record, key)]
    if not found and isinstance(entry.get("segmentation"), list):
        outlines = [one for one in entry["segmentation"] if isinstance(one, list) and len(one) > 5]  # noqa: PLR2004
        found += [("polygon", _pairs(one, file, record, "segmentation")) for one in outlines]
    if not found:
        raise InputError(
            f"neither box nor polygon nor point in it; {_ACCEPTED}",
            file=file,
            record=record,
            field="box",
        )
    return found


def _label(entry: Mapping[str, Any], categories: Mapping[int | str, str]) -> str:
    for key in ("label", "name", "category", "class", "caption", "text"):
        if isinstance(entry.get(key), str) and (label := _words(entry[key])):
            return label
    ident = entry.get("category_id")
    return categories.get(ident, "") if isinstance(ident, int | str) else ""


def _categories(content: Mapping[str, Any]) -> dict[int | str, str]:
    """Names by id; of an id that comes twice the first counts."""
    found: dict[int | str, str] = {}
    entries = content.get("categories")
    for entry in entries if isinstance(entries, list) else []:
        ident = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(ident, int | str):
            found.setdefault(ident, _words(str(entry.get("name", ""))))
    return found


def _words(text: str) -> str:
    """A label on one line, of characters that can be written down."""
    plain = "".join(char if char.isprintable() else " " for char in text[: 4 * _MOST_LABEL])
    return " ".join(plain.split())[:_MOST_LABEL]


def _pairs(value: Any, file: str, record: str, field: str) -> list[list[float]]:
    found = pairs(value, file, record, field)
    if len(found) > _MOST_REGIONS:
        raise InputError(f"{len(found):,} points", file=file, record=record, field=field)
    return found


def _box(  # noqa: PLR0913, PLR0917 - one box and what it is read with
    value: Any, key: str, file: str, record: str, options: Options, notes: Notes
) -> list[float]:
    flat = [one for pair in _pairs(value, file, record, key) for one in pair]
    if len(flat) != 4:  # noqa: PLR2004
        raise InputError(f"{len(flat)} numbers; a box has 4", file=file, record=record, field=key)
    x, y, third, fourth = flat
    form = options.get("boxes") or ("size" if key in _SIZE_KEYS else "corners")
    if key == "box_2d" and "boxes" not in options:
        notes.warn(
            "box_2d is read as left, top, right, bottom; Gemini writes top, left, bottom, right in "
            "thousandths (option boxes=corners keeps this reading)"
        )
    if "boxes" not in options:
        meaning = "x, y, width, height" if form == "size" else "left, top, right, bottom"
        notes.assume(f"{key} is {meaning} (option boxes)")
    if form == "size":
        third, fourth = x + third, y + fourth
    if third <= x or fourth <= y:
        raise InputError(
            f"{shown(value)}: no area as {form} (option boxes)",
            file=file,
            record=record,
            field=key,
        )
    return [x, y, third, fourth]


def _scale(  # noqa: PLR0913, PLR0917 - everything that may state a size
    raws: Sequence[_Raw],
    content: Mapping[str, Any],
    overlay: NDArray[np.uint8] | None,
    options: Options,
    file: str,
    notes: Notes,
) -> NDArray[np.float64]:
    """What x and y are divided by."""
    form = options.get("coordinates")
    if form is None and isinstance(content.get("coordinates"), str):
        form = content["coordinates"].casefold().replace("normalized", "normalised")
        if form not in COORDINATES:
            raise InputError(
                f"{shown(form)}; accepted: {', '.join(COORDINATES)}", file=file, field="coordinates"
            )
    if form is None:
        # Rounding oversteps 0 and 1, nobody marks what is smaller than a pixel, and one odd entry
        # must not make pixels of all.
        within = sum(
            bool(raw.points.min() >= -_OVERSHOOT and raw.points.max() <= 1 + _OVERSHOOT)
            for raw in raws
        )
        form = "normalised" if within * 2 > len(raws) else "pixel"
        said = "within" if form == "normalised" else "not within"
        notes.assume(f"coordinates are read as {form}: they are {said} 0…1 (option coordinates)")
    if form == "normalised":
        return np.ones(2)
    if form == "thousandths":
        return np.full(2, 1000.0)
    size = size_of(content, file, SIZES)
    if "width" in options and "height" in options:
        size = int(float(options["height"])), int(float(options["width"]))
    if size is None and overlay is not None:
        size = overlay.shape[0], overlay.shape[1]
        notes.assume(f"pixels of the picture beside it, {size[1]}×{size[0]}")
    if size is None:
        raise InputError(
            "pixel coordinates need the picture's size: width and height in the JSON or as "
            "options, or a picture beside it",
            file=file,
            field="width",
        )
    return np.array([size[1], size[0]], np.float64)


def _inside(raw: _Raw, points: NDArray[np.float64], file: str, notes: Notes) -> NDArray[np.float64]:
    """Clip to the picture; a region with nothing inside it is refused."""
    clipped = np.clip(points, 0.0, 1.0)
    lost = raw.shape != "point" and (np.ptp(clipped, axis=0) <= 0).any()
    if lost or (raw.shape == "point" and np.abs(clipped - points).max() > 0):
        raise InputError(
            f"{shown(np.round(raw.points, 3).tolist())} lies outside the picture or has no area",
            file=file,
            record=raw.record,
            field=raw.shape,
        )
    if np.abs(clipped - points).max() > _ROUNDED:
        notes.warn("regions that reach out of the picture are cut at its edge")
    return clipped
