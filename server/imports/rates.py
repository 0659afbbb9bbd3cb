"""Counters and gauges of one machine to rows of the catalogue: pure, whatever file they came from.

Rules:

* A rate is the difference of a counter over the difference of time between two neighbouring samples, and stands at the
  later one. The first sample has none. A counter that went back was reset: that interval gives no row for its part,
  never a negative rate. A rate beyond what the catalogue admits gives none either.
* What a row is made of stands in ``counters``, which does the same scrape by scrape. Here samples come in any order.
* Asked more often than it scrapes, Prometheus repeats the last scrape. A time step at which nothing of
  the machine moved, CPU counters included, is such a repeat and is dropped, or it would show as idleness and then as a
  peak. So is then the first step, for nobody knows how old its scrape was.
* Values do not depend on the order in which samples were added nor on the length of the chunks.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from consent.wire import Columns
from server.imports.counters import RATES, UNTIL_AVAILABLE, cpu_row, disk_row, memory_row
from server.imports.values import Row, columns_of


class Track:
    """The samples of one series: times in ms, and values; 16 bytes a sample."""

    __slots__ = ("times", "values")

    def __init__(self) -> None:
        self.times = array("q")
        self.values = array("d")

    def add(self, time: int, value: float) -> None:
        """One sample; any order."""
        self.times.append(time)
        self.values.append(value)

    def settle(self) -> int | None:
        """Order by time and drop repeats; the first time at which two samples contradict each other, or None. Of those
        the one that was added first stays."""
        if all(before < after for before, after in zip(self.times, self.times[1:], strict=False)):
            return None
        first: dict[int, float] = {}
        contradicted: list[int] = []
        for time, value in zip(self.times, self.values, strict=True):
            if first.setdefault(time, value) != value:
                contradicted.append(time)
        ordered = sorted(first.items())
        self.times = array("q", [time for time, _ in ordered])
        self.values = array("d", [value for _, value in ordered])
        return min(contradicted, default=None)

    def keep_last(self, until: int) -> None:
        """Forget all samples but the last one not after ``until``."""
        last = bisect_right(self.times, until)
        self.times, self.values = self.times[max(0, last - 1) : last], self.values[max(0, last - 1) : last]

    def without(self, times: set[int]) -> "Track":
        """A copy that lacks the samples at ``times``."""
        kept = Track()
        for time, value in zip(self.times, self.values, strict=True):
            if time not in times:
                kept.add(time, value)
        return kept

    def window(self, first: int, last: int) -> dict[int, float]:
        """The samples from ``first`` to ``last``, and the one before them."""
        low, high = bisect_left(self.times, first), bisect_right(self.times, last)
        low = max(0, low - 1)
        return dict(zip(self.times[low:high], self.values[low:high], strict=True))


@dataclass(slots=True)
class Machine:
    """Everything a file says of one machine, settled.

    ``cpu``: core -> mode (user, system, nice, iowait, irq, softirq, steal, idle) -> seconds.
    ``memory``: total, available (or free, buffers, cached), swap_total, swap_free -> bytes.
    ``disk``: device -> read_bytes, write_bytes, reads, writes, io_time (seconds; optional).
    """

    cpu: dict[int, dict[str, Track]] = field(default_factory=dict)
    memory: dict[str, Track] = field(default_factory=dict)
    disk: dict[str, dict[str, Track]] = field(default_factory=dict)

    def tracks(self) -> Iterator[Track]:
        """All series."""
        for group in (*self.cpu.values(), self.memory, *self.disk.values()):
            yield from group.values()


def without_repeats(machine: Machine) -> Machine:
    """The machine without the time steps that repeat the scrape before; see the rules above."""
    seen = {time for modes in machine.cpu.values() for track in modes.values() for time in track.times}
    moved: set[int] = set()
    for track in machine.tracks():
        values = track.values
        moved.update(time for time, was, now in zip(track.times[1:], values, values[1:], strict=False) if was != now)
    repeats = seen - moved
    if len(repeats) <= 1:  # the first step alone: nothing came before it
        return machine
    return Machine(
        {core: _without(modes, repeats) for core, modes in machine.cpu.items()},
        _without(machine.memory, repeats),
        {device: _without(counters, repeats) for device, counters in machine.disk.items()},
    )


def chunks(machine: Machine, steps: int) -> Iterator[dict[str, Columns]]:
    """The machine's rows in time order, at most ``steps`` time steps at a time; only tables that have rows."""
    times = sorted({time for track in machine.tracks() for time in track.times})
    for start in range(0, len(times), steps):
        first, last = times[start], times[min(start + steps, len(times)) - 1]
        found = {
            "cpu": [row for core, modes in machine.cpu.items() for row in _cpu_rows(core, modes, first, last)],
            "memory": _memory_rows(machine.memory, first, last),
            "disk": [row for name, counters in machine.disk.items() for row in _disk_rows(name, counters, first, last)],
        }
        if any(found.values()):
            yield {name: columns_of(name, rows) for name, rows in found.items() if rows}


def missing_memory(memory: Mapping[str, Track]) -> list[str]:
    """What a row of memory still needs."""
    available = ("available",) if not all(name in memory for name in UNTIL_AVAILABLE) else ()
    return [name for name in ("total", *available, "swap_total", "swap_free") if name not in memory]


def missing_disk(counters: Mapping[str, Track]) -> list[str]:
    """What a row of disk still needs."""
    return sorted(RATES - counters.keys())


def _cpu_rows(core: int, modes: Mapping[str, Track], first: int, last: int) -> Iterator[Row]:
    for time, milliseconds, spent in _intervals(modes, first, last):
        row = cpu_row(time, core, spent, milliseconds / 1000)
        if row is not None:
            yield row


def _disk_rows(device: str, counters: Mapping[str, Track], first: int, last: int) -> Iterator[Row]:
    for time, milliseconds, spent in _intervals(counters, first, last):
        row = disk_row(time, device, spent, milliseconds / 1000)
        if row is not None:
            yield row


def _memory_rows(memory: Mapping[str, Track], first: int, last: int) -> list[Row]:
    at = {name: track.window(first, last) for name, track in memory.items()}
    times = sorted(time for time in at.get("total", {}) if time >= first)
    rows = (memory_row(time, {name: values[time] for name, values in at.items() if time in values}) for time in times)
    return [row for row in rows if row is not None]


def _intervals(tracks: Mapping[str, Track], first: int, last: int) -> Iterator[tuple[int, int, dict[str, float]]]:
    """(end, length in ms, differences of the counters sampled at both ends) between neighbouring times of one part."""
    at = {name: track.window(first, last) for name, track in tracks.items()}
    times = sorted({time for values in at.values() for time in values})
    for before, time in zip(times, times[1:], strict=False):
        if time < first:
            continue
        spent = {
            name: values[time] - values[before] for name, values in at.items() if time in values and before in values
        }
        if spent and min(spent.values()) >= 0:
            yield time, time - before, spent


def _without(tracks: Mapping[str, Track], times: set[int]) -> dict[str, Track]:
    return {name: track.without(times) for name, track in tracks.items()}
