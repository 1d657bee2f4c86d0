"""Forms with a value at each point: pictures, clips, depth, masks, strokes, normals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.drawing.colour_maps import depth_colours, id_colours, normal_colours
from any2caption.conditions.drawing.labels import labelled_masks
from any2caption.conditions.form import Extent, Form, Frames, Moments, Pixels
from any2caption.conditions.io.stored_pixels import distinct
from any2caption.conditions.types import (
    Depth,
    Image,
    MaskedImage,
    Normals,
    Segmentation,
    Sketch,
    Video,
)

Still = Image | MaskedImage


def _still_extent(picture: Still) -> Extent:
    height, width = picture.pixels.shape[:2]
    return 1, height, width


def _stack_extent(stack: NDArray[Any]) -> Extent:
    frames, height, width = stack.shape[:3]
    return frames, height, width


def _still(picture: Still) -> Pixels:
    return Pixels(frames=picture.pixels[None], still=True)


IMAGE = Form(payload=Image, extent=_still_extent, describe=lambda _: {}, pixels=_still)


def _describe_holes(picture: MaskedImage) -> dict[str, Any]:
    return {"holes": round(float(picture.holes.mean()), 4)}


MASKED_IMAGE = Form(
    payload=MaskedImage, extent=_still_extent, describe=_describe_holes, pixels=_still
)


def _clip_moments(clip: Video) -> Moments:
    return len(clip.frames), lambda at: clip.frames[list(at)], clip.fps


VIDEO = Form(
    payload=Video,
    extent=lambda clip: _stack_extent(clip.frames),
    describe=lambda clip: {"fps": round(clip.fps, 3)},
    pixels=lambda clip: Pixels(frames=clip.frames),
    moments=_clip_moments,
)


def _describe_depth(depth: Depth) -> dict[str, Any]:
    found: dict[str, Any] = {"sparse": depth.sparse}
    if depth.nearest is None or depth.farthest is None:
        return found
    metres = {"nearest": round(depth.nearest, 3), "farthest": round(depth.farthest, 3)}
    return {**found, "metres": metres}


def _nearness(maps: NDArray[np.float32]) -> Frames:
    """Depth 0…1 as grey; holes are black."""
    known = np.nan_to_num(maps, nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(np.clip(known, 0, 1) * 255).astype(np.uint8)


def _depth_moments(depth: Depth) -> Moments:
    return len(depth.maps), lambda at: depth_colours(depth.maps[list(at)]), None


DEPTH = Form(
    payload=Depth,
    extent=lambda depth: _stack_extent(depth.maps),
    describe=_describe_depth,
    pixels=lambda depth: Pixels(frames=depth.maps, paint=_nearness, fill=0),
    moments=_depth_moments,
)


def _describe_masks(masks: Segmentation) -> dict[str, Any]:
    per_frame = [distinct(frame) for frame in masks.ids]
    objects = [int(np.count_nonzero(ids)) for ids in per_frame]
    ids = distinct(np.concatenate(per_frame))
    return {
        "ids": ids[ids != 0].tolist(),
        "objects_per_frame": [min(objects), max(objects)],
        "names": {str(ident): name for ident, name in masks.names},
    }


def _mask_moments(masks: Segmentation) -> Moments:
    return len(masks.ids), lambda at: labelled_masks(masks, at), None


SEGMENTATION = Form(
    payload=Segmentation,
    extent=lambda masks: _stack_extent(masks.ids),
    describe=_describe_masks,
    pixels=lambda masks: Pixels(frames=masks.ids, paint=id_colours, fill=0),
    moments=_mask_moments,
)


def _drawn_strokes(sketch: Sketch) -> Pixels:
    """Frames that are empty on purpose carry nothing."""
    there = sketch.strokes[sketch.drawn] if sketch.drawn.any() else sketch.strokes
    return Pixels(frames=there, fill=0)


def _sketch_moments(sketch: Sketch) -> Moments:
    def on_white(at: Sequence[int]) -> Frames:
        return np.repeat((255 - sketch.strokes[list(at)])[..., None], 3, axis=-1)

    return len(sketch.strokes), on_white, None


SKETCH = Form(
    payload=Sketch,
    extent=lambda sketch: _stack_extent(sketch.strokes),
    describe=lambda sketch: {"drawn": int(sketch.drawn.sum())},
    pixels=_drawn_strokes,
    moments=_sketch_moments,
)


def _directions(vectors: NDArray[np.float32]) -> Frames:
    return normal_colours(Normals(vectors))


NORMALS = Form(
    payload=Normals,
    extent=lambda normals: _stack_extent(normals.vectors),
    describe=lambda _: {},
    pixels=lambda normals: Pixels(frames=normals.vectors, paint=_directions, fill=0),
)
