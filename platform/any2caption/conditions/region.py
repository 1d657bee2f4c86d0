"""Region condition: labelled boxes, polygons and points, per frame, as fractions of the picture.

JSON, one of: `{"regions": [{"label": "red car", "box": [x1, y1, x2, y2]}]}` (or `polygon`, `point`,
`points`; `frame` counts from 0), `{"frames": [[…], …]}`, a bare list of regions, COCO annotations
(`bbox` = x, y, width, height), LabelMe shapes. A picture may lie beside it: the overlay.

Stated rules: numbers that all lie in 0…1 are fractions, else pixels of a size that the JSON, the
overlay or the options `width` and `height` state (option `coordinates`); `bbox` is x, y, width,
height, `box` and `bbox_2d` are two corners (option `boxes`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.base import Limits, Notes, Options, Parsed
from any2caption.conditions.documents import load_json, number, numbers, shown, size_of
from any2caption.conditions.media import MAX_PIXELS, decode_image
from any2caption.conditions.sniff import IMAGE_FORMATS, sniff
from any2caption.conditions.types import Part, Region, Regions
from any2caption.errors import InputError

COORDINATES = ("pixel", "normalised", "thousandths")
BOXES = ("corners", "size")
FORMATS = ("regions JSON", "COCO JSON", "LabelMe JSON")
_SIZES = (("height", "width"), ("imageHeight", "imageWidth"), ("canvas_height", "canvas_width"))
_MOST_REGIONS = 1000
_MOST_LABEL = 200
_SHAPES = {"rectangle": "box", "polygon": "polygon", "point": "point"}
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


def parse_region(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse one JSON file of regions, and the picture beside it if there is one.

    Raises:
        InputError: no region, malformed or non-finite numbers, pixels without a size.
    """
    notes = Notes()
    document, overlay = _sources(parts, limits)
    value = load_json(document)
    format_, entries, content = _entries(value, document.name)
    categories = _categories(content)
    raws = [
        raw
        for at, (frame, entry) in enumerate(entries, 1)
        for raw in _read(entry, frame, f"region {at}", document.name, categories, options, notes)
    ]
    if not raws:
        raise InputError(f"no regions; {_ACCEPTED}", file=document.name, field="regions")
    scale = _scale(raws, content, overlay, options, document.name, notes)
    count = max(raw.frame for raw in raws) + 1
    if limits.frames and count > limits.frames:
        raise InputError(
            f"frame {count - 1:,}; at most {limits.frames:,} frames are taken",
            file=document.name,
            field="frame",
        )
    frames: list[list[Region]] = [[] for _ in range(count)]
    for raw in raws:
        points = _inside(raw, raw.points / scale, document.name, notes)
        frames[raw.frame].append(Region(raw.label, raw.shape, points))
    regions = Regions(tuple(tuple(frame) for frame in frames), overlay)
    return notes.parsed(regions, format_)


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


def _entries(value: Any, file: str) -> tuple[str, list[tuple[int, Any]], Mapping[str, Any]]:
    """The format, (frame, region) as they stand, and the object that may hold the size."""
    content: Mapping[str, Any] = value if isinstance(value, dict) else {"regions": value}
    if isinstance(content.get("shapes"), list):
        return "LabelMe JSON", _limited([(0, one) for one in content["shapes"]], file), content
    if isinstance(content.get("annotations"), list):
        images = content.get("images")
        image = images[0] if isinstance(images, list) and images else {}
        own = [
            (0, one)
            for one in _flat(content["annotations"])
            if not isinstance(one, dict)
            or not isinstance(image, dict)
            or one.get("image_id", image.get("id")) == image.get("id")
        ]
        size = image if isinstance(image, dict) else {}
        return "COCO JSON", _limited(own, file), {**content, **size}
    if isinstance(content.get("frames"), list):
        pairs: list[tuple[int, Any]] = []
        for at, frame in enumerate(content["frames"]):
            inner, index = frame, at
            if isinstance(frame, dict):
                inner = frame.get("regions")
                index = _frame_of(frame, at, file, f"frame {at + 1}")
            if not isinstance(inner, list):
                raise InputError(
                    f"{shown(frame)} has no regions",
                    file=file,
                    record=f"frame {at + 1}",
                    field="frames",
                )
            pairs += [(index, one) for one in inner]
        return "regions JSON", _limited(pairs, file), content
    inner = content.get("regions")
    if inner is None and any(key in content for key in (*_CORNER_KEYS, *_SIZE_KEYS, "polygon")):
        inner = [content]
    if not isinstance(inner, list):
        raise InputError(f"no regions; {_ACCEPTED}", file=file, field="regions")
    return "regions JSON", _limited([(0, one) for one in inner], file), content


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


def _limited(pairs: list[tuple[int, Any]], file: str) -> list[tuple[int, Any]]:
    if len(pairs) > _MOST_REGIONS:
        raise InputError(
            f"{len(pairs):,} regions; at most {_MOST_REGIONS:,} are taken",
            file=file,
            field="regions",
        )
    return pairs


