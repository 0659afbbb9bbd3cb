"""Erasure and midnight: taking rows out of the tables, and their bytes out of the files. Runs in the writer thread.

Rules:

* Erasing is two steps. First the rows are deleted, file by file, and the file is marked dirty in the same transaction:
  from then on no answer has them, also after a crash. Then every dirty file is rewritten.
* Midnight unlinks the files that hold older rows only, which also makes room, before it rewrites any.
"""

from collections import Counter
from collections.abc import Callable

import duckdb

from consent.catalogue import TABLES
from server.store.memory import Memory
from server.store.partition import Partition, PartitionFiles, rollback, store_error
from server.store.partition_set import PartitionSet
from server.store.schema import LEDGER, quoted


class Cleaning:
    """Counts are rows per table, each table present."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: PartitionFiles,
        partitions: PartitionSet,
        memory: Memory,
        now_ms: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._files = files
        self._partitions = partitions
        self._memory = memory
        self._now_ms = now_ms

    def erase(self, instance: str) -> dict[str, int]:
        """Take an instance out of every table and every file. Raises StoreError; then call it again."""
        counts = Counter({name: 0 for name in TABLES})
        for partition in self._partitions.current():
            counts.update(self._delete(partition, instance))
        self._memory.erased(instance)
        for partition in self._partitions.current():
            if partition.dirty:
                self._rewrite(partition, sort=False)
        return dict(counts)

    def expire(self, before_ms: int) -> dict[str, int]:
        """Delete rows older than ``before_ms``; sort the days that are over. Raises StoreError."""
        counts = Counter({name: 0 for name in TABLES})
        for partition in self._partitions.current():
            newest = partition.day.end_ms - 1 if partition.last_ms is None else partition.last_ms
            if newest < before_ms:
                counts.update(self._older(partition, before_ms))
                self._partitions.take_out(partition)
                self._files.remove(partition)
        for partition in self._partitions.current():
            over = partition.day.end_ms <= self._now_ms()
            if partition.first_ms is not None and partition.first_ms < before_ms:
                counts.update(self._older(partition, before_ms))
                self._rewrite(partition, sort=True, keep_from_ms=before_ms)
            elif partition.dirty or (over and not partition.ordered):
                self._rewrite(partition, sort=True)
        self._memory.expire(before_ms, highest_sequences(self._connection, self._partitions.current()))
        return dict(counts)

    def _delete(self, partition: Partition, instance: str) -> Counter[str]:
        counts: Counter[str] = Counter()
        try:
            self._connection.execute("BEGIN")
            found = 0
            for name in (*TABLES, LEDGER):
                delete = f"DELETE FROM {partition.alias}.{quoted(name)} WHERE sym = $1"
                count = int(self._connection.execute(delete, [instance]).fetchall()[0][0])
                found += count
                if name in TABLES:
                    counts[name] = count
            if found:
                self._files.mark_dirty(partition)
            self._connection.execute("COMMIT")
        except duckdb.Error as error:
            rollback(self._connection)
            self._partitions.recover(partition, self._files)
            raise store_error(error) from error
        return counts

    def _rewrite(self, old: Partition, *, sort: bool, keep_from_ms: int | None = None) -> None:
        self._partitions.put(self._files.rewritten(old, sort=sort, keep_from_ms=keep_from_ms))
        self._files.remove(old)

    def _older(self, partition: Partition, before_ms: int) -> dict[str, int]:
        return older_rows(self._connection, partition, before_ms)


def older_rows(connection: duckdb.DuckDBPyConnection, partition: Partition, before_ms: int) -> dict[str, int]:
    """Rows per table that are older than ``before_ms``. Raises StoreError."""
    counts = ", ".join(
        f"(SELECT count(*) FROM {partition.alias}.{quoted(name)} WHERE time < make_timestamp_ms($1))" for name in TABLES
    )
    try:
        return dict(zip(TABLES, connection.execute(f"SELECT {counts}", [before_ms]).fetchall()[0], strict=True))
    except duckdb.Error as error:
        raise store_error(error) from error


def highest_sequences(connection: duckdb.DuckDBPyConnection, partitions: list[Partition]) -> dict[str, int]:
    """The highest sequence on disk of each instance. Raises StoreError."""
    highest: dict[str, int] = {}
    for partition in partitions:
        statement = f"SELECT sym::VARCHAR, max(sequence) FROM {partition.alias}.{LEDGER} GROUP BY sym"
        try:
            found = connection.execute(statement).fetchall()
        except duckdb.Error as error:
            raise store_error(error) from error
        for instance, sequence in found:
            highest[instance] = max(highest.get(instance, -1), sequence)
    return highest
