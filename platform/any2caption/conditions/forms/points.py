"""Forms that are points over time: people, tracks, camera paths; and labelled regions."""

from pathlib import Path
from typing import Any

import numpy as np

from any2caption.conditions.body.movements import pose_movements
from any2caption.conditions.camera.vocabulary import describe_camera
from any2caption.conditions.drawing.colour_maps import draw_regions
from any2caption.conditions.drawing.labels import labelled_regions
from any2caption.conditions.drawing.skeleton import draw_skeleton
from any2caption.conditions.drawing.tracks import draw_tracks
from any2caption.conditions.form import Extent, Form, Frames, Moments, Pixels
from any2caption.conditions.pose.drawn import on_black
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Camera, DrawnPose, Motion, Pose, Regions

_SIDE = 256  # pixels of a side of regions without a picture


def _preview_people(payload: Pose | DrawnPose | Motion, path: Path) -> None:
    from any2caption.conditions.drawing.preview_pose import draw_pose_preview

    draw_pose_preview(payload, path)


def _describe_pose(pose: Pose) -> dict[str, Any]:
    _, people, points, _ = pose.keypoints.shape
    movements = pose_movements(pose)
    return {
        "people": people,
        "points": points,
        "layout": pose.layout,
        "words": [one.words() for one in movements],
        "movements": [one.as_json() for one in movements],
    }


def _over_time(count: int) -> Extent:
    return count, None, None


def _skeleton(pose: Pose, side: int, frames: int) -> Frames:
    return np.asarray(draw_skeleton(pose, side, side, frames), np.uint8)


POSE = Form(
    payload=Pose,
    extent=lambda pose: _over_time(len(pose.keypoints)),
    describe=_describe_pose,
    draw=_skeleton,
    preview=_preview_people,
    finite=lambda pose: bool(np.isfinite(pose.keypoints).all()),
)


def _drawing(drawn: DrawnPose) -> Pixels:
    def paint(frame: Frames) -> Frames:
        return np.asarray(on_black(DrawnPose(frame[None], drawn.fps, drawn.ground))[0])

    return Pixels(frames=drawn.frames, paint=paint, fill=0)


def _drawing_extent(drawn: DrawnPose) -> Extent:
    frames, height, width, _ = drawn.frames.shape
    return frames, height, width


DRAWN_POSE = Form(
    payload=DrawnPose,
    extent=_drawing_extent,
    describe=lambda drawn: {"fps": round(drawn.fps, 3)},
    pixels=_drawing,
    preview=_preview_people,
)


def _tracks(motion: Motion, side: int, frames: int) -> Frames:
    return draw_tracks(motion, side, side, frames)


MOTION = Form(
    payload=Motion,
    extent=lambda motion: _over_time(len(motion.tracks)),
    describe=lambda motion: {"tracks": motion.tracks.shape[1]},
    draw=_tracks,
    preview=_preview_people,
    finite=lambda motion: not np.isinf(motion.tracks).any(),  # NaN is a point that is not there
)


def _describe_path(camera: Camera) -> dict[str, Any]:
    known = bool(np.isfinite(camera.intrinsics).all())
    return {"intrinsics": known, **describe_camera(camera)}


def _preview_path(camera: Camera, path: Path) -> None:
    from any2caption.conditions.drawing.preview_camera import draw_camera_path  # loads matplotlib

    draw_camera_path(camera, path)


def _finite_path(camera: Camera) -> bool:
    return bool(np.isfinite(camera.w2c).all()) and not np.isinf(camera.intrinsics).any()


CAMERA = Form(
    payload=Camera,
    extent=lambda camera: _over_time(len(camera.w2c)),
    describe=_describe_path,
    preview=_preview_path,
    finite=_finite_path,
)


def _describe_regions(regions: Regions) -> dict[str, Any]:
    labels = sorted({region.label for frame in regions.frames for region in frame})
    return {"regions": sum(len(frame) for frame in regions.frames), "labels": labels}


def _watch_regions(regions: Regions, most: int) -> Frames:
    filled = [frame for frame in regions.frames if frame] or [()]
    ground = np.zeros((_SIDE, _SIDE, 3), np.uint8) if regions.overlay is None else regions.overlay
    places = sample_frames(len(filled), min(most, len(filled))).tolist()
    return np.stack([draw_regions(ground, filled[place]) for place in places])


def _region_moments(regions: Regions) -> Moments:
    return len(regions.frames), lambda at: labelled_regions(regions, at), None


def _finite_regions(regions: Regions) -> bool:
    return all(np.isfinite(one.points).all() for frame in regions.frames for one in frame)


REGIONS = Form(
    payload=Regions,
    extent=lambda regions: _over_time(len(regions.frames)),
    describe=_describe_regions,
    watch=_watch_regions,
    moments=_region_moments,
    finite=_finite_regions,
)
