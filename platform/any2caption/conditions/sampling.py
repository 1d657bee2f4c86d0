"""Which frames to take: evenly spaced indices, deterministic, bounded memory."""

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def sample_frames(n: int, k: int) -> NDArray[np.int64]:
    """Return `k` evenly spaced frame indices of a clip of `n` frames, first and last included.

    Frames are repeated when `n < k`. `k = 1` takes the first frame.

    Raises:
        ValueError: `n` or `k` is below 1.
    """
    if n < 1 or k < 1:
        raise ValueError(f"cannot take {k} frames of {n}")
    return np.rint(np.linspace(0, n - 1, k)).astype(np.int64)


class Thinner(Generic[T]):
    """Keeps at most `cap` evenly spaced items of a stream of unknown length.

    Every `stride`-th item is kept; when `cap` is passed, every other kept item is dropped and the
    stride doubles. In the end between cap/2 and cap items are left (or all of a short stream).
    """

    def __init__(self, cap: int) -> None:
        self.cap = max(cap, 1)
        self.stride = 1
        self.seen = 0
        self.kept: list[T] = []

    def wants_next(self) -> bool:
        """Whether the coming item would be kept; an unwanted one need not be converted."""
        return self.seen % self.stride == 0

    def skip(self) -> None:
        """Count an item that is not wanted."""
        self.seen += 1

    def add(self, item: T) -> None:
        """Count and keep an item."""
        self.kept.append(item)
        self.seen += 1
        if len(self.kept) > self.cap:
            self.kept = self.kept[::2]
            self.stride *= 2
