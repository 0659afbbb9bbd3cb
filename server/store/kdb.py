"""The store on kdb+ (``store = "kdb://host:port"``), for the operator who has a licence.

Rules:

* Calls name one of the functions in ``server/kdb/README.md`` and pass typed values; no text from outside is evaluated.
* Whatever waits to be appended goes out in one ``.smp.upd``. It is acknowledged after that returned, never before.
* After a lost reply questions and appends are sent once more (``KdbClient``): a batch that was stored comes back as a
  duplicate. ``erase`` and ``expire`` are not, since their counts would be of the second time; the caller does it again.
* kdb+ takes one call at a time, so the overview and the cursor are its own and any number of servers may share it.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from consent.catalogue import TABLES, Table
from consent.wire import Ack, AckStatus
from server.errors import ConfigError, InstanceErased, SequenceReused, StorageFull, StoreError, StoreUnavailable
from server.store.answer import series_of, sparks_of
from server.store.grouping import take_group
from server.store.incoming import canonical_instance
from server.store.kdb_client import QUICK_SECONDS, READERS, KdbClient
from server.store.kdb_columns import (
    LAST_MS,
    batch_argument,
    check_of,
    counts_of,
    differing_columns,
    guid,
    guids,
    ledger_columns,
    ledger_of,
    plain_columns,
    records,
    rows_of,
    series_answer,
    timestamp,
)
from server.store.kdb_connection import Address, Backoff, Login
from server.store.protocol import (
    InstanceSummary,
    LedgerEntry,
    Row,
    Series,
    SeriesQuery,
    Spark,
    StoredBatch,
    bucket_starts,
    table_named,
)

#: How long erasing and midnight may take, which rewrite partitions.
SLOW_SECONDS = 900.0
#: Rows of one ``.smp.upd``: kdb+ does nothing else until it has written them.
GROUP_ROWS = 100_000
#: Entries of a ledger of one ``.smp.remember``.
LEDGER_ENTRIES = 10_000
#: Rows that ``rows`` holds of each table at a time.
PAGE_ROWS = 5_000


@dataclass(slots=True)
class _Request:
    """One call of append, checked. ``results`` is one per batch once it was sent."""

    batches: list[StoredBatch]
    arguments: list[dict[str, object]]
    results: list[Ack | StoreError] = field(default_factory=list)

    @property
    def row_count(self) -> int:
        """Rows of all batches."""
        return sum(sum(batch.rows.values()) for batch in self.batches)


class KdbStore:
    """See ``server.store.protocol.Store``.

    Opening connects once and compares the tables: raises StoreUnavailable when kdb+ does not answer, ConfigError when
    PyKX is missing, the login file is unsafe, or the tables are others than the catalogue's.
    """

    def __init__(
        self,
        address: Address,
        login: Login,
        now_ms: Callable[[], int],
        *,
        readers: int = READERS,
        quick_seconds: float = QUICK_SECONDS,
        backoff: Backoff | None = None,
    ) -> None:
        self._now_ms = now_ms
        self._waiting: deque[_Request] = deque()
        self._client = KdbClient(address, login, readers=readers, quick_seconds=quick_seconds, backoff=backoff)
        try:
            self._compare_tables()
        except BaseException:
            self.close()
            raise

    def append(self, batches: Sequence[StoredBatch]) -> list[Ack | StoreError]:
        """Sent together with whatever else waits."""
        request, refused = _Request([], []), dict[int, StoreError]()
        for position, batch in enumerate(batches):
            try:
                request.arguments.append(batch_argument(batch))
                request.batches.append(batch)
            except StoreError as error:
                refused[position] = error
        if request.batches:
            self._waiting.append(request)
            self._client.change(self._send_waiting)
        sent = iter(request.results)
        # Without results: the group that had this request in it did not come to its end.
        lost = StoreUnavailable("kdb+ did not answer for this batch, send it again")
        results = [refused.get(position) or next(sent, lost) for position in range(len(batches))]
        for result in results:
            alone = len(results) == 1
            if isinstance(result, StoreError) and (alone or isinstance(result, StorageFull | StoreUnavailable)):
                raise result
        return results

    def series(self, query: SeriesQuery) -> Series:
        """``.smp.series``."""
        if canonical_instance(query.instance) is None:
            return series_of(query, [])
        start, end = timestamp(query.start_ms), timestamp(query.end_ms)
        arguments = (guid(query.instance), query.table, start, end, query.bucket_ms, query.by_part)
        return self._client.read(lambda: self._series(query, arguments))

    def latest(self) -> list[InstanceSummary]:
        """``.smp.latest``."""
        found = self._client.read(lambda: list(records(self._client.ask(".smp.latest"))))
        return sorted((InstanceSummary(**summary) for summary in found), key=lambda one: one.instance)

    def sparks(self, instances: Sequence[str], start_ms: int, end_ms: int, bucket_ms: int) -> dict[str, Spark]:
        """``.smp.sparks``, one call whatever the number of instances."""
        starts = bucket_starts(start_ms, end_ms, bucket_ms)
        known = [instance for instance in instances if canonical_instance(instance)]
        if not known or not starts:
            return {}
        call = (".smp.sparks", guids(known), timestamp(start_ms), timestamp(end_ms), bucket_ms)
        columns = self._client.read(lambda: plain_columns(self._client.ask(*call)))
        buckets = [bucket // bucket_ms for bucket in columns["bucket"]]
        return sparks_of(starts, zip(columns["instance"], columns["name"], buckets, columns["mean"], strict=True))

    def times(self, instance: str, table: str, start_ms: int, end_ms: int) -> list[tuple[int, str | int | None]]:
        """``.smp.times``."""
        part = table_named(table).part
        if canonical_instance(instance) is None:
            return []
        call = (".smp.times", guid(instance), table, timestamp(start_ms), timestamp(end_ms))
        columns = self._client.read(lambda: plain_columns(self._client.ask(*call)))
        parts = columns[part.name] if part else [None] * len(columns["time"])
        return sorted(zip(columns["time"], parts, strict=True))

    def rows(
        self, instance: str, *, table: str | None = None, start_ms: int | None = None, end_ms: int | None = None
    ) -> Iterator[tuple[str, Row]]:
        """The tables merged by time, each in pages of ``.smp.rows``."""
        tables = list(TABLES.values()) if table is None else [table_named(table)]
        if canonical_instance(instance) is None:
            return iter(())
        until_ms = LAST_MS if end_ms is None else end_ms
        return heapq.merge(*(self._rows_of_table(instance, one, start_ms or 0, until_ms) for one in tables), key=_time)

    def ledger(self, instance: str) -> list[LedgerEntry]:
        """``.smp.ledger``."""
        if canonical_instance(instance) is None:
            return []
        call = (".smp.ledger", guid(instance))
        return self._client.read(lambda: ledger_of(self._client.ask(*call)))

    def remember(self, instance: str, entries: Sequence[LedgerEntry]) -> int:
        """``.smp.remember``, up to LEDGER_ENTRIES a call."""
        pages = [entries[begin : begin + LEDGER_ENTRIES] for begin in range(0, len(entries), LEDGER_ENTRIES)]
        return sum(self._remember(instance, page) for page in pages)

    def _remember(self, instance: str, entries: Sequence[LedgerEntry]) -> int:
        columns = (guid(instance), *ledger_columns(entries))
        new: int = self._client.change(
            lambda: self._client.ask(".smp.remember", *columns, seconds=SLOW_SECONDS, resend=False).py()
        )
        if new < 0:
            raise InstanceErased(instance)
        return new

    def erase(self, instance: str, *, final: bool) -> dict[str, int]:
        """``.smp.erase``: from memory, partitions and log before it returns."""
        if canonical_instance(instance) is None:
            return {name: 0 for name in TABLES}
        erase = (guid(instance), final)
        return self._client.change(
            lambda: counts_of(self._client.ask(".smp.erase", *erase, seconds=SLOW_SECONDS, resend=False))
        )

    def expire(self, before_ms: int) -> dict[str, int]:
        """``.smp.expire``: also writes down the days that are over."""
        before = timestamp(before_ms)
        return self._client.change(
            lambda: counts_of(self._client.ask(".smp.expire", before, seconds=SLOW_SECONDS, resend=False))
        )

    def expiring(self, before_ms: int) -> dict[str, int]:
        """``.smp.expiring``."""
        return self._client.read(lambda: counts_of(self._client.ask(".smp.expiring", timestamp(before_ms))))

    def counts(self) -> dict[str, int]:
        """``.smp.counts``."""
        return self._client.read(lambda: counts_of(self._client.ask(".smp.counts")))

    def bytes_on_disk(self) -> int:
        """``.smp.bytes``: what kdb+ has on its disk."""
        return self._client.read(lambda: int(self._client.ask(".smp.bytes").py()))

    def cursor(self) -> int:
        """``.smp.cursor``."""
        return self._client.read(lambda: int(self._client.ask(".smp.cursor").py()))

    def changed_since(self, cursor: int) -> set[str] | None:
        """``.smp.changed``."""
        known, instances = self._client.read(lambda: self._client.ask(".smp.changed", cursor).py())
        return {str(instance) for instance in instances} if known else None

    def check(self) -> dict[str, Any]:
        """``.smp.check`` as plain values, for ``sysmetric-server kdb check``."""
        return self._client.read(lambda: check_of(self._client.ask(".smp.check")))

    def close(self) -> None:
        """Send what waits, end the threads, close the connections."""
        self._client.close()

    def _compare_tables(self) -> None:
        differing = differing_columns(self.check()["columns"])
        if differing:
            raise ConfigError(
                f"{self._client.address} has other tables than this version stores ({', '.join(differing[:4])}); "
                "start it with the q files of this version: sysmetric-server kdb scripts --to DIRECTORY"
            )

    def _series(self, query: SeriesQuery, arguments: tuple[object, ...]) -> Series:
        return series_of(query, series_answer(self._client.ask(".smp.series", *arguments), query.bucket_ms))

    def _rows_of_table(self, instance: str, table: Table, from_ms: int, until_ms: int) -> Iterator[tuple[str, Row]]:
        while True:
            arguments = (guid(instance), table.name, timestamp(from_ms), timestamp(until_ms), PAGE_ROWS)
            page = self._client.read(lambda: rows_of(table, self._client.ask(".smp.rows", *arguments)))  # noqa: B023
            for row in page:
                yield table.name, row
            if not page:
                return
            from_ms = int(page[-1]["time"]) + 1  # type: ignore[arg-type]  # a time is an integer

    def _send_waiting(self) -> None:
        """In the writing thread: everything that waits, in as few calls as possible."""
        while self._waiting:
            self._send(take_group(self._waiting, GROUP_ROWS))

    def _send(self, group: list[_Request]) -> None:
        batches = [batch for request in group for batch in request.batches]
        try:
            reply = self._client.ask(".smp.upd", [argument for request in group for argument in request.arguments])
            results = iter(self._results(batches, list(records(reply))))
        except StoreError as error:
            results = iter([error] * len(batches))
        for request in group:
            request.results = [next(results) for _ in request.batches]

    def _results(self, batches: list[StoredBatch], acks: list[dict[str, Any]]) -> list[Ack | StoreError]:
        if [(ack["instance"], ack["sequence"]) for ack in acks] != [(one.instance, one.sequence) for one in batches]:
            raise StoreUnavailable(f"{self._client.address} acknowledged other batches than were sent")
        return [self._result(batch, ack["status"], ack["reason"]) for batch, ack in zip(batches, acks, strict=True)]

    def _result(self, batch: StoredBatch, status: str, reason: str) -> Ack | StoreError:
        if status in list(AckStatus):
            return Ack(batch.instance, batch.sequence, AckStatus(status), batch.rows, self._now_ms())
        if status == "reused":
            return SequenceReused(batch.instance, batch.sequence)
        if status == "erased":
            return InstanceErased(batch.instance)
        return StoreError(f"{reason or 'batch'}: kdb+ refuses it")


def _time(row: tuple[str, Row]) -> int:
    time = row[1]["time"]
    assert isinstance(time, int)
    return time
