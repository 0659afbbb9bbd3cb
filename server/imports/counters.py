"""Scrapes of counters to rows of the catalogue, one scrape after another: what ``rates`` does for whole files.

Rules:

* A rate is the difference of a counter over the difference of time between two neighbouring scrapes and stands at the
  later one. The first scrape has none, nor has one more than ``LONGEST_GAP_MS`` after the one before.
* A counter that went back was reset: no row for that core or disk, never a negative rate.
* A core's modes are shares of the CPU time between two scrapes; where a main mode is missing (who does not tell nice
  leaves out others too), shares of the clock. A mode that is missing is None. Hardware and software interrupts are one
  column.
* A scrape at which nothing moved, CPU counters included, repeats the one before and is dropped. So is a second one of
  the same time and one from before the last: those two are faults, unless it says just the same.
* Values do not depend on how many scrapes come together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from consent.catalogue import DISK, MAX_SAFE_INTEGER, TABLES
from server.imports.format import Report
from server.imports.values import Row

LONGEST_GAP_MS = 600_000
_MAIN_MODES = {"user", "system", "idle", "nice"}
_FASTEST = DISK.columns[0].maximum
#: Counters that a row of disk needs.
RATES = {"read_bytes", "write_bytes", "reads", "writes"}
#: What makes up for a missing ``available``, as in kernels before 3.14.
UNTIL_AVAILABLE = ("free", "buffers", "cached")


@dataclass(frozen=True, slots=True)
class Scrape:
    """Everything one machine said at one moment; what it did not say is absent.

    ``cpu``: core -> mode (user, system, nice, iowait, irq, softirq, steal, idle) -> seconds since boot.
    ``memory``: total, available (or free, buffers, cached), swap_total, swap_free -> bytes.
    ``disk``: device -> read_bytes, write_bytes, reads, writes since boot, io_time (seconds; optional).
    """

    source: str
    time_ms: int
    cpu: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    memory: Mapping[str, float] = field(default_factory=dict)
    disk: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


class Counters:
    """The last scrape of each machine, and what the next one makes of it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._last: dict[str, Scrape] = {}

    def add(self, scrape: Scrape, place: str = "") -> dict[str, list[Row]]:
        """The rows of one scrape, only tables that have some. ``place`` is where it stands, for faults."""
        last = self._last.get(scrape.source)
        if last is not None and scrape.time_ms <= last.time_ms:
            if scrape != last:
                when = "at the same time says something else" if scrape.time_ms == last.time_ms else "is older"
                self._report.fault(place, f"a sample of {scrape.source} {when} than the one before; left out")
            return {}
        if last is not None and scrape.cpu and _moment(scrape) == _moment(last):
            return {}
        self._last[scrape.source] = scrape
        rows = {"cpu": [], "memory": _memory_rows(scrape), "disk": []}
        if last is not None and scrape.time_ms - last.time_ms <= LONGEST_GAP_MS:
            rows["cpu"] = _cpu_rows(last, scrape)
            rows["disk"] = _disk_rows(last, scrape)
        return {name: found for name, found in rows.items() if found}


def _moment(scrape: Scrape) -> tuple[object, ...]:
    return scrape.cpu, scrape.memory, scrape.disk


def _cpu_rows(last: Scrape, scrape: Scrape) -> list[Row]:
    seconds = (scrape.time_ms - last.time_ms) / 1000
    rows = (
        cpu_row(scrape.time_ms, core, _differences(last.cpu.get(core), modes), seconds)
        for core, modes in sorted(scrape.cpu.items())
    )
    return [row for row in rows if row is not None]


def _disk_rows(last: Scrape, scrape: Scrape) -> list[Row]:
    seconds = (scrape.time_ms - last.time_ms) / 1000
    rows = (
        disk_row(scrape.time_ms, device, _differences(last.disk.get(device), counters), seconds)
        for device, counters in sorted(scrape.disk.items())
    )
    return [row for row in rows if row is not None]


def cpu_row(time_ms: int, core: int, spent: Mapping[str, float], seconds: float) -> Row | None:
    """A row of cpu of the seconds that each mode took within ``seconds`` of the clock; None where there is nothing."""
    whole = sum(spent.values()) if _MAIN_MODES <= spent.keys() else seconds
    if not spent or whole <= 0:
        return None
    interrupts = [spent[mode] for mode in ("irq", "softirq") if mode in spent]
    shares = {**spent, **({"interrupt": sum(interrupts)} if interrupts else {})}
    values = (
        round(min(1.0, shares[column.name] / whole), 4) if column.name in shares else None
        for column in TABLES["cpu"].columns
    )
    return time_ms, core, *values


def disk_row(time_ms: int, device: str, spent: Mapping[str, float], seconds: float) -> Row | None:
    """A row of disk of what each counter grew by within ``seconds``; None where one is missing or is too fast."""
    rates = {name: difference / seconds for name, difference in spent.items()}
    if not rates.keys() >= RATES or max(rates.values()) > _FASTEST:
        return None
    busy = rates.get("io_time")
    return (
        time_ms,
        device,
        round(rates["read_bytes"], 1),
        round(rates["write_bytes"], 1),
        round(rates["reads"], 2),
        round(rates["writes"], 2),
        None if busy is None else round(min(1.0, busy), 4),
    )


def _memory_rows(scrape: Scrape) -> list[Row]:
    row = memory_row(scrape.time_ms, scrape.memory)
    return [] if row is None else [row]


def memory_row(time_ms: int, memory: Mapping[str, float]) -> Row | None:
    """A row of memory of what a scrape has (see ``Scrape``); None where something is missing or out of range."""
    now = dict(memory)
    if "available" not in now and all(name in now for name in UNTIL_AVAILABLE):
        now["available"] = sum(now[name] for name in UNTIL_AVAILABLE)
    needed = [now.get(name) for name in ("total", "available", "swap_total", "swap_free")]
    if any(value is None or not 0 <= value <= MAX_SAFE_INTEGER for value in needed):
        return None
    total, available, swap, swap_free = (int(value) for value in needed if value is not None)
    available = min(total, available)
    return time_ms, total, available, total - available, swap, max(0, swap - swap_free)


def _differences(last: Mapping[str, float] | None, now: Mapping[str, float]) -> dict[str, float]:
    """What grew since the last scrape, of what is in both; nothing when a counter went back or is no number."""
    if last is None:
        return {}
    spent = {name: value - last[name] for name, value in now.items() if name in last}
    return spent if all(0 <= difference < float("inf") for difference in spent.values()) else {}
