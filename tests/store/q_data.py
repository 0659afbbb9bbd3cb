"""What ``.smp.*`` does, on plain Python data: the double of ``server/kdb`` for tests. It executes no q."""

import statistics
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any
from uuid import UUID

from consent.catalogue import TABLES, Across, Kind, Table
from server.store.protocol import series_columns
from tests.store.samples import NOON

EPOCH_NS = 946_684_800_000_000_000  # q counts from 2000
MS = 1_000_000
Rows = list[tuple[Any, ...]]
_JOIN: dict[Across, Callable[[Sequence[float]], float]] = {
    Across.MEAN: statistics.fmean,
    Across.SUM: sum,
    Across.MAX: max,
}


#: What a spark shows: its table, and its number in a row.
_FIGURES: dict[str, tuple[str, Callable[[tuple[Any, ...]], float]]] = {
    "cpu_busy": ("cpu", lambda row: 1 - row[-1]),
    "memory_used_ratio": ("memory", lambda row: row[3] / row[1] if row[1] else float("nan")),
    "disk_bytes_per_second": ("disk", lambda row: row[2] + row[3]),
}


class Refused(Exception):
    """A q signal."""


@dataclass(frozen=True)
class Sent:
    """A batch as it came: tables as rows in wire order, times in ns since 1970."""

    instance: UUID
    sequence: int
    digest: bytes
    tables: dict[str, Rows]


