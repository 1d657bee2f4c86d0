"""Who parses when: quick requests never wait behind what takes long."""

import math
import threading
import time
from typing import Final

from any2caption.conditions.isolation.parse_workers import SLICE, Cancelled, Worker, go_on
from any2caption.errors import UnavailableError


class NoRoomError(Exception):
    """What is slow has to wait for a place; never leaves `conditions`."""


class Turn:
    """A lease's place in its pool: a quick one, later one of those for what is slow.

    Args:
        quick, slow: the pool's places of both sorts.
        seconds: how long a quick place may be held.
        until: when to give up waiting, in `time.monotonic` seconds.
        cancelled: whether nobody waits for the lease's answers any more.
    """

    def __init__(
        self,
        quick: threading.Semaphore,
        slow: threading.Semaphore,
        seconds: float,
        until: float,
        cancelled: Cancelled,
    ) -> None:
        self.until: Final = until
        self._quick, self._slow, self._seconds, self._cancelled = quick, slow, seconds, cancelled
        self._held: threading.Semaphore | None = None
        self._quick_until = math.inf

    @property
    def slow(self) -> bool:
        """Whether it has taken longer than the quick ones may."""
        return self._held is self._slow

    def take(self, *, slow: bool = False) -> None:
        """Wait for a place.

        Raises:
            CancelledError: nobody waits for it any more.
            UnavailableError: none was free in time.
        """
        self.give_back()
        place = self._slow if slow else self._quick
        while not place.acquire(timeout=SLICE):
            go_on(self._cancelled)
            if time.monotonic() > self.until:
                raise UnavailableError("every parse worker is busy; try again")
        self._held = place

    def begin(self, worker: Worker) -> None:
        """Start the quick time with the first file; what is slow lets others go first."""
        if self.slow:
            worker.slow_down()
        elif self._quick_until == math.inf:
            self._quick_until = time.monotonic() + self._seconds

    def give_back(self) -> None:
        """Let the next one have the place."""
        held, self._held = self._held, None
        if held is not None:
            held.release()

    def cancelled(self, worker: Worker) -> bool:
        """Say whether nobody waits any more; asked while a worker works, it ends the quick time.

        Raises:
            NoRoomError: the quick time is over, and no place for what is slow is free.
        """
        if not self.slow and time.monotonic() > self._quick_until:
            if not self._slow.acquire(blocking=False):
                raise NoRoomError
            self.give_back()
            self._held = self._slow
            worker.slow_down()
        return self._cancelled()
