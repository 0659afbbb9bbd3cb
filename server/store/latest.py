"""What is newest of each instance, for the overview: kept in memory, rebuilt from the tables when a store opens.

Rules:

* Each table counts by itself: the values are those at its own newest time.
* ``newest_of`` (a batch) and ``newest_statement`` (a table on disk) are the same arithmetic; a test compares them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consent.catalogue import Table
from server.store.protocol import InstanceSummary
from server.store.schema import quoted

Number = float | int | None
_Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Newest:
    """The values of one table at its newest time, in milliseconds; ``values`` are fields of InstanceSummary."""

    table: str
    time: int
    values: dict[str, Number]


def _cpu(rows: _Arrays) -> dict[str, Number]:
    idle = rows["idle"][~np.isnan(rows["idle"])]
    return {
        "cpu_busy": float((1 - idle).mean()) if len(idle) else None,
        "cores": len(np.unique(rows["core"])),
    }


def _memory(rows: _Arrays) -> dict[str, Number]:
    total, used = int(rows["total_bytes"][-1]), int(rows["used_bytes"][-1])
    return {"memory_used_ratio": used / total if total else None, "memory_total_bytes": total}


def _disk(rows: _Arrays) -> dict[str, Number]:
    return {
        "disk_read_bytes_per_second": float(rows["read_bytes_per_second"].sum()),
        "disk_write_bytes_per_second": float(rows["write_bytes_per_second"].sum()),
    }


_OF_ROWS: dict[str, Callable[[_Arrays], dict[str, Number]]] = {"cpu": _cpu, "memory": _memory, "disk": _disk}

#: The same in SQL, over the rows of one instance at its newest time.
_IN_SQL: dict[str, dict[str, str]] = {
    "cpu": {"cpu_busy": "avg(1 - idle)", "cores": "count(DISTINCT core)"},
    "memory": {
        "memory_used_ratio": "last(used_bytes) / nullif(last(total_bytes), 0)",
        "memory_total_bytes": "last(total_bytes)",
    },
    "disk": {
        "disk_read_bytes_per_second": "sum(read_bytes_per_second)",
        "disk_write_bytes_per_second": "sum(write_bytes_per_second)",
    },
}


def newest_of(table: Table, block: _Arrays) -> Newest:
    """The newest of a batch's rows of one table; there must be one."""
    times = block["time"]
    newest = int(times.max())
    at_newest = times == newest
    return Newest(table.name, newest, _OF_ROWS[table.name]({name: array[at_newest] for name, array in block.items()}))


def newest_statement(alias: str, table: Table) -> tuple[str, list[str]]:
    """SQL that gives (sym as text, time in ms, values...) for each instance, and the names of the values."""
    values = _IN_SQL[table.name]
    source = f"{alias}.{quoted(table.name)}"
    return (
        f"SELECT sym::VARCHAR, epoch_ms(time), {', '.join(values.values())} FROM {source} "
        f"JOIN (SELECT sym, max(time) AS time FROM {source} GROUP BY sym) USING (sym, time) GROUP BY sym, time",
        list(values),
    )


class Overview:
    """The newest of every instance. Not locked: its owner does that."""

    def __init__(self) -> None:
        self._newest: dict[str, dict[str, Newest]] = {}

    def saw(self, instance: str, newest: Newest) -> None:
        """Take note of rows, in any order of time."""
        tables = self._newest.setdefault(instance, {})
        known = tables.get(newest.table)
        if known is None or known.time <= newest.time:
            tables[newest.table] = newest

    def forget(self, instance: str) -> None:
        """The instance was erased."""
        self._newest.pop(instance, None)

    def expire(self, before_ms: int) -> None:
        """Rows older than ``before_ms`` are gone: where even the newest is older, nothing is left."""
        for instance, tables in list(self._newest.items()):
            kept = {name: newest for name, newest in tables.items() if newest.time >= before_ms}
            if kept:
                self._newest[instance] = kept
            else:
                del self._newest[instance]

    def __contains__(self, instance: object) -> bool:
        return instance in self._newest

    def summaries(self) -> list[InstanceSummary]:
        """One per instance, ordered by instance."""
        return [_summary(instance, tables) for instance, tables in sorted(self._newest.items())]


def _summary(instance: str, tables: dict[str, Newest]) -> InstanceSummary:
    values: dict[str, Any] = {}
    for newest in tables.values():
        values |= newest.values
    return InstanceSummary(instance, max(newest.time for newest in tables.values()), **values)
