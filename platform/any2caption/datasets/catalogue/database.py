"""Connections, transactions and migrations of the catalogue database."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.orm import Session
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random

from any2caption.errors import ConfigError, ConflictError, UnavailableError

BUSY_TIMEOUT = 30.0  # seconds that a writer waits for the others on SQLite
_MIGRATION_LOCK = 4_201_337  # PostgreSQL advisory lock: one migration at a time
_LEDGER_LOCK = 4_201_338  # one line of a ledger at a time


def connect(url: str) -> Engine:
    """Open a database by SQLAlchemy URL. SQLite gets write-ahead logging and waits for its turn.

    Raises:
        ConfigError: no URL, or a database that nothing here can open; it never shows the URL, where
            a password may stand.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        form = "dialect+driver://user:password@host:port/database"
        raise ConfigError(f"A2C_CATALOGUE_URL is not a SQLAlchemy URL ({form})") from None
    try:
        if parsed.get_backend_name() != "sqlite":
            return create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        what = f"A2C_CATALOGUE_URL: {parsed.drivername} is not usable"
        raise ConfigError(f"{what}: {error}") from error
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).absolute().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema; safe to call from several processes at once."""
    from alembic import command
    from alembic.config import Config

    with as_file(files("any2caption.datasets") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        with _translated(), engine.execution_options(a2c_write=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:key)")
                connection.execute(lock, {"key": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a session for reading."""
    with _translated(), Session(engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: Engine, *, one_by_one: bool = False) -> Iterator[Session]:
    """Run one transaction: all or nothing. A broken unique constraint is a ConflictError.

    On SQLite writers always go one by one. On PostgreSQL those that read before they write ask for
    it, so that the second of two sees what the first wrote instead of a broken constraint.
    """
    writer = engine.execution_options(a2c_write=True)
    with _translated(), Session(writer, expire_on_commit=False) as session, session.begin():
        if one_by_one and engine.dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LEDGER_LOCK})
        yield session


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise ConflictError(f"the catalogue has that already: {error.orig}") from error
    except DBAPIError as error:
        first = str(error.orig).partition("\n")[0]
        if "no such table" in first or "does not exist" in first:
            raise ConfigError(f"the catalogue has no tables yet ({first}); migrate it") from error
        raise UnavailableError(f"the catalogue database does not answer: {first}") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous=FULL")  # a line of the ledger outlives a power cut
    connection.execute("PRAGMA foreign_keys=ON")


@retry(
    retry=retry_if_exception_type(sqlite3.OperationalError),
    wait=wait_random(0.01, 0.1),
    stop=stop_after_delay(BUSY_TIMEOUT),
    reraise=True,
)
def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the journal; SQLite lets nobody wait for others who switch it at the same time."""
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: upgrading a read transaction would fail without waiting.
    write = connection.get_execution_options().get("a2c_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
