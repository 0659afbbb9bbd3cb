"""The last minutes of what was read, for ``sysmetric watch``: in memory only, bounded, gone with the window."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from consent.catalogue import TABLES
from consent.wire import Columns

#: Wider than any terminal.
LENGTH = 512
Series = deque[float | None]


def _series() -> Series:
    return deque(maxlen=LENGTH)


@dataclass(slots=True)
class Core:
    """One core: the share it was busy over time, and the newest share per mode."""

    busy: Series = field(default_factory=_series)
    modes: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Disk:
    """One disk over time: bytes per second, and the newest share it was busy."""

    read: Series = field(default_factory=_series)
    write: Series = field(default_factory=_series)
    busy: float | None = None


@dataclass(slots=True)
class History:
    """Everything that is shown. ``memory`` is the newest row by column; ``used`` its share over time."""

    cores: dict[int, Core] = field(default_factory=dict)
    cpu: Series = field(default_factory=_series)
    memory: dict[str, int] = field(default_factory=dict)
    used: Series = field(default_factory=_series)
    disks: dict[str, Disk] = field(default_factory=dict)

    def add(self, tables: Mapping[str, Columns]) -> None:
        """Take in the columns of one beat, as the sampler hands them out."""
        if "cpu" in tables:
            self._add_cpu(tables["cpu"])
        if "memory" in tables:
            self._add_memory(tables["memory"])
        if "disk" in tables:
            self._add_disks(tables["disk"])

    def _add_cpu(self, columns: Columns) -> None:
        busy = []
        for index, part in enumerate(columns["core"]):
            core = self.cores.setdefault(_whole(part), Core())
            core.modes = {
                column.name: _number(columns[column.name][index]) or 0.0
                for column in TABLES["cpu"].columns
                if column.name != "idle"
            }
            idle = _number(columns["idle"][index])
            core.busy.append(None if idle is None else 1 - idle)
            if idle is not None:
                busy.append(1 - idle)
        self.cpu.append(sum(busy) / len(busy) if busy else None)

    def _add_memory(self, columns: Columns) -> None:
        self.memory = {column.name: _whole(columns[column.name][-1]) for column in TABLES["memory"].columns}
        total = self.memory["total_bytes"]
        self.used.append(1 - self.memory["available_bytes"] / total if total else None)

    def _add_disks(self, columns: Columns) -> None:
        for index, part in enumerate(columns["device"]):
            disk = self.disks.setdefault(str(part), Disk())
            disk.read.append(_number(columns["read_bytes_per_second"][index]))
            disk.write.append(_number(columns["write_bytes_per_second"][index]))
            disk.busy = _number(columns["busy"][index])


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
