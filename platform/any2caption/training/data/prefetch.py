"""Batches made in the background: while a step is computed, the next step's are made.

A batch is a pure function of (step, rank, world size), so making it early changes nothing of it.
One step is made ahead and no more: memory holds two steps' batches at most.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from any2caption.closing import Closing

Made = TypeVar("Made")
_Key = tuple[int, int, int]


class Prefetcher(Closing, Generic[Made]):
    """The batches of `source`, made in one thread, one step ahead; use it as a context manager.

    An error of the source is raised where its batch is asked for.
    """

    def __init__(self, source: Callable[[int, int, int], Made], last: int) -> None:
        """`last` is the first step that is not made."""
        self.source, self.last = source, last
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._coming: dict[_Key, Future[Made]] = {}

    def __call__(self, step: int, rank: int, world_size: int) -> Made:
        """Return the batch, and begin the same part of the next step."""
        key = (step, rank, world_size)
        self._coming = {k: found for k, found in self._coming.items() if k[0] >= step}
        found = self._coming.pop(key, None) or self._thread.submit(self.source, *key)
        following = (step + 1, rank, world_size)
        if step + 1 < self.last:
            self._coming[following] = self._thread.submit(self.source, *following)
        return found.result()

    def close(self) -> None:
        """Drop what is not made yet and wait for what is being made."""
        self._thread.shutdown(cancel_futures=True)
        self._coming.clear()
