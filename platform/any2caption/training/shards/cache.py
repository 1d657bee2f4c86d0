"""Shards near by: a bounded folder of verified copies that the ranks of a machine share."""

import os
from contextlib import suppress
from pathlib import Path

from any2caption.errors import IntegrityError, NotFoundError
from any2caption.storage import ObjectStore, digest_of
from any2caption.storage.atomic import write_atomically
from any2caption.storage.keys import join_key
from any2caption.training.shards.index import Shard

CACHE_BYTES = 8_000_000_000


class ShardCache:
    """Reads shards below a prefix; with a `folder`, copies are kept there by their digest.

    The copies that were not used for longest go first when they exceed `limit` bytes. Several
    processes may share the folder.
    """

    def __init__(
        self,
        store: ObjectStore,
        prefix: str,
        folder: Path | None = None,
        limit: int = CACHE_BYTES,
    ) -> None:
        self.store, self.prefix, self.folder, self.limit = store, prefix, folder, limit

    def read(self, shard: Shard) -> bytes:
        """Return a shard's bytes, verified.

        Raises:
            IntegrityError: the stored shard is missing or not what the index says.
        """
        if self.folder is None:
            return self._fetch(shard)
        path = self.folder / f"{shard.sha256}.tar"
        with suppress(FileNotFoundError):
            data = path.read_bytes()
            if digest_of(data) == shard.sha256:
                os.utime(path)
                return data
            path.unlink()  # a damaged copy; the store has the original
        data = self._fetch(shard)
        self._make_room(len(data))
        if len(data) <= self.limit:
            write_atomically(path, data)
        return data

    def _fetch(self, shard: Shard) -> bytes:
        key = join_key(self.prefix, shard.key)
        try:
            data = self.store.get(key)
        except NotFoundError:
            raise IntegrityError(f"{self.store.uri}: shard {key} is missing") from None
        found = digest_of(data)
        if found != shard.sha256:
            raise IntegrityError(
                f"{self.store.uri}: shard {key} is damaged: it holds {len(data)} bytes with "
                f"SHA-256 {found}, the index says {shard.bytes} with {shard.sha256}; "
                "delete it and its index and write the shards again"
            )
        return data

    def _make_room(self, wanted: int) -> None:
        copies = []
        for path in self.folder.glob("*.tar") if self.folder else ():
            with suppress(FileNotFoundError):  # another rank was first
                found = path.stat()
                copies.append((found.st_mtime_ns, found.st_size, path))
        total = sum(size for _, size, _ in copies)
        for _, size, path in sorted(copies):
            if total + wanted <= self.limit:
                return
            path.unlink(missing_ok=True)
            total -= size
