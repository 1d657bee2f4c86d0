"""Small synthetic condition files of every kind."""

import io
import json

import numpy as np
from PIL import Image

from any2caption.conditions.io.images import encode_mp4
from any2caption.serving.releases.smoke import camera_text

SIZE = 64


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def picture(seed=0):
    return png(np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8))


def clip():
    frames = np.zeros((8, SIZE, SIZE, 3), np.uint8)
    for index, frame in enumerate(frames):
        frame[20:40, 5 * index : 5 * index + 15] = (200, 60, 40)
    return encode_mp4(frames, 8.0)


def depth():
    return png(np.tile(np.linspace(0, 255, SIZE).astype(np.uint8), (SIZE, 1)))


def pose(shift=0.0):
    points = [[20 + 2 * k + shift, 10 + 3 * k, 1.0] for k in range(18)]
    person = {
        "person_id": [-1],
        "pose_keypoints_2d": [value for point in points for value in point],
    }
    return json.dumps({"version": 1.3, "people": [person]}).encode()


def write(folder):
    """Write one condition of each kind; return {kind: [paths]}."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ref.png").write_bytes(picture())
    (folder / "clip.mp4").write_bytes(clip())
    (folder / "depth.png").write_bytes(depth())
    (folder / "path.txt").write_bytes(camera_text())
    poses = folder / "walk"
    poses.mkdir(exist_ok=True)
    for index in range(4):
        (poses / f"frame{index}_keypoints.json").write_bytes(pose(index))
    return {
        "image": [folder / "ref.png"],
        "video": [folder / "clip.mp4"],
        "depth": [folder / "depth.png"],
        "pose": [poses],
        "camera": [folder / "path.txt"],
    }
