"""Group commit: everything that waits goes into one transaction per day.

Rules:

* One transaction of DuckDB writes one file, so a batch with rows in several days is several transactions, earliest day
  first. The ledger entry of the last day says that it is complete. After a crash in between, the same batch again
  writes the days that are missing and counts as stored; when a later day fails, the earlier ones are taken back.
* A commit is durable: DuckDB writes the log of the file and calls fdatasync before COMMIT returns.
* Before a sequence is written it counts as one that may be stored, so that whatever happens, it is looked up next time.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import duckdb
import numpy as np

from consent.catalogue import TABLES, Table
from consent.wire import Ack, AckStatus
from server.errors import InstanceErased, SequenceReused, StoreError
from server.store.day import Day
from server.store.grouping import take_group
from server.store.incoming import Block, Incoming, Key, joined
from server.store.memory import Memory
from server.store.partition import Partition, PartitionFiles, rollback, store_error
from server.store.partition_set import PartitionSet
from server.store.schema import LEDGER, has_symbol, insert_statement, quoted

#: A group takes no further request beyond this many rows. DuckDB writes to the file before the commit from 122,880 rows
#: on, and what was written and never committed would be bytes that no erasure knows of.
GROUP_ROWS = 100_000

_LOOK_UP = (
    "SELECT l.sym::VARCHAR, l.sequence, l.digest, l.last FROM {alias}." + LEDGER + " l "
    "JOIN (SELECT unnest($1::UUID[]) AS sym, unnest($2::BIGINT[]) AS sequence) w USING (sym, sequence)"
)


@dataclass(slots=True)
class Request:
    """One call of append. ``results`` is one per batch once it was committed."""

    batches: list[Incoming]
    results: list[Ack | StoreError] = field(default_factory=list)

    @property
    def row_count(self) -> int:
        """Rows of all batches."""
        return sum(sum(batch.rows.values()) for batch in self.batches)


@dataclass(slots=True)
class _Entry:
    """What the ledgers say of one (instance, sequence)."""

    digests: set[bytes]
    days: set[str]
    complete: bool


@dataclass(slots=True)
class _Share:
    """The rows of one batch within one day; ``last``: it completes the batch."""

    batch: Incoming
    day: Day
    last: bool

    @property
    def blocks(self) -> dict[str, Block]:
        """The columns by table."""
        return self.batch.shares[self.day]


class GroupCommit:
    """Runs in the writer thread, but for ``add``."""

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
        self._waiting: deque[Request] = deque()

    def add(self, request: Request) -> None:
        """Let a request wait for the next commit. Safe in any thread."""
        self._waiting.append(request)

    def commit_waiting(self) -> None:
        """Commit everything that waits, as few transactions as possible."""
        while self._waiting:
            self._commit(take_group(self._waiting, GROUP_ROWS))

    def _commit(self, group: list[Request]) -> None:
        batches = [batch for request in group for batch in request.batches]
        fresh: dict[Key, list[_Share]] = {}
        try:
            known = self._look_up([one.key for one in batches if self._memory.may_be_stored(*one.key)])
        except StoreError as error:
            for request in group:
                request.results = [error] * len(request.batches)
            return
        results = iter([self._decide(batch, known, fresh) for batch in batches])
        failed = self._write(fresh.values())
        for request in group:
            for batch in request.batches:
                result = next(results)
                # A duplicate within the group is worth what its first became.
                request.results.append(result if isinstance(result, StoreError) else failed.get(batch.key, result))

    def _decide(self, batch: Incoming, known: Mapping[Key, _Entry], fresh: dict[Key, list[_Share]]) -> Ack | StoreError:
        try:
            self._memory.check_not_barred(batch.instance)
        except InstanceErased as error:
            return error
        entry = known.get(batch.key, _Entry(set(), set(), False))
        digests = entry.digests | {share.batch.digest for share in fresh.get(batch.key, [])}
        if digests - {batch.digest}:
            return SequenceReused(batch.instance, batch.sequence)
        status = AckStatus.DUPLICATE
        if batch.key not in fresh and not entry.complete:
            status = AckStatus.STORED
            last = batch.last_day
            missing = [day for day in batch.shares if day == last or day.name not in entry.days]
            fresh[batch.key] = [_Share(batch, day, day == last) for day in missing]
        return Ack(batch.instance, batch.sequence, status, batch.rows, self._now_ms())

    def _look_up(self, keys: list[Key]) -> dict[Key, _Entry]:
        known: dict[Key, _Entry] = {}
        for partition in self._partitions.current() if keys else []:
            for instance, sequence, digest, last in self._ledger(partition, keys):
                entry = known.setdefault((instance, sequence), _Entry(set(), set(), False))
                entry.digests.add(digest)
                entry.days.add(partition.day.name)
                entry.complete |= last
        return known

    def _ledger(self, partition: Partition, keys: list[Key]) -> list[tuple[str, int, bytes, bool]]:
        parameters = [[instance for instance, _ in keys], [sequence for _, sequence in keys]]
        try:
            return self._connection.execute(_LOOK_UP.format(alias=partition.alias), parameters).fetchall()
        except duckdb.Error as error:
            raise store_error(error) from error

    def _write(self, fresh: Iterable[list[_Share]]) -> dict[Key, StoreError]:
        """Write all shares; the batches that could not be written, none of them in part."""
        by_day: dict[Day, list[_Share]] = {}
        crossing: list[list[_Share]] = []
        for shares in fresh:
            if len(shares) == 1:
                by_day.setdefault(shares[0].day, []).append(shares[0])
            else:
                crossing.append(shares)
        failed: dict[Key, StoreError] = {}
        for day, together in sorted(by_day.items(), key=lambda item: item[0]):
            try:
                self._write_day(day, together)
            except StoreError as error:
                failed |= {share.batch.key: error for share in together}
        for shares in crossing:
            try:
                self._write_crossing(shares)
            except StoreError as error:
                failed[shares[0].batch.key] = error
        return failed

    def _write_crossing(self, shares: list[_Share]) -> None:
        for position, share in enumerate(shares):
            try:
                self._write_day(share.day, [share])
            except StoreError:
                for earlier in shares[:position]:
                    self._take_back(earlier)
                raise

    def _write_day(self, day: Day, shares: list[_Share]) -> None:
        partition = self._partitions.get(day)
        if partition is None:
            partition = self._files.create(day)
            self._partitions.put(partition)
        try:
            self._insert(partition, shares)
        except duckdb.Error as error:
            rollback(self._connection)
            partition = self._partitions.recover(partition, self._files)
            # A commit may be durable and fail all the same, when the checkpoint that follows it fails.
            if not self._ledger(partition, [shares[0].batch.key]):
                raise store_error(error) from error
        partition.ordered = False
        for share in shares:
            for block in share.blocks.values():
                partition.saw(int(block["time"].min()), int(block["time"].max()))
            self._memory.saw(share.batch.instance, share.batch.newest if share.last else [])

    def _insert(self, partition: Partition, shares: list[_Share]) -> None:
        self._connection.execute("BEGIN")
        for table in TABLES.values():
            filled = [
                (share.batch.instance, share.blocks[table.name]) for share in shares if table.name in share.blocks
            ]
            if filled:
                self._insert_table(partition, table, filled)
        self._connection.execute(
            f"INSERT INTO {partition.alias}.{LEDGER} "
            "SELECT unnest($1::UUID[]), unnest($2::BIGINT[]), unnest($3::BLOB[]), unnest($4::BOOLEAN[])",
            [
                [share.batch.instance for share in shares],
                [share.batch.sequence for share in shares],
                [share.batch.digest for share in shares],
                [share.last for share in shares],
            ],
        )
        if partition.ordered:
            self._connection.execute(f"UPDATE {partition.alias}.partition SET ordered = false")
        self._connection.execute("COMMIT")

    def _insert_table(self, partition: Partition, table: Table, filled: list[tuple[str, Block]]) -> None:
        columns: dict[str, object] = dict(joined(table, [block for _, block in filled]))
        lengths = [len(block["time"]) for _, block in filled]
        columns["sym"] = np.repeat(np.arange(1, len(filled) + 1, dtype=np.int32), lengths)
        parameters: dict[str, object] = {"syms": [instance for instance, _ in filled]}
        for column in table.wire_columns:
            array = columns[column.name]
            assert isinstance(array, np.ndarray)
            if array.dtype.kind == "O":
                names, columns[column.name] = _numbered(array.tolist())
                parameters["names"] = names
            elif column.nullable:
                columns[column.name] = np.ma.MaskedArray(array, np.isnan(array))
        assert has_symbol(table) == ("names" in parameters)
        self._connection.register("incoming", columns)
        try:
            self._connection.execute(insert_statement(partition.alias, table, "incoming"), parameters)
        finally:
            self._connection.unregister("incoming")

    def _take_back(self, share: _Share) -> None:
        """Delete what was committed of a batch that cannot be completed: the newest rows of its instance.

        If even that fails the rows stay until the batch is sent again, which completes it.
        """
        partition = self._partitions.get(share.day)
        if partition is None:
            return
        instance, alias = share.batch.instance, partition.alias
        try:
            self._connection.execute("BEGIN")
            for name, block in share.blocks.items():
                mine = f"SELECT rowid FROM {alias}.{quoted(name)} WHERE sym = $1 ORDER BY rowid DESC LIMIT $2"
                self._connection.execute(
                    f"DELETE FROM {alias}.{quoted(name)} WHERE rowid IN ({mine})", [instance, len(block["time"])]
                )
            self._connection.execute(
                f"DELETE FROM {alias}.{LEDGER} WHERE sym = $1 AND sequence = $2", [instance, share.batch.sequence]
            )
            self._files.mark_dirty(partition)
            self._connection.execute("COMMIT")
        except duckdb.Error:
            rollback(self._connection)


def _numbered(texts: list[str]) -> tuple[list[str], object]:
    """The distinct texts, and for each text its number among them, from 1."""
    numbers: dict[str, int] = {}
    counted = [numbers.setdefault(text, len(numbers) + 1) for text in texts]
    return list(numbers), np.array(counted, dtype=np.int32)
