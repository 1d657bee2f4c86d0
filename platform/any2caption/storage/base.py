"""The object store as the platform sees it: flat keys, whole objects, atomic puts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a listing tells about one object. `etag` changes when the content does."""

    key: str
    size: int
    etag: str


class ObjectStore(Protocol):
    """Keys are `/`-separated relative paths.

    Errors: NotFoundError, ConflictError, UnavailableError (retryable), InputError (a bad key).
    """

    @property
    def uri(self) -> str:
        """The store's own address, as `open_store` takes it."""

    def get(self, key: str) -> bytes:
        """Return the whole object."""

    def get_range(self, key: str, start: int, size: int) -> bytes:
        """Return `size` bytes from `start` on; fewer, or none, where the object ends before."""

    def put(self, key: str, data: bytes, *, overwrite: bool = True) -> None:
        """Write the object atomically; without `overwrite` an existing key is a ConflictError."""

    def upload(self, key: str, path: Path) -> None:
        """Write a file's content without holding it in memory."""

    def download(self, key: str, path: Path) -> None:
        """Write the object to `path` atomically."""

    def exists(self, key: str) -> bool:
        """Whether the key is there."""

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object under the prefix, in key order."""

    def delete(self, key: str) -> None:
        """Remove the object; a missing key is not an error."""

    def flush(self) -> None:
        """Make everything written so far durable; nothing to do where a put already is."""

    def sweep(self, *, older: float) -> int:
        """Remove what writers left half written over `older` seconds ago; return how many."""
