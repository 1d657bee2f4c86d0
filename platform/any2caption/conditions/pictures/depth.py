"""Depth condition: relative 8-bit maps, metric 16-bit PNG, float npy, or a relative depth video.

Canonical form: float32 T×H×W, 0 = far … 1 = near, NaN = no reading. Relative maps keep their values
(bright = near). Metric maps are inverted (1/d) and scaled over the whole clip by the 2nd and 98th
percentile, so a few wild readings do not flatten the rest; which distances these are is kept.
"""

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.clips import decode_video, kept_cap
from any2caption.conditions.io.files import natural_key
from any2caption.conditions.io.images import MAX_PIXELS, image_header, load_image
from any2caption.conditions.io.npy import Npy, open_npy
from any2caption.conditions.io.sniff import IMAGE_FORMATS, VIDEO_FORMATS, sniff
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.pictures.video import thin_pictures
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Depth, Part
from any2caption.errors import InputError

DEFAULT_SCALE = 1000.0
LOW, HIGH = 2.0, 98.0
_GREY_TOLERANCE = 12
_VIDEO_GREY_TOLERANCE = 24
_DEEP = 16
_MOST_CHANNELS = 4
_NPY_DTYPES = ("f2", "f4", "f8")
_MOST_UNZIPPED = 400_000_000
Floats = NDArray[np.float32]


