"""What people see of a condition: one way for reports, annotators and pages to draw any kind."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.drawing.colour_maps import draw_regions, id_colours, normal_colours
from any2caption.conditions.drawing.skeleton import draw_skeleton
from any2caption.conditions.drawing.tracks import draw_tracks
from any2caption.conditions.pose.drawn import on_black
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import (
    Camera,
    Depth,
    DrawnPose,
    Image,
    MaskedImage,
    Motion,
    Normals,
    Payload,
    Pose,
    Regions,
    Segmentation,
    Sketch,
    Video,
)

Frames = NDArray[np.uint8]
SIDE = 256
"""Pixels of a side of what is drawn from points alone."""


def seen(payload: Payload, most: int) -> Frames | None:
    """Return at most `most` evenly spaced moments as uint8 T×H×W×3; None: it is words or a path.

    Depth is grey (near = white, holes black), masks and normals have colours, strokes are white on
    black, skeletons and tracks are drawn on black, regions on their picture.
    """
    match payload:
        case Pose(keypoints=points):
            return np.asarray(draw_skeleton(payload, SIDE, SIDE, min(most, len(points))))
        case Motion(tracks=tracks):
            return draw_tracks(payload, SIDE, SIDE, min(most, len(tracks)))
        case Regions(frames=frames, overlay=overlay):
            filled = [frame for frame in frames if frame] or [()]
            ground = np.zeros((SIDE, SIDE, 3), np.uint8) if overlay is None else overlay
            return np.stack([draw_regions(ground, filled[at]) for at in _picks(len(filled), most)])
        case Camera() | str():
            return None
        case _:
            return _stored(payload, most)


def _stored(  # noqa: PLR0911 - one a kind
    payload: Image | MaskedImage | Video | DrawnPose | Depth | Segmentation | Sketch | Normals,
    most: int,
) -> Frames:
    """Moments of what is stored as pixels."""
    match payload:
        case Image(pixels=pixels) | MaskedImage(pixels=pixels):
            return pixels[None]
        case Video(frames=frames):
            return frames[_picks(len(frames), most)]
        case DrawnPose(frames=frames, fps=fps, ground=ground):
            return on_black(DrawnPose(frames[_picks(len(frames), most)], fps, ground))
        case Depth(maps=maps):
            near = np.nan_to_num(maps[_picks(len(maps), most)], nan=0.0)
            return _grey(np.rint(near * 255).clip(0, 255).astype(np.uint8))
        case Segmentation(ids=ids):
            return id_colours(ids[_picks(len(ids), most)])
        case Sketch(strokes=strokes, drawn=drawn):
            there = strokes[drawn] if drawn.any() else strokes
            return _grey(there[_picks(len(there), most)])
        case Normals(vectors=vectors):
            return normal_colours(Normals(vectors[_picks(len(vectors), most)]))


def _picks(count: int, most: int) -> Sequence[int]:
    return list(sample_frames(count, min(most, count)).tolist())


def _grey(frames: Frames) -> Frames:
    return np.repeat(frames[..., None], 3, axis=-1)
