"""Camera condition: camera paths in eleven real formats, told apart by their content.

Readers (`camera_realestate`, `camera_text`, `camera_json`, `camera_sphere`) say what a file states;
`camera_canonical` turns that into world-to-camera poses with OpenCV axes relative to frame 0.
"""

from collections.abc import Sequence

from any2caption.conditions import (
    camera_json,
    camera_realestate,
    camera_sphere,
    camera_text,
)
from any2caption.conditions.base import Limits, Notes, Option, Options, Parsed
from any2caption.conditions.camera_canonical import AXES, canonical
from any2caption.conditions.camera_source import DIRECTIONS, RawPath, Source, load_json
from any2caption.conditions.sniff import sniff
from any2caption.conditions.types import Part
from any2caption.conditions.utf8 import bounded_lines

JSON_FORMATS = (
    camera_json.MOTIONCTRL,
    camera_json.RECAMMASTER,
    camera_json.GENDOP,
    camera_json.NERF,
    camera_json.OPEN3D,
)
TEXT_FORMATS = (
    camera_realestate.FORMAT,
    camera_text.TUM,
    camera_text.POSES,
    camera_text.CSV,
    camera_text.LOG,
    camera_sphere.FORMAT,
)
FORMATS = (camera_realestate.FORMAT, *JSON_FORMATS, *TEXT_FORMATS[1:])
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
        summary=f"frames of a path of key points (default {camera_sphere.FRAMES})",
        type="number",
        minimum=1,
        maximum=20_000,
    ),
)
_MAX_LINES = 200_000
_MAX_TEXT = 8_000_000
_ACCEPTED = f"accepted: {', '.join(FORMATS)}"


def parse_camera(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse one camera file to a path relative to its first pose.

    Raises:
        InputError: no format of this kind, wrong counts, NaN, a matrix that is no rotation; names
            the file, the record and the field.
    """
    (part,) = parts
    notes = Notes()
    raw = _read(Source(part, options, limits, notes))
    return notes.parsed(canonical(raw, part.name, options, notes), raw.format)


def _read(source: Source) -> RawPath:
    part = source.part
    name = sniff(part.data)
    chosen = source.options.get("format")
    if name not in ("text", "JSON"):
        raise source.at().error(f"{name} is not an accepted camera format; {_ACCEPTED}", "format")
    text_chosen = chosen in TEXT_FORMATS
    if (name == "JSON" and not text_chosen and not _header_only(part)) or chosen in JSON_FORMATS:
        value = load_json(part)
        format_ = str(chosen or camera_json.looks_like(value) or "")
        if not format_:
            raise source.at().error(
                f"JSON without the keys of a camera path; {_ACCEPTED}", "format"
            )
        return camera_json.read(source, value, format_)
    return _read_text(source)


def _header_only(part: Part) -> bool:
    """Whether only line 1, a free dummy of RealEstate10K text, made the content look like JSON."""
    lines = part.data.split(b"\n", 2)
    return len(lines) > 1 and len(lines[1].split()) == len(camera_realestate.COLUMNS)


def _read_text(source: Source) -> RawPath:
    lines = bounded_lines(source.part, _MAX_TEXT, _MAX_LINES)
    if not any(line.strip() for line in lines):
        raise source.at().error("the file is empty", "poses")
    filled = camera_text.filled_lines(lines)
    format_ = str(source.options.get("format") or _text_format(lines, filled))
    if format_ in (camera_text.TUM, camera_text.POSES):
        return camera_text.read_quaternion_lines(source, filled, format_)
    if format_ == camera_text.CSV:
        return camera_text.read_csv(source, lines)
    if format_ == camera_text.LOG:
        return camera_text.read_log(source, filled)
    if format_ == camera_sphere.FORMAT:
        return camera_sphere.read(source, filled)
    return camera_realestate.read(source, lines, _ACCEPTED)


def _text_format(lines: Sequence[str], filled: Sequence[camera_text.Line]) -> str:
    """Tell the text formats apart.

    RealEstate10K text has lines of 19 columns. Three lines of numbers are key points, unless each
    ends in a quaternion of length 1: then they are three poses.
    """
    if camera_realestate.looks_like(lines):
        return camera_realestate.FORMAT
    found = camera_text.looks_like(lines, filled)
    sphere = camera_sphere.looks_like(filled, lines)
    if sphere and not (found and camera_text.quaternions_fit(filled)):
        return camera_sphere.FORMAT
    return found or camera_realestate.FORMAT
