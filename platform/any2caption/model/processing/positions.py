"""M-RoPE positions of a prompt (Qwen2-VL's rule), in NumPy."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


def text_positions(start: int, length: int) -> NDArray[np.int64]:
    """Text and camera tokens: the same number in all three rows, one step a token."""
    return np.broadcast_to(np.arange(start, start + length, dtype=np.int64), (3, length))


def grid_positions(
    start: int, grid: Sequence[int], merge: int, time_step: int = 1
) -> NDArray[np.int64]:
    """A picture or video of `grid` (t, h, w) patches.

    Rows time, height, width of its merged tokens.
    """
    t, h, w = grid[0], grid[1] // merge, grid[2] // merge
    found = np.indices((t, h, w), dtype=np.int64).reshape(3, -1)
    found[0] *= time_step
    return found + start


def prompt_positions(
    segments: Iterable[tuple[int, Sequence[int] | None]], merge: int, time_step: int = 1
) -> NDArray[np.int64]:
    """Positions 3×L of segments in order.

    `(tokens, None)` for text and camera, `(tokens, grid)` for pictures and videos.

    `time_step` is Qwen2.5-VL's (`VisionConfig`). After a grid the next position advances by
    max(h, w) / merge as in transformers, not by t.
    """
    rows, at = [np.zeros((3, 0), np.int64)], 0
    for length, grid in segments:
        if grid is None:
            rows.append(text_positions(at, length))
            at += length
        else:
            rows.append(grid_positions(at, grid, merge, time_step))
            at += max(grid[1], grid[2]) // merge
    return np.concatenate(rows, axis=1)
