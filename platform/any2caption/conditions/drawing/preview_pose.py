"""Draw a pose, a drawn pose or motion tracks for a person to look at: a PNG sheet or an MP4.

Each person has a colour of their own for the number beside the head; limbs have the colours of
`layouts`. A sheet shows up to twelve evenly spaced frames, a clip up to 150.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw

from any2caption.conditions.drawing.skeleton import draw_skeleton
from any2caption.conditions.drawing.tracks import colour_of, draw_tracks
from any2caption.conditions.io.images import encode_mp4, encode_png
from any2caption.conditions.pictures.video import FRAMES_FPS
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import DrawnPose, Motion, Pose
from any2caption.errors import InputError

TILE = 320
"""Longer side of one drawn frame, pixels."""
SHEET_FRAMES, COLUMNS, CLIP_FRAMES = 12, 4, 150
Pixels = NDArray[np.uint8]


def draw_pose_preview(pose: Pose | DrawnPose | Motion, path: Path) -> None:
    """Write a preview; the name's ending says which: `.png` a sheet of frames, `.mp4` a clip.

    Raises:
        InputError: another ending.
    """
    suffix = path.suffix.lower()
    if suffix not in {".png", ".mp4"}:
        raise InputError("a preview is a .png or a .mp4", file=str(path), field="preview")
    total = _length(pose)
    count = min(total, SHEET_FRAMES if suffix == ".png" else CLIP_FRAMES)
    frames = preview_frames(pose, count)
    if suffix == ".png":
        data = encode_png(_sheet(frames, sample_frames(total, count).tolist()))
    else:
        data = encode_mp4(frames, float(np.clip((pose.fps or FRAMES_FPS) * count / total, 1, 60)))
    path.write_bytes(data)


def _length(pose: Pose | DrawnPose | Motion) -> int:
    if isinstance(pose, Pose):
        return len(pose.keypoints)
    return len(pose.frames if isinstance(pose, DrawnPose) else pose.tracks)


def preview_frames(pose: Pose | DrawnPose | Motion, count: int) -> Pixels:
    """Return `count` evenly spaced frames uint8 T×H×W×3, people and tracks with their numbers."""
    chosen = sample_frames(_length(pose), count)
    if isinstance(pose, DrawnPose):
        height, width = _size(pose.frames.shape[2] / pose.frames.shape[1])
        return np.stack(
            [
                np.asarray(PilImage.fromarray(frame).resize((width, height)))
                for frame in pose.frames[chosen]
            ]
        )
    height, width = _size(pose.aspect)
    if isinstance(pose, Motion):
        drawn = draw_tracks(pose, height, width, count)
        places = pose.tracks[chosen]
    else:
        drawn = draw_skeleton(pose, height, width, count)
        places = np.stack([[_head(person) for person in frame] for frame in pose.keypoints[chosen]])
    return np.stack([_numbered(one, at) for one, at in zip(drawn, places, strict=True)])


def _size(aspect: float) -> tuple[int, int]:
    """(height, width) of a frame, even, the longer side `TILE`."""
    aspect = float(np.clip(aspect, 0.2, 5.0))
    height = TILE if aspect <= 1 else TILE / aspect
    return 2 * round(height / 2), 2 * round(height * aspect / 2)


def _head(person: NDArray[np.float32]) -> NDArray[np.float32]:
    """The person's highest point, NaN for somebody absent."""
    there = person[person[:, 2] > 0, :2]
    return there[there[:, 1].argmin()] if len(there) else np.full(2, np.nan, np.float32)


def _numbered(pixels: Pixels, places: NDArray[np.float32]) -> Pixels:
    canvas = PilImage.fromarray(pixels)
    pen = ImageDraw.Draw(canvas)
    for number, (x, y) in enumerate(places.tolist()):
        if np.isfinite([x, y]).all():
            place = (x * canvas.width + 3, max(y * canvas.height - 13, 0))
            pen.text(place, str(number + 1), fill=colour_of(number))
    return np.asarray(canvas)


def _sheet(frames: Pixels, numbers: list[int]) -> Pixels:
    """Frames in rows of four, each with its frame number, 1 pixel of grey between them."""
    count, height, width, _ = frames.shape
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    sheet = PilImage.new("RGB", (columns * (width + 1) - 1, rows * (height + 1) - 1), (96, 96, 96))
    pen = ImageDraw.Draw(sheet)
    for at, (frame, number) in enumerate(zip(frames, numbers, strict=True)):
        x, y = at % columns * (width + 1), at // columns * (height + 1)
        sheet.paste(PilImage.fromarray(frame), (x, y))
        pen.text((x + 4, y + height - 14), f"frame {number + 1}", fill=(200, 200, 200))
    return np.asarray(sheet)
