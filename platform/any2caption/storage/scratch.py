"""Temporary folders that outlive nobody: each is locked by the process that fills it.

A folder that is built for minutes (a release, a bundle that is downloaded) can't be removed by a
process that was killed with SIGKILL. The kernel releases that process's lock, though, so whoever
comes next can tell a dead owner's folder from one that is being filled.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from any2caption.storage.locks import acquire


@contextmanager
def scratch(parent: Path, name: str) -> Iterator[Path]:
    """Yield a fresh folder `.<name>-…` under `parent`, on its file system; it is removed after.

    What dead processes left under `parent` goes first.
    """
    parent.mkdir(parents=True, exist_ok=True)
    # Between its making and its locking a folder looks like a dead owner's: one at a time.
    with _locked(parent):
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=f".{name}-"))
        lock = _lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def sweep(parent: Path) -> list[str]:
    """Remove the temporary folders of dead processes; return their names."""
    if not parent.is_dir():
        return []
    with _locked(parent):
        return _sweep(parent)


def _sweep(parent: Path) -> list[str]:
    gone = []
    for folder in sorted(parent.glob(".*-*")):
        if folder.is_symlink() or not folder.is_dir():
            continue
        lock = _lock(folder)
        if lock is None:
            continue
        try:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
        gone.append(folder.name)
    return gone


def _lock(folder: Path) -> int | None:
    """Lock a folder; None when its owner lives (or it is gone)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    if acquire(descriptor, wait=0):
        return descriptor
    os.close(descriptor)
    return None


@contextmanager
def _locked(parent: Path) -> Iterator[None]:
    descriptor = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        acquire(descriptor)
        yield
    finally:
        os.close(descriptor)
