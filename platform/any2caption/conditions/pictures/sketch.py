"""Sketch condition: scribble, line art or Canny edges as strokes on an empty ground.

Canonical form: 255 = stroke, 0 = ground. Stated rules, told in the assumptions:

- the ground is what most of the picture is: bright → black on white, dark → white on black (option
  `ground`); a sequence is decided as a whole by its drawn frames;
- a transparent ground takes the opposite of its strokes;
- a photographed drawing's paper (neither black nor white) is stretched to an empty ground;
- an evenly black or white frame of a sequence is not a condition.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.io.clips import decode_video
from any2caption.conditions.io.images import MAX_PIXELS, load_image, to_rgb
from any2caption.conditions.io.stored_pixels import (
    IMAGE_FORMATS,
    VIDEO_FORMATS,
    is_thin,
    one_source,
)
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.pictures.video import thin_pictures
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Part, Sketch
from any2caption.errors import InputError

GROUNDS = ("white", "black")
FORMATS = tuple(
    f"{strokes} on {ground} {name}"
    for strokes, ground in (("black", "white"), ("white", "black"))
    for name in (*IMAGE_FORMATS, *VIDEO_FORMATS)
)
_EVEN = 8
"""Grey levels within which a frame has nothing drawn on it (lossy coding)."""
_PAPER = 24
"""Grey levels from black or white from which the ground counts as paper."""
_BRIGHT = 128
_LOOKED_AT, _LOOKED_SIDE = 5, 512
_GROUND, _FAR, _STROKE = 40, 60, 80
"""Grey levels: what still is ground, what is surely drawn, what nearly is a full stroke."""
Grey = NDArray[np.uint8]


def parse_sketch(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse sketch pictures (one a frame) or a clip.

    Raises:
        InputError: nothing drawn in any frame, a photo, mixed sizes or formats.
    """
    notes = Notes()
    name, ordered = one_source(parts, "sketch", (*IMAGE_FORMATS, *VIDEO_FORMATS))
    if name in VIDEO_FORMATS:
        clip = decode_video(ordered[0], limits, notes)
        coloured = [_coloured(frame) for frame in clip.frames]
        grey = np.stack([_luma(frame) for frame in clip.frames])
    else:
        kept = thin_pictures(ordered, limits, notes)
        pictures = [_picture(part, limits, notes) for part in kept]
        coloured = [share for _, share in pictures]
        grey = np.stack([luma for luma, _ in pictures])
    low, high = grey.min((1, 2)).astype(int), grey.max((1, 2)).astype(int)
    drawn = high - low > _EVEN
    if not drawn.any():
        raise InputError(
            "nothing is drawn: every frame is even", file=ordered[0].name, field="sketch"
        )
    if not drawn.all():
        notes.assume(
            f"{int((~drawn).sum())} of {len(drawn)} frames are even: they carry no condition"
        )
    levels = np.bincount(grey[drawn].ravel(), minlength=256)
    ground = str(options.get("ground") or _ground(levels))
    if "ground" not in options:
        other = "black" if ground == "white" else "white"
        notes.assume(f"{other} on {ground}: most of the picture is {_word(ground)} (option ground)")
    _check_drawing(grey, coloured, np.flatnonzero(drawn), ground, ordered[0].name, notes)
    strokes = _strokes(grey, levels, ground, notes)
    strokes[~drawn] = 0
    return notes.parsed(
        Sketch(strokes, drawn),
        f"{'black' if ground == 'white' else 'white'} on {ground} {name}",
    )


