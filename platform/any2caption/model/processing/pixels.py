"""Pictures to model-ready arrays, with Pillow and NumPy only."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from any2caption.model.config import ProcessorConfig, Scaling, VisionConfig

GREY = 128
MOST_ASPECT = 200.0


def letterbox(frame: NDArray[np.uint8], size: int, fill: int) -> NDArray[np.uint8]:
    """Fit H×W(×3) into size×size: aspect ratio kept, the rest filled.

    Small pictures are enlarged.
    """
    height, width = frame.shape[:2]
    scale = size / max(height, width)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    resized = np.asarray(
        Image.fromarray(frame).resize(
            inner, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
        )
    )
    canvas = np.full((size, size, *frame.shape[2:]), fill, np.uint8)
    top, left = (size - inner[1]) // 2, (size - inner[0]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = resized
    return canvas


def smart_size(height: int, width: int, factor: int, low: int, high: int) -> tuple[int, int]:
    """Return Qwen2-VL's target size.

    Multiples of `factor`, low ≤ area ≤ high, aspect nearly kept.
    """
    if max(height, width) / min(height, width) > MOST_ASPECT:  # a hair-thin picture: cut its length
        height, width = min(height, int(width * MOST_ASPECT)), min(width, int(height * MOST_ASPECT))
    tall, wide = (max(factor, round(side / factor) * factor) for side in (height, width))
    if tall * wide > high:
        ratio = math.sqrt(height * width / high)
        tall, wide = (
            max(factor, math.floor(side / ratio / factor) * factor) for side in (height, width)
        )
    elif tall * wide < low:
        ratio = math.sqrt(low / (height * width))
        tall, wide = (math.ceil(side * ratio / factor) * factor for side in (height, width))
    return tall, wide


def fit(
    frames: Sequence[NDArray[Any]] | NDArray[Any],
    config: ProcessorConfig,
    vision: VisionConfig,
    *,
    fill: int = GREY,
    paint: Callable[[NDArray[Any]], NDArray[np.uint8]] | None = None,
) -> NDArray[np.uint8]:
    """Resize T frames H×W(×3) to what the vision tower takes, by the preset's rule.

    `paint` makes a picture of a frame that is none yet; one frame at a time, so that a clip of
    large maps never stands in memory as pictures.
    """
    shown = paint or (lambda frame: frame)
    if config.resize == "letterbox":
        size = config.image_size if len(frames) == 1 else config.video_size
        return np.stack([letterbox(shown(frame), size, fill) for frame in frames])
    most = config.max_pixels if len(frames) == 1 else config.max_video_pixels
    height, width = frames[0].shape[:2]
    tall, wide = smart_size(height, width, vision.patch * vision.merge, config.min_pixels, most)
    return np.stack(
        [
            np.asarray(Image.fromarray(shown(frame)).resize((wide, tall), Image.Resampling.BICUBIC))
            for frame in frames
        ]
    )


def grid_of(shape: Sequence[int], vision: VisionConfig) -> tuple[int, int, int]:
    """Return the grid (t, h, w) in patches of frames of shape T×H×W(×3)."""
    frames, height, width = shape[:3]
    return -(-frames // vision.temporal), height // vision.patch, width // vision.patch


def patchify(
    frames: NDArray[np.uint8], scaling: Scaling, vision: VisionConfig
) -> tuple[NDArray[np.float32], tuple[int, int, int]]:
    """Cut T×H×W(×3) into Qwen2-VL's patch order.

    Returns patches float32 N×D and the grid (t, h, w).

    Grey frames become three equal channels; an odd number of frames repeats the last one.
    """
    patches, grid = patchify_batch(frames[None], scaling, vision)
    return patches[0], grid


def patchify_batch(
    clips: NDArray[np.uint8], scaling: Scaling, vision: VisionConfig
) -> tuple[NDArray[np.float32], tuple[int, int, int]]:
    """The same for B equal clips B×T×H×W(×3); patches are B×N×D."""
    patch, merge, temporal = vision.patch, vision.merge, vision.temporal
    if clips.ndim == 4:  # noqa: PLR2004 - grey
        clips = clips[..., None]
    b, frames, height, width, channels = clips.shape
    t, h, w = -(-frames // temporal), height // patch, width // patch
    # Bytes are put in order first: they are a quarter of the numbers that they become. A frame
    # that stands for `temporal` frames is ordered once.
    shown = 1 if frames == 1 else temporal
    if frames % shown:
        clips = np.concatenate([clips, np.repeat(clips[:, -1:], -frames % shown, axis=1)], axis=1)
    blocks = clips.reshape(
        b, t, shown, h // merge, merge, patch, w // merge, merge, patch, channels
    )
    order = blocks.transpose(0, 1, 3, 6, 4, 7, 9, 2, 5, 8).reshape(-1, channels, shown * patch**2)
    values = np.empty((len(order), 3, temporal // shown, order.shape[-1]), np.float32)
    values[...] = order[:, :, None]
    values -= np.asarray(scaling.mean, np.float32)[:, None, None]
    values /= np.asarray(scaling.std, np.float32)[:, None, None]
    return values.reshape(b, t * h * w, vision.patch_dim), (t, h, w)
