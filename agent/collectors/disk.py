"""What each disk read and wrote since the last reading, per second of the monotonic clock.

Rules:

* Whole physical disks only. On Linux those are the entries of ``/sys/block`` that have a ``device``: no partitions, no
  loop, ram, zram, device-mapper or md devices, and not the boot areas of an eMMC nor optical or floppy drives. Other
  systems list whole disks already.
* ``busy`` is the share of the interval in which the disk had work, cut to 0..1, and None where it is not counted.
* A disk that is seen for the first time, or again, gives no row; a counter that went back was reset and gives none.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, cast

from agent.collectors.protocol import Row, require_granted
from consent.catalogue import DISK
from consent.chain import ActiveConsent

_NO_DISK = re.compile(r"(loop|ram|zram|sr|fd)\d+|mmcblk\d+(boot\d+|rpmb)")
_LONGEST_NAME = int(DISK.part.maximum) if DISK.part else 0


class _Counters(Protocol):
    read_count: int
    write_count: int
    read_bytes: int
    write_bytes: int


class DiskSource(Protocol):
    """The part of psutil that is used here."""

    def disk_io_counters(self, perdisk: bool, nowrap: bool) -> Mapping[str, _Counters] | None:
        """Counters per device; None or empty where there are none."""


class DiskCollector:
    """The table ``disk``. Raises NoConsent when it is not granted. ``blocks`` is None where names need no filter."""

    def __init__(
        self,
        consent: ActiveConsent,
        monotonic: Callable[[], float],
        source: DiskSource | None = None,
        blocks: Path | None = Path("/sys/block") if sys.platform.startswith("linux") else None,
    ) -> None:
        require_granted(consent, "disk")
        if source is None:
            import psutil  # pylint: disable=import-outside-toplevel  # it reads /proc/stat: see agent.collectors

            source = cast(DiskSource, psutil)
        self._source = source
        self._monotonic = monotonic
        self._blocks = blocks
        self._is_disk: dict[str, bool] = {}
        self._last: dict[str, _Counters] = {}
        self._last_at = 0.0

    def reset(self) -> None:
        """Forget the last reading."""
        self._last = {}

    def collect(self) -> list[Row]:
        """``(device, read B/s, write B/s, reads/s, writes/s, busy)`` per disk, in the order of their names."""
        counters = self._source.disk_io_counters(perdisk=True, nowrap=True) or {}
        at = self._monotonic()
        seconds = at - self._last_at
        self._is_disk = {name: self._whole_disk(name) for name in counters}
        now = {name: counters[name] for name in sorted(counters) if self._is_disk[name]}
        last, self._last, self._last_at = self._last, now, at
        rows: list[Row] = []
        for name, after in now.items():
            row = _rates(last[name], after, seconds) if name in last else None
            if row is not None:
                rows.append((name, *row))
        return rows

    def _whole_disk(self, name: str) -> bool:
        known = self._is_disk.get(name)
        if known is not None:
            return known  # a name keeps its meaning while it is there
        if not 0 < len(name) <= _LONGEST_NAME or _NO_DISK.fullmatch(name):
            return False
        return self._blocks is None or os.path.exists(self._blocks / name.replace("/", "!") / "device")


def _rates(before: _Counters, after: _Counters, seconds: float) -> tuple[float | None, ...] | None:
    spent = {
        name: getattr(after, name) - getattr(before, name)
        for name in ("read_bytes", "write_bytes", "read_count", "write_count", "busy_time")
        if hasattr(after, name)
    }
    if seconds <= 0 or any(count < 0 for count in spent.values()):
        return None
    busy = spent.get("busy_time")  # milliseconds
    return (
        round(spent["read_bytes"] / seconds, 1),
        round(spent["write_bytes"] / seconds, 1),
        round(spent["read_count"] / seconds, 2),
        round(spent["write_count"] / seconds, 2),
        None if busy is None else round(min(1.0, busy / 1000 / seconds), 4),
    )
