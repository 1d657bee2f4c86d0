"""Sketch condition: scribble, line art or Canny edges as strokes on an empty ground.

Canonical form: 255 = stroke, 0 = ground. Stated rules, told in the assumptions:

- the ground is what most of the picture is: bright → black on white, dark → white on black (option
  `ground`); a sequence is decided as a whole by its drawn frames;
- a transparent ground takes the opposite of its strokes;
- a photographed drawing's paper (neither black nor white) is stretched to an empty ground;
- an evenly black or white frame of a sequence is no condition.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.base import Limits, Notes, Options, Parsed
from any2caption.conditions.clips import decode_video
from any2caption.conditions.media import MAX_PIXELS, load_image, to_rgb
from any2caption.conditions.pictures import IMAGE_FORMATS, VIDEO_FORMATS, one_source
from any2caption.conditions.types import Part, Sketch
from any2caption.conditions.video import thin_pictures
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
Grey = NDArray[np.uint8]


def parse_sketch(parts: Sequence[Part], options: Options, limits: Limits) -> Parsed:
    """Parse sketch pictures (one a frame) or a clip.

    Raises:
        InputError: nothing drawn in any frame, mixed sizes or formats.
    """
    notes = Notes()
    name, ordered = one_source(parts, "sketch", (*IMAGE_FORMATS, *VIDEO_FORMATS))
    if name in VIDEO_FORMATS:
        clip = decode_video(ordered[0], limits, notes)
        grey = np.stack([_luma(frame) for frame in clip.frames])
    else:
        kept = thin_pictures(ordered, limits, notes)
        grey = np.stack([_picture(part, limits, notes) for part in kept])
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
    strokes = _strokes(grey, levels, ground, notes)
    strokes[~drawn] = 0
    return notes.parsed(
        Sketch(strokes, drawn),
        f"{'black' if ground == 'white' else 'white'} on {ground} {name}",
    )


def _word(ground: str) -> str:
    return "bright" if ground == "white" else "dark"


def _ground(levels: NDArray[np.int64]) -> str:
    """The side of middle grey on which most pixels lie."""
    return "white" if levels[_BRIGHT:].sum() >= levels[:_BRIGHT].sum() else "black"


def _luma(rgb: NDArray[np.uint8]) -> Grey:
    """Grey by the Rec. 601 weights."""
    weighted = rgb.astype(np.uint16) @ np.array([77, 150, 29], np.uint16)
    return (weighted >> 8).astype(np.uint8)


def _picture(part: Part, limits: Limits, notes: Notes) -> Grey:
    picture = load_image(part, limits.pixels or MAX_PIXELS)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = np.asarray(picture.convert("RGBA"))
        alpha = rgba[:, :, 3].astype(np.uint16)
        if alpha.min() < _BRIGHT <= alpha.max():
            seen = alpha >= _BRIGHT
            luma = _luma(rgba[:, :, :3])
            ground = 0 if float(luma[seen].mean()) >= _BRIGHT else 255
            notes.assume("a transparent ground is read as the opposite of its strokes")
            return ((luma * alpha + ground * (255 - alpha)) // 255).astype(np.uint8)
    return _luma(to_rgb(picture))


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
