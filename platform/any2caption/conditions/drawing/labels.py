"""Masks and regions with their names written on them, for people."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw

from any2caption.conditions.drawing.colour_maps import draw_regions, id_colours
from any2caption.conditions.types import Regions, Segmentation

Frames = NDArray[np.uint8]
_LABELLED = 12


def labelled_masks(masks: Segmentation, at: Sequence[int]) -> Frames:
    """Return masks in colours; the largest objects carry their id (and category)."""
    names = dict(masks.names)
    pictures = []
    for ids in masks.ids[list(at)]:
        picture = Pictures.fromarray(id_colours(ids[None])[0])
        pen = ImageDraw.Draw(picture)
        found, counts = np.unique(ids[ids != 0], return_counts=True)
        for ident in found[np.argsort(-counts)[:_LABELLED]].tolist():
            rows, columns = np.nonzero(ids == ident)
            middle = len(rows) // 2  # a pixel of the object, whatever its shape
            said = f"{ident} {names[ident]}" if ident in names else str(ident)
            write_label(pen, (int(columns[middle]), int(rows[middle])), said)
        pictures.append(np.asarray(picture))
    return np.stack(pictures)


def labelled_regions(regions: Regions, at: Sequence[int]) -> Frames:
    """Return regions outlined on their picture, or on white, with their labels."""
    ground = np.full((360, 640, 3), 255, np.uint8) if regions.overlay is None else regions.overlay
    pictures = []
    for index in at:
        inside = regions.frames[index]
        picture = Pictures.fromarray(draw_regions(ground, inside))
        pen = ImageDraw.Draw(picture)
        for region in inside[:_LABELLED]:
            x, y = region.points.min(axis=0) * (picture.width - 1, picture.height - 1)
            write_label(pen, (int(x) + 4, int(y) + 4), region.label)
        pictures.append(np.asarray(picture))
    return np.stack(pictures)


def write_label(pen: ImageDraw.ImageDraw, where: tuple[int, int], text: str) -> None:
    """Write a short text in white on black edges."""
    shown = text.encode("latin-1", "replace").decode("latin-1")[:40]
    pen.text(where, shown, fill="white", stroke_width=2, stroke_fill="black", font_size=16)
