"""node_exporter's names of metrics, and which part of a machine each of them is: for every format that has them.

Rules: other metrics are of no interest. Of disks only whole ones count. Guest time is in user and nice already.
"""

import math
import re
from collections.abc import Mapping

from consent.catalogue import MAX_SAFE_INTEGER
from server.imports.devices import is_device_name, is_whole_disk

#: Counters are 64 bit; what is beyond comes of no machine.
LARGEST_COUNTER = 2.0**64

CPU = "node_cpu_seconds_total"
MODES = frozenset({"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"})
MEMORY = {
    "node_memory_MemTotal_bytes": "total",
    "node_memory_MemAvailable_bytes": "available",
    "node_memory_MemFree_bytes": "free",
    "node_memory_Buffers_bytes": "buffers",
    "node_memory_Cached_bytes": "cached",
    "node_memory_SwapTotal_bytes": "swap_total",
    "node_memory_SwapFree_bytes": "swap_free",
}
DISK = {
    "node_disk_read_bytes_total": "read_bytes",
    "node_disk_written_bytes_total": "write_bytes",
    "node_disk_reads_completed_total": "reads",
    "node_disk_writes_completed_total": "writes",
    "node_disk_io_time_seconds_total": "io_time",
}
#: Whose label ``nodename`` is what the machine calls itself, and whose value is its clock (seconds).
UNAME = "node_uname_info"
CLOCK = "node_time_seconds"
NAMES = frozenset({CPU, *MEMORY, *DISK, UNAME, CLOCK})
_CORE = re.compile(r"[0-9]{1,5}")
_LARGEST_CORE = 32767


class Parts:
    """What one machine said at one moment, part by part; the fields are those of ``counters.Scrape``."""

    def __init__(self) -> None:
        self.cpu: dict[int, dict[str, float]] = {}
        self.memory: dict[str, float] = {}
        self.disk: dict[str, dict[str, float]] = {}
        self.name: str | None = None
        self.clock_ms: int | None = None

    def __bool__(self) -> bool:
        return bool(self.cpu or self.memory or self.disk)

    def add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """One sample. Raises ValueError where it is of interest and cannot be."""
        if name not in NAMES:
            return
        if not math.isfinite(value) or not 0 <= value <= (MAX_SAFE_INTEGER if name in MEMORY else LARGEST_COUNTER):
            raise ValueError(f"{name} cannot be {value:g}")
        if name in MEMORY:
            self.memory[MEMORY[name]] = value
        elif name in DISK:
            device = labels.get("device", "")
            if not is_device_name(device):
                raise ValueError("the label device is not the short name of a disk")
            if is_whole_disk(device):
                self.disk.setdefault(device, {})[DISK[name]] = value
        elif name == CPU:
            core = labels.get("cpu", "")
            if not _CORE.fullmatch(core) or int(core) > _LARGEST_CORE:
                raise ValueError("the label cpu is not the number of a core")
            if labels.get("mode") in MODES:
                self.cpu.setdefault(int(core), {})[labels["mode"]] = value
        elif name == UNAME:
            self.name = labels.get("nodename") or None
        else:
            self.clock_ms = round(value * 1000)