def parse_depth(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse depth maps of one size and one format.

    Options: `scale` (units per metre of 16-bit maps), `near` (`bright`: large values are near;
    `dark`: far).

    Raises:
        InputError: colour pictures, mixed sizes or formats, no reading at all; names the file.
    """
    notes = Notes()
    if "scale" in options and "near" in options:
        raise InputError(
            "only distances in a unit have a scale, and near says that these have none",
            file=parts[0].name,
            field="scale",
        )
    ordered = sorted(parts, key=lambda part: natural_key(part.name))
    ordered = [_unzipped(part) for part in _without_colour(ordered, limits, notes)]
    name = _common_format(ordered)
    if name in VIDEO_FORMATS:
        return _parse_clip(ordered, options, limits, notes)
    if name == "npy":
        return _parse_npy(ordered, options, limits, notes)
    return _parse_pictures(ordered, options, limits, notes)


def _without_colour(parts: list[Part], limits: Limits, notes: Notes) -> list[Part]:
    """Of an RGB-D folder the 16-bit grey maps: the colour pictures beside them are left out."""
    if len(parts) == 1 or any(sniff(part.data) not in IMAGE_FORMATS for part in parts):
        return parts
    headers = [image_header(part, limits.pixels or MAX_PIXELS) for part in parts]
    deep = [
        part
        for part, header in zip(parts, headers, strict=True)
        if header.bits == _DEEP and header.channels == 1
    ]
    others = [header for header in headers if header.bits != _DEEP]
    if not deep or not others or any(header.channels < 3 for header in others):  # noqa: PLR2004
        return parts
    notes.warn(f"{len(parts) - len(deep)} colour pictures beside the depth maps are left out")
    return deep


def _unzipped(part: Part) -> Part:
    """The one array of an npz as npy; any other file as it is. Nothing is unpickled.

    Raises:
        InputError: a damaged archive, not exactly one array, or one that unpacks to too much.
    """
    if sniff(part.data) != "ZIP or npz":
        return part
    try:
        with zipfile.ZipFile(io.BytesIO(part.data)) as archive:
            entries = archive.infolist()
            if len(entries) != 1 or not entries[0].filename.endswith(".npy"):
                raise InputError(
                    f"ZIP or npz of {len(entries)} files; an npz of one depth array is taken",
                    file=part.name,
                    field="npz",
                )
            with archive.open(entries[0]) as stream:
                data = stream.read(_MOST_UNZIPPED + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise InputError("a damaged ZIP or npz", file=part.name, field="npz") from error
    except (EOFError, zlib.error, MemoryError, struct.error) as error:
        raise InputError("a damaged ZIP or npz", file=part.name, field="npz") from error
    if len(data) > _MOST_UNZIPPED:
        raise InputError(
            f"unpacks to more than {_MOST_UNZIPPED:,} bytes", file=part.name, field="npz"
        )
    return Part(part.name, data)


def _common_format(parts: Sequence[Part]) -> str:
    names = [sniff(part.data) for part in parts]
    for part, name in zip(parts, names, strict=True):
        if name not in (*IMAGE_FORMATS, *VIDEO_FORMATS, "npy"):
            raise InputError(
                f"not a depth map: this is {name}; accepted: 8-bit or 16-bit PNG, JPEG, WebP, "
                "float npy or npz, MP4, WebM, GIF",
                file=part.name,
                field="format",
            )
        if name != names[0]:
            raise InputError(
                f"{name}, but {parts[0].name} is {names[0]}; one depth condition has one format",
                file=part.name,
                field="format",
            )
        if name in VIDEO_FORMATS and len(parts) > 1:
            raise InputError(
                "one depth condition takes one clip", file=parts[1].name, field="depth"
            )
    return names[0]


def _parse_clip(parts: Sequence[Part], options: Options, limits: Limits, notes: Notes) -> Parsed:
    clip = decode_video(parts[0], limits, notes)
    maps = np.empty(clip.frames.shape[:3], dtype=np.float32)
    for index, frame in enumerate(clip.frames):
        _refuse_colour(frame, _VIDEO_GREY_TOLERANCE, parts[0].name, f"frame {index + 1}")
        maps[index] = frame.mean(axis=2, dtype=np.float32) / 255
    return _relative(maps, options, notes, f"relative {sniff(parts[0].data)}")


def _parse_pictures(
    parts: Sequence[Part], options: Options, limits: Limits, notes: Notes
) -> Parsed:
    max_pixels = limits.pixels or MAX_PIXELS
    headers = [image_header(part, max_pixels) for part in parts]
    for part, header in zip(parts, headers, strict=True):
        if (header.bits == _DEEP) != (headers[0].bits == _DEEP):
            raise InputError(
                f"{header.bits} bits, but {parts[0].name} has {headers[0].bits}",
                file=part.name,
                field="bit depth",
            )
    kept = thin_pictures(parts, limits, notes)
    if headers[0].bits != _DEEP:
        maps = np.stack([_grey8(part, max_pixels, notes) for part in kept])
        return _relative(maps, options, notes, f"8-bit relative {headers[0].format}")
    maps = np.stack([_grey16(part, max_pixels) for part in kept])
    if "near" in options:
        maps /= 65535
        return _relative(maps, options, notes, "16-bit relative PNG")
    if "scale" not in options:
        notes.assume(
            f"16-bit depth read as metric with {DEFAULT_SCALE:g} units per metre (option scale), "
            "0 = no reading"
        )
    maps[maps == 0] = np.nan
    maps /= np.float32(options.get("scale", DEFAULT_SCALE))
    return _metric(maps, kept[0].name, notes, "16-bit metric PNG", metres=True)


def _grey8(part: Part, max_pixels: int, notes: Notes) -> Floats:
    """One 8-bit map as float32 0…1; transparent pixels are holes."""
    picture = load_image(part, max_pixels)
    has_alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    if picture.mode == "CMYK":
        raise InputError("a CMYK picture is not a depth map", file=part.name, field="colour")
    rgba = np.asarray(picture.convert("RGBA"))
    _refuse_colour(rgba[:, :, :3], _GREY_TOLERANCE, part.name, None)
    grey: Floats = rgba[:, :, :3].mean(axis=2, dtype=np.float32) / np.float32(255)
    holes = rgba[:, :, 3] == 0
    if has_alpha and holes.any():
        notes.assume("transparent pixels are read as holes")
        grey[holes] = np.nan
    return grey


def _grey16(part: Part, max_pixels: int) -> Floats:
    """One 16-bit grey map, values unchanged, as float32."""
    if image_header(part, max_pixels).channels != 1:
        raise InputError(
            "16-bit PNG with colour or alpha channels; a metric depth map has one grey channel",
            file=part.name,
            field="channels",
        )
    grey: Floats = np.asarray(load_image(part, max_pixels)).astype(np.float32)
    return grey


def _refuse_colour(rgb: NDArray[np.uint8], tolerance: int, file: str, record: str | None) -> None:
    """Refuse a picture whose channels differ: a photo or a colour-mapped depth picture."""
    sample = rgb[:: max(1, rgb.shape[0] // 256), :: max(1, rgb.shape[1] // 256)].astype(np.int16)
    spread = sample.max(axis=2) - sample.min(axis=2)
    share = float((spread > tolerance).mean())
    if share > 0.002:  # noqa: PLR2004 - stray pixels of lossy coding
        raise InputError(
            f"a colour picture ({share:.0%} of the pixels are coloured), not a depth map; "
            "a depth map is grey",
            file=file,
            record=record,
            field="colour",
        )


def _parse_npy(parts: Sequence[Part], options: Options, limits: Limits, notes: Notes) -> Parsed:
    files = [_open_npy(part, limits, notes) for part in parts]
    height, width = files[0].shape[-2:]
    for file in files:
        if file.shape[-2:] != (height, width):
            raise InputError(
                f"{file.shape[-1]}×{file.shape[-2]} pixels, but {parts[0].name} has "
                f"{width}×{height}",
                file=file.part.name,
                field="size",
            )
    # Only the maps that are kept become an array of their own.
    counts = [math.prod(file.shape[:-2]) for file in files]
    total, cap = sum(counts), kept_cap(height * width, limits)
    kept = np.arange(total)
    if total > cap:
        notes.assume(f"{total} maps thinned out evenly to {cap}")
        kept = sample_frames(total, cap)
    maps = np.empty((len(kept), height, width), np.float32)
    first = 0
    for file, count in zip(files, counts, strict=True):
        own = (kept >= first) & (kept < first + count)
        with np.errstate(over="ignore"):
            maps[own] = file.array().reshape(-1, height, width)[kept[own] - first]
        first += count
    maps = np.where(np.isfinite(maps) & (maps > 0), maps, np.float32(np.nan)).astype(np.float32)
    if options.get("near") == "bright":
        return _disparity(maps, parts[0].name, notes, "float npy")
    if "near" not in options:
        notes.assume("npy depth read as distance, large = far (option near=bright for the reverse)")
    if "scale" in options:
        maps /= np.float32(options["scale"])
    return _metric(maps, parts[0].name, notes, "float npy", metres="scale" in options)


def _open_npy(part: Part, limits: Limits, notes: Notes) -> Npy:
    """A float npy file of one map H×W or several T×H×W; its numbers are not read yet."""
    found = open_npy(part)
    if found.dtype.str[1:] not in _NPY_DTYPES:
        raise InputError(
            f"numbers of type {found.dtype}; a depth npy holds floats",
            file=part.name,
            field="dtype",
        )
    shape = _maps(found.shape, part.name, notes)
    if limits.pixels and shape[-1] * shape[-2] > limits.pixels:
        raise InputError(
            f"{shape[-1]}×{shape[-2]} pixels; at most {limits.pixels / 1e6:g} megapixels are taken",
            file=part.name,
            field="shape",
        )
    return replace(found, shape=shape)


def _maps(shape: tuple[int, ...], file: str, notes: Notes) -> tuple[int, ...]:
    """The shape as H×W or T×H×W: an axis of length 1 behind or before them is a channel.

    Nothing is reordered: such axes can go without touching the numbers.
    """
    kept = shape
    if len(kept) > 2 and kept[-1] == 1:  # noqa: PLR2004 - H×W
        kept = kept[:-1]
    elif len(kept) == 4 and kept[1] == 1:  # noqa: PLR2004 - T×1×H×W
        kept = (kept[0], *kept[2:])
    while len(kept) > 3 and kept[0] == 1:  # noqa: PLR2004 - T×H×W
        kept = kept[1:]
    if kept != shape:
        notes.assume(f"shape {shape} is read as {'×'.join(map(str, kept))}: 1 is a channel")
    if len(kept) not in (2, 3) or min(kept) < 1:
        raise InputError(f"shape {shape}; a depth npy is H×W or T×H×W", file=file, field="shape")
    if len(kept) == 3 and kept[-1] <= _MOST_CHANNELS < min(kept[:2]):  # noqa: PLR2004
        raise InputError(
            f"shape {shape} can be read two ways: {kept[0]} maps that are {kept[-1]} pixels wide, "
            f"or one picture of {kept[-1]} channels; a depth npy is H×W or T×H×W",
            file=file,
            field="shape",
        )
    return kept


def _relative(maps: Floats, options: Options, notes: Notes, format_: str) -> Parsed:
    if "scale" in options:
        notes.warn(f"option scale is not used: {format_} has no unit")
    if options.get("near") == "dark":
        maps = np.float32(1) - maps
    elif "near" not in options:
        notes.assume("relative depth read as near = bright (option near=dark for the reverse)")
    finite = maps[np.isfinite(maps)]
    if finite.size and float(np.ptp(finite)) == 0:
        notes.warn("the depth map is constant: it says nothing about the scene")
    return notes.parsed(Depth(maps), format_)


def _metric(maps: Floats, file: str, notes: Notes, format_: str, *, metres: bool = False) -> Parsed:
    """Metric or unit-free distance to nearness: 1/d, scaled over the clip."""
    with np.errstate(over="ignore", divide="ignore"):
        return _disparity(np.float32(1) / maps, file, notes, format_, metres=metres)


def _disparity(
    maps: Floats, file: str, notes: Notes, format_: str, *, metres: bool = False
) -> Parsed:
    """Scale nearness to 0…1 over the whole clip by percentiles; holes stay NaN.

    With `metres` the nearness given is 1 / distance in metres.
    """
    maps = np.where(np.isfinite(maps), maps, np.float32(np.nan)).astype(np.float32)
    finite = maps[np.isfinite(maps)]
    if not finite.size:
        raise InputError("no reading at all: every pixel is a hole", file=file, field="depth")
    low, high = (float(value) for value in np.percentile(finite, [LOW, HIGH]))
    if high - low <= 1e-6 * max(abs(high), 1e-12):
        low, high = float(finite.min()), float(finite.max())
    if high - low <= 1e-6 * max(abs(high), 1e-12):
        notes.warn("the depth map is constant: it says nothing about the scene")
        scaled = np.where(np.isfinite(maps), np.float32(0.5), maps)
    else:
        scaled = np.clip((maps - low) / (high - low), 0, 1)
    depth = scaled.astype(np.float32)
    if metres and low > 0:
        return notes.parsed(Depth(depth, nearest=1 / high, farthest=1 / low), format_)
    return notes.parsed(Depth(depth), format_)
