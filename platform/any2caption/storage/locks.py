"""Exclusive locks between processes; the kernel releases a dead process's, so none stays behind."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE = 0.1  # seconds between two tries


@contextmanager
def file_lock(path: Path, *, wait: float | None = None) -> Iterator[bool]:
    """Yield whether the lock of the file `path` (made if absent) is held until the block ends.

    `wait` bounds the seconds of waiting for another holder; None waits as long as it takes.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield acquire(descriptor, wait=wait)
    finally:
        os.close(descriptor)


def acquire(descriptor: int, *, wait: float | None = None) -> bool:
    """Lock an open file or folder until it is closed; returns whether. `wait` as in `file_lock`."""
    if wait is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return True
    limit = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= limit:
                return False
            time.sleep(_PAUSE)
        else:
            return True
