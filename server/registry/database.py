"""One registry file: how it is opened, read and written.

Rules:

* Nothing that was erased stays readable in the file. ``secure_delete=ON`` overwrites deleted content with zeros, in
  free pages too. The journal is a rollback journal in TRUNCATE mode: a write-ahead log would keep copies of old
  pages until somebody manages to reset it past every reader, and PERSIST leaves them in the journal for good; TRUNCATE
  empties the journal in the commit itself. ``temp_store=MEMORY`` keeps intermediate results off the disk. What a
  file system does with freed blocks is beyond SQLite; there it is the sealing that protects (``server.evidence``).
* ``synchronous=FULL``: what was acknowledged survives a power cut.
* The file is 0600 before SQLite sees it; its journal takes the mode over.
* A writing transaction starts with BEGIN IMMEDIATE, so that it never reads what another is about to change. Threads
  of this process queue on a lock, which is fairer and faster than SQLite's polling; other processes wait in
  ``busy_timeout``.
* What every batch asks for is remembered until the next write of this process (``remembered``). That is exact while
  one process holds the registry, which the server's lock sees to.
* On PostgreSQL the same code stands on unique constraints and conditional updates; nothing but what is remembered
  depends on one process.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, TimeoutError as PoolTimeout

from consent.signature import write_exclusively
from server.errors import Conflict, RegistryUnusable
from server.evidence import Vault

V = TypeVar("V")

BUSY_TIMEOUT_MS = 10_000
_MOST_REMEMBERED = 10_000
_PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode=TRUNCATE",
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA foreign_keys=ON",
)


class Database:
    """What every subject of the registry stands on. Safe to use from many threads."""

    def __init__(self, engine: Engine, path: Path, vault: Vault) -> None:
        self._engine = engine
        self._writer_engine = engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._path = path
        self._writer = threading.Lock()
        self._closed = False
        self._generation = 0
        self._remembered: tuple[int, dict[Hashable, Any]] = (0, {})
        self.vault = vault

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent state. Raises RegistryUnusable."""
        self._check_open()
        with _explained(self._path), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: durable when the block ends, and undone if it raises. Raises RegistryUnusable, Conflict."""
        with self._writer:
            self._check_open()
            try:
                with _explained(self._path), self._writer_engine.begin() as connection:
                    yield connection
            finally:
                self._generation += 1

    def remembered(self, key: Hashable, load: Callable[[], V]) -> V:
        """What ``load`` reads, from memory if it was read since the last write. None is never remembered.

        A value belongs to the generation that was current before it was read, so one that a write overtook while it
        was being read is not found by anybody who asks after that write.
        """
        generation = self._generation
        held, values = self._remembered
        if held != generation:
            values = {}
            self._remembered = (generation, values)
        value: V | None = values.get(key)
        if value is not None:
            return value
        loaded = load()
        if loaded is not None and len(values) < _MOST_REMEMBERED:
            values[key] = loaded
        return loaded

    def backup(self, target: Path) -> None:
        """A consistent copy in a new file, 0600, while others read and write. Raises KeyFileError if it exists."""
        write_exclusively(target, b"")
        with self.reading() as connection, closing(sqlite3.connect(target)) as copy:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.backup(copy)

    def close(self) -> None:
        """Close every connection; closing twice is the same as once."""
        with self._writer:
            self._closed = True
        self._engine.dispose()

    def _check_open(self) -> None:
        if self._closed:
            raise RegistryUnusable(f"the registry {self._path} was closed")


def connect(path: Path) -> Engine:
    """An engine on the file, which is created 0600 if it is missing. Raises RegistryUnusable."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            if os.name == "posix":
                os.fchmod(descriptor, 0o600)  # whatever the umask, or a careless copy, made of it
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RegistryUnusable(f"the registry {path} cannot be opened: {error.strerror}") from error
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        pool_size=8,
        max_overflow=56,  # threads of the web server; beyond them waiting is right
        connect_args={"isolation_level": None, "check_same_thread": False},  # BEGIN is ours, see _begin
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Errors of the database as one sentence. A broken constraint that no subject expected is a lost race."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"the registry refuses this: {error.orig}") from error
    except DBAPIError as error:
        raise RegistryUnusable(explain(path, error.orig)) from error
    except sqlite3.Error as error:  # from the pragmas of a new connection, which SQLAlchemy does not wrap
        raise RegistryUnusable(explain(path, error)) from error
    except PoolTimeout as error:
        raise RegistryUnusable(f"the registry {path} is too busy: no connection came free; try again") from error


def explain(path: Path, error: BaseException | None) -> str:
    """What a person should know about an error of the database's driver, with the next step."""
    text = str(error)
    if isinstance(error, sqlite3.OperationalError):
        if "locked" in text or "busy" in text:
            return f"the registry {path} is in use by another program: {text}; stop that one or try again"
        if "full" in text:
            return f"the registry {path} cannot grow: {text}; make room on the disk"
        return f"the registry {path} cannot be used: {text}"
    return f"the registry {path} is damaged or not a registry: {text}; put back a copy that you kept"
