"""Batches that wait on disk while the server is away, and the sequence numbers that are never used twice.

Rules:

* While the server answers, nothing is written: the file is opened to reserve a block of numbers at the start and then
  once per ``BLOCK`` batches (a day of them), and to hold batches that could not be sent.
* Numbers are reserved in blocks before any of them is used (hi-lo), so a number is never used twice, whenever the
  process is killed. An orderly end gives the rest of the block back; after a kill it is skipped. Should the file be
  lost, numbers go on from the clock's seconds, which is more than had been used.
* Bounded twice: by bytes, and by age. A batch whose newest sample is older than what the notice keeps is dropped, as
  the server would refuse it. The oldest goes first, and what is dropped is counted.
* Killed at any moment, a batch is there whole or not at all (SQLite's rollback journal). Deleted rows are overwritten
  (``secure_delete``), the file shrinks as it empties, and ``purge`` removes it with its journals.
* A file that is damaged is replaced by an empty one; the loss is reported in ``troubles``.
* Used by two threads; each operation is one transaction under one lock.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.clock import HOUR_MS
from agent.errors import AgentError, SpoolError
from agent.private_files import open_private
from consent.chain import ActiveConsent

#: Numbers reserved at a time: a day of ten-second batches.
BLOCK = 8640
_SCHEMA = """
CREATE TABLE IF NOT EXISTS next (instance TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch (
    sequence INTEGER PRIMARY KEY, instance TEXT NOT NULL, newest INTEGER NOT NULL, body BLOB NOT NULL
);
"""
_SIZE = "SELECT count(*), ifnull(sum(length(body)), 0) FROM batch"
_OLDEST = "SELECT sequence, newest, body FROM batch ORDER BY sequence LIMIT 1"


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch as it travels: its number, the time of its newest sample (ms), its JSON in gzip."""

    sequence: int
    newest_ms: int
    body: bytes


class Spool:
    """The file of one consent. Making it touches nothing."""

    def __init__(self, consent: ActiveConsent, path: Path, *, max_bytes: int, now_ms: Callable[[], int]) -> None:
        self._instance = consent.instance_id
        self._keep_ms = consent.retention_hours * HOUR_MS
        self._path = path
        self._max_bytes = max_bytes
        self._now_ms = now_ms
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self.batches = 0
        self.bytes = 0
        self.dropped = 0
        self.troubles: list[str] = []

    def reserve(self) -> range:
        """A block of numbers that were never used for this instance. Raises SpoolError."""
        with self._transaction() as connection:
            row = connection.execute("SELECT sequence FROM next WHERE instance = ?", (self._instance,)).fetchone()
            first = row[0] if row else self._now_ms() // 1000
            connection.execute("DELETE FROM next")  # a number of an earlier instance is of no use
            connection.execute("INSERT INTO next VALUES (?, ?)", (self._instance, first + BLOCK))
        return range(first, first + BLOCK)

    def give_back(self, unused: range) -> None:
        """At an orderly end, the rest of the last block: the next start goes on from there. Raises SpoolError."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE next SET sequence = ? WHERE instance = ? AND sequence = ?",
                (unused.start, self._instance, unused.stop),
            )

    def put(self, batches: Iterable[Packed]) -> None:
        """Keep these, all or none, dropping what is too old or too much. Raises SpoolError."""
        with self._transaction() as connection:
            for batch in batches:
                self._delete(connection, "sequence = ?", batch.sequence)
                connection.execute(
                    "INSERT INTO batch VALUES (?, ?, ?, ?)",
                    (batch.sequence, self._instance, batch.newest_ms, batch.body),
                )
                self.batches += 1
                self.bytes += len(batch.body)
            self._drop_oldest_while(connection, lambda _: self.bytes > self._max_bytes)

    def oldest(self) -> Packed | None:
        """The batch to send next, in the order of the samples. Raises SpoolError."""
        with self._lock:
            if not self.batches:
                return None
            with self._transaction() as connection:
                earliest = self._now_ms() - self._keep_ms
                self._drop_oldest_while(connection, lambda newest: newest < earliest)
                row = connection.execute(_OLDEST).fetchone()
            return Packed(*row) if row else None

    def remove(self, sequence: int) -> None:
        """It was stored, or will never be. Raises SpoolError."""
        with self._lock:
            if self.batches:
                with self._transaction() as connection:
                    self._delete(connection, "sequence = ?", sequence)

    def clear(self) -> None:
        """Drop every batch but keep the numbers: the consent may not be used now. Raises SpoolError."""
        with self._lock:
            if self._path.exists():
                with self._transaction() as connection:
                    self.dropped += self._delete(connection, "sequence >= ?", 0)

    def purge(self) -> None:
        """Remove the file and its journals: the consent is over for good. Raises SpoolError."""
        with self._lock:
            self.close()
            self.batches = self.bytes = 0
            for suffix in ("", "-journal", "-wal", "-shm"):
                try:
                    Path(f"{self._path}{suffix}").unlink(missing_ok=True)
                except OSError as error:
                    raise SpoolError(f"{self._path}{suffix} cannot be removed: {error.strerror}") from error

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                connection = self._open()
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                self.close()  # rolls back; the counts are read again when it is opened
                if isinstance(error, sqlite3.Error):
                    raise SpoolError(f"{self._path} cannot be used: {error}") from error
                raise
            if not self.batches:
                self.close()  # nothing waits: hold no file open while the server answers

    def _delete(self, connection: sqlite3.Connection, condition: str, value: int) -> int:
        """Delete by one of the conditions written in this file; how many there were."""
        batches, size = connection.execute(f"{_SIZE} WHERE {condition}", (value,)).fetchone()
        if batches:
            connection.execute(f"DELETE FROM batch WHERE {condition}", (value,))
            self.batches -= batches
            self.bytes -= size
        return int(batches)

    def _drop_oldest_while(self, connection: sqlite3.Connection, too_much: Callable[[int], bool]) -> None:
        """``too_much`` gets the time of the newest sample in the oldest batch."""
        while self.batches:
            sequence, newest, _ = connection.execute(_OLDEST).fetchone()
            if not too_much(newest):
                break
            self.dropped += self._delete(connection, "sequence = ?", sequence)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = self._connect()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):  # locked, full, read-only: the content may be sound
                    raise
                self.troubles.append(f"{self._path} was damaged and has been replaced; what waited in it is lost")
                self.purge()
                self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        try:
            os.close(open_private(self._path, os.O_RDWR | os.O_CREAT))
        except AgentError as error:
            raise SpoolError(str(error)) from error
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            connection.execute("PRAGMA auto_vacuum = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA temp_store = MEMORY")
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute("DELETE FROM batch WHERE instance <> ?", (self._instance,))
            self.batches, self.bytes = connection.execute(_SIZE).fetchone()
        except BaseException:
            connection.close()
            raise
        return connection