@dataclass
class QData:
    """One store. Times are nanoseconds since 1970; NaN and None are nulls."""

    rows: dict[str, dict[UUID, Rows]] = field(default_factory=lambda: {name: defaultdict(list) for name in TABLES})
    batches: dict[tuple[UUID, int], tuple[int, UUID]] = field(default_factory=dict)
    barred: set[UUID] = field(default_factory=set)
    cursor: int = NOON
    floor: int = NOON
    changes: dict[UUID, int] = field(default_factory=dict)
    log: int = 0
    calls: list[str] = field(default_factory=list)

    def restart(self) -> None:
        """As if the process had been started again and had replayed its log."""
        self.barred.clear()
        self.cursor += 1000
        self.floor = self.cursor

    def upd(self, batches: list[Sent]) -> list[tuple[str, dict[str, int]]]:
        """(status, rows per table) of each."""
        self.log += 1
        return [(self._store(batch), {name: len(rows) for name, rows in batch.tables.items()}) for batch in batches]

    def _store(self, batch: Sent) -> str:
        key = batch.instance, batch.sequence
        if batch.instance in self.barred:
            return "erased"
        if key in self.batches:
            return "duplicate" if self.batches[key][1] == UUID(bytes=batch.digest[:16]) else "reused"
        times = [row[0] for rows in batch.tables.values() for row in rows]
        self.batches[key] = max(times, default=NOON * MS), UUID(bytes=batch.digest[:16])
        for name, rows in batch.tables.items():
            if not rows:
                continue
            mine = self.rows[name][batch.instance]
            mine += rows
            mine.sort(key=itemgetter(0, 1) if TABLES[name].part else itemgetter(0))
        self.cursor += 1
        self.changes[batch.instance] = self.cursor
        return "stored"

    def series(
        self, instance: UUID, name: str, start: int, end: int, bucket_ms: int, by_part: bool
    ) -> list[tuple[str, str, int | None, list[float]]]:
        """(part, column, bucket start, statistics), a summary with None for the bucket."""
        table, answer = TABLES[name], []
        groups: dict[Any, Rows] = defaultdict(list)
        for row in self.rows[name].get(instance, []):
            if start <= row[0] < end:
                groups[row[1] if by_part and table.part else ""].append(row)
        for part, rows in sorted(groups.items()):
            for column in series_columns(table):
                samples = _samples(table, column.complement_of or column.name, rows)
                if column.complement_of:
                    samples = {time: [1 - value for value in values] for time, values in samples.items()}
                joined = [(time, _JOIN[column.across](values)) for time, values in samples.items()]
                buckets: dict[int | None, list[float]] = defaultdict(list)
                for time, value in joined:
                    buckets[time // (bucket_ms * MS) * bucket_ms * MS].append(value)
                    buckets[None].append(value)
                answer += [(str(part), column.name, bucket, _of(values)) for bucket, values in buckets.items()]
        return answer

    def sparks(self, instance: UUID, start: int, end: int, bucket_ms: int) -> list[tuple[UUID, str, int, float]]:
        """(instance, figure, bucket start, mean)."""
        answer = []
        for figure, (name, number) in _FIGURES.items():
            moments: dict[int, list[float]] = defaultdict(list)
            for row in self.rows[name].get(instance, []):
                if start <= row[0] < end:
                    moments[row[0]].append(number(row))  # pylint: disable=not-callable  # a function of _FIGURES
            buckets: dict[int, list[float]] = defaultdict(list)
            for time, values in moments.items():
                joined = sum(values) if name == "disk" else statistics.fmean(values)
                buckets[time // (bucket_ms * MS) * bucket_ms * MS].append(joined)
            answer += [(instance, figure, bucket, statistics.fmean(values)) for bucket, values in buckets.items()]
        return answer

    def times(self, instance: UUID, name: str, start: int, end: int) -> list[tuple[Any, ...]]:
        """Distinct (time, part), or (time,)."""
        width = 2 if TABLES[name].part else 1
        return list(dict.fromkeys(row[:width] for row in self.rows[name].get(instance, []) if start <= row[0] < end))

    def latest(self) -> list[dict[str, Any]]:
        """One row per instance."""
        return [self._latest(one) for one in sorted({one for table in self.rows.values() for one in table})]

    def _latest(self, instance: UUID) -> dict[str, Any]:
        newest = {
            name: [row for row in found if row[0] == found[-1][0]]
            for name, rows in self.rows.items()
            if (found := rows.get(instance))
        }
        summary: dict[str, Any] = {"instance": instance, "last_time": max(rows[0][0] for rows in newest.values())}
        if cpu := newest.get("cpu"):
            busy = [1 - row[-1] for row in cpu if row[-1] == row[-1]]
            summary |= {"cpu_busy": statistics.fmean(busy) if busy else None, "cores": len({row[1] for row in cpu})}
        if memory := newest.get("memory"):
            total, used = memory[-1][1], memory[-1][3]
            summary |= {"memory_used_ratio": used / total if total else None, "memory_total_bytes": total}
        if disk := newest.get("disk"):
            summary["disk_read_bytes_per_second"] = sum(row[2] for row in disk)
            summary["disk_write_bytes_per_second"] = sum(row[3] for row in disk)
        return summary

    def page(self, instance: UUID, name: str, start: int, until: int, limit: int) -> Rows:
        """Whole moments before ``until``, about ``limit`` rows."""
        found = [row for row in self.rows[name].get(instance, []) if row[0] < until]
        begin = bisect_left(found, start, key=lambda row: row[0])
        end = min(begin + limit, len(found))
        while begin < end < len(found) and found[end][0] == found[end - 1][0]:
            end += 1
        return found[begin:end]

    def ledger(self, instance: UUID) -> list[tuple[int, int, UUID]]:
        """(sequence, time, digest)."""
        return [(sequence, *entry) for (one, sequence), entry in self.batches.items() if one == instance]

    def remember(self, instance: UUID, entries: list[tuple[int, int, UUID]]) -> int:
        """How many were new; -1 when the instance is barred."""
        if instance in self.barred:
            return -1
        new = {(instance, sequence): (time, digest) for sequence, time, digest in entries}
        new = {key: entry for key, entry in new.items() if key not in self.batches}
        self.batches |= new
        return len(new)

    def erase(self, instance: UUID, final: bool) -> dict[str, int]:
        """Rows per table."""
        if final:
            self.barred.add(instance)
        counts = {name: len(rows.pop(instance, [])) for name, rows in self.rows.items()}
        self.batches = {key: entry for key, entry in self.batches.items() if key[0] != instance}
        self._everything_changed()
        return counts

    def expiring(self, before: int) -> dict[str, int]:
        """Rows per table that are older."""
        return {
            name: sum(row[0] < before for found in rows.values() for row in found) for name, rows in self.rows.items()
        }

    def expire(self, before: int) -> dict[str, int]:
        """Rows per table that were older."""
        counts = self.expiring(before)
        for rows in self.rows.values():
            for instance, found in list(rows.items()):
                rows[instance] = [row for row in found if row[0] >= before]
                if not rows[instance]:
                    del rows[instance]
        self.batches = {key: entry for key, entry in self.batches.items() if entry[0] >= before}
        self._everything_changed()
        return counts

    def counts(self) -> dict[str, int]:
        """Rows per table."""
        return {name: sum(len(found) for found in rows.values()) for name, rows in self.rows.items()}

    def changed(self, cursor: int) -> list[UUID] | None:
        """Instances with rows newer than ``cursor``."""
        if not self.floor <= cursor <= self.cursor:
            return None
        return [instance for instance, at in self.changes.items() if at > cursor]

    def _everything_changed(self) -> None:
        self.cursor += 1
        self.floor = self.cursor


def _samples(table: Table, column: str, rows: Rows) -> dict[int, list[float]]:
    """The known values of a column at each time."""
    position = [one.name for one in table.wire_columns].index(column)
    assert table.wire_columns[position].kind in (Kind.FLOAT, Kind.INT64)
    samples: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        if row[position] == row[position]:
            samples[row[0]].append(row[position])
    return samples


def _of(values: list[float]) -> list[float]:
    twentieths = statistics.quantiles(values, n=20, method="inclusive") if len(values) > 1 else values
    ends = [twentieths[0], twentieths[-1]]
    return [statistics.fmean(values), statistics.median(values), min(values), max(values), *ends]
