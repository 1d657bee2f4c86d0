"""Masks, normals, regions and depth as pictures that people and the vision encoder can read."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw

from any2caption.conditions.palette import PALETTE
from any2caption.conditions.types import Normals, Region

Frames = NDArray[np.uint8]
MOST_DRAWN = 64
"""Regions that are drawn into one picture."""


def id_colours(ids: NDArray[np.int32]) -> Frames:
    """Paint ids T×H×W as T×H×W×3: 0 is black, ids up to 255 have PASCAL VOC's colours.

    Larger ids are hashed onto the same colours; an id always has the same colour.
    """
    large = ids > 255  # noqa: PLR2004
    folded = ids.copy() if large.any() else ids
    folded[large] = 1 + (ids[large].astype(np.int64) * 2654435761 >> 8) % 255
    colours: Frames = PALETTE[folded]
    return colours


def normal_colours(normals: Normals) -> Frames:
    """Unit vectors as the usual colours (vector + 1) / 2; holes are black."""
    scaled = np.nan_to_num((normals.vectors + 1) * 127.5, nan=0.0)
    colours: Frames = np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
    return colours


def draw_regions(pixels: Frames, regions: Sequence[Region]) -> Frames:
    """Return the picture H×W×3 with outlines of regions, a colour each."""
    picture = Pictures.fromarray(pixels.copy())
    pen = ImageDraw.Draw(picture)
    height, width = pixels.shape[:2]
    line = max(2, round(max(height, width) / 200))
    for number, region in enumerate(regions[:MOST_DRAWN], 1):
        red, green, blue = (int(level) for level in PALETTE[number])
        points = [
            (float(x), float(y)) for x, y in region.points * (max(width - 1, 1), max(height - 1, 1))
        ]
        if region.shape == "point":
            (x, y), reach = points[0], 2 * line
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=(red, green, blue))
        elif region.shape == "box":
            pen.rectangle((*points[0], *points[1]), outline=(red, green, blue), width=line)
        else:
            pen.line([*points, points[0]], fill=(red, green, blue), width=line)
    return np.asarray(picture, np.uint8)


def depth_colours(maps: NDArray[np.float32]) -> Frames:
    """Paint nearness 0…1 (T×)H×W: far blue, over green and yellow, to near red; holes black.

    The curve is Google's polynomial fit of its turbo colour map.
    """
    x = np.clip(np.nan_to_num(maps, nan=0.0), 0, 1)[..., None].astype(np.float64)
    powers = np.concatenate([x**power for power in range(6)], axis=-1)
    colours: Frames = np.rint(np.clip(powers @ _TURBO, 0, 1) * 255).astype(np.uint8)
    colours[~np.isfinite(maps)] = 0
    return colours


_TURBO = np.array(
    [
        (0.13572138, 0.09140261, 0.10667330),
        (4.61539260, 2.19418839, 12.64194608),
        (-42.66032258, 4.84296658, -60.58204836),
        (132.13108234, -14.18503333, 110.36276771),
        (-152.94239396, 4.27729857, -89.90310912),
        (59.28637943, 2.82956604, 27.34824973),
    ]
)
