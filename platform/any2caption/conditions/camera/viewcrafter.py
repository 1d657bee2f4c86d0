"""Key points on a sphere around the subject (ViewCrafter): three lines phi, theta, radius.

phi and theta are degrees about the vertical and the horizontal axis through the subject: phi above
zero takes the camera to the right, theta above zero takes it down. radius is the change of the
distance as a fraction of it (-0.3 = 30 % nearer). Each line is stretched over the clip by itself:
up to three key points by straight lines, more by a smoothing cubic spline through both ends, as
the format's own tool does (Drexubery/ViewCrafter, txt_interpolation).
"""

from collections.abc import Sequence

import numpy as np

from any2caption.conditions.camera.raw_path import Floats, RawPath, Source, read_cell
from any2caption.conditions.camera.text_formats import Line
from any2caption.conditions.rotations import from_vectors

FORMAT = "phi-theta-radius text"
FRAMES = 25
"""Frames of the path when the option `frames` is not given."""
_NAMES = ("phi", "theta", "radius")
_STRAIGHT = 3
_MAX_DEGREES = 3600.0
_LEAST_DEGREES = 1.0
"""A path that turns no further than this is none: its numbers are fractions of something else."""
_MAX_RADIUS = 100.0
_MAX_KEYS = 1000


def looks_like(filled: Sequence[Line], lines: Sequence[str]) -> bool:
    """Whether the content is three lines of plain numbers without commas."""
    return (
        len(filled) == len(_NAMES)
        and not any("," in line for line in lines)
        and all(not cell[0].isalpha() for line in filled for cell in line.cells)
    )


def read(source: Source, filled: Sequence[Line]) -> RawPath:
    """Read the key points and lay the path: distance to the subject 1, level first view."""
    place, options = source.at(), source.options
    if len(filled) != len(_NAMES):
        raise place.error(f"{len(filled)} lines instead of 3 (phi, theta, radius)", "lines")
    keys = [_keys(source, line, name) for line, name in zip(filled, _NAMES, strict=True)]
    turned = max(float(np.abs(line).max()) for line in keys[:2])
    if "format" not in options and 0 < turned < _LEAST_DEGREES:
        raise place.error(
            f"three lines of numbers, but no phi and theta in degrees: none reaches 1; "
            f"format={FORMAT!r} reads them as such",
            "phi, theta",
        )
    count = int(options.get("frames", max(FRAMES, *(len(line) for line in keys))))
    source.check_count(max(count, *(len(line) for line in keys)))
    phi, theta, radius = (_stretch(line, max(count, 1)) for line in keys)
    if (radius <= -1).any():
        raise place.error("a change of −1 or less puts the camera behind the subject", "radius")
    if "frames" not in options:
        source.notes.assume(
            f"{FORMAT} does not tell the number of frames: {count}; frames=… overrides"
        )
    source.notes.assume(
        "the path starts level with the subject; lengths are in distances to the subject; "
        "scale=… overrides"
    )
    rotations = _about((0.0, 1.0, 0.0), phi) @ _about((1.0, 0.0, 0.0), theta)
    # Subject at the origin, y up, camera on +z looking at −z: OpenGL axes.
    centres = np.einsum("tij,tj->ti", rotations, np.outer(1 + radius, (0.0, 0.0, 1.0)))
    return RawPath(
        format=FORMAT,
        rotations=rotations,
        translations=centres,
        records=tuple(f"frame {index}" for index in range(len(rotations))),
        direction="camera_to_world",
        axes="opengl",
        rotation_field="phi, theta",
        scene_distance=1.0,
    )


def _keys(source: Source, line: Line, name: str) -> Floats:
    place = source.at(f"line {line.number}")
    if len(line.cells) > _MAX_KEYS:
        raise place.error(f"{len(line.cells):,} key points; at most {_MAX_KEYS:,} are taken", name)
    values = np.array([read_cell(cell, place, name) for cell in line.cells])
    limit = _MAX_RADIUS if name == "radius" else _MAX_DEGREES
    if np.abs(values).max() > limit:
        raise place.error(f"{np.abs(values).max():g} is out of range", name)
    return values


def _stretch(keys: Floats, count: int) -> Floats:
    """Spread key points evenly over `count` frames."""
    wanted = np.linspace(0, 1, count)
    at = np.linspace(0, 1, len(keys))
    if len(keys) <= _STRAIGHT:
        return np.interp(wanted, at, keys)
    from scipy.interpolate import UnivariateSpline

    values: Floats = np.asarray(UnivariateSpline(at, keys, k=3)(wanted), dtype=np.float64)
    values[0], values[-1] = keys[0], keys[-1]
    return values


def _about(axis: tuple[float, float, float], degrees: Floats) -> Floats:
    return from_vectors(np.outer(np.radians(degrees), axis))
