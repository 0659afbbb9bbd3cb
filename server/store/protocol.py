"""What a store does: one ``Protocol``, and the values that go in and come out.

Rules that every store keeps (``tests/store/test_contract.py`` runs against each of them):

* ``append`` is all or nothing per batch, idempotent on (instance, sequence), and durable when it returns.
* An answer is made of what was sampled: a bucket without samples is None, never interpolated.
* ``erase`` takes an instance out of every answer at once, and out of every file before it returns.
* A range of time is half open: ``start_ms <= time < end_ms``. Times are integer milliseconds since the epoch, UTC.
* Every method may be called from many threads. After ``close`` whatever needs the files raises StoreUnavailable.
* A store checks shapes (tables, columns, equal lengths); values were checked by the decoder before they come here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from consent.catalogue import TABLES, Across, Table
from consent.wire import Ack, Columns, Value
from server.errors import StoreError

#: One row of a table as a volunteer gets it: wire names to values, ``time`` in milliseconds.
Row = dict[str, Value]

#: The statistics of a bucket, in the order in which they are shown.
STATISTICS = ("mean", "median", "min", "max", "p5", "p95")

#: A ledger keeps this many bytes of a batch's digest: what kdb+ holds as one guid.
DIGEST_BYTES = 16

#: More buckets than this in one query is a mistake of the caller.
MAX_BUCKETS = 100_000


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """One batch that the gate admitted. ``digest`` is the SHA-256 of the canonical columns, 32 bytes."""

    instance: str
    sequence: int
    digest: bytes
    tables: Mapping[str, Columns]

    @property
    def rows(self) -> dict[str, int]:
        """Rows per table."""
        return {name: len(columns["time"]) for name, columns in self.tables.items()}


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What a store remembers of a complete batch: the first DIGEST_BYTES of its digest, and a time that its rows are
    not after. The entry is forgotten when that time expires."""

    sequence: int
    digest: bytes
    time_ms: int


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """Buckets of ``bucket_ms``, aligned to the epoch, over ``start_ms <= time < end_ms``. ValueError when senseless.

    Not ``by_part``: the parts (cores, devices) are first joined at each time by ``Column.across``, and the statistics
    are those of the joined samples. ``by_part``: one group per part.
    """

    instance: str
    table: str
    start_ms: int
    end_ms: int
    bucket_ms: int
    by_part: bool = False

    def __post_init__(self) -> None:
        table_named(self.table)
        bucket_starts(self.start_ms, self.end_ms, self.bucket_ms)

    @property
    def bucket_starts(self) -> range:
        """The start of every bucket that the range touches, in milliseconds; the first may be before ``start_ms``."""
        return bucket_starts(self.start_ms, self.end_ms, self.bucket_ms)


