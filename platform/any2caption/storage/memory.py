"""A store in this process's memory, for unit tests. Other processes do not see it."""

import threading
from collections.abc import Iterator
from pathlib import Path

from any2caption.errors import ConflictError, NotFoundError
from any2caption.storage.atomic import write_atomically
from any2caption.storage.base import ObjectInfo
from any2caption.storage.content import digest_of
from any2caption.storage.keys import check_key, check_prefix


class MemoryStore:
    """Objects in a dictionary; `uri` is `memory://name`."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    @property
    def uri(self) -> str:
        """The store's address; `open_store` returns this same store for it."""
        return f"memory://{self.name}"

    def get(self, key: str) -> bytes:
        """Return the whole object."""
        try:
            return self._objects[check_key(key)]
        except KeyError:
            raise NotFoundError(f"{self.uri}: no object {key!r}") from None

    def get_range(self, key: str, start: int, size: int) -> bytes:
        """Return a part of the object."""
        return self.get(key)[start : start + size]

    def put(self, key: str, data: bytes, *, overwrite: bool = True) -> None:
        """Write the whole object; with `overwrite=False` an existing key raises ConflictError."""
        with self._lock:
            if not overwrite and check_key(key) in self._objects:
                raise ConflictError(f"{self.uri}: {key!r} exists already")
            self._objects[check_key(key)] = bytes(data)

    def upload(self, key: str, path: Path) -> None:
        """Write a file's content."""
        self.put(key, path.read_bytes())

    def download(self, key: str, path: Path) -> None:
        """Write the object to `path` atomically."""
        write_atomically(path, self.get(key))

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        return check_key(key) in self._objects

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object under the prefix, in key order."""
        check_prefix(prefix)
        for key in sorted(self._objects):
            if key.startswith(prefix):
                data = self._objects[key]
                yield ObjectInfo(key, len(data), digest_of(data))

    def delete(self, key: str) -> None:
        """Remove the object; a missing key is not an error."""
        with self._lock:
            self._objects.pop(check_key(key), None)

    def flush(self) -> None:
        """Nothing to do: there is no disk."""

    def sweep(self, *, older: float) -> int:
        """Nothing to do: what dies here takes the store with it."""
        del older
        return 0
