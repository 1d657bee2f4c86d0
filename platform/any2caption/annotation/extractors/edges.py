"""Sketch: Canny edges in NumPy and SciPy, white on black, no weights.

Canny (1986): smooth with a Gaussian, take Sobel gradients, keep local maxima across the edge, then
keep weak edges only where they touch strong ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from any2caption.annotation.extractors.base import MAX_FRAMES, Extracted
from any2caption.annotation.media import Media
from any2caption.conditions.io.images import encode_png
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Part

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class CannyEdges:
    """Draws every frame's edges; `low`, `high` are gradient bounds in grey levels a pixel."""

    sigma: float = 1.4
    low: float = 12.0
    high: float = 30.0
    frames: int = MAX_FRAMES
    kind: str = "sketch"
    name: str = "canny"
    version: str = "1"

    def extract(self, media: Media) -> list[Extracted]:
        """Return one sketch with a PNG a frame, at most `frames` of them evenly spaced."""
        pictures = media.pictures(self.name)
        chosen = sample_frames(len(pictures), min(len(pictures), self.frames))
        parts = tuple(
            Part(f"sketch_{number:05d}.png", encode_png(self.edges(pictures[at])))
            for number, at in enumerate(chosen)
        )
        return [Extracted(parts, assumptions=("edges are white on black",))]

    def edges(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the edges of uint8 H×W×3 as uint8 H×W×3, 255 on an edge and 0 elsewhere."""
        from scipy import ndimage

        grey = ndimage.gaussian_filter(picture.astype(np.float32) @ LUMA, self.sigma)
        # Sobel's kernel sums to 8: divided by it, the gradient is in grey levels a pixel.
        down, right = (ndimage.sobel(grey, axis) / 8 for axis in (0, 1))
        size = np.hypot(down, right)
        thin = np.where(_is_ridge(size, down, right), size, 0)
        labels, _ = ndimage.label(thin >= self.low, structure=np.ones((3, 3)))
        kept = np.unique(labels[thin >= self.high])
        mask = np.isin(labels, kept[kept > 0])
        return np.repeat((mask * np.uint8(255))[:, :, None], 3, axis=2)


def _is_ridge(
    size: NDArray[np.float32], down: NDArray[np.float32], right: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Whether each gradient is the largest along its own direction, in steps of 45 degrees."""
    sector = np.rint(np.arctan2(down, right) / (np.pi / 4)).astype(int) % 4
    padded = np.pad(size, 1)
    height, width = size.shape
    ridge = np.zeros(size.shape, dtype=bool)
    for number, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        behind = padded[1 - dy : 1 - dy + height, 1 - dx : 1 - dx + width]
        # One side may be equal, so that an edge two pixels wide leaves one line and not none.
        ridge |= (sector == number) & (size > ahead) & (size >= behind)
    return ridge
