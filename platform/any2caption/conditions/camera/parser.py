"""Camera condition: camera paths in the formats that tools write, told apart by their content.

Readers (`realestate10k`, `text_formats`, `json_formats`, …) say what a file states;
`canonical` turns that into world-to-camera poses with OpenCV axes relative to frame 0.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from any2caption.conditions.camera import (
    app_exports,
    colmap,
    json_formats,
    realestate10k,
    text_formats,
    viewcrafter,
)
from any2caption.conditions.camera import matrices as camera_matrices
from any2caption.conditions.camera.canonical import AXES, canonical
from any2caption.conditions.camera.motion_curves import TURNS, motion_curves
from any2caption.conditions.camera.raw_path import DIRECTIONS, RawPath, Source
from any2caption.conditions.io.sniff import sniff
from any2caption.conditions.io.untrusted_json import parse_json
from any2caption.conditions.io.utf8 import bounded_lines
from any2caption.conditions.kind import Limits, Notes, Option, Options, Parsed
from any2caption.conditions.masks import label_lines
from any2caption.conditions.types import Camera, Part

JSON_FORMATS = (
    json_formats.MOTIONCTRL,
    json_formats.RECAMMASTER,
    json_formats.GENDOP,
    json_formats.NERF,
    json_formats.OPEN3D,
    app_exports.NERFSTUDIO,
    app_exports.RECORD3D,
)
TEXT_FORMATS = (
    realestate10k.FORMAT,
    text_formats.TUM,
    text_formats.POSES,
    text_formats.CSV,
    text_formats.LOG,
    viewcrafter.FORMAT,
    camera_matrices.KITTI,
    camera_matrices.MATRICES,
    colmap.FORMAT,
)
FORMATS = (
    realestate10k.FORMAT,
    *JSON_FORMATS,
    *TEXT_FORMATS[1:],
    camera_matrices.STACK,
)
_HEAD = 200_000  # bytes whose first lines are looked at
KEYS = (
    *("transform_matrix", "camera_to_world", "extrinsic", "parameters"),
    *("frame0", "cam01", "RT", "poses", "t_00"),
)
OPTIONS = (
    Option(name="format", summary="the file's format", type="choice", choices=FORMATS),
    Option(name="select", summary="which camera of a file with several, by name", type="text"),
    Option(
        name="axes",
        summary="camera axes: " + "; ".join(f"{name} = {axes[0]}" for name, axes in AXES.items()),
        type="choice",
        choices=tuple(AXES),
    ),
    Option(
        name="direction", summary="what the matrices map", type="choice", choices=tuple(DIRECTIONS)
    ),
    Option(
        name="poses",
        summary="absolute, or relative: each leads from one frame to the next",
        type="choice",
        choices=("absolute", "relative"),
    ),
    Option(
        name="order",
        summary="order of a transforms file's frames: by the numbers in their names, or as listed",
        type="choice",
        choices=("names", "listed"),
    ),
    Option(
        name="quaternion",
        summary="order of unnamed quaternion columns (default xyzw)",
        type="choice",
        choices=("xyzw", "wxyz"),
    ),
    Option(name="scale", summary="units of the file per unit of the path", type="number"),
    Option(name="width", summary="picture width in pixels", type="number", minimum=1),
    Option(name="height", summary="picture height in pixels", type="number", minimum=1),
    Option(
        name="frames",
        summary=f"frames of a path of key points (default {viewcrafter.FRAMES})",
        type="number",
        minimum=1,
        maximum=20_000,
    ),
)
_MAX_LINES = 200_000
_MAX_TEXT = 8_000_000
_MOST_TURN = 130.0
"""Degrees of tilt or roll in all that a filming camera rarely goes through."""
_ACCEPTED = f"accepted: {', '.join(FORMATS)}"


def parse_camera(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse one camera file to a path relative to its first pose.

    Raises:
        InputError: no format of this kind, wrong counts, NaN, a matrix that is not a rotation;
            names the file, the record and the field.
    """
    (part,) = parts
    notes = Notes()
    raw = _read(Source(part, options, limits, notes))
    path = canonical(raw, part.name, options, notes)
    _doubt(path, options, notes)
    return notes.parsed(path, raw.format)


def _doubt(path: Camera, options: Options, notes: Notes) -> None:
    """Warn of what is rarely a camera's: jumps, and turns that wrong axes make of a level ride."""
    curves = motion_curves(path)
    if curves.cuts:
        frames = ", ".join(str(frame) for frame in curves.cuts[:5])
        more = f" and {len(curves.cuts) - 5} more" if len(curves.cuts) > 5 else ""  # noqa: PLR2004
        notes.warn(f"the path jumps to frame {frames}{more}: read as a cut, not as a movement")
    tilt, _, roll = np.degrees(np.ptp(curves.values[:, TURNS], axis=0))
    if "axes" not in options and max(tilt, roll) > _MOST_TURN:
        name = "tilts" if tilt >= roll else "rolls"
        notes.warn(
            f"the camera {name} through {max(tilt, roll):.0f} degrees: if it does not, its axes "
            "are others; axes=… says which"
        )


