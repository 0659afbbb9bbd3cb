"""What ``atop -P CPU,cpu,MEM,SWP,DSK -r FILE`` prints (more labels too, or live with an interval).

Rules:

* Samples end with ``SEP``; the last one without is cut off, and left out. So is one that begins with ``RESET``, which
  is since boot.
* Shares are a core's clock ticks over the sum of its modes; guest time is in user, as the kernel counts it. Without
  ``cpu``, ``CPU`` (all cores) is stored as core 0.
* atop does not write how much memory is available: it is free, cache and buffers, and used is the rest.
* Sectors are 512 bytes; rates are over the interval that the line says, in whole seconds.
* Times are seconds since the epoch; the name of the machine stands in each line. Other labels are skipped.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from server.imports.devices import is_device_name, is_whole_disk
from server.imports.format import Content, Format, Report
from server.imports.moments import Rows, milliseconds, number
from server.imports.values import Imported, Row

_LINE = re.compile(rb"[A-Za-z]{3} \S{1,255} \d{9,10} \d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2} \d+ ")
_FIXED = 6
_SECTOR = 512
_OURS = ("CPU", "cpu", "MEM", "SWP", "DSK")
_ADVICE = "run atop -P CPU,cpu,MEM,SWP,DSK -r FILE"
_NO_SWAP = "memory without swap space; add SWP to -P"
#: Where the numbers stand after the six fixed fields.
_SYSTEM, _USER, _NICE, _IDLE, _WAIT, _IRQ, _SOFT, _STEAL = range(2, 10)
_BUSY, _READS, _READ, _WRITES, _WRITTEN = range(1, 6)


def _matches(head: bytes) -> bool:
    lines = [line for line in head[:4096].split(b"\n")[:2] if line.strip() not in (b"RESET", b"SEP")]
    return bool(lines) and _LINE.match(lines[0]) is not None


def read(content: Content, report: Report) -> Iterator[Imported]:
    """The machines of the file, sample by sample."""
    rows = Rows(content, report)
    sample = _Sample()
    since_boot = False
    for at, line in content.lines():
        label = line[:3]
        if label == "SEP" or line.strip() == "RESET":
            if not since_boot:
                yield from sample.add_to(rows)
            if line.strip() == "RESET":
                rows.restart()
            sample, since_boot = _Sample(), label == "RES"
        elif label in _OURS and not since_boot:
            try:
                sample.line(line.split(), f"line {at}", content)
            except ValueError as error:
                rows.fault(f"line {at}", str(error))
        elif line.strip() and not since_boot and not _LINE.match(line.encode()):
            rows.fault(f"line {at}", "the line is not of atop -P")
    if sample.place:
        rows.fault(sample.place, "the sample that begins here is cut off; left out")
    yield from rows.rest(_ADVICE)


FORMAT = Format("atop", "what atop -P prints", _matches, read)


@dataclass(slots=True)
class _Sample:
    """The lines between two SEP."""

    source: str = ""
    time: int = 0
    place: str = ""
    whole: list[float] = field(default_factory=list)
    cores: dict[int, list[float]] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)
    swap: list[float] = field(default_factory=list)
    disks: dict[str, tuple[float, list[float]]] = field(default_factory=dict)

    def line(self, fields: list[str], place: str, content: Content) -> None:
        """One line of ours. Raises ValueError, and ImportFailed for the name."""
        if len(fields) <= _FIXED:
            raise ValueError("the line is cut off")
        label, interval = fields[0], number(fields[5])
        self.source, self.time = content.machine(fields[1]), milliseconds(number(fields[2]))
        self.place = self.place or place
        values = fields[_FIXED:]
        if label == "DSK":
            name, numbers = values[0], _numbers(["0", *values[1:]], _WRITTEN)
            if not is_device_name(name) or not interval:
                raise ValueError("a disk without a name, or no time passed")
            self.disks[name] = interval, numbers
        elif label == "MEM":
            self.memory = _numbers(values, 4)
        elif label == "SWP":
            self.swap = _numbers(values, 2)
        elif label == "CPU":
            self.whole = _numbers(values, _STEAL)
        else:
            numbers = _numbers(values, _STEAL)
            self.cores[int(numbers[1])] = numbers

    def add_to(self, rows: Rows) -> Iterator[Imported]:
        """The rows of the sample."""
        for table, make in self._tables(rows):
            made = make()
            if made and rows.in_order(self.source, table, self.time, self.place):
                for row in made:
                    yield from rows.add(self.source, table, row, self.place)

    def _tables(self, rows: Rows) -> Iterator[tuple[str, Callable[[], list[Row]]]]:
        yield "cpu", self._cpu
        if self.memory and not self.swap:
            rows.once(self.place, _NO_SWAP)
        yield "memory", self._memory
        yield "disk", self._disk

    def _cpu(self) -> list[Row]:
        cores = self.cores or ({0: self.whole} if self.whole else {})
        return [
            (self.time, core, *shares) for core, ticks in sorted(cores.items()) for shares in _shares(ticks) if shares
        ]

    def _memory(self) -> list[Row]:
        if not self.memory or not self.swap:
            return []
        page, total, free, cache, buffers = self.memory
        available = min(total, free + cache + buffers)
        size, swap_free = self.swap[1:]
        used = [(total, page), (available, page), (total - available, page), (size, self.swap[0])]
        return [(self.time, *(int(n * unit) for n, unit in (*used, (max(0.0, size - swap_free), self.swap[0]))))]

    def _disk(self) -> list[Row]:
        return [
            (
                self.time,
                name,
                round(each[_READ] * _SECTOR / seconds, 1),
                round(each[_WRITTEN] * _SECTOR / seconds, 1),
                round(each[_READS] / seconds, 2),
                round(each[_WRITES] / seconds, 2),
                round(min(1.0, each[_BUSY] / 1000 / seconds), 4),
            )
            for name, (seconds, each) in sorted(self.disks.items())
            if is_whole_disk(name)
        ]


def _numbers(texts: list[str], last: int) -> list[float]:
    """The numbers up to that of index ``last``. Raises ValueError."""
    if len(texts) <= last:
        raise ValueError("the line is cut off")
    return [number(text) for text in texts[: last + 1]]


def _shares(ticks: list[float]) -> Iterator[tuple[float, ...]]:
    """user, system, nice, iowait, interrupt, steal, idle; nothing where no tick passed."""
    whole = sum(ticks[_SYSTEM:])
    if whole:
        modes = (ticks[_USER], ticks[_SYSTEM], ticks[_NICE], ticks[_WAIT], ticks[_IRQ] + ticks[_SOFT], ticks[_STEAL])
        yield tuple(round(mode / whole, 4) for mode in (*modes, ticks[_IDLE]))
