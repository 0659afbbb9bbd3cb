"""The ledgers of all days as one: read whole for a move to another store, and taken over from one.

Rules:

* An entry goes into the ledger of the day of its time, so that midnight forgets it with that day.
* Only complete batches are told; what is half there was never acknowledged and is sent again.
"""

from collections import defaultdict
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import duckdb

from server.store.day import Day, day_of
from server.store.memory import Memory
from server.store.partition import Partition, PartitionFiles, rollback, store_error
from server.store.partition_set import PartitionSet
from server.store.protocol import LedgerEntry
from server.store.schema import LEDGER


class Ledger:
    """Runs in the writer thread. Everything raises StoreError."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: PartitionFiles,
        partitions: PartitionSet,
        memory: Memory,
        zone: ZoneInfo,
    ) -> None:
        self._connection = connection
        self._files = files
        self._partitions = partitions
        self._memory = memory
        self._zone = zone

    def entries(self, instance: str) -> list[LedgerEntry]:
        """By sequence. The time is the last millisecond of the day of the newest rows."""
        found: list[LedgerEntry] = []
        for partition in self._partitions.current():
            statement = f"SELECT sequence, digest FROM {partition.alias}.{LEDGER} WHERE sym = $1 AND last"
            try:
                rows = self._connection.execute(statement, [instance]).fetchall()
            except duckdb.Error as error:
                raise store_error(error) from error
            found += [LedgerEntry(sequence, digest, partition.day.end_ms - 1) for sequence, digest in rows]
        return sorted(found, key=lambda entry: entry.sequence)

    def remember(self, instance: str, entries: Sequence[LedgerEntry]) -> int:
        """Each day in a transaction of its own; calling it again finishes what was begun."""
        known = {entry.sequence for entry in self.entries(instance)}
        by_day: dict[Day, list[LedgerEntry]] = defaultdict(list)
        for entry in entries:
            if entry.sequence not in known:
                by_day[day_of(entry.time_ms, self._zone)].append(entry)
        for day, new in sorted(by_day.items()):
            partition = self._partitions.get(day)
            if partition is None:
                partition = self._files.create(day)
                self._partitions.put(partition)
            self._insert(partition, instance, new)
        return sum(map(len, by_day.values()))

    def _insert(self, partition: Partition, instance: str, entries: list[LedgerEntry]) -> None:
        for entry in entries:  # from now on each is looked up, whatever becomes of the transaction
            self._memory.may_be_stored(instance, entry.sequence)
        try:
            self._connection.execute(
                f"INSERT INTO {partition.alias}.{LEDGER} "
                "SELECT $1::UUID, unnest($2::BIGINT[]), unnest($3::BLOB[]), true",
                [instance, [entry.sequence for entry in entries], [entry.digest for entry in entries]],
            )
        except duckdb.Error as error:
            rollback(self._connection)
            self._partitions.recover(partition, self._files)
            raise store_error(error) from error