def bucket_starts(start_ms: int, end_ms: int, bucket_ms: int) -> range:
    """The start of every bucket, aligned to the epoch, that ``start_ms <= time < end_ms`` touches.

    Raises ValueError for a range that is senseless or has more than MAX_BUCKETS of them.
    """
    if bucket_ms < 1 or not 0 <= start_ms <= end_ms:
        raise ValueError("a series needs 0 <= start <= end and a bucket of at least 1 ms")
    if end_ms - start_ms > bucket_ms * MAX_BUCKETS:
        raise ValueError(f"a series has at most {MAX_BUCKETS} buckets; choose a wider bucket or a shorter range")
    return range(0) if start_ms == end_ms else range(start_ms // bucket_ms * bucket_ms, end_ms, bucket_ms)


@dataclass(frozen=True, slots=True)
class SeriesColumn:
    """A column of a series: its name, how parts are joined, and ``complement_of`` when it is 1 minus another column."""

    name: str
    across: Across
    complement_of: str | None = None


def series_columns(table: Table) -> tuple[SeriesColumn, ...]:
    """The columns that a series of ``table`` has: those of the catalogue, and ``busy`` of ``cpu``."""
    columns = tuple(SeriesColumn(column.name, column.across) for column in table.columns)
    if table.name == "cpu":
        columns += (SeriesColumn("busy", Across.MEAN, complement_of="idle"),)
    return columns


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of all samples of a range; None where there are none. ``p5``, ``median`` and ``p95`` interpolate linearly."""

    mean: float | None
    median: float | None
    minimum: float | None
    maximum: float | None
    p5: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """One line of a chart. ``buckets[column][statistic]`` has one value per bucket; ``summary`` is over raw samples."""

    part: str | None
    buckets: dict[str, dict[str, list[float | None]]]
    summary: dict[str, Statistics]


@dataclass(frozen=True, slots=True)
class Series:
    """The answer to a ``SeriesQuery``. ``time`` holds every bucket start. Not by part there is exactly one group."""

    table: str
    start_ms: int
    bucket_ms: int
    time: list[int]
    groups: list[Group]


@dataclass(frozen=True, slots=True)
class Spark:
    """Small lines of one instance for an overview: the mean of each bucket, None where nothing was sampled.

    ``cpu_busy`` (0..1) is over all cores alike, ``memory_used_ratio`` (0..1) over samples, ``disk_bytes_per_second``
    is read and written bytes of all devices together.
    """

    cpu_busy: list[float | None]
    memory_used_ratio: list[float | None]
    disk_bytes_per_second: list[float | None]


@dataclass(frozen=True, slots=True)
class InstanceSummary:
    """The newest values of one instance for an overview; None where a table has no rows.

    Ratios are 0..1; ``cpu_busy`` is the mean over cores, disk rates are sums over devices, each at the newest time of
    its own table; ``last_time`` is the newest of all, in milliseconds.
    """

    instance: str
    last_time: int
    cpu_busy: float | None = None
    cores: int | None = None
    memory_used_ratio: float | None = None
    memory_total_bytes: int | None = None
    disk_read_bytes_per_second: float | None = None
    disk_write_bytes_per_second: float | None = None


def table_named(name: str) -> Table:
    """The table of that name. Raises ValueError naming those that there are."""
    if name not in TABLES:
        raise ValueError(f"there is no table {name!r}; there are: {', '.join(TABLES)}")
    return TABLES[name]


class Store(Protocol):
    """Where samples are kept."""

    def append(self, batches: Sequence[StoredBatch]) -> list[Ack | StoreError]:
        """Make the batches durable; one result per batch, in order.

        An Ack says ``stored``, or ``duplicate`` when the same body was stored before. A batch that is refused gives
        SequenceReused, InstanceErased or another StoreError (a shape that fits no table) as its result; when the call
        has one batch only, that error is raised instead. StorageFull and StoreUnavailable are always raised: then send
        the same batches again later, and those that were stored after all come back as duplicates.
        """

    def series(self, query: SeriesQuery) -> Series:
        """Time buckets with statistics. An unknown instance gives a series of None."""

    def latest(self) -> list[InstanceSummary]:
        """One summary per instance that has rows, ordered by instance. Cheap: answered from memory."""

    def sparks(self, instances: Sequence[str], start_ms: int, end_ms: int, bucket_ms: int) -> dict[str, Spark]:
        """Small lines of many instances, in one query; those without rows in the range are absent.

        The buckets are ``bucket_starts``'s, whose ValueError this raises.
        """

    def times(self, instance: str, table: str, start_ms: int, end_ms: int) -> list[tuple[int, str | int | None]]:
        """The distinct (time, part) of the rows with ``start_ms <= time < end_ms``, sorted.

        A part is a core's number, a device, or None in a table without parts. ValueError: there is no such table.
        """

    def rows(
        self, instance: str, *, table: str | None = None, start_ms: int | None = None, end_ms: int | None = None
    ) -> Iterator[tuple[str, Row]]:
        """(table, row) of what is held of an instance, in time order, in bounded memory.

        Everything, or one table only (ValueError: there is no such table), or only ``start_ms <= time < end_ms``.
        """

    def ledger(self, instance: str) -> list[LedgerEntry]:
        """Every complete batch of an instance that would come back as duplicate, by sequence."""

    def remember(self, instance: str, entries: Sequence[LedgerEntry]) -> int:
        """Know these batches, durably, without their rows; those known already stay as they are. How many were new.

        For moving to another store: a batch that was stored before the move and not acknowledged is a duplicate after.
        """

    def erase(self, instance: str, *, final: bool) -> dict[str, int]:
        """Erase an instance; rows per table. On return its bytes are in no file of the store.

        ``final`` bars later appends of the instance with InstanceErased as long as this store is open. Calling it
        again is allowed and needed after a crash: it finishes what was begun, and its counts are of what it found.
        """

    def expire(self, before_ms: int) -> dict[str, int]:
        """Delete all rows older than ``before_ms``; rows per table. Also tidies up what a day left behind."""

    def expiring(self, before_ms: int) -> dict[str, int]:
        """What ``expire`` would delete."""

    def counts(self) -> dict[str, int]:
        """Rows per table."""

    def bytes_on_disk(self) -> int:
        """The size of every file of the store together."""

    def cursor(self) -> int:
        """A number that grows with every commit that changes rows, also over a restart."""

    def changed_since(self, cursor: int) -> set[str] | None:
        """Instances with rows newer than ``cursor``; None means that anything may have changed."""

    def close(self) -> None:
        """Finish what is waiting and let go of the files. Calling it again does nothing."""
