"""Full disks: asked about before much is written, and named when one fills up meanwhile."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from any2caption.errors import UnavailableError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def require_room(folder: Path, wanted: int, what: str) -> None:
    """Raise UnavailableError unless `folder`'s disk has `wanted` bytes free for `what`."""
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise UnavailableError(
            f"{folder}: {what} needs {_mb(wanted)} MB, {_mb(free)} MB are free; "
            "free space on this disk and try again"
        )


@contextmanager
def full_disk_named(folder: Path, what: str) -> Iterator[None]:
    """Turn "no space left on device" inside into an UnavailableError that says where."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise UnavailableError(
            f"{folder}: the disk is full, {what} was not finished; "
            "free space on this disk and try again"
        ) from error


def is_full(error: OSError) -> bool:
    """Whether the error (or one that `shutil.copytree` collected) is about a full disk."""
    if isinstance(error, shutil.Error) and error.args:
        # copytree keeps the messages of the errors, not the errors.
        return any(f"[Errno {number}]" in str(error.args[0]) for number in _FULL)
    return error.errno in _FULL


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f}"
