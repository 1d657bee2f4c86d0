"""From an address to a store."""

from any2caption.errors import ConfigError
from any2caption.settings import refuse_login
from any2caption.storage.base import ObjectStore
from any2caption.storage.folder import FolderStore
from any2caption.storage.memory import MemoryStore

_MEMORY_STORES: dict[str, MemoryStore] = {}


def open_store(uri: str, endpoint_url: str | None = None) -> ObjectStore:
    """Open `file:///folder`, `s3://bucket/prefix` or `memory://name` (tests, this process only).

    `endpoint_url` is for S3-compatible servers. Nothing is contacted before
    the first use.

    Raises:
        ConfigError: another form, or a user name in it.
    """
    refuse_login("object store", uri)
    scheme, separator, rest = uri.partition("://")
    if separator and scheme == "file":
        return FolderStore.from_uri(uri)
    if separator and scheme == "s3":
        from any2caption.storage.s3 import S3Store

        return S3Store.from_uri(uri, endpoint_url)
    if separator and scheme == "memory":
        return _MEMORY_STORES.setdefault(rest, MemoryStore(rest))
    raise ConfigError(f"{uri!r}: an object store is file:///folder or s3://bucket/prefix")
