"""One day in one DuckDB file: how such files are made, opened, rewritten and removed.

Rules:

* A file is called ``<day>.<generation>.duckdb``. It is made under ``....new``, completed, closed and then renamed: a
  file of the final name is whole. Of one day the highest generation counts; opening a directory removes everything
  else, so it does not matter when a process dies.
* DuckDB leaves erased bytes in a file, whatever is deleted or vacuumed; so a partition is never cleaned, but rewritten
  into a new file of the next generation, at midnight sorted by (sym, time), and the old file is unlinked.
* A file that was not closed well may hold bytes of rows that were never committed: it is marked ``dirty``, and the next
  erasure or midnight rewrites it.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from consent.catalogue import TABLES
from server.errors import StorageFull, StoreError, StoreUnavailable
from server.store.day import Day, named_day
from server.store.schema import copy_statements, create_statements, literal, quoted

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)\.(\d+)\.duckdb(.*)")
_FULL = ("No space left on device", "File too large", "Disk quota exceeded", "not enough space")


def store_error(error: duckdb.Error) -> StoreError:
    """The error of the store that an error of DuckDB means."""
    if any(words in str(error) for words in _FULL):
        return StorageFull("the disk of the store is full; make room, nothing was lost")
    if isinstance(error, duckdb.OutOfMemoryException):
        return StoreUnavailable("this takes more memory than the store may use; ask for a shorter range of time")
    return StoreUnavailable(f"the store cannot do this now: {str(error).splitlines()[0]}")


@dataclass(slots=True)
class Partition:
    """An attached file. ``first_ms`` and ``last_ms`` are the oldest and newest row's time, None without rows.

    ``readers`` counts queries that run on it; it belongs to PartitionSet.
    """

    day: Day
    generation: int
    path: Path
    alias: str
    first_ms: int | None
    last_ms: int | None
    dirty: bool
    ordered: bool
    readers: int = 0

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        """Whether it may have rows with ``start_ms <= time < end_ms``."""
        first, last = self.first_ms, self.last_ms
        return first is not None and last is not None and first < end_ms and last >= start_ms

    def saw(self, first_ms: int, last_ms: int) -> None:
        """Rows were added. The end is set first, so that ``overlaps`` in another thread is never wrongly False."""
        self.last_ms = last_ms if self.last_ms is None else max(self.last_ms, last_ms)
        self.first_ms = first_ms if self.first_ms is None else min(self.first_ms, first_ms)


class PartitionFiles:
    """The files of one directory, through one DuckDB instance. Used by one thread at a time: the writer's."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, directory: Path, zone: ZoneInfo) -> None:
        self._connection = connection
        self._directory = directory
        self._zone = zone
        self._attached = 0
        self._generations: dict[str, int] = {}

    def open_all(self) -> list[Partition]:
        """Remove what a crash left behind and open the rest, days in order. Raises StoreError."""
        current = self._current()
        for path, name, generation, rest in self._files():
            if current.get(name) != generation or rest.startswith(".new"):
                path.unlink()
        self._generations |= current
        partitions = []
        for name, generation in sorted(current.items()):
            path = self._path(name, generation)
            unclean = any(path.parent.glob(path.name + ".wal*"))
            partition = self._attach(named_day(name, self._zone), generation)
            if unclean:
                self.mark_dirty(partition)
                self._connection.execute(f"CHECKPOINT {partition.alias}")
            partitions.append(partition)
        return partitions

    def create(self, day: Day) -> Partition:
        """A new, empty partition. Raises StorageFull."""
        return self._build(day, None)

    def rewritten(self, old: Partition, *, sort: bool, keep_from_ms: int | None = None) -> Partition:
        """A copy of ``old`` in a new file, without rows older than ``keep_from_ms``. Raises StorageFull.

        Not to ``sort`` takes half the time and leaves the rows in the order they have.
        Both are attached then; from the rename on, the new one is the one that counts after a crash.
        """
        return self._build(old.day, old, sort, keep_from_ms)

    def reattached(self, old: Partition) -> Partition:
        """The same file opened anew, after DuckDB gave it up over a failed write. Nobody may be reading ``old``."""
        self._detach(old.alias)
        partition = self._attach(old.day, old.generation)
        partition.dirty = True
        return partition

    def is_usable(self, partition: Partition) -> bool:
        """Whether DuckDB still answers for the file; it gives a file up over a checkpoint that cannot be written."""
        try:
            self._connection.execute(f"SELECT dirty FROM {partition.alias}.partition")
        except duckdb.Error:
            return False
        return True

    def remove(self, partition: Partition) -> None:
        """Close and unlink. Nobody may be reading it."""
        self._detach(partition.alias)
        self._unlink(partition.path)
        self._sync_directory()

    def close(self, partition: Partition) -> None:
        """Close so that opening it again is quick. Never fails: what cannot be checkpointed is still in the log."""
        try:
            self._connection.execute(f"CHECKPOINT {partition.alias}")
        except duckdb.Error:
            pass  # a full disk, most likely; the write-ahead log stays and is replayed
        self._detach(partition.alias)

    def mark_dirty(self, partition: Partition) -> None:
        """Remember in the file that it may hold bytes of rows that it no longer has."""
        self._connection.execute(f"UPDATE {partition.alias}.partition SET dirty = true")
        partition.dirty = True

    def _build(
        self, day: Day, source: Partition | None, sort: bool = False, keep_from_ms: int | None = None
    ) -> Partition:
        generation = self._generations.get(day.name, 0) + 1
        final = self._path(day.name, generation)
        building = final.with_name(final.name + ".new")
        alias = self._next_alias()
        try:
            self._connection.execute(f"ATTACH {literal(str(building))} AS {alias}")
            try:
                self._fill(alias, source, sort, keep_from_ms)
            finally:
                self._detach(alias)
        except duckdb.Error as error:
            self._unlink(building)
            raise store_error(error) from error
        try:
            os.replace(building, final)
            self._sync_directory()
            partition = self._attach(day, generation)
        except (OSError, StoreError) as error:
            # The old generation goes on being the one that counts, so no newer one may be left lying.
            self._unlink(building)
            self._unlink(final)
            raise StoreUnavailable(f"{final} cannot be put in place: {error}") from error
        self._generations[day.name] = generation
        return partition

    def _fill(self, alias: str, source: Partition | None, sort: bool, keep_from_ms: int | None) -> None:
        self._connection.execute("BEGIN")
        try:
            for statement in create_statements(alias):
                self._connection.execute(statement)
            if source is not None:
                for copy in copy_statements(source.alias, alias, sort=sort, keep_from_ms=keep_from_ms):
                    self._connection.execute(*copy)
            ordered = source is not None and (sort or source.ordered)
            self._connection.execute(f"INSERT INTO {alias}.partition VALUES (false, $1)", [ordered])
            self._connection.execute("COMMIT")
        except duckdb.Error:
            rollback(self._connection)
            raise
        self._connection.execute(f"CHECKPOINT {alias}")

    def _attach(self, day: Day, generation: int) -> Partition:
        path, alias = self._path(day.name, generation), self._next_alias()
        try:
            self._connection.execute(f"ATTACH {literal(str(path))} AS {alias}")
            dirty, ordered = self._connection.execute(f"SELECT dirty, ordered FROM {alias}.partition").fetchall()[0]
            times = " UNION ALL ".join(f"SELECT time FROM {alias}.{quoted(table)}" for table in TABLES)
            bounds = f"SELECT epoch_ms(min(time)), epoch_ms(max(time)) FROM ({times})"
            first, last = self._connection.execute(bounds).fetchall()[0]
        except duckdb.Error as error:
            raise StoreUnavailable(f"{path} cannot be opened: {error}") from error
        return Partition(day, generation, path, alias, first, last, dirty, ordered)

    def _detach(self, alias: str) -> None:
        self._connection.execute(f"DETACH DATABASE IF EXISTS {alias}")

    def _next_alias(self) -> str:
        self._attached += 1
        return f"p{self._attached}"

    def _path(self, name: str, generation: int) -> Path:
        return self._directory / f"{name}.{generation}.duckdb"

    def _files(self) -> Iterator[tuple[Path, str, int, str]]:
        for path in self._directory.iterdir():
            if match := _NAME.fullmatch(path.name):
                yield path, match[1], int(match[2]), match[3]

    def _current(self) -> dict[str, int]:
        """The generation that counts, for each day."""
        current: dict[str, int] = {}
        for _, name, generation, rest in self._files():
            if not rest:
                current[name] = max(current.get(name, 0), generation)
        return current

    def _unlink(self, path: Path) -> None:
        """The file and its logs, the file first: a log without a file is removed when the directory is opened."""
        path.unlink(missing_ok=True)
        for log in self._directory.glob(path.name + ".*"):
            log.unlink(missing_ok=True)

    def _sync_directory(self) -> None:
        """Make renames and removals durable; there is no such call on Windows."""
        if os.name == "posix":
            descriptor = os.open(self._directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def rollback(connection: duckdb.DuckDBPyConnection) -> None:
    """Roll back if a transaction is still open."""
    try:
        connection.execute("ROLLBACK")
    except duckdb.Error:
        pass  # a failed COMMIT has rolled back already
