"""Give memory back to the system while a step has nothing to do.

The server starts its steps with allocator settings that keep freed memory (`server._MALLOC`): page
faults would cost elementwise operations a factor of 4.7. So one large request would hold its peak
for ever. `IdleMemory` trims the heap of a step that has grown: once it has been idle for some
seconds, when no request pays for it, and now and then where something asks it all the time (the
watchdog does, every few seconds).
"""

import ctypes
import os
import threading
import time

GROWTH = 100_000_000
"""Bytes above the size at the start that are left alone."""
IDLE = 5.0
"""Seconds without a request before memory is given back."""
BUSY = 20.0
"""Seconds after which it is given back between requests."""


def resident() -> int:
    """Return the bytes of this process that lie in memory."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - a hot path
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class IdleMemory:
    """Watches one process; `busy` is called with every request."""

    def __init__(self, idle: float = IDLE, growth: int = GROWTH, busy: float = BUSY) -> None:
        self._idle, self._busy, self._most = idle, busy, resident() + growth
        self._last = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="idle-memory", daemon=True)
        self._thread.start()

    def busy(self) -> None:
        """Say that a request begins or ends."""
        self._last = time.monotonic()

    def close(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        trimmed = time.monotonic()
        while not self._stopped.wait(self._idle):
            now, last = time.monotonic(), self._last
            idle = now - last >= self._idle and last > trimmed  # once a pause: the rest is in use
            if (idle or now - trimmed >= self._busy) and resident() > self._most:
                give_back()
                trimmed = now


def give_back() -> None:
    """Return all free pages of the C library's heaps to the system."""
    ctypes.CDLL(None).malloc_trim(0)
