"""Small JSON results kept in the object store between runs, in packs: one object a run."""

import json
from typing import Any

from any2caption.storage.base import ObjectStore
from any2caption.storage.content import digest_of

_MERGE_ABOVE = 16  # packs; beyond that they are merged into one


class JsonCache:
    """A dictionary of JSON objects under `prefix` (ending in `/`); `save` keeps what is new.

    Packs are named by their content, so runs that work at once cannot overwrite each other's; a
    pack that is unreadable is skipped, because everything in it can be computed again.
    """

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store, self._prefix = store, prefix
        self._entries: dict[str, dict[str, Any]] = {}
        self._fresh: dict[str, dict[str, Any]] = {}
        self._packs: list[str] = []
        for info in store.list(prefix):
            self._packs.append(info.key)
            try:
                for line in store.get(info.key).splitlines():
                    key, value = json.loads(line)
                    self._entries[key] = value
            except (ValueError, TypeError):
                continue

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> dict[str, Any] | None:
        """Return what is known under the key."""
        return self._entries.get(key)

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Remember a result; `save` makes it last."""
        if self._entries.get(key) != value:
            self._entries[key] = self._fresh[key] = value

    def save(self) -> None:
        """Write what is new since the last save as one pack, or everything when packs are many."""
        if not self._fresh:
            return
        merge = len(self._packs) >= _MERGE_ABOVE
        content = self._entries if merge else self._fresh
        pack = "".join(f"{json.dumps(item)}\n" for item in content.items()).encode()
        name = f"{self._prefix}{digest_of(pack)}.jsonl"
        self._store.put(name, pack)
        if merge:
            for old in self._packs:
                if old != name:
                    self._store.delete(old)
            self._packs = []
        self._packs.append(name)
        self._fresh = {}