def _frame_of(entry: Mapping[str, Any], default: int, file: str, record: str) -> int:
    if entry.get("frame") is None:
        return default
    frame = number(entry["frame"], file, record, "frame")
    if frame < 0 or frame != int(frame) or frame > 1e6:  # noqa: PLR2004
        raise InputError(f"{frame:g} is no frame number", file=file, record=record, field="frame")
    return int(frame)


def _read(  # noqa: PLR0913, PLR0917 - one region and what it is read with
    entry: Any,
    frame: int,
    record: str,
    file: str,
    categories: Mapping[int | str, str],
    options: Options,
    notes: Notes,
) -> list[_Raw]:
    if not isinstance(entry, dict):
        raise InputError(f"{shown(entry)} is no region", file=file, record=record, field="regions")
    frame = _frame_of(entry, frame, file, record)
    label = _label(entry, categories)
    if not label:
        notes.warn("regions without a label are called object")
        label = "object"

    shapes = (
        _labelme(entry, file, record)
        if "shape_type" in entry
        else _shapes(entry, file, record, options, notes)
    )
    return [
        _Raw(frame, label, shape, np.asarray(points, np.float64).reshape(-1, 2), record)
        for shape, points in shapes
    ]


def _labelme(entry: Mapping[str, Any], file: str, record: str) -> list[tuple[Shape, Any]]:
    shape = _SHAPES.get(str(entry["shape_type"]))
    pairs = _pairs(entry.get("points"), file, record, "points")
    if shape == "box" and len(pairs) == 2:  # noqa: PLR2004
        return [("box", [*np.min(pairs, 0), *np.max(pairs, 0)])]
    if shape == "polygon" and len(pairs) > 2:  # noqa: PLR2004
        return [("polygon", pairs)]
    if shape == "point" and len(pairs) == 1:
        return [("point", pairs)]
    raise InputError(
        f"{shown(entry['shape_type'])} of {len(pairs)} points; accepted: {', '.join(_SHAPES)}",
        file=file,
        record=record,
        field="shape_type",
    )


def _shapes(
    entry: Mapping[str, Any], file: str, record: str, options: Options, notes: Notes
) -> list[tuple[Shape, Any]]:
    found: list[tuple[Shape, Any]] = []
    for key in (*_CORNER_KEYS, *_SIZE_KEYS):
        if key in entry:
            found.append(("box", _box(entry[key], key, file, record, options, notes)))
            break
    if "polygon" in entry:
        pairs = _pairs(entry["polygon"], file, record, "polygon")
        if len(pairs) < 3:  # noqa: PLR2004
            raise InputError(
                f"{len(pairs)} corners; a polygon has three and more",
                file=file,
                record=record,
                field="polygon",
            )
        found.append(("polygon", pairs))
    for key in ("point", "points"):
        if key in entry:
            found += [("point", one) for one in _pairs(entry[key], file, record, key)]
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
    """x, y pairs from `[[x, y], …]` or a flat list."""
    if isinstance(value, list) and value and all(isinstance(one, list) for one in value):
        pairs = [numbers(one, file, record, field) for one in value]
    else:
        flat = numbers(value, file, record, field)
        pairs = [flat[at : at + 2] for at in range(0, len(flat), 2)]
    if not pairs or any(len(pair) != 2 for pair in pairs):  # noqa: PLR2004
        raise InputError(
            f"{shown(value)}: x and y are wanted", file=file, record=record, field=field
        )
    if len(pairs) > _MOST_REGIONS:
        raise InputError(f"{len(pairs):,} points", file=file, record=record, field=field)
    return pairs


def _box(  # noqa: PLR0913, PLR0917 - one box and what it is read with
    value: Any, key: str, file: str, record: str, options: Options, notes: Notes
) -> list[float]:
    pairs = _pairs(value, file, record, key)
    flat = [one for pair in pairs for one in pair]
    if len(flat) != 4:  # noqa: PLR2004
        raise InputError(f"{len(flat)} numbers; a box has 4", file=file, record=record, field=key)
    x, y, third, fourth = flat
    form = options.get("boxes") or ("size" if key in _SIZE_KEYS else "corners")
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
    values = np.concatenate([raw.points.ravel() for raw in raws])
    if form is None:
        form = "normalised" if values.min() >= 0 and values.max() <= 1 else "pixel"
        said = "all in 0…1" if form == "normalised" else "not all in 0…1"
        notes.assume(f"coordinates are read as {form}: they are {said} (option coordinates)")
    if form == "normalised":
        return np.ones(2)
    if form == "thousandths":
        return np.full(2, 1000.0)
    size = size_of(content, file, _SIZES)
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
    if np.abs(clipped - points).max() > 1e-9:  # noqa: PLR2004
        notes.warn("regions that reach out of the picture are cut at its edge")
    return clipped
