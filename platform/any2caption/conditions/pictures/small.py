"""Pictures and clips small enough to be looked at: what recognisers are given."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Condition, Image, Video

SIDE = 720
"""A picture's longer side, at most."""
FRAMES, FRAME_SIDE = 16, 448
"""A clip's evenly spaced frames, and their longer side."""


def small(condition: Condition) -> Condition:
    """Return a picture or a clip within these bounds; of every other kind nothing but its papers.

    A clip keeps its length in time: `fps` is that of the frames left.
    """
    form = condition.payload
    if isinstance(form, Image):
        return replace(condition, payload=Image(_shrunk(form.pixels[None], SIDE)[0]))
    if isinstance(form, Video):
        count = len(form.frames)
        frames = form.frames[sample_frames(count, min(count, FRAMES))]
        fps = form.fps * len(frames) / count
        return replace(condition, payload=Video(_shrunk(frames, FRAME_SIDE), fps))
    return replace(condition, payload="")


def _shrunk(frames: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    from PIL import Image as Pictures

    height, width = frames.shape[1:3]
    scale = side / max(height, width)
    if scale >= 1:
        return frames
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.stack(
        [
            np.asarray(
                Pictures.fromarray(one).resize(size, Pictures.Resampling.BILINEAR, reducing_gap=2.0)
            )
            for one in frames
        ]
    )
