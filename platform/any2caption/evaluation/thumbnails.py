"""Small pictures of conditions for the report, as data URIs: nothing is loaded from elsewhere."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from any2caption.conditions.colours import draw_regions, id_colours, normal_colours
from any2caption.conditions.drawn_pose import on_black
from any2caption.conditions.skeleton import draw_skeleton
from any2caption.conditions.track_drawing import draw_tracks
from any2caption.conditions.types import (
    Camera,
    Condition,
    Depth,
    DrawnPose,
    Image,
    MaskedImage,
    Motion,
    Normals,
    Pose,
    Regions,
    Segmentation,
    Sketch,
    Video,
)

_SIDE = 72
_STRIP = 4


def picture_of(condition: Condition) -> str:  # noqa: C901, PLR0911, PLR0912 - one case a kind
    """Return an `<img>` or `<svg>` element for a condition; "" for text."""
    match condition.payload:
        case Image(pixels=pixels):
            return _strip([pixels])
        case Video(frames=frames):
            return _strip(_spread(frames))
        case Depth(maps=maps):
            grey = (np.nan_to_num(maps) * 255).clip(0, 255).astype(np.uint8)
            return _strip(_spread(np.repeat(grey[..., None], 3, axis=-1)))
        case Pose() as pose:
            return _strip(draw_skeleton(pose, _SIDE, _SIDE, _STRIP))
        case DrawnPose() as drawn:
            return _strip(_spread(on_black(drawn)))
        case Motion() as motion:
            return _strip(draw_tracks(motion, _SIDE, _SIDE, _STRIP))
        case Camera(w2c=w2c):
            return _path(w2c)
        case Segmentation(ids=ids):
            return _strip(_spread(id_colours(ids)))
        case Sketch(strokes=strokes, drawn=drawn):
            return _strip(_spread(np.repeat(strokes[drawn][..., None], 3, axis=-1)))
        case Normals() as normals:
            return _strip(_spread(normal_colours(normals)))
        case MaskedImage(pixels=pixels):
            return _strip([pixels])
        case Regions(frames=given, overlay=overlay):
            ground = np.zeros((_SIDE, _SIDE, 3), np.uint8) if overlay is None else overlay
            return _strip([draw_regions(ground, next((one for one in given if one), ()))])
        case _:
            return ""


def _spread(frames: NDArray[np.uint8]) -> Sequence[NDArray[np.uint8]]:
    picks = np.linspace(0, len(frames) - 1, min(_STRIP, len(frames))).round().astype(int)
    return [frames[i] for i in picks]


def _strip(frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> str:
    tiles = [Pictures.fromarray(frame).resize((_SIDE, _SIDE)) for frame in frames]
    sheet = Pictures.new("RGB", (_SIDE * len(tiles), _SIDE))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number * _SIDE, 0))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="" height="{_SIDE}" src="data:image/png;base64,{data}">'


def _path(w2c: NDArray[np.float64]) -> str:
    """Draw the path from above (x right, z up) with a tick for the direction of each camera."""
    rotation, translation = w2c[:, :, :3], w2c[:, :, 3]
    centres = -np.einsum("tji,tj->ti", rotation, translation)
    ahead = rotation[:, 2, :]
    spots, looks = centres[:, [0, 2]], ahead[:, [0, 2]]
    extent = max(float(np.ptp(spots, axis=0).max()), 1e-6)
    reach = 0.35 * extent
    ends = spots + reach * looks
    low = np.minimum(spots.min(axis=0), ends.min(axis=0))
    size = max(float(np.ptp(np.concatenate([spots, ends]), axis=0).max()), 1e-6)

    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        unit = (points - low) / size
        return np.column_stack([6 + 60 * unit[:, 0], 66 - 60 * unit[:, 1]])

    here, there = place(spots), place(ends)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in here)
    picks = np.linspace(0, len(here) - 1, min(6, len(here))).round().astype(int)
    ticks = "".join(
        f'<line x1="{here[i, 0]:.1f}" y1="{here[i, 1]:.1f}" x2="{there[i, 0]:.1f}" '
        f'y2="{there[i, 1]:.1f}"/>'
        for i in picks
    )
    return (
        f'<svg class="path" width="{_SIDE}" height="{_SIDE}" viewBox="0 0 72 72">{ticks}'
        f'<polyline points="{line}"/><circle cx="{here[0, 0]:.1f}" cy="{here[0, 1]:.1f}" r="3"/>'
        "</svg>"
    )
