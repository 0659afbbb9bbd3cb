"""Batches for the tests of stores."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from consent.wire import Columns, Value
from server.store.protocol import Store, StoredBatch

WARSAW = ZoneInfo("Europe/Warsaw")


def at(text: str) -> int:
    """Milliseconds of a local time in Warsaw: ``2026-03-28 23:59``."""
    return round(datetime.fromisoformat(text).replace(tzinfo=WARSAW).timestamp() * 1000)


#: Noon of an ordinary day; the fake clock starts an hour later.
NOON = at("2026-06-10 12:00")


@dataclass
class Clock:
    """A clock that stands still until told otherwise."""

    now: int = NOON + 3_600_000

    def __call__(self) -> int:
        return self.now


#: Opens the store under test once more, on the same files.
Reopen = Callable[[], Store]


def new_instance() -> str:
    """A random instance id."""
    return str(uuid4())


def cpu(times: Sequence[int], cores: int = 1, **values: Value) -> Columns:
    """Rows of ``cpu``: every core at every time, all alike but for what ``values`` sets."""
    rows = len(times) * cores
    columns: dict[str, list[Value]] = {
        "time": [time for time in times for _ in range(cores)],
        "core": [core for _ in times for core in range(cores)],
    }
    for name in ("user", "system", "nice", "iowait", "interrupt", "idle"):
        columns[name] = [values.get(name, 0.25)] * rows
    columns["steal"] = [values.get("steal")] * rows
    return columns


def memory(times: Sequence[int], used: int = 4_000, total: int = 16_000) -> Columns:
    """Rows of ``memory``."""
    return {
        "time": list(times),
        "total_bytes": [total] * len(times),
        "available_bytes": [total - used] * len(times),
        "used_bytes": [used] * len(times),
        "swap_total_bytes": [0] * len(times),
        "swap_used_bytes": [0] * len(times),
    }


def disk(times: Sequence[int], devices: Sequence[str] = ("sda",), read: float = 10.0, write: float = 20.0) -> Columns:
    """Rows of ``disk``: every device at every time."""
    rows = len(times) * len(devices)
    return {
        "time": [time for time in times for _ in devices],
        "device": [device for _ in times for device in devices],
        "read_bytes_per_second": [read] * rows,
        "write_bytes_per_second": [write] * rows,
        "reads_per_second": [1.0] * rows,
        "writes_per_second": [2.0] * rows,
        "busy": [None] * rows,
    }


def batch(instance: str, sequence: int, **tables: Columns) -> StoredBatch:
    """A batch with the digest of its tables."""
    return StoredBatch(instance, sequence, digest(tables), tables)


def digest(tables: Mapping[str, Any]) -> bytes:
    """The SHA-256 of the tables."""
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).digest()


def seconds(start_ms: int, count: int) -> list[int]:
    """``count`` times, a second apart."""
    return [start_ms + 1000 * second for second in range(count)]
