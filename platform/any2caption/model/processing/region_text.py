"""What the vision encoder sees of masks, strokes, normals, holes and regions. NumPy and Pillow.

Regions also go into the prompt as Qwen2-VL's box tokens: coordinates in thousandths of the picture,
`<|object_ref_start|>red car<|object_ref_end|><|box_start|>(x1,y1),(x2,y2)<|box_end|>`. A polygon is
written as the box around it, a point as `<|box_start|>(x,y)<|box_end|>`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.drawing.colour_maps import draw_regions, id_colours, normal_colours
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Region, Regions

BOX_TOKENS = ("<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>")
"""Qwen2-VL's own; a tokenizer trained from scratch has them where its corpus has regions."""
MOST_REGIONS = 64
"""Regions of a condition that the prompt holds."""
_THOUSAND = 1000
Frames = NDArray[np.uint8]
__all__ = [
    "BOX_TOKENS",
    "coordinates",
    "draw_regions",
    "id_colours",
    "normal_colours",
    "overlay_frames",
    "region_pieces",
    "sampled_regions",
]


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
