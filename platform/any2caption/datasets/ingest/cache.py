"""Small JSON results kept in the object store between runs, in packs: one object a run.

In a run they lie in a private temporary database, not in memory: a data set of a million files has
a gigabyte of them.
"""

import hashlib
import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from any2caption.storage.base import ObjectStore
from any2caption.storage.disk_map import scratch_database

_MERGE_ABOVE = 16  # packs; beyond that they are merged into one
_ROWS = 5_000


class JsonCache:
    """A dictionary of JSON objects under `prefix` (ending in `/`); `save` keeps what is new.

    Packs are named by their content, so runs that work at once cannot overwrite each other's; a
    pack that is unreadable is skipped, because everything in it can be computed again.
    """

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store, self._prefix = store, prefix
        self._packs: list[str] = []
        self._database = scratch_database()
        self._database.execute(
            "CREATE TABLE entries (key TEXT PRIMARY KEY, line TEXT, fresh INT) WITHOUT ROWID"
        )
        with tempfile.TemporaryDirectory(prefix="a2c-cache-") as folder:
            pack = Path(folder) / "pack"
            for info in store.list(prefix):
                self._packs.append(info.key)
                store.download(info.key, pack)
                self._load(pack)

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM entries").fetchone()[0])

    def get(self, key: str) -> dict[str, Any] | None:
        """Return what is known under the key."""
        line = self._line(key)
        return None if line is None else dict(json.loads(line)[1])

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Remember a result; `save` makes it last."""
        line = json.dumps([key, value])
        if self._line(key) != line:
            self._database.execute("REPLACE INTO entries VALUES (?, ?, 1)", (key, line))

    def save(self) -> None:
        """Write what is new since the last save as one pack, or everything when packs are many."""
        fresh = self._database.execute("SELECT 1 FROM entries WHERE fresh LIMIT 1").fetchone()
        if fresh is None:
            return
        merge = len(self._packs) >= _MERGE_ABOVE
        query = "SELECT line FROM entries" if merge else "SELECT line FROM entries WHERE fresh"
        digest = hashlib.sha256()
        with tempfile.TemporaryDirectory(prefix="a2c-cache-") as folder:
            path = Path(folder) / "pack"
            with path.open("wb") as file:
                for (line,) in self._database.execute(query):
                    data = f"{line}\n".encode()
                    digest.update(data)
                    file.write(data)
            name = f"{self._prefix}{digest.hexdigest()}.jsonl"
            self._store.upload(name, path)
        if merge:
            for old in self._packs:
                if old != name:
                    self._store.delete(old)
            self._packs = []
        self._packs.append(name)
        self._database.execute("UPDATE entries SET fresh = 0 WHERE fresh")

    def _line(self, key: str) -> str | None:
        row = self._database.execute("SELECT line FROM entries WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _load(self, pack: Path) -> None:
        rows: list[tuple[str, str]] = []
        with pack.open("rb") as lines, suppress(ValueError, TypeError):
            for raw in lines:
                key, value = json.loads(raw)
                rows.append((str(key), json.dumps([key, dict(value)])))
                if len(rows) >= _ROWS:
                    self._insert(rows)
                    rows = []
        self._insert(rows)

    def _insert(self, rows: list[tuple[str, str]]) -> None:
        self._database.executemany("REPLACE INTO entries VALUES (?, ?, 0)", rows)
