"""A request under way: how far it is, since when, and whether its visitor still waits."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from any2caption.serving.following import Follow, stage

_EVERY_SECONDS = 1.0
T = TypeVar("T")


class Pending(Generic[T]):
    """What `ask` returns, asked for on a thread of its own.

    `ask` gets what it tells its steps to, and raises CancelledError once that says to stop.
    """

    def __init__(self, ask: Callable[[Follow], T]) -> None:
        self._left, self._stage = threading.Event(), 0
        self._began = time.monotonic()
        thread = ThreadPoolExecutor(1, thread_name_prefix="asking")
        self._future = thread.submit(ask, self._follow)
        thread.shutdown(wait=False)

    def leave(self) -> None:
        """Take the request back."""
        self._left.set()

    def told(self) -> Iterator[tuple[int, float]]:
        """Yield the place in `STAGES` and the seconds since it began, until there is an answer.

        Whoever stops listening takes the request back.
        """
        try:
            while not self._future.done():
                yield self._stage, time.monotonic() - self._began
                wait([self._future], _EVERY_SECONDS)
        finally:
            self.leave()

    def result(self) -> T:
        """Wait for the answer.

        Raises:
            A2CError: what `ask` raised.
        """
        return self._future.result()

    def _follow(self, running: Sequence[str]) -> bool:
        self._stage = max(self._stage, stage(running))
        return not self._left.is_set()
