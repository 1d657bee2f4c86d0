"""A local folder as an object store: each object is a file, each put is a rename.

Durability: an object is written to a temporary file, fsynced and renamed, so a crash leaves the old
object or the new one. Media (`media/…`) skip the fsync, which is slow for thousands of small files:
they are named by their digest, so a torn one is noticed when it is read, and `flush()` makes all of
them durable at once before anything is published that refers to them.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from any2caption.errors import ConfigError, ConflictError, InputError, NotFoundError
from any2caption.storage.atomic import fill, fresh_file, write_atomically
from any2caption.storage.base import ObjectInfo
from any2caption.storage.keys import check_key, check_prefix

TEMPORARY = ".a2c-tmp"  # under the root, so that a rename never crosses file systems
UNSYNCED_PREFIXES = ("media/",)


class FolderStore:
    """Objects as files under `root`; a key that is a folder of other keys is refused."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute().resolve()

    @classmethod
    def from_uri(cls, uri: str) -> "FolderStore":
        """Open `file:///absolute/path` (percent-encoded where needed)."""
        parts = urlsplit(uri)
        if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
            raise ConfigError(f"{uri}: a folder store is file:///absolute/path")
        return cls(Path(unquote(parts.path)))

    @property
    def uri(self) -> str:
        """`file:///…` of the root."""
        return self.root.as_uri()

    def get(self, key: str) -> bytes:
        """Return the whole object."""
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFoundError(f"{self.uri}: no object {key!r}") from None

    def get_range(self, key: str, start: int, size: int) -> bytes:
        """Return a part of the object."""
        try:
            with self._path(key).open("rb") as file:
                file.seek(start)
                return file.read(size)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFoundError(f"{self.uri}: no object {key!r}") from None

    def put(self, key: str, data: bytes, *, overwrite: bool = True) -> None:
        """Write the object atomically; without `overwrite` an existing key is a ConflictError."""
        self._place(key, data, overwrite=overwrite)

    def upload(self, key: str, path: Path) -> None:
        """Copy a file's content without holding it in memory."""
        self._place(key, path, overwrite=True)

    def download(self, key: str, path: Path) -> None:
        """Write the object to `path` atomically."""
        source = self._path(key)
        if not source.is_file():
            raise NotFoundError(f"{self.uri}: no object {key!r}")
        write_atomically(path, source)

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        return self._path(key).is_file()

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object under the prefix, in key order.

        The etag is made of modification time, size and inode, as `make` and `rsync` compare files.
        """
        folder = check_prefix(prefix).rpartition("/")[0]
        start = self._path(folder) if folder else self.root
        for entry, key in _walk(start, f"{folder}/" if folder else ""):
            if key.startswith(prefix):
                status = entry.stat()
                etag = f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"
                yield ObjectInfo(key, status.st_size, etag)

    def delete(self, key: str) -> None:
        """Remove the object; a missing key is not an error."""
        path = self._path(key)
        if path.is_file():
            path.unlink(missing_ok=True)

    def flush(self) -> None:
        """Make every object written so far durable, by any process (one `sync` for all)."""
        os.sync()

    def sweep(self, *, older: float) -> int:
        """Remove temporary files that were last written over `older` seconds ago."""
        limit = time.time() - older
        stale = [p for p in (self.root / TEMPORARY).glob(".*.tmp") if p.stat().st_mtime <= limit]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _path(self, key: str) -> Path:
        path = self.root / check_key(key)
        # A symbolic link inside the folder must not lead out of it either.
        if not os.path.realpath(path).startswith(f"{self.root}{os.sep}"):
            raise InputError(f"{key!r} leads out of {self.uri}", field="key")
        if key.startswith(TEMPORARY):
            raise InputError(f"{key!r} is reserved", field="key")
        return path

    def _place(self, key: str, content: bytes | Path, *, overwrite: bool) -> None:
        target = self._path(key)
        sync = not key.startswith(UNSYNCED_PREFIXES)
        within = self.root / TEMPORARY
        try:
            with fresh_file(target, within=within, sync=sync, replace=overwrite) as fresh:
                fill(fresh, content)
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            raise ConflictError(f"{self.uri}: {key!r} exists already") from None


def _walk(folder: Path, prefix: str) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Yield files below `folder` in key order: a folder sorts as its name plus `/`."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(
                scan, key=lambda entry: f"{entry.name}/" if entry.is_dir() else entry.name
            )
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if prefix or entry.name != TEMPORARY:
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
        elif entry.is_file(follow_symlinks=False):
            yield entry, f"{prefix}{entry.name}"
