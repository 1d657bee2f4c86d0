"""Normal-map condition: which way each point of the picture faces.

Colour = (vector + 1) / 2, in 8 or 16 bits. Canonical axes: x right, y up, z towards the camera
(OpenGL). Stated rules: z is turned round when most of the picture would face away; y can't be told
from the values, so OpenGL (green = up) is assumed; option `axes` says otherwise. Black and even
grey pixels are holes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.clips import decode_video
from any2caption.conditions.io.stored_pixels import (
    IMAGE_FORMATS,
    VIDEO_FORMATS,
    deep_colour,
    one_source,
    stored_values,
)
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.pictures.video import thin_pictures
from any2caption.conditions.types import Normals, Part
from any2caption.errors import InputError

AXES = {"opengl": (1, 1, 1), "directx": (1, -1, 1), "opencv": (1, -1, -1)}
"""Signs that turn a convention's x, y, z into x right, y up, z towards the camera."""
FORMATS = (*(f"8-bit {name}" for name in (*IMAGE_FORMATS, *VIDEO_FORMATS)), "16-bit PNG")
_LENGTH = (0.85, 1.15)
_HOLE = 12 / 255
Floats = NDArray[np.float32]


def parse_normal(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse normal maps (one a frame) or a clip to unit vectors.

    Raises:
        InputError: grey pictures, photos (most vectors are not of length 1), mixed sizes.
    """
    notes = Notes()
    name, ordered = one_source(parts, "normal map", (*IMAGE_FORMATS, *VIDEO_FORMATS))
    deep = False
    if name in VIDEO_FORMATS:
        frames = decode_video(ordered[0], limits, notes).frames
        colours = [(ordered[0].name, frame.astype(np.float32) / 255) for frame in frames]
    else:
        kept = thin_pictures(ordered, limits, notes)
        read = [_picture(part, limits, notes) for part in kept]
        deep = any(most > 255 for most, _ in read)  # noqa: PLR2004
        colours = [
            (part.name, values.astype(np.float32) / most)
            for part, (most, values) in zip(kept, read, strict=True)
        ]
    signs = _axes(colours, options, notes)
    vectors = np.stack([_unit(values, signs) for _, values in colours])
    if not np.isfinite(vectors).any():
        raise InputError("every pixel is a hole", file=ordered[0].name, field="normal")
    return notes.parsed(Normals(vectors), f"{'16-bit' if deep else '8-bit'} {name}")


def _picture(part: Part, limits: Limits, notes: Notes) -> tuple[int, NDArray[np.int32]]:
    deep = deep_colour(part, limits)
    if deep is not None:
        return 65535, deep.astype(np.int32)
    encoding, values = stored_values(part, limits, notes)
    if encoding != "colour":
        raise InputError(
            f"a {encoding} picture; a normal map has the colours x, y and z",
            file=part.name,
            field="colour",
        )
    return 255, values


def _axes(
    colours: list[tuple[str, Floats]], options: Options, notes: Notes
) -> tuple[int, int, int]:
    """Signs for x, y, z; refuses pictures whose colours are no directions."""
    facing = 0.0
    for file, values in colours:
        vector = values * 2 - 1
        length = np.linalg.norm(vector, axis=2)
        read = ~_holes(values)
        off = (length < _LENGTH[0]) | (length > _LENGTH[1])
        share = float(off[read].mean()) if read.any() else 0.0
        if share > 0.4:  # noqa: PLR2004
            raise InputError(
                f"{share:.0%} of the colours are no directions: a picture, not a normal map",
                file=file,
                field="colour",
            )
        if share > 0.1:  # noqa: PLR2004
            notes.warn(f"{file}: {share:.0%} of the colours are not of length 1 (normalised)")
        facing += float(vector[..., 2][read].sum())
    if "axes" in options:
        return AXES[str(options["axes"])]
    if facing < 0:
        notes.assume(
            "most of it faces away with z towards the camera: read as opencv (option axes)"
        )
        return AXES["opencv"]
    notes.assume("axes x right, y up, z towards the camera: opengl (option axes)")
    return AXES["opengl"]


def direction_share(values: Floats) -> float:
    """Return the share of colours (0…1, H×W×3) that are directions towards one side; 0 for holes.

    Stricter than the parser: a length within 0.1 of 1, as photos also have some.
    """
    vector = values * 2 - 1
    read = ~_holes(values)
    if read.mean() < 0.05:  # noqa: PLR2004
        return 0.0
    length = np.linalg.norm(vector[read], axis=1)
    facing = max((vector[read][:, 2] > 0).mean(), (vector[read][:, 2] < 0).mean())
    return float((np.abs(length - 1) < 0.1).mean() * (facing > 0.9))  # noqa: PLR2004


def _holes(values: Floats) -> NDArray[np.bool_]:
    """Pixels without a reading: black, or the grey of a vector of no length."""
    black = (values <= _HOLE).all(axis=2)
    grey = (np.abs(values - 0.5) <= _HOLE / 2).all(axis=2)
    holes: NDArray[np.bool_] = black | grey
    return holes


def _unit(values: Floats, signs: tuple[int, int, int]) -> Floats:
    vector = (values * 2 - 1) * np.asarray(signs, np.float32)
    length = np.linalg.norm(vector, axis=2, keepdims=True)
    unit = vector / np.maximum(length, np.float32(1e-6))
    unit[_holes(values)] = np.nan
    vectors: Floats = unit.astype(np.float32)
    return vectors
