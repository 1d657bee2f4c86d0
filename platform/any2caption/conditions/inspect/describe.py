"""Say in plain data what a parsed condition is: for records, probes, logs and the command line."""

from typing import Any

import numpy as np

from any2caption.conditions.body.movements import pose_movements
from any2caption.conditions.camera.vocabulary import describe_camera
from any2caption.conditions.io.stored_pixels import distinct
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


def describe(condition: Condition) -> dict[str, Any]:
    """Return JSON-ready facts: kind, number, role, format, frames, sizes, notes.

    `frames` is always there (1 for text and a picture); `height`, `width` for pictures and clips;
    for a camera path and a pose `words` and `movements` (see `camera.movements.movements_json` and
    `body.movements`).
    """
    return {
        "kind": condition.kind,
        "number": condition.number,
        "role": condition.role,
        "format": condition.format,
        **_facts(condition),
        "assumptions": list(condition.assumptions),
        "warnings": list(condition.warnings),
    }


def _facts(condition: Condition) -> dict[str, Any]:  # noqa: PLR0911 - one a kind
    payload = condition.payload
    if isinstance(payload, Image):
        return {"frames": 1, "height": payload.pixels.shape[0], "width": payload.pixels.shape[1]}
    if isinstance(payload, Video):
        count, height, width, _ = payload.frames.shape
        return {"frames": count, "height": height, "width": width, "fps": round(payload.fps, 3)}
    if isinstance(payload, Depth):
        count, height, width = payload.maps.shape
        found = {"frames": count, "height": height, "width": width, "sparse": payload.sparse}
        if payload.nearest is None or payload.farthest is None:
            return found
        metres = {"nearest": round(payload.nearest, 3), "farthest": round(payload.farthest, 3)}
        return {**found, "metres": metres}
    if isinstance(payload, Pose | DrawnPose | Motion):
        return _body_facts(payload)
    if isinstance(payload, Camera):
        return {
            "frames": len(payload.w2c),
            "intrinsics": bool(np.isfinite(payload.intrinsics).all()),
            **describe_camera(payload),
        }
    if isinstance(payload, Segmentation | Sketch | Normals | MaskedImage | Regions):
        return _visual(payload)
    return {"frames": 1, "characters": len(payload)}


def _visual(payload: Segmentation | Sketch | Normals | MaskedImage | Regions) -> dict[str, Any]:
    if isinstance(payload, MaskedImage):
        height, width = payload.holes.shape
        share = round(float(payload.holes.mean()), 4)
        return {"frames": 1, "height": height, "width": width, "holes": share}
    if isinstance(payload, Regions):
        labels = sorted({region.label for frame in payload.frames for region in frame})
        count = sum(len(frame) for frame in payload.frames)
        return {"frames": len(payload.frames), "regions": count, "labels": labels}
    if isinstance(payload, Normals):
        count, height, width, _ = payload.vectors.shape
        return {"frames": count, "height": height, "width": width}
    if isinstance(payload, Sketch):
        count, height, width = payload.strokes.shape
        drawn = int(payload.drawn.sum())
        return {"frames": count, "height": height, "width": width, "drawn": drawn}
    count, height, width = payload.ids.shape
    per_frame = [distinct(frame) for frame in payload.ids]
    objects = [int(np.count_nonzero(ids)) for ids in per_frame]
    ids = distinct(np.concatenate(per_frame))
    return {
        "frames": count,
        "height": height,
        "width": width,
        "ids": ids[ids != 0].tolist(),
        "objects_per_frame": [min(objects), max(objects)],
        "names": {str(ident): name for ident, name in payload.names},
    }


def _body_facts(payload: Pose | DrawnPose | Motion) -> dict[str, Any]:
    if isinstance(payload, Pose):
        count, people, points, _ = payload.keypoints.shape
        movements = pose_movements(payload)
        return {
            "frames": count,
            "people": people,
            "points": points,
            "layout": payload.layout,
            "words": [one.words() for one in movements],
            "movements": [one.as_json() for one in movements],
        }
    if isinstance(payload, Motion):
        count, tracks, _ = payload.tracks.shape
        return {"frames": count, "tracks": tracks}
    count, height, width, _ = payload.frames.shape
    return {"frames": count, "height": height, "width": width, "fps": round(payload.fps, 3)}
