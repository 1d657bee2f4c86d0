"""Files and folders that are whole or absent: written beside their place, synced, renamed.

A crash leaves what was there before or what was to come, never a part of it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomically(
    path: Path, content: bytes | str | Path, *, mode: int = 0o644, sync: bool = True
) -> None:
    """Write bytes, UTF-8 text or a copy of a file to `path`; `fresh_file` says how."""
    with fresh_file(path, mode=mode, sync=sync) as fresh:
        fill(fresh, content)


@contextmanager
def fresh_file(
    path: Path,
    *,
    within: Path | None = None,
    mode: int = 0o644,
    sync: bool = True,
    replace: bool = True,
) -> Iterator[Path]:
    """Yield an empty private file for the block to fill; it becomes `path` when the block ends.

    It lies in `within` (by default beside `path`, always on its file system) under a hidden name.
    Without `sync` a power cut may lose or tear it. When the block raises, nothing is left.

    Raises:
        FileExistsError: `path` exists and `replace` is false; of several writers one wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = within or path.parent
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)
    os.close(descriptor)
    fresh = Path(name)
    try:
        yield fresh
        fresh.chmod(mode)
        if sync:
            sync_path(fresh)
        if replace:
            fresh.replace(path)
        else:
            path.hardlink_to(fresh)  # the only atomic "create if absent" of POSIX
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder for the block to fill; synced, it replaces `folder` when it ends."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield work
        work.chmod(0o755)
        sync_tree(work)
        if folder.exists():
            shutil.rmtree(folder)
        work.rename(folder)
        sync_path(folder.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def fill(path: Path, content: bytes | str | Path) -> None:
    """Write bytes, UTF-8 text or a copy of a file into `path`, holding no copied file in memory."""
    if isinstance(content, Path):
        shutil.copyfile(content, path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def sync_path(path: Path) -> None:
    """Make a file's content, or a folder's list of names, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make a folder durable with everything in it."""
    for path in [*folder.rglob("*"), folder]:
        sync_path(path)
