"""Scenes as files: PNG, MP4, OpenPose JSON and RealEstate10K text, byte for byte reproducible."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from any2caption.datasets.synthetic import camera_path, drawing
from any2caption.datasets.synthetic.world import Scene

_CANVASES = ((640, 480), (512, 512), (1280, 720), (720, 720), (640, 640), (854, 480))
_BODY_25 = (0, 1, 2, 3, 4, 5, 6, 7, -1, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
_FPS = 8
_SPARSE_MAPS = 4


@dataclass(frozen=True, slots=True)
class Media:
    """The files of one condition, in frame order: `(name within the scene's folder, bytes)`."""

    kind: str
    files: tuple[tuple[str, bytes], ...]
    role: str | None = None
    options: tuple[tuple[str, str | int], ...] = ()
    sparse: bool = False


def first_frame(scene: Scene) -> Media:
    """Render the first frame as PNG."""
    return Media("image", (("first.png", _png(drawing.first_frame(scene))),), "first_frame")


def identity(scene: Scene) -> Media:
    """Render one subject on plain ground as PNG."""
    return Media("image", (("identity.png", _png(drawing.identity(scene))),), "identity")


def depth(scene: Scene) -> Media:
    """Render a depth clip as MP4, or for one scene in twelve as four PNG maps."""
    rng = scene.random("depth-file")
    if rng.random() < 1 / 12:
        maps = drawing.depth_clip(scene, _SPARSE_MAPS)
        files = tuple((f"depth/{i:02d}.png", _png(image)) for i, image in enumerate(maps))
        return Media("depth", files, sparse=True)
    return Media("depth", (("depth.mp4", _mp4(drawing.depth_clip(scene, _frames(rng)))),))


def video(scene: Scene) -> Media:
    """Render a short colour clip as MP4."""
    frames = _frames(scene.random("video-file"))
    return Media("video", (("clip.mp4", _mp4(drawing.clip(scene, frames))),))


def camera(scene: Scene) -> Media:
    """Write the camera path as RealEstate10K text."""
    path = camera_path.make_path(scene.camera, scene.random("camera"))
    return Media("camera", (("camera.txt", camera_path.realestate10k(path).encode()),))


def pose(scene: Scene) -> Media:
    """Write people's points as OpenPose 1.3 JSON: a list of frames, or a file a frame (3 %)."""
    rng = scene.random("pose-file")
    width, height = rng.choice(_CANVASES)
    layout = rng.choice(("COCO_18", "BODY_25"))
    count = _frames(rng)
    points = np.stack(
        [actor.points for actor in drawing.stage(scene, count) if actor.points is not None]
    )
    # A square stage in the middle of the canvas.
    side = min(width, height)
    points = points * side + np.array([(width - side) / 2, (height - side) / 2])
    frames = _detections(points, layout, rng)
    options: tuple[tuple[str, str | int], ...] = (("layout", layout),)
    if rng.random() < 0.85:  # noqa: PLR2004 - some customers forget to say the canvas
        options += (("width", width), ("height", height))
    if rng.random() < 0.03:  # noqa: PLR2004 - the share above
        files = tuple(
            (f"pose/frame_{i:06d}_keypoints.json", _json(frame)) for i, frame in enumerate(frames)
        )
        return Media("pose", files, options=options)
    return Media("pose", (("pose.json", _json(frames)),), options=options)


def _frames(rng: Random) -> int:
    return rng.randint(8, 12)


def _detections(points: np.ndarray[Any, Any], layout: str, rng: Random) -> list[dict[str, Any]]:
    """Turn points P×T×18×2 in pixels into OpenPose frames as a detector would give them."""
    people, count = points.shape[:2]
    if layout == "BODY_25":
        hips = points[:, :, (8, 11)].mean(axis=2, keepdims=True)
        body = np.concatenate([points, hips], axis=2)[:, :, list(_BODY_25)]
        ankles = body[:, :, [14, 14, 14, 11, 11, 11]]  # left, then right: two toes and a heel
        points = np.concatenate([body, ankles + np.array([[0.0, 3.0]])], axis=2)
    noise = np.random.default_rng(rng.getrandbits(64))
    jitter = 0.004 * (points[..., 1].max() - points[..., 1].min()) * rng.random()
    points = points + jitter * noise.standard_normal(points.shape)
    confidence = noise.uniform(0.5, 1.0, points.shape[:-1])
    confidence[noise.random(confidence.shape) < 0.06 * rng.random() * 2] = 0.0
    found = np.round(np.concatenate([points, confidence[..., None]], axis=-1), 2)
    found[confidence == 0.0] = 0.0
    absent = rng.randrange(count) if rng.random() < 0.1 else None  # noqa: PLR2004
    shuffled = rng.random() < 1 / 2
    frames = []
    for time in range(count):
        order = list(range(people))
        if shuffled:
            rng.shuffle(order)
        if time == absent:
            order = order[1:]
        frames.append({"version": 1.3, "people": [_person(found[p, time]) for p in order]})
    return frames


def _person(points: np.ndarray[Any, Any]) -> dict[str, Any]:
    return {
        "person_id": [-1],
        "pose_keypoints_2d": points.ravel().tolist(),
        "face_keypoints_2d": [],
        "hand_left_keypoints_2d": [],
        "hand_right_keypoints_2d": [],
    }


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _mp4(frames: Sequence[Image.Image]) -> bytes:
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("mpeg4", rate=_FPS, options={"qscale": "3"})
        stream.width, stream.height = frames[0].size
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        for frame in frames:
            mode = "gray" if frame.mode == "L" else "rgb24"
            picture = av.VideoFrame.from_ndarray(np.asarray(frame), format=mode)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return buffer.getvalue()
