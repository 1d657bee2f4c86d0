"""Read files of 2-D tracks as they are: text, CSV, MOT text, JSON, npy; no scaling.

Each track is T×2 = (x, y) in the file's own unit, NaN = missing.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.npy import open_npy
from any2caption.conditions.io.untrusted_json import plain_numbers
from any2caption.conditions.io.utf8 import bounded_lines
from any2caption.conditions.kind import Notes, Options
from any2caption.conditions.masks import label_lines
from any2caption.conditions.pose.keypoint_json import Where, canvas_of, load_json, number
from any2caption.conditions.types import Part
from any2caption.errors import InputError

TEXT, CSV, MOT, JSON, NPY = "track text", "track CSV", "MOT text", "track JSON", "track npy"
_MAX = 1e6
_MOT_COLUMNS = (9, 10)
_MAX_FRAMES = 20_000
_MAX_LINES = 200_000
_MAX_TEXT = 8_000_000
"""Characters of a text file of tracks."""
_MAX_POINTS = 4_000_000
_RATES = (0.01, 1000.0)
"""Frames a second that a file may state."""
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "x": ("x", "cx", "u", "px", "x_px", "pos_x"),
    "y": ("y", "cy", "v", "py", "y_px", "pos_y"),
    "frame": ("frame", "t", "time", "frame_id", "frame_index", "frame_number", "timestamp"),
    "id": ("id", "track", "track_id", "object", "object_id", "particle", "point", "name"),
}
_LISTS = ("tracks", "trajectories", "points", "paths", "objects")
Floats = NDArray[np.float64]
Line = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class TrackFile:
    """Tracks T×2 of one file, and its canvas and frame rate where it states them."""

    tracks: list[Floats]
    format: str
    size: tuple[float, float] | None = None
    fps: float | None = None
    axes_open: bool = False
    """Whether the order of time and track was open (option `order`)."""


def read_text(part: Part, notes: Notes) -> TrackFile:
    """Read "x, y" lines, 2·N columns, CSV with a header, or MOT text.

    Raises:
        InputError: a line that is not numbers, or another number of columns; names it.
    """
    lines = bounded_lines(part, _MAX_TEXT, _MAX_LINES)
    rows: list[Line] = [(at, _fields(line)) for at, line in enumerate(lines, start=1)]
    filled = [row for row in rows if row[1]]
    if not filled:
        raise InputError("no point in this file", file=part.name, field="points")
    if any(re.search(r"[A-Za-z_]", word) and not _is_number(word) for word in filled[0][1]):
        return _read_csv(part.name, filled)
    if label_lines.looks_like([words for _, words in filled]):
        raise InputError(label_lines.SAID, file=part.name, field="points")
    width = _same_width(part.name, filled)
    if width in _MOT_COLUMNS:
        return _read_mot(part.name, filled)
    if width % 2:
        raise _bad(
            part.name,
            filled[0][0],
            f"{width} columns: x, y (or x, y of several tracks) are wanted; with other columns a "
            "header line must name them",
        )
    blocks = _blocks(rows)
    tracks = [
        _numbers(part.name, block)[:, at : at + 2] for block in blocks for at in range(0, width, 2)
    ]
    if width > 2:  # noqa: PLR2004 - x and y
        notes.assume(f"{width} columns read as x, y of {width // 2} tracks")
    if len(blocks) > 1:
        notes.assume(f"blank lines separate {len(blocks)} tracks")
    return TrackFile(tracks, TEXT)


def _same_width(file: str, rows: Sequence[Line]) -> int:
    """The number of columns, the same in all lines; a separator at the end makes no column."""
    for _, words in rows:
        if len(words) > 1 and not words[-1]:
            words.pop()
    width = len(rows[0][1])
    for at, words in rows:
        if len(words) != width:
            raise _bad(file, at, f"{len(words)} columns, the first line has {width}")
    return width


def _fields(line: str) -> list[str]:
    """Split a line at commas, semicolons or blanks; a blank line has no field."""
    line = line.strip().strip("()[]")
    if not line:
        return []
    for separator in (",", ";", "\t"):
        if separator in line:
            return [word.strip().strip('"') for word in line.split(separator)]
    return line.split()


def _blocks(rows: Sequence[Line]) -> list[list[Line]]:
    blocks: list[list[Line]] = [[]]
    for row in rows:
        if row[1]:
            blocks[-1].append(row)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _bad(file: str, line: int, message: str, field: str = "points") -> InputError:
    return InputError(message, file=file, record=f"line {line}", field=field)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _value(file: str, line: int, word: str, field: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not abs(value) <= _MAX:
        raise _bad(file, line, f"{word[:20]!r} is not a usable number", field)
    return value


def _numbers(file: str, rows: Sequence[Line]) -> Floats:
    return np.array(
        [
            [_value(file, at, word, "xy"[i % 2]) for i, word in enumerate(words)]
            for at, words in rows
        ]
    )


def _read_csv(file: str, rows: Sequence[Line]) -> TrackFile:
    """Rows with named columns: x, y, and frame and id where they are there; others are left out."""
    names = [word.lower().replace(" ", "_") for word in rows[0][1]]
    column = {
        own: next((names.index(name) for name in known if name in names), None)
        for own, known in _COLUMNS.items()
    }
    x, y = column["x"], column["y"]
    if x is None or y is None:
        missing = "x" if x is None else "y"
        raise _bad(
            file, rows[0][0], f"no column {missing}; there are {', '.join(names)[:80]}", missing
        )
    if len(rows) < 2:  # noqa: PLR2004 - header and a point
        raise InputError("no point below the header", file=file, field="points")
    sightings: list[tuple[str, float | None, float, float]] = []
    for at, words in rows[1:]:
        if len(words) != len(names):
            raise _bad(file, at, f"{len(words)} columns, the header has {len(names)}")
        frame = (
            None if column["frame"] is None else _value(file, at, words[column["frame"]], "frame")
        )
        who = "" if column["id"] is None else words[column["id"]]
        if not words[x] and not words[y]:
            sightings.append((who, frame, math.nan, math.nan))
        else:
            place = (_value(file, at, words[x], "x"), _value(file, at, words[y], "y"))
            sightings.append((who, frame, *place))
    return TrackFile(_by_track(sightings, file), CSV)


def _read_mot(file: str, rows: Sequence[Line]) -> TrackFile:
    """MOT challenge: frame, id, left, top, width, height, confidence, …: the middle of the box."""
    values = _numbers(file, rows)
    whole = values[:, :2]
    if (whole != np.round(whole)).any() or (values[:, 4:6] < 0).any():
        raise _bad(
            file,
            rows[0][0],
            f"{values.shape[1]} columns, but not MOT text (frame, id, left, top, width, height, …)",
        )
    sightings: list[tuple[str, float | None, float, float]] = [
        (f"{row[1]:.0f}", float(row[0]), float(row[2] + row[4] / 2), float(row[3] + row[5] / 2))
        for row in values
    ]
    return TrackFile(_by_track(sightings, file), MOT)


def _by_track(
    sightings: Sequence[tuple[str, float | None, float, float]], file: str
) -> list[Floats]:
    """Group sightings by id; with frame numbers all get the same frames, NaN where unseen."""
    ids = list(dict.fromkeys(who for who, *_ in sightings))
    if any(frame is None for _, frame, _, _ in sightings):
        places: dict[str, list[tuple[float, float]]] = {one: [] for one in ids}
        for who, _, x, y in sightings:
            places[who].append((x, y))
        return [np.array(track) for track in places.values()]
    times = sorted({float(frame) for _, frame, _, _ in sightings if frame is not None})
    whole = all(time == int(time) for time in times)
    if whole and times[-1] - times[0] < _MAX_FRAMES:
        times = [float(time) for time in range(int(times[0]), int(times[-1]) + 1)]
    place = {time: at for at, time in enumerate(times)}
    if len(ids) * len(times) > _MAX_POINTS:
        raise InputError(
            f"{len(ids):,} tracks over {len(times):,} frames are too many", file=file, field="id"
        )
    order = {one: at for at, one in enumerate(ids)}
    out = np.full((len(ids), len(times), 2), np.nan)
    for who, frame, x, y in sightings:
        out[order[who], place[float(frame or 0)]] = x, y
    return list(out)


def read_json(part: Part, options: Options, notes: Notes) -> TrackFile:
    """Read [[x, y], …], a list of such lists, objects with x and y, or an object that wraps them.

    The outer list is the tracks (option `order=time`: the frames).

    Raises:
        InputError: anything else; names the track and the point.
    """
    value = load_json(part)
    where = Where(part.name)
    value, size, fps = _unwrap(value, where)
    if not isinstance(value, list) or not value:
        raise where.error("not a list of points", "points")
    if _is_point(value[0]):
        return TrackFile([_json_track(value, where, 1)], JSON, size, fps)
    if len(value) > _MAX_FRAMES:
        raise where.error(f"{len(value):,} lists; at most {_MAX_FRAMES:,} are taken", "tracks")
    tracks = []
    for at, one in enumerate(value, start=1):
        inner = next((one[key] for key in _LISTS if key in one), None) if _is_map(one) else one
        tracks.append(_json_track(inner, where, at))
    axes_open = len({len(track) for track in tracks}) == 1
    if options.get("order") == "time" and axes_open:
        tracks = list(np.stack(tracks, axis=1))
    elif axes_open and "order" not in options and len(tracks) > 1:
        notes.assume(
            f"the outer list is {len(tracks)} tracks of {len(tracks[0])} points (option order)"
        )
    return TrackFile(tracks, JSON, size, fps, axes_open)


def _unwrap(value: Any, where: Where) -> tuple[Any, tuple[float, float] | None, float | None]:
    """Return the list inside a wrapping object, and the canvas and frame rate it states."""
    if not isinstance(value, dict):
        return value, None, None
    fps = None if value.get("fps") is None else number(value["fps"], where, "fps")
    if fps is not None and not _RATES[0] <= fps <= _RATES[1]:
        raise where.error(
            f"{fps:g} frames a second; {_RATES[0]:g} to {_RATES[1]:g} are taken", "fps"
        )
    field = next((name for name in _LISTS if isinstance(value.get(name), list | dict)), None)
    if field is None:
        raise where.error(f"none of {', '.join(_LISTS)} is there", "tracks")
    inner = value[field]
    listed = list(inner.values()) if isinstance(inner, dict) else inner
    return listed, canvas_of(value, where), fps


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _is_point(value: Any) -> bool:
    if isinstance(value, dict):
        return "x" in value
    return value is None or (
        isinstance(value, list) and bool(value) and not isinstance(value[0], list | dict)
    )


def _json_track(value: Any, where: Where, track: int) -> Floats:
    if not isinstance(value, list) or not value:
        raise where.error("not a list of points", f"track {track}")
    if set(map(type, value)) == {list} and set(map(len, value)) == {2}:
        plain = plain_numbers([one for point in value for one in point])
        if plain is not None and float(np.abs(plain).max()) <= _MAX:
            return plain.reshape(-1, 2)
    out = np.full((len(value), 2), np.nan)
    for at, point in enumerate(value):
        field = f"track {track} point {at + 1}"
        if isinstance(point, dict):
            point = [point.get("x"), point.get("y")]  # noqa: PLW2901 - one form for both
        if point is None or point == [None, None]:
            continue
        if not isinstance(point, list) or len(point) not in (2, 3):
            raise where.error("not [x, y]", field)
        seen = len(point) < 3 or number(point[2], where, field) > 0  # noqa: PLR2004 - visibility
        if seen:
            out[at] = [number(point[axis], where, f"{field} {'xy'[axis]}") for axis in (0, 1)]
    return out


def read_npy(part: Part, options: Options, notes: Notes) -> TrackFile:
    """Read an array T×2, T×N×2 or T×N×3 (x, y, visible); a leading 1 is dropped.

    With option `order=track` the first axis is the track: N×T×2.

    Raises:
        InputError: another shape or type, a damaged file.
    """
    found = open_npy(part)
    if math.prod(found.shape) > 3 * _MAX_POINTS:
        raise InputError(
            f"shape {found.shape}; at most {_MAX_POINTS:,} points are taken",
            file=part.name,
            field="shape",
        )
    array = found.array()
    while array.ndim > 3 and array.shape[0] == 1:  # noqa: PLR2004 - T×N×2
        array = array[0]
    if array.ndim not in (2, 3) or array.shape[-1] not in (2, 3) or not array.size:
        raise InputError(
            f"shape {array.shape}; T×2, T×N×2 or T×N×3 is wanted", file=part.name, field="shape"
        )
    axes_open = array.ndim == 3  # noqa: PLR2004
    if not axes_open:
        array = array[:, None]
    elif options.get("order") == "track":
        array = array.transpose(1, 0, 2)
    elif "order" not in options:
        notes.assume(
            f"the first axis is time: {array.shape[1]} tracks of {array.shape[0]} points (option "
            "order)"
        )
    points = array[..., :2].astype(np.float64)
    if array.shape[-1] == 3:  # noqa: PLR2004
        points = np.where(array[..., 2:] > 0, points, np.nan)
    lost = ~np.isfinite(points).all(axis=-1)
    points[lost] = np.nan
    if (np.abs(points[~lost]) > _MAX).any():
        raise InputError("coordinates out of range", file=part.name, field="points")
    return TrackFile(list(points.transpose(1, 0, 2)), NPY, axes_open=axes_open)
