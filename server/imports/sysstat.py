"""What sar, sadf and iostat of the package sysstat mean, in rows of the catalogue.

Rules (sysstat 12.6, checked against its manual and its own output):

* ``%usr`` and ``%nice`` of ``-u ALL`` do not hold the time of virtual machines, ``%guest`` and ``%gnice`` do; the
  catalogue's user and nice hold both, as the kernel's. ``%user`` of plain ``-u`` holds it already. ``%system`` of plain
  ``-u`` holds interrupts too, and interrupt is then None.
* kB are 1024 bytes, MB 1024 kB, sectors and blocks 512 bytes.
* ``kbmemused`` leaves out free, buffers, cached and slab, and in versions before 12 only free: memory built in is the
  sum that agrees with ``%memused``. New versions show kbslab with ``-r ALL`` alone. used is total less available.
* sar -d counts operations of both directions together. They are told apart where a disk only read or only wrote, and,
  with ``-b``, where at most one disk did both and the sums agree. Else the disk has no row: a guess is not stored.
"""

from collections.abc import Callable, Mapping

from server.imports.devices import is_device_name, is_whole_disk
from server.imports.moments import ratio
from server.imports.values import Row

K = 1024
SECTOR = 512
#: What a moment of each table is called by its part, before the time is known: core or device, then the values.
Loads = Mapping[str, Mapping[str, float]]
#: How far a percentage with two decimals may be from what its numbers say.
_TWO_DECIMALS = 0.0051
#: How far the operations of a machine may be from those of its disks, each rounded to two decimals.
_SUM_OF_ROUNDED = 0.1
#: The numbers that are of use, by the names that the functions here have for them; others need not even be numbers.
WANTED = frozenset(
    "usr user nice sys system iowait steal irq soft guest gnice idle"
    " memfree avail memused memused-percent buffers cached slab swpfree swpused"
    " rtps wtps dtps tps r w rkB wkB dkB rMB wMB dMB rd_sec wr_sec dc_sec util".split()
)
ADVICE = "export it by sadf -j FILE -- -u ALL -P ALL -r ALL -S -b -d -p"
NO_SWAP = "memory without swap space; add -S"
NO_AVAILABLE = "memory without kbavail, which this version of sysstat does not write"
NO_SLAB = "memory whose parts do not add up to all of it without kbslab; export it with -r ALL"
NO_DIRECTION = "operations of reading and writing are not told apart for each disk; add -b, or use iostat -x"


def cpu_row(time: int, core: int, load: Mapping[str, float]) -> Row:
    """A row of cpu from percentages by their names without ``%``. Raises KeyError for what is not there, ValueError."""
    if "usr" in load:
        user, system = load["usr"] + load["guest"], load["sys"]
        nice, interrupt = load["nice"] + load["gnice"], ratio(load["irq"] + load["soft"])
        return (time, core, *map(ratio, (user, system, nice, load["iowait"])), interrupt, *_rest(load))
    shares = (load["user"], load["system"], load["nice"], load["iowait"])
    return (time, core, *map(ratio, shares), None, *_rest(load))


def cpu_rows(time: int, loads: Loads) -> list[Row]:
    """The rows of one moment by core; ``all``, no core, is stored as core 0 where there is nothing else."""
    cores = {name: load for name, load in loads.items() if name not in ("all", "-1")}
    if not cores:
        return [cpu_row(time, 0, load) for load in loads.values()]
    return [cpu_row(time, _core(name), load) for name, load in cores.items()]


def memory_row(time: int, memory: Mapping[str, float]) -> Row | str:
    """A row of memory from amounts in kB by their names without ``kb``, or why there is none. Raises KeyError."""
    if "avail" not in memory:
        return NO_AVAILABLE
    if "swpfree" not in memory or "swpused" not in memory:
        return NO_SWAP
    total = _memory_total(memory)
    if total is None:
        return NO_SLAB
    available = min(total, memory["avail"])
    swap = memory["swpfree"] + memory["swpused"]
    return (time, *(int(value * K) for value in (total, available, total - available, swap, memory["swpused"])))


def disk_rows(time: int, devices: Loads, machine: Mapping[str, float], once: Callable[[str], None]) -> list[Row]:
    """The rows of one moment by device; ``machine`` is what ``-b`` says (rtps, wtps), or empty.

    ``once`` hears why a disk has none. Raises KeyError, ValueError.
    """
    whole = {name: load for name, load in devices.items() if is_whole_disk(name)}
    if any(not is_device_name(name) for name in whole):
        raise ValueError("a device has a name that no disk has")
    counts = {name: _operations(load) for name, load in whole.items()}
    unknown = [name for name, count in counts.items() if count is None]
    if len(unknown) == 1 and "rtps" in machine:
        others = [count for count in counts.values() if count is not None]
        left = [max(0.0, machine[key] - sum(count[at] for count in others)) for at, key in enumerate(("rtps", "wtps"))]
        if abs(sum(left) + machine.get("dtps", 0.0) - whole[unknown[0]]["tps"]) < _SUM_OF_ROUNDED:
            counts[unknown[0]] = (left[0], left[1])
    rows: list[Row] = []
    for name, load in whole.items():
        count = counts[name]
        if count is None:
            once(NO_DIRECTION)
            continue
        busy = ratio(min(100.0, load["util"])) if "util" in load else None
        rows.append((time, name, *(round(value, 1) for value in _bytes(load)), *(round(n, 2) for n in count), busy))
    return rows


def _rest(load: Mapping[str, float]) -> tuple[float, float]:
    return ratio(load["steal"]), ratio(load["idle"])


def _core(name: str) -> int:
    if not name.isascii() or not name.isdecimal():
        raise ValueError(f"{name[:20]!r} is not the number of a core")
    return int(name[:6])


def _memory_total(memory: Mapping[str, float]) -> float | None:
    """Memory built in, in kB: the sum that agrees with the percentage; None where none does."""
    free, used = memory["memfree"], memory["memused"]
    parts = [free + used]
    if "slab" in memory:
        parts.insert(0, free + used + memory["buffers"] + memory["cached"] + memory["slab"])
    for total in parts:
        if total > 0 and abs(100 * used / total - memory["memused-percent"]) <= _TWO_DECIMALS:
            return total
    return None


def _bytes(load: Mapping[str, float]) -> tuple[float, float]:
    if "rkB" in load:
        return load["rkB"] * K, load["wkB"] * K
    if "rMB" in load:
        return load["rMB"] * K * K, load["wMB"] * K * K
    return load["rd_sec"] * SECTOR, load["wr_sec"] * SECTOR


def _operations(load: Mapping[str, float]) -> tuple[float, float] | None:
    """Reads and writes a second, where they are known by themselves."""
    if "r" in load:
        return load["r"], load["w"]
    if not load["tps"]:
        return 0.0, 0.0
    if "rMB" in load:
        return None  # 0.00 MB may be several reads
    read, written = _bytes(load)
    if any(load.get(name) for name in ("dkB", "dMB", "dc_sec")) or (read and written) or not (read or written):
        return None
    return (load["tps"], 0.0) if read else (0.0, load["tps"])
