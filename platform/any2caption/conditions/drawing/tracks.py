"""Draw 2-D tracks as a clip: a coloured trail a track, with a dot at its present place."""

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw

from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Motion

_REACH = 3.0
_GOLDEN = 0.618034
_MOST_DRAWN = 256
_MOST_POINTS = 512


def colour_of(track: int) -> tuple[int, int, int]:
    """Return the RGB colour of a track; neighbours differ clearly."""
    red, green, blue = colorsys.hsv_to_rgb((track * _GOLDEN) % 1.0, 0.85, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw_tracks(motion: Motion, height: int, width: int, frames: int) -> NDArray[np.uint8]:
    """Draw `frames` evenly spaced moments of a motion as uint8 T×H×W×3 on black ground.

    Each shows the way so far as a line and the present place as a dot; a gap (NaN) breaks the line.
    At most 256 evenly chosen tracks are drawn, of longer ones 512 evenly spaced points. No
    antialiasing: exact and reproducible.
    """
    size = np.array([width, height], dtype=np.float32)
    kept = motion.tracks
    if len(kept) > _MOST_POINTS:
        kept = kept[sample_frames(len(kept), _MOST_POINTS)]
    places = np.clip(kept, -_REACH, 1 + _REACH) * size
    count = places.shape[1]
    chosen = sample_frames(count, min(count, _MOST_DRAWN)).tolist()
    thickness = max(1, round(min(height, width) / 64))
    clip = np.zeros((frames, height, width, 3), dtype=np.uint8)
    for target, now in enumerate(sample_frames(len(places), frames).tolist()):
        canvas = PilImage.new("RGB", (width, height))
        pen = ImageDraw.Draw(canvas)
        for track in chosen:
            colour = colour_of(track)
            _draw_way(pen, places[: now + 1, track], colour, thickness)
            x, y = places[now, track].tolist()
            if np.isfinite([x, y]).all():
                reach = 2 * thickness
                pen.ellipse([x - reach, y - reach, x + reach, y + reach], fill=colour)
        clip[target] = np.asarray(canvas)
    return clip


def _draw_way(
    pen: ImageDraw.ImageDraw, way: NDArray[np.float32], colour: tuple[int, int, int], thickness: int
) -> None:
    there = np.asarray(np.isfinite(way).all(axis=1))
    edges = np.flatnonzero(np.diff(there.astype(np.int8))) + 1
    for stretch in np.split(np.arange(len(way)), edges):
        if there[stretch[0]] and len(stretch) > 1:
            pen.line(
                [tuple(point) for point in way[stretch].tolist()], fill=colour, width=thickness
            )
