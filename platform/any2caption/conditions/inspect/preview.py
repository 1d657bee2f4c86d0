"""A picture or a short video of a parsed condition, for people to check what was read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw

from any2caption.conditions.drawing.labels import write_label
from any2caption.conditions.form import Frames, Moments
from any2caption.conditions.io.clips import encode_mp4
from any2caption.conditions.io.images import encode_png
from any2caption.conditions.registry import form_of
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Condition
from any2caption.errors import InputError

SUFFIXES = (".png", ".mp4")
DEFAULT_FPS = 8.0
_TILES = 8
_COLUMNS = 4
_TILE = 384
_MOST_SIDE = 1280


def draw_preview(condition: Condition, path: Path) -> None:
    """Write the preview to `path`: up to eight frames in one PNG, or all of them as MP4.

    Depth in colours (near red), masks in colours with their ids, regions outlined, camera paths
    with frusta, skeletons as lines.

    Raises:
        InputError: another suffix, or a kind without a picture (text).
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError("a preview ends with .png or .mp4", file=str(path), field="preview")
    if not path.parent.is_dir():
        raise InputError("no such folder", file=str(path.parent), field="preview")
    if (drawer := form_of(condition.payload).preview) is not None:
        drawer(condition.payload, path)
        return
    count, frames, fps = _moments_of(condition)
    if path.suffix.lower() == ".mp4":
        picked = frames(range(count))
        path.write_bytes(
            encode_mp4(np.stack([_small(one, _MOST_SIDE) for one in picked]), fps or DEFAULT_FPS)
        )
        return
    picks = sorted(set(sample_frames(count, min(_TILES, count)).tolist()))
    tiles = [
        _numbered(_small(one, _TILE if count > 1 else _MOST_SIDE), at if count > 1 else None)
        for at, one in zip(picks, frames(picks), strict=True)
    ]
    path.write_bytes(encode_png(_sheet(tiles)))


def _moments_of(condition: Condition) -> Moments:
    """Number of frames, a function from their indices to pictures, and the rate."""
    form = form_of(condition.payload)
    if form.moments is not None:
        return form.moments(condition.payload)
    if form.pixels is None:
        raise InputError("this kind has no picture to preview", field=condition.kind)
    pixels = form.pixels(condition.payload)
    return len(pixels.frames), pixels.painted, None


def _small(pixels: Frames, side: int) -> Frames:
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Pictures.fromarray(pixels).resize(size, Pictures.Resampling.BOX))


def _numbered(pixels: Frames, index: int | None) -> Frames:
    if index is None:
        return pixels
    picture = Pictures.fromarray(pixels)
    write_label(ImageDraw.Draw(picture), (4, 4), f"frame {index + 1}")
    return np.asarray(picture)


def _sheet(tiles: Sequence[Frames]) -> Frames:
    columns = min(_COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape[:2]
    sheet = np.full((rows * height, columns * width, 3), 255, np.uint8)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    return sheet
