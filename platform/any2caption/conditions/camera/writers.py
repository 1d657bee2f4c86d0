"""Write a camera path in the formats that video models and their tools read.

    realestate10k  text; world to camera, OpenCV axes; CameraCtrl, CamI2V, VideoX-Fun read it
    motionctrl     JSON rows of 12; world to camera, OpenCV axes
    recammaster    JSON; camera to world for row vectors, Unreal axes, centimetres
    nerfstudio     camera path; camera to world, OpenGL axes (x right, y up, z backward)
    tum            text; camera to world, OpenCV axes, quaternion w last
    npy            T×4×4 float64; camera to world, OpenCV axes

What is written reads back as the same path (relative to its first pose). Lengths are kept in the
path's own unit; ReCamMaster's are taken for metres and written in centimetres.
"""

import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from any2caption.conditions.camera.canonical import AXES
from any2caption.conditions.camera.raw_path import Floats
from any2caption.conditions.types import Camera
from any2caption.errors import InputError

_CENTIMETRES = 100.0
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Lens:
    """What formats want to know and a path may not tell: frames a second, picture size, view.

    `fov` is the vertical angle of view in degrees, for frames whose lens is unknown.
    """

    fps: float = 24.0
    width: int = 1280
    height: int = 720
    fov: float | None = None


def write_camera(path: Camera, to: str, lens: Lens) -> bytes:
    """Return a path in the format `to` (a key of `WRITERS`).

    Raises:
        InputError: an unknown format, or one that needs a lens where nothing tells it.
    """
    if to not in WRITERS:
        raise InputError(f"{to!r}; accepted: {', '.join(WRITERS)}", field="to")
    return WRITERS[to](path, lens)


def _camera_to_world(path: Camera, axes: str = "opencv") -> Floats:
    """T×4×4, camera to world, in other axes (camera and world alike; frame 0 is the identity)."""
    poses = np.tile(np.eye(4), (len(path.w2c), 1, 1))
    poses[:, :3] = path.w2c
    turn = np.eye(4)
    turn[:3, :3] = AXES[axes][1].T
    turned: Floats = turn @ np.linalg.inv(poses) @ turn.T
    return turned


def _intrinsics(path: Camera, lens: Lens, to: str) -> Floats:
    """T×4 as fractions; unknown ones from the angle of view."""
    values = path.intrinsics.copy()
    unknown = ~np.isfinite(values).all(axis=1)
    if unknown.any():
        if lens.fov is None:
            raise InputError(
                f"{to} needs the lens, which the path does not tell: give it", field="fov"
            )
        down = 0.5 / math.tan(math.radians(lens.fov) / 2)
        values[unknown] = (down * lens.height / lens.width, down, 0.5, 0.5)
    return values


def _times(path: Camera, lens: Lens) -> Floats:
    seconds: Floats = np.arange(len(path.w2c)) / lens.fps
    if path.times is not None:
        seconds = np.asarray(path.times - path.times[0], np.float64)
    return seconds


def _row(numbers: Floats) -> str:
    return " ".join(f"{number:.9g}" for number in numbers)


def _realestate10k(path: Camera, lens: Lens) -> bytes:
    stamps = np.rint(_times(path, lens) * _MICROSECONDS).astype(np.int64)
    intrinsics = _intrinsics(path, lens, "realestate10k")
    lines = [
        f"{stamp} {_row(view)} 0 0 {_row(pose.reshape(-1))}"
        for stamp, view, pose in zip(stamps, intrinsics, path.w2c, strict=True)
    ]
    return "\n".join(["", *lines, ""]).encode()


def _motionctrl(path: Camera, _: Lens) -> bytes:
    return json.dumps(path.w2c.reshape(-1, 12).tolist()).encode()


def _recammaster(path: Camera, _: Lens) -> bytes:
    frames = {}
    for index, pose in enumerate(_camera_to_world(path, "unreal")):
        rows = pose.T.copy()
        rows[3, :3] *= _CENTIMETRES
        frames[f"frame{index}"] = {"cam01": "".join(f"[{_row(row)}] " for row in rows)}
    return json.dumps(frames, indent=1).encode()


def _nerfstudio(path: Camera, lens: Lens) -> bytes:
    intrinsics = _intrinsics(path, lens, "nerfstudio")
    turn = np.diag([1.0, -1.0, -1.0, 1.0])
    poses = [
        {
            "camera_to_world": (turn @ pose @ turn).reshape(-1).tolist(),
            "fov": math.degrees(2 * math.atan(0.5 / view[1])),
            "aspect": view[1] / view[0],
        }
        for pose, view in zip(_camera_to_world(path), intrinsics, strict=True)
    ]
    document = {
        "camera_type": "perspective",
        "render_width": lens.width,
        "render_height": lens.height,
        "fps": lens.fps,
        "seconds": float(_times(path, lens)[-1]) + 1 / lens.fps,
        "camera_path": poses,
    }
    return json.dumps(document, indent=1).encode()


def _tum(path: Camera, lens: Lens) -> bytes:
    from scipy.spatial.transform import Rotation

    poses = _camera_to_world(path)
    quaternions = Rotation.from_matrix(poses[:, :3, :3]).as_quat()
    rows = np.concatenate([_times(path, lens)[:, None], poses[:, :3, 3], quaternions], axis=1)
    return ("# timestamp tx ty tz qx qy qz qw\n" + "\n".join(map(_row, rows)) + "\n").encode()


def _npy(path: Camera, _: Lens) -> bytes:
    stream = io.BytesIO()
    np.save(stream, _camera_to_world(path))
    return stream.getvalue()


WRITERS: Mapping[str, Callable[[Camera, Lens], bytes]] = {
    "realestate10k": _realestate10k,
    "motionctrl": _motionctrl,
    "recammaster": _recammaster,
    "nerfstudio": _nerfstudio,
    "tum": _tum,
    "npy": _npy,
}
SUFFIXES = {"motionctrl": ".json", "recammaster": ".json", "nerfstudio": ".json", "npy": ".npy"}
"""Format → the suffix of a file of it; the others are `.txt`."""


def default_name(source: Path, to: str) -> Path:
    """Where a converted file goes when nobody says: beside the source, with the format's name."""
    return source.with_name(f"{source.stem}.{to}{SUFFIXES.get(to, '.txt')}")
