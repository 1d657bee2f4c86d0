"""What the vision encoder sees of masks, strokes, normals, holes and regions. NumPy and Pillow.

Regions also go into the prompt as Qwen2-VL's box tokens: coordinates in thousandths of the picture,
`<|object_ref_start|>red car<|object_ref_end|><|box_start|>(x1,y1),(x2,y2)<|box_end|>`. A polygon is
written as the box around it, a point as `<|box_start|>(x,y)<|box_end|>`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw

from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Normals, Region, Regions

BOX_TOKENS = ("<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>")
"""Qwen2-VL's own; a tokenizer trained from scratch has them where its corpus has regions."""
MOST_REGIONS = 64
"""Regions of a condition that the prompt holds."""
_THOUSAND = 1000
Frames = NDArray[np.uint8]


def id_colours(ids: NDArray[np.int32]) -> Frames:
    """Paint ids T×H×W as T×H×W×3: 0 is black, ids up to 255 have PASCAL VOC's colours.

    Larger ids are hashed onto the same colours; an id always has the same colour.
    """
    large = ids > 255  # noqa: PLR2004
    folded = np.where(large, 1 + (ids.astype(np.int64) * 2654435761 >> 8) % 255, ids)
    colours: Frames = _palette()[folded]
    return colours


def _palette() -> Frames:
    """PASCAL VOC's 256 colours: the bits of the index, spread over the three channels."""
    index = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (((index >> channel) & 1) << (7 - bit)).astype(np.uint8)
        index >>= 3
    return colours


def normal_colours(normals: Normals) -> Frames:
    """Unit vectors as the usual colours (vector + 1) / 2; holes are black."""
    scaled = np.nan_to_num((normals.vectors + 1) * 127.5, nan=0.0)
    colours: Frames = np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
    return colours


def sampled_regions(regions: Regions, most: int) -> tuple[list[tuple[int, Sequence[Region]]], bool]:
    """Return (frame, its regions) of at most `most` evenly spaced frames, and whether any is left.

    At most `MOST_REGIONS` regions in all; empty frames are skipped.
    """
    filled = [(at, frame) for at, frame in enumerate(regions.frames) if frame]
    if not filled:
        return [], False
    picks = sorted(set(sample_frames(len(filled), min(most, len(filled))).tolist()))
    chosen, left, cut = [], MOST_REGIONS, False
    for at in picks:
        frame, inside = filled[at]
        cut = cut or len(inside) > left
        if left:
            chosen.append((frame, inside[:left]))
        left -= len(inside[:left])
    return chosen, cut


def region_pieces(regions: Regions, most: int) -> list[tuple[str, str]]:
    """Return (label, coordinates) in prompt order; a label without coordinates is a frame."""
    chosen, _ = sampled_regions(regions, most)
    pieces = []
    for frame, inside in chosen:
        if len(regions.frames) > 1:
            pieces.append((f"frame {frame + 1}", ""))
        pieces += [(region.label, coordinates(region)) for region in inside]
    return pieces


def coordinates(region: Region) -> str:
    """Return `(x1,y1),(x2,y2)` (of a point `(x,y)`) in thousandths."""
    corners = np.array([region.points.min(axis=0), region.points.max(axis=0)])
    whole = np.rint(corners * _THOUSAND).astype(int)
    written = [f"({x},{y})" for x, y in whole.tolist()]
    return written[0] if region.shape == "point" else ",".join(written)


def overlay_frames(regions: Regions) -> Frames | None:
    """Return the overlay 1×H×W×3 with the first filled frame's regions drawn in, or None."""
    if regions.overlay is None:
        return None
    inside = next((frame for frame in regions.frames if frame), ())
    return draw_regions(regions.overlay, inside)[None]


def draw_regions(pixels: Frames, regions: Sequence[Region]) -> Frames:
    """Return the picture H×W×3 with outlines of regions, a colour each."""
    picture = Pictures.fromarray(pixels.copy())
    pen = ImageDraw.Draw(picture)
    height, width = pixels.shape[:2]
    line = max(2, round(max(height, width) / 200))
    for number, region in enumerate(regions[:MOST_REGIONS], 1):
        red, green, blue = (int(level) for level in _palette()[number])
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