def _check_drawing(  # noqa: PLR0913, PLR0917 - what tells a drawing
    grey: Grey,
    coloured: list[float],
    drawn: NDArray[np.intp],
    ground: str,
    file: str,
    notes: Notes,
) -> None:
    """Refuse photos, warn of filled areas; most of a few frames decide.

    A drawing has an even ground, thin strokes and little between the two. On eight scribbles and
    photographed drawings at most 6 % of the pixels are half tones, on 24 photos at least 8 %, or
    areas are filled with colours.
    """
    chosen = drawn[sample_frames(len(drawn), min(len(drawn), _LOOKED_AT))].tolist()
    photos = areas = 0
    for at in chosen:
        step = max(1, max(grey.shape[1:]) // _LOOKED_SIDE)
        frame = grey[at, ::step, ::step].astype(np.int16)
        half = np.bincount(frame.ravel(), minlength=256)
        half[slice(0, _BRIGHT) if ground == "white" else slice(_BRIGHT, None)] = 0
        away = np.abs(frame - int(np.argmax(half)))
        full = np.abs(frame - (0 if ground == "white" else 255))
        between = float(((away > _GROUND) & (full > _STROKE)).mean())
        filled = not is_thin(away > _FAR)
        even = float((away <= _GROUND).mean())
        photos += (
            between > 0.15  # noqa: PLR2004 - the docstring's figures
            or (filled and (between > 0.08 or coloured[at] > 0.1))  # noqa: PLR2004
            or (even < 0.6 and between > 0.06)  # noqa: PLR2004
        )
        areas += filled
    if 2 * photos > len(chosen):
        raise InputError(
            "a photo or film is not a sketch: it has half tones and filled areas instead of "
            "strokes on an even ground; give it as an image or video",
            file=file,
            field="sketch",
        )
    if 2 * areas > len(chosen):
        notes.warn("filled areas instead of thin strokes: is this a mask?")


def _coloured(rgb: NDArray[np.uint8]) -> float:
    """Share of clearly coloured pixels."""
    step = max(1, max(rgb.shape[:2]) // _LOOKED_SIDE)
    few = rgb[::step, ::step].astype(np.int16)
    return float((np.ptp(few, axis=2) > _GROUND).mean())


def _word(ground: str) -> str:
    return "bright" if ground == "white" else "dark"


def _ground(levels: NDArray[np.int64]) -> str:
    """The side of middle grey on which most pixels lie."""
    return "white" if levels[_BRIGHT:].sum() >= levels[:_BRIGHT].sum() else "black"


def _luma(rgb: NDArray[np.uint8]) -> Grey:
    """Grey by the Rec. 601 weights."""
    weighted = rgb.astype(np.uint16) @ np.array([77, 150, 29], np.uint16)
    return (weighted >> 8).astype(np.uint8)


def _picture(part: Part, limits: Limits, notes: Notes) -> tuple[Grey, float]:
    """A picture as grey, and how much of it is coloured."""
    picture = load_image(part, limits.pixels or MAX_PIXELS)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = np.asarray(picture.convert("RGBA"))
        alpha = rgba[:, :, 3].astype(np.uint16)
        if alpha.min() < _BRIGHT <= alpha.max():
            seen = alpha >= _BRIGHT
            luma = _luma(rgba[:, :, :3])
            ground = 0 if float(luma[seen].mean()) >= _BRIGHT else 255
            notes.assume("a transparent ground is read as the opposite of its strokes")
            grey = ((luma * alpha + ground * (255 - alpha)) // 255).astype(np.uint8)
            return grey, _coloured(rgba[:, :, :3] * seen[..., None])
    rgb = to_rgb(picture)
    return _luma(rgb), _coloured(rgb)


def _strokes(grey: Grey, levels: NDArray[np.int64], ground: str, notes: Notes) -> Grey:
    """Distance from the ground, full strokes = 255."""
    half = levels[_BRIGHT:] if ground == "white" else levels[:_BRIGHT]
    paper = int(np.argmax(half)) + (_BRIGHT if ground == "white" else 0)
    table = np.arange(256, dtype=np.float64)
    distance = 255 - table if ground == "white" else table
    empty = 255 - paper if ground == "white" else paper
    if empty > _PAPER:
        used = distance[np.flatnonzero(levels)]
        most = max(int(used.max()), empty + 1)
        spread = (most - empty) / 4  # grain and shade of the paper stay ground
        notes.assume(f"the ground is paper (grey {paper}): it is stretched to an empty ground")
        distance = (distance - empty - spread) * 255 / (most - empty - spread)
    lookup: Grey = np.clip(distance, 0, 255).astype(np.uint8)
    strokes: Grey = lookup[grey]
    return strokes
