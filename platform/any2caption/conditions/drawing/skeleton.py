"""Draw a pose sequence as a skeleton clip: one coloured line a limb on black ground."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw

from any2caption.conditions.pose.layouts import COCO_17, COCO_18, LAYOUTS
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Pose

_REACH = 3.0
"""Points further than this many canvases away are drawn at that distance (off screen anyway)."""


def draw_skeleton(pose: Pose, height: int, width: int, frames: int) -> NDArray[np.uint8]:
    """Draw `frames` evenly spaced frames of a pose as uint8 T×H×W×3.

    A limb is drawn when both its points are there; a point whose limbs are all missing is a dot.
    The first person is drawn last and lies on top. No antialiasing: exact and reproducible.
    """
    if pose.layout == COCO_17.name:
        pose = with_neck(pose)
    layout = LAYOUTS[pose.layout]
    colours = layout.colours
    size = np.array([width, height], dtype=np.float32)
    thickness = max(1, round(min(height, width) / 64))
    clip = np.zeros((frames, height, width, 3), dtype=np.uint8)
    for target, source in enumerate(sample_frames(len(pose.keypoints), frames)):
        canvas = PilImage.new("RGB", (width, height))
        pen = ImageDraw.Draw(canvas)
        for person in pose.keypoints[source][::-1]:
            there = person[:, 2] > 0
            places = (np.clip(person[:, :2], -_REACH, 1 + _REACH) * size).tolist()
            drawn: set[int] = set()
            for (start, end), colour in zip(layout.limbs, colours, strict=True):
                if there[start] and there[end]:
                    pen.line([*places[start], *places[end]], fill=colour, width=thickness)
                    drawn |= {start, end}
            for index in np.flatnonzero(there):
                if int(index) not in drawn:
                    x, y = places[index]
                    pen.ellipse(
                        [x - thickness, y - thickness, x + thickness, y + thickness],
                        fill=(255, 255, 255),
                    )
        clip[target] = np.asarray(canvas)
    return clip


def with_neck(pose: Pose) -> Pose:
    """Turn COCO_17 to COCO_18: the neck is the middle of the shoulders, as OpenPose defines it."""
    old, new = COCO_17.points, COCO_18.points
    points = np.zeros((*pose.keypoints.shape[:2], len(new), 3), dtype=np.float32)
    for at, name in enumerate(new):
        if name in old:
            points[:, :, at] = pose.keypoints[:, :, old.index(name)]
    right, left = (pose.keypoints[:, :, old.index(f"{side}_shoulder")] for side in "rl")
    neck = (right + left) / 2
    neck[..., 2] = np.minimum(right[..., 2], left[..., 2])
    points[:, :, new.index("neck")] = np.where(neck[..., 2:] > 0, neck, 0)
    return Pose(points, COCO_18.name, pose.fps, pose.aspect)
