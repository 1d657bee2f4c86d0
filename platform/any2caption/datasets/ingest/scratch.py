"""What an ingest must know of all files at once, on disk: the listing, the media that are there.

One connection to a private SQLite database; nothing of it outlives the run.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from any2caption.storage import ObjectInfo, ObjectStore
from any2caption.storage.content import MEDIA_PREFIX
from any2caption.storage.disk_map import scratch_database

_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of the source: bytes and the etag that changes with its content."""

    size: int
    etag: str


class Scratch:
    """The source's listing, the store's media, and what was counted already."""

    def __init__(self) -> None:
        self._database = scratch_database()
        for table, columns in (
            ("listing", "path TEXT PRIMARY KEY, size INT, etag TEXT"),
            ("media", "sha256 TEXT PRIMARY KEY"),
            ("seen", "key TEXT PRIMARY KEY"),
            ("ids", "id BLOB PRIMARY KEY, line INT"),
        ):
            self._database.execute(f"CREATE TABLE {table} ({columns}) WITHOUT ROWID")

    def close(self) -> None:
        """Drop everything."""
        self._database.close()

    def list_source(self, source: ObjectStore, prefix: str) -> None:
        """Take the source's listing, paths below the prefix."""
        start = f"{prefix.rstrip('/')}/" if prefix else ""
        self._fill(
            "INSERT INTO listing VALUES (?, ?, ?)",
            ((info.key[len(start) :], info.size, info.etag) for info in source.list(start)),
        )

    def list_media(self, store: ObjectStore) -> None:
        """Take the digests of the media in the store."""
        found: Iterable[ObjectInfo] = store.list(MEDIA_PREFIX)
        self._fill(
            "INSERT OR IGNORE INTO media VALUES (?)",
            ((info.key.rpartition("/")[2],) for info in found),
        )

    def find(self, path: str) -> Listed | None:
        """Return what the listing says about a path."""
        query = "SELECT size, etag FROM listing WHERE path = ?"
        row = self._database.execute(query, (path,)).fetchone()
        return None if row is None else Listed(int(row[0]), str(row[1]))

    def has_media(self, sha256: str) -> bool:
        """Whether the object is in the store."""
        query = "SELECT 1 FROM media WHERE sha256 = ?"
        return self._database.execute(query, (sha256,)).fetchone() is not None

    def add_media(self, sha256: str) -> None:
        """Enter an object that was stored just now."""
        self._database.execute("INSERT OR IGNORE INTO media VALUES (?)", (sha256,))

    def first_time(self, key: str) -> bool:
        """Whether the key was not asked for before."""
        cursor = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,))
        return cursor.rowcount == 1

    def first_line(self, identity: str, number: int) -> int:
        """Return the line on which a record's id came first, this one when it is new."""
        key = identity.encode("utf-8", "surrogatepass")
        insert = "INSERT OR IGNORE INTO ids VALUES (?, ?)"
        if self._database.execute(insert, (key, number)).rowcount == 1:
            return number
        row = self._database.execute("SELECT line FROM ids WHERE id = ?", (key,)).fetchone()
        return int(row[0])

    def _fill(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._database.execute("BEGIN")
        batch: list[tuple[object, ...]] = []
        for row in rows:
            batch.append(row)
            if len(batch) >= _ROWS:
                self._database.executemany(statement, batch)
                batch = []
        self._database.executemany(statement, batch)
        self._database.execute("COMMIT")
