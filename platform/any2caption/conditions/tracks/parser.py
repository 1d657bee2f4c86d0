"""Motion condition: 2-D tracks of points or objects to float32 T×N×2 in fractions of a canvas.

Formats are told by content: text with "x, y" a line (blank lines, several files or 2·N columns give
several tracks), CSV with a header (x, y, and optionally frame and id), MOT text (the middle of each
box), JSON lists, npy arrays. Stated rules: tracks without frame numbers each span the whole clip,
so shorter ones are stretched to the longest; without a stated canvas points within 0…256 lie on
MotionCtrl's 256×256 drawing canvas, others in the square around all points (options `width`,
`height`). A missing point is NaN.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.canvas import canvases, stated_size
from any2caption.conditions.io.files import natural_key
from any2caption.conditions.io.sniff import sniff
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.tracks.formats import TrackFile, read_json, read_npy, read_text
from any2caption.conditions.types import Motion, Part
from any2caption.errors import InputError

DRAWING_CANVAS = (256.0, 256.0)
_MAX_POINTS = 4_000_000
Floats = NDArray[np.float64]


def parse_motion(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse one file of tracks, or several files whose tracks are joined in natural order.

    Raises:
        InputError: another format, malformed numbers, no point at all; names file and line.
    """
    notes = Notes()
    ordered = sorted(parts, key=lambda part: natural_key(part.name))
    files = [_read(part, options, notes) for part in ordered]
    for part, file in zip(ordered, files, strict=True):
        if file.format != files[0].format:
            raise InputError(
                f"{file.format}, but {ordered[0].name} is {files[0].format}; one motion condition "
                "has one format",
                file=part.name,
                field="format",
            )
    if "order" in options and not any(file.axes_open for file in files):
        raise InputError("there are no two axes to tell apart", file=ordered[0].name, field="order")
    tracks = [track for file in files for track in file.tracks]
    name = ordered[0].name
    _check_size(tracks, limits, name)
    stacked = np.stack(_same_length(tracks, notes), axis=1)
    points = stacked[np.isfinite(stacked[..., 0])]
    if not len(points):
        raise InputError("every point is missing: no motion to follow", file=name, field="points")
    own = next((file.size for file in files if file.size), None)
    stated = stated_size(options, name)
    inside = 2.0 < points.max() <= DRAWING_CANVAS[0] and points.min() >= 0  # noqa: PLR2004
    if own is None and stated is None and inside:
        own = DRAWING_CANVAS
        notes.assume(
            "no canvas stated, points within 0…256: read on MotionCtrl's 256×256 canvas (options "
            "width and height)"
        )
    (canvas,) = canvases(points, [own], options, name, notes)
    fps = next((file.fps for file in files if file.fps), None)
    fps = float(options["fps"]) if "fps" in options else fps
    scaled = canvas.apply(stacked).astype(np.float32)
    return notes.parsed(Motion(scaled, fps, canvas.aspect), files[0].format)


def _read(part: Part, options: Options, notes: Notes) -> TrackFile:
    name = sniff(part.data)
    if name == "JSON":
        return read_json(part, options, notes)
    if name == "npy":
        return read_npy(part, options, notes)
    if name == "text":
        return read_text(part, notes)
    raise InputError(
        f"{name} is not an accepted motion format; accepted: x, y text, CSV, MOT text, JSON, npy",
        file=part.name,
        field="format",
    )


def _check_size(tracks: Sequence[Floats], limits: Limits, file: str) -> None:
    if limits.people and len(tracks) > limits.people:
        raise InputError(
            f"{len(tracks):,} tracks; at most {limits.people:,} are taken",
            file=file,
            field="tracks",
        )
    longest = max(len(track) for track in tracks)
    if limits.frames and longest > limits.frames:
        raise InputError(
            f"{longest:,} points in a track; at most {limits.frames:,} are taken",
            file=file,
            field="frames",
        )
    if longest * len(tracks) > _MAX_POINTS:
        raise InputError(
            f"{longest * len(tracks):,} points; at most {_MAX_POINTS:,} are taken",
            file=file,
            field="points",
        )


def _same_length(tracks: Sequence[Floats], notes: Notes) -> list[Floats]:
    """Stretch tracks T×2 to the longest by linear interpolation; NaN stays NaN."""
    longest = max(len(track) for track in tracks)
    if any(len(track) != longest for track in tracks):
        notes.assume(
            "tracks of different lengths each span the whole clip: stretched to "
            f"{longest} points, the longest"
        )
    out = []
    for track in tracks:
        at = np.linspace(0, len(track) - 1, longest)
        low = np.floor(at).astype(np.int64)
        high = np.minimum(low + 1, len(track) - 1)
        part = (at - low)[:, None]
        mixed = np.where(part == 0, track[low], track[low] * (1 - part) + track[high] * part)
        out.append(mixed)
    return out
