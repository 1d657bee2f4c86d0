"""Say in plain data what a parsed condition is: for records, probes, logs and the command line."""

from typing import Any

from any2caption.conditions.pose_language import pose_movements
from any2caption.conditions.types import (
    Camera,
    Condition,
    Depth,
    DrawnPose,
    Image,
    Motion,
    Pose,
    Video,
)


def describe(condition: Condition) -> dict[str, Any]:
    """Return JSON-ready facts: kind, number, role, format, frames, sizes, notes.

    `frames` is always there (1 for text and a picture); `height`, `width` for pictures and clips;
    for a pose `words` and `movements` (see `pose_language`).
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


def _facts(condition: Condition) -> dict[str, Any]:
    payload = condition.payload
    if isinstance(payload, Image):
        return {"frames": 1, "height": payload.pixels.shape[0], "width": payload.pixels.shape[1]}
    if isinstance(payload, Video):
        count, height, width, _ = payload.frames.shape
        return {"frames": count, "height": height, "width": width, "fps": round(payload.fps, 3)}
    if isinstance(payload, Depth):
        count, height, width = payload.maps.shape
        return {"frames": count, "height": height, "width": width, "sparse": payload.sparse}
    if isinstance(payload, Pose | DrawnPose | Motion):
        return _body_facts(payload)
    if isinstance(payload, Camera):
        return {"frames": len(payload.w2c)}
    return {"frames": 1, "characters": len(payload)}


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
