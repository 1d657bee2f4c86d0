"""What a worker process does: copy files into the store by content, and probe media sets.

Two passes over files keep each file's bytes in memory for one moment only: the first names them by
content, so that the second parses each distinct set once, however many records and paths share it.
"""

import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from any2caption.datasets.ingest.probe import MediaSet, Probe, probe
from any2caption.datasets.ingest.source_records import Problem
from any2caption.errors import NotFoundError
from any2caption.storage import ObjectStore, get_content, open_store, put_content
from any2caption.storage.keys import join_key

_NETWORK_THREADS = 8

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """What a process needs to open a store."""

    uri: str
    endpoint_url: str | None = None

    @classmethod
    def of(cls, store: ObjectStore) -> "StoreAddress":
        """Return an open store's address."""
        return cls(store.uri, getattr(store, "endpoint_url", None))

    def open(self) -> ObjectStore:
        """Open the store."""
        return open_store(self.uri, self.endpoint_url)


class _Here:
    """This process's stores, set once by `prepare`."""

    source: ObjectStore
    prefix: str
    store: ObjectStore
    threads: int


def prepare(source: StoreAddress, prefix: str, store: StoreAddress) -> None:
    """Open the stores of this process."""
    prepare_open(source.open(), prefix, store.open())


def prepare_open(source: ObjectStore, prefix: str, store: ObjectStore) -> None:
    """Take stores that are open already (work in the caller's own process)."""
    _Here.source, _Here.prefix, _Here.store = source, prefix, store
    remote = any(item.uri.startswith("s3://") for item in (source, store))
    _Here.threads = _NETWORK_THREADS if remote else 1


def take_in(paths: list[str]) -> list[str | None]:
    """Copy files of the source into the store; return each one's SHA-256, or None when missing."""
    return list(_each(_take_in, paths))


def probe_sets(sets: list[MediaSet]) -> list[Probe | Problem]:
    """Parse media sets whose files are in the store."""
    return list(_each(_probe, sets))


def spellings(path: str) -> Iterable[str]:
    """Yield a path as written, then with accents composed and decomposed.

    Some systems decompose the names of files that they copy.
    """
    return dict.fromkeys([path, *(unicodedata.normalize(form, path) for form in ("NFC", "NFD"))])


def _take_in(path: str) -> str | None:
    for name in spellings(path):
        try:
            return put_content(_Here.store, _Here.source.get(join_key(_Here.prefix, name)))
        except NotFoundError:
            continue
    return None


def _probe(media: MediaSet) -> Probe | Problem:
    return probe(media, [get_content(_Here.store, sha256) for _, sha256 in media.parts])


def _each(work: Callable[[In], Out], items: list[In]) -> Iterable[Out]:
    """Apply `work`, overlapping waiting times when a store is remote."""
    if _Here.threads == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(_Here.threads) as pool:
        return list(pool.map(work, items))
