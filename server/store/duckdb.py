"""The default store: DuckDB, in this process, with nothing to install.

Rules:

* A local day is a file of its own (``partition``); answers are made of all that overlap (``partition_set``).
* One thread writes: commits (``commit``), erasures and midnights (``cleaning``) come one after the other. Readers run
  in their own threads on their own cursors and are never in its way.
* DuckDB gets no way out: no extension is loaded, no file outside the directory is opened, and the configuration is
  locked. What it spills goes to ``spill/`` in the same directory and is removed there at the next start.
* It stays small: ``memory_limit`` and a few threads, since the server shares a small machine.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import duckdb

from consent.catalogue import TABLES
from consent.wire import Ack
from server.errors import StorageFull, StoreError, StoreUnavailable
from server.store.cleaning import Cleaning, highest_sequences
from server.store.commit import GroupCommit, Request
from server.store.incoming import canonical_instance, check
from server.store.latest import Newest, newest_statement
from server.store.ledger import Ledger
from server.store.lock import DirectoryLock
from server.store.memory import Memory
from server.store.partition import Partition, PartitionFiles, store_error
from server.store.partition_set import PartitionSet
from server.store.protocol import InstanceSummary, LedgerEntry, Row, Series, SeriesQuery, Spark, StoredBatch
from server.store.reading import Reader, RowRange
from server.store.schema import literal

_Result = TypeVar("_Result")


class DuckDBStore:  # pylint: disable=too-many-instance-attributes  # the parts that it puts together
    """See ``server.store.protocol.Store``. Raises StoreUnavailable when another process has the directory open."""

    def __init__(
        self,
        directory: Path,
        zone: ZoneInfo,
        now_ms: Callable[[], int],
        *,
        memory_limit: str = "256MB",
        threads: int = 2,
    ) -> None:
        directory = directory.resolve()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._zone = zone
        self._now_ms = now_ms
        self._lock = DirectoryLock(directory)
        try:
            self._connection = _connect(directory, memory_limit, threads)
            self._open()
        except (StoreError, duckdb.Error) as error:
            self._lock.release()
            raise error if isinstance(error, StoreError) else store_error(error)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")

    def _open(self) -> None:
        connection = self._connection.cursor()
        self._files = PartitionFiles(connection, self._directory, self._zone)
        self._partitions = PartitionSet(self._files.open_all())
        self._memory = Memory(self._now_ms)
        partitions = self._partitions.current()
        self._memory.load(highest_sequences(connection, partitions), list(_newest(connection, partitions)))
        self._reader = Reader(self._connection, self._partitions, self._memory)
        self._commit = GroupCommit(connection, self._files, self._partitions, self._memory, self._now_ms)
        self._ledger = Ledger(connection, self._files, self._partitions, self._memory, self._zone)
        self._cleaning = Cleaning(connection, self._files, self._partitions, self._memory, self._now_ms)

    def append(self, batches: Sequence[StoredBatch]) -> list[Ack | StoreError]:
        """Commit together with whatever else waits."""
        checked: list[StoreError | None] = []
        request = Request([])
        for batch in batches:
            try:
                self._memory.check_not_barred(batch.instance)
                request.batches.append(check(batch, self._zone, self._now_ms()))
                checked.append(None)
            except StoreError as error:
                checked.append(error)
        if request.batches:
            self._commit.add(request)
            self._write(self._commit.commit_waiting)
        committed = iter(request.results)
        # Without results: the commit of the group that had this request in it did not end.
        results = [error or next(committed, StoreUnavailable("the commit failed, send again")) for error in checked]
        for result in results:
            if isinstance(result, StoreError) and (
                len(results) == 1 or isinstance(result, StorageFull | StoreUnavailable)
            ):
                raise result
        return results

    def series(self, query: SeriesQuery) -> Series:
        """One pass over the partitions that overlap the range."""
        return self._reader.series(query)

    def latest(self) -> list[InstanceSummary]:
        """From memory."""
        return self._memory.summaries()

    def sparks(self, instances: Sequence[str], start_ms: int, end_ms: int, bucket_ms: int) -> dict[str, Spark]:
        """One pass over the partitions that overlap the range, whatever the number of instances."""
        return self._reader.sparks(instances, start_ms, end_ms, bucket_ms)

    def times(self, instance: str, table: str, start_ms: int, end_ms: int) -> list[tuple[int, str | int | None]]:
        """One pass over the partitions that overlap the range."""
        return self._reader.times(instance, table, start_ms, end_ms)

    def rows(
        self, instance: str, *, table: str | None = None, start_ms: int | None = None, end_ms: int | None = None
    ) -> Iterator[tuple[str, Row]]:
        """Day by day, the tables of a day merged by time, in pages."""
        return self._reader.rows(instance, RowRange.of(table, start_ms, end_ms))

    def ledger(self, instance: str) -> list[LedgerEntry]:
        """From the ledgers of all days. In the writer thread, so that no batch is half there."""
        if canonical_instance(instance) is None:
            return []
        return self._write(lambda: self._ledger.entries(instance))

    def remember(self, instance: str, entries: Sequence[LedgerEntry]) -> int:
        """Each in the ledger of the day of its time."""
        self._memory.check_not_barred(instance)
        return self._write(lambda: self._ledger.remember(instance, entries))

    def erase(self, instance: str, *, final: bool) -> dict[str, int]:
        """Delete, then rewrite the files that held it."""
        if canonical_instance(instance) is None:
            return {name: 0 for name in TABLES}
        self._memory.hide(instance, final=final)
        try:
            return self._write(lambda: self._cleaning.erase(instance))
        finally:
            self._memory.show(instance)

    def expire(self, before_ms: int) -> dict[str, int]:
        """Unlink whole days, rewrite the one that ``before_ms`` cuts, sort the days that are over."""
        return self._write(lambda: self._cleaning.expire(before_ms))

    def expiring(self, before_ms: int) -> dict[str, int]:
        """Counted, nothing deleted."""
        return self._reader.expiring(before_ms)

    def counts(self) -> dict[str, int]:
        """From the files' own statistics."""
        return self._reader.counts()

    def bytes_on_disk(self) -> int:
        """Data, logs and spill."""
        total = 0
        for path in self._directory.rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:
                pass  # removed since it was listed
        return total

    def cursor(self) -> int:
        """From memory."""
        return self._memory.cursor()

    def changed_since(self, cursor: int) -> set[str] | None:
        """From memory."""
        return self._memory.changed_since(cursor)

    def close(self) -> None:
        """Commit what waits, end the readers, checkpoint, let go of the directory."""
        self._writer.shutdown(wait=True)
        for partition in self._partitions.close():
            self._files.close(partition)
        self._connection.close()
        self._lock.release()

    def _write(self, act: Callable[[], _Result]) -> _Result:
        """Run an act in the writer thread and wait for it."""
        try:
            future = self._writer.submit(act)
        except RuntimeError as error:
            raise StoreUnavailable("the store was closed") from error
        return future.result()


def _connect(directory: Path, memory_limit: str, threads: int) -> duckdb.DuckDBPyConnection:
    spill = directory / "spill"
    shutil.rmtree(spill, ignore_errors=True)
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(spill),
            # Files that are about to be unlinked need none; those that stay get one in PartitionFiles.close. It is set
            # here because SET would hold for one cursor only.
            "checkpoint_on_detach": "DISABLED",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        },
    )
    for setting in (
        f"allowed_directories = [{literal(str(directory))}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return connection


def _newest(connection: duckdb.DuckDBPyConnection, partitions: list[Partition]) -> Iterator[tuple[str, Newest]]:
    """What is newest of each instance in each partition and table."""
    for partition in partitions:
        for table in TABLES.values():
            statement, names = newest_statement(partition.alias, table)
            for instance, time, *values in connection.execute(statement).fetchall():
                yield instance, Newest(table.name, time, dict(zip(names, values, strict=True)))