def _read(source: Source) -> RawPath:
    part = source.part
    name = sniff(part.data)
    chosen = source.options.get("format")
    if name in ("npy", "ZIP or npz"):
        return camera_matrices.read_stack(source)
    if name == "binary data" and colmap.looks_binary(part.data):
        return colmap.read_binary(source)
    if name not in ("text", "JSON"):
        raise source.at().error(f"{name} is not an accepted camera format; {_ACCEPTED}", "format")
    text_chosen = chosen in TEXT_FORMATS
    if (name == "JSON" and not text_chosen and not _header_only(part)) or chosen in JSON_FORMATS:
        value = parse_json(part, field="JSON", unique_keys=True)
        found = app_exports.looks_like(value) or json_formats.looks_like(value)
        format_ = str(chosen or found or "")
        if not format_:
            app_exports.refuse_single(value, source.at())
            raise source.at().error(
                f"JSON without the keys of a camera path; {_ACCEPTED}", "format"
            )
        if format_ in (app_exports.NERFSTUDIO, app_exports.RECORD3D) and found == format_:
            return app_exports.read(source, value, format_)
        return json_formats.read(source, value, format_)
    return _read_text(source)


def sign(parts: Sequence[Part]) -> str:
    """NumPy matrices and COLMAP's images are cameras."""
    part, names = parts[0], {sniff(part.data) for part in parts}
    if names <= {"text", "UTF-16 text"}:
        lines = part.data[:_HEAD].splitlines()[:20]
        found = colmap.looks_like([line.decode("utf-8", "replace") for line in lines])
        return colmap.FORMAT if found else ""
    if len(parts) > 1:
        return ""
    stack = names <= {"npy", "ZIP or npz"} and camera_matrices.is_stack(part)
    images = names == {"binary data"} and colmap.looks_binary(part.data)
    return "camera matrices or COLMAP images" if stack or images else ""


def _header_only(part: Part) -> bool:
    """Whether only line 1, a free dummy of RealEstate10K text, made the content look like JSON."""
    lines = part.data.split(b"\n", 2)
    return len(lines) > 1 and len(lines[1].split()) == len(realestate10k.COLUMNS)


def _read_text(source: Source) -> RawPath:
    lines = bounded_lines(source.part, _MAX_TEXT, _MAX_LINES)
    if not any(line.strip() for line in lines):
        raise source.at().error("the file is empty", "poses")
    filled = text_formats.filled_lines(lines)
    format_ = str(source.options.get("format") or _text_format(lines, filled))
    if (
        "format" not in source.options
        and label_lines.looks_like([line.cells for line in filled])
        and not (format_ == text_formats.POSES and text_formats.quaternions_fit(filled))
        and not realestate10k.looks_like(lines)
    ):
        raise source.at().error(label_lines.SAID, "format")
    readers: dict[str, Callable[[], RawPath]] = {
        realestate10k.FORMAT: lambda: realestate10k.read(source, lines, _ACCEPTED),
        text_formats.CSV: lambda: text_formats.read_csv(source, lines),
        text_formats.LOG: lambda: text_formats.read_log(source, filled),
        viewcrafter.FORMAT: lambda: viewcrafter.read(source, filled),
        colmap.FORMAT: lambda: colmap.read_text(source, lines),
    }
    for name in (text_formats.TUM, text_formats.POSES):
        readers[name] = partial(text_formats.read_quaternion_lines, source, filled, name)
    for name in (camera_matrices.KITTI, camera_matrices.MATRICES):
        readers[name] = partial(camera_matrices.read_lines, source, filled, name)
    return readers.get(format_, readers[realestate10k.FORMAT])()


def _text_format(lines: Sequence[str], filled: Sequence[text_formats.Line]) -> str:
    """Tell the text formats apart.

    RealEstate10K text has lines of 19 columns. Three lines of numbers are key points, unless each
    ends in a quaternion of length 1: then they are three poses.
    """
    if realestate10k.looks_like(lines):
        return realestate10k.FORMAT
    if colmap.looks_like(lines):
        return colmap.FORMAT
    if matrices := camera_matrices.looks_like(filled):
        return matrices
    found = text_formats.looks_like(lines, filled)
    sphere = viewcrafter.looks_like(filled, lines)
    if sphere and not (found and text_formats.quaternions_fit(filled)):
        return viewcrafter.FORMAT
    return found or realestate10k.FORMAT
