"""Dictionaries too large for memory: private SQLite databases that vanish with their connection."""

import sqlite3
from collections.abc import Iterator


class DiskMap:
    """Text by key, in order of first entry; a few megabytes of memory, whatever it holds."""

    def __init__(self) -> None:
        self._database = scratch_database()
        self._database.execute(
            "CREATE TABLE entries (place INTEGER PRIMARY KEY, key BLOB UNIQUE, value TEXT)"
        )
        self._size = 0

    def add(self, key: bytes, value: str) -> int:
        """Enter a value unless the key is there already; return the key's place, from 0."""
        statement = "INSERT OR IGNORE INTO entries VALUES (?, ?, ?)"
        added = self._database.execute(statement, (self._size, key, value)).rowcount == 1
        if added:
            self._size += 1
            return self._size - 1
        place = self.place(key)
        assert place is not None  # noqa: S101 - the key is why nothing was entered
        return place

    def place(self, key: bytes) -> int | None:
        """Return the key's place in the order of first entries."""
        query = "SELECT place FROM entries WHERE key = ?"
        row = self._database.execute(query, (key,)).fetchone()
        return None if row is None else int(row[0])

    def get(self, key: bytes) -> str | None:
        """Return the key's value."""
        query = "SELECT value FROM entries WHERE key = ?"
        row = self._database.execute(query, (key,)).fetchone()
        return None if row is None else str(row[0])

    def keys(self) -> Iterator[bytes]:
        """Yield the keys in order of first entry."""
        for (key,) in self._database.execute("SELECT key FROM entries ORDER BY place"):
            yield bytes(key)

    def values(self) -> Iterator[str]:
        """Yield the values in order of first entry."""
        for (value,) in self._database.execute("SELECT value FROM entries ORDER BY place"):
            yield str(value)

    def __len__(self) -> int:
        return self._size


def scratch_database() -> sqlite3.Connection:
    """Open a private database that lies on disk when it grows and vanishes with the connection."""
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode=OFF")
    database.execute("PRAGMA synchronous=OFF")
    return database
