"""The files of collectd's csv plugin: ``HOST/PLUGIN[-INSTANCE]/TYPE[-INSTANCE]-YYYY-MM-DD``, one per metric.

Rules:

* A tree is read as one text, its samples in the order of time: after the line ``MAGIC`` come lines of
  ``HOST/PLUGIN/TYPE<tab>epoch,value[,value]``. Of the tree only a few KiB per file are in memory, and no file is open.
* Understood: the plugins cpu, memory, swap and disk, with and without StoreRates, cpu in jiffies or in percent. The
  rates of StoreRates are told by their decimal point, for collectd writes counters without.
* The values of one reading come within milliseconds of each other: what comes within ``READING_MS`` and does not
  repeat a metric is one reading, at the time of its first value.
* Shares of a core are of all its modes. collectd has no MemAvailable: it is free, buffered and cached; the total is
  everything the plugin memory tells apart. Swap is the last that was read, at most ten minutes before.
* Percent of all cores together (ReportByCpu false) has no cores and is a fault, once.
"""

import heapq
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import RawIOBase
from itertools import groupby
from pathlib import Path

from server.imports.counters import LONGEST_GAP_MS, Counters, Scrape, memory_row
from server.imports.format import Content, Format, Report
from server.imports.values import Imported, Row

MAGIC = b"# collectd csv, merged by time\n"
READING_MS = 900
_BLOCK = 8192
_HEADER = re.compile(rb"epoch,[a-z_]")
_DATED = re.compile(r"(.+)-(\d{4}-\d{2}-\d{2})")
_MODES = {"wait": "iowait", "interrupt": "irq"} | {
    name: name for name in ("user", "nice", "system", "idle", "softirq", "steal")
}
_MEMORY = ("used", "buffered", "cached", "free", "slab_recl", "slab_unrecl")
_DISK = {"disk_octets": ("read_bytes", "write_bytes"), "disk_ops": ("reads", "writes"), "disk_io_time": ("io_time",)}
_NO_DISK = re.compile(r"(loop|ram|zram|sr|fd|dm-|md)\d+.*|(sd|hd|vd|xvd)[a-z]+\d+|(nvme\d+n\d+|mmcblk\d+)p\d+")
_PLUGINS = ("cpu", "memory", "swap", "disk")


def is_metric(head: bytes) -> bool:
    """Whether a file that begins so is one of collectd's."""
    return _HEADER.match(head) is not None


class Tree(RawIOBase):
    """The files of a tree as one stream; see the rules above. Files that vanish or cannot be read end early.

    ``rounds``: the files there are, again and again for a tree that grows; each is read on from where it was.
    """

    def __init__(self, rounds: Iterable[Sequence[Path]]) -> None:
        super().__init__()
        self._pieces = _pieces(rounds)
        self._before = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes, b"" at the end; what there is when a round is over."""
        for piece in self._pieces:
            self._before += piece
            if self._before and (not piece or 0 <= size <= len(self._before)):
                break
        size = len(self._before) if size < 0 else size
        block, self._before = self._before[:size], self._before[size:]
        return block


def _pieces(rounds: Iterable[Sequence[Path]]) -> Iterator[bytes]:
    """The stream in pieces, an empty one after each round."""
    yield MAGIC
    offsets: dict[Path, int] = {}
    for files in rounds:
        yield from _merged(files, offsets)
        yield b""


def _merged(files: Sequence[Path], offsets: dict[Path, int]) -> Iterator[bytes]:
    """The new lines of all files, host by host and day by day, each day in the order of time."""
    known: list[tuple[str, str, str, Path]] = []
    for path in files:
        dated = _DATED.fullmatch(path.name)
        if dated and path.parent.name.partition("-")[0] in _PLUGINS:
            host = path.resolve().parent.parent.name
            known.append((host, dated[2], f"{host}/{path.parent.name}/{dated[1]}", path))
    known.sort()
    for _, day in groupby(known, key=lambda entry: entry[:2]):
        streams = [_timed_lines(metric, path, offsets) for _, _, metric, path in day]
        for _, line in heapq.merge(*streams, key=lambda entry: entry[0]):
            yield line


def _timed_lines(metric: str, path: Path, offsets: dict[Path, int]) -> Iterator[tuple[float, bytes]]:
    """(epoch, line) of the whole lines of one file; one without a time goes where the one before it went."""
    name = metric.encode("utf-8", "replace")
    time = 0.0
    while True:
        offset = offsets.get(path, 0)
        try:
            if path.stat().st_size <= offset:
                return
            with path.open("rb") as stream:
                stream.seek(offset)
                block = stream.read(_BLOCK)
        except OSError:
            return
        whole = block[: block.rfind(b"\n") + 1]
        offsets[path] = offset + len(whole)
        for line in whole.splitlines():
            if line and not line.startswith(b"epoch,"):
                time = _epoch(line, time)
                yield time, name + b"\t" + line + b"\n"
        if not whole:
            return


def _epoch(line: bytes, otherwise: float) -> float:
    try:
        time = float(line.partition(b",")[0])
    except ValueError:
        return otherwise
    return time if math.isfinite(time) else otherwise


@dataclass(slots=True)
class _Reading:
    """What one plugin of one host said at one time: (instance, type) -> values; ``rates`` for those of StoreRates."""

    time_ms: int
    place: str
    values: dict[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    rates: bool = False


@dataclass(slots=True)
class _Host:
    """What is going on at one host: the reading of each plugin, their counters, the last swap."""

    counters: dict[str, Counters]
    readings: dict[str, _Reading] = field(default_factory=dict)
    swap: tuple[int, float, float] | None = None
    told: set[str] = field(default_factory=set)


def _read(  # pylint: disable=too-many-locals  # the pieces of a line
    content: Content, report: Report
) -> Iterator[Imported]:
    chunker = content.chunker()
    hosts: dict[str, _Host] = {}
    for number, line in content.lines():
        if not line or line.startswith("#"):
            continue
        metric, _, values = line.partition("\t")
        place = f"line {number} ({metric[:80]})"
        host, _, rest = metric.partition("/")
        plugin, _, kind = rest.partition("/")
        if not (host and plugin and kind and values):
            report.fault(place, "expected HOST/PLUGIN/TYPE and its values; give the directory, not one file of it")
        elif (sample := _sample(values)) is None:
            report.fault(place, "expected a time and values, as collectd writes them")
        else:
            state = hosts.setdefault(host, _Host({name: Counters(report) for name in _PLUGINS}))
            for rows in _take(state, host, (plugin, kind), sample, place, report):
                yield from chunker.add_all(content.machine(host), rows, place)
    for host, state in hosts.items():
        for reading_of in list(state.readings):
            yield from chunker.add_all(content.machine(host), _finish(state, host, reading_of, report))
    yield from chunker.rest()


def _sample(text: str) -> tuple[int, tuple[float, ...], bool] | None:
    """(time in ms, values, whether they are rates) of a line of a file; None for what is none."""
    time, *values = text.split(",")
    try:
        seconds, numbers = float(time), tuple(float(value) for value in values)
    except ValueError:
        return None
    if not numbers or len(numbers) > 4 or not 0 <= seconds < 4_102_444_800:
        return None
    return round(seconds * 1000), numbers, any("." in value or "n" in value for value in values)


def _take(
    state: _Host,
    host: str,
    metric: tuple[str, str],
    sample: tuple[int, tuple[float, ...], bool],
    place: str,
    report: Report,
) -> Iterator[dict[str, list[Row]]]:
    """One value into the reading of its plugin; the rows of the reading before when this one begins another."""
    plugin, _, instance = metric[0].partition("-")
    time_ms, values, rates = sample
    if plugin not in _PLUGINS:
        return
    reading = state.readings.get(plugin)
    key = (instance, metric[1])
    if reading is not None and (key in reading.values or not 0 <= time_ms - reading.time_ms <= READING_MS):
        yield _finish(state, host, plugin, report)
        reading = None
    if reading is None:
        reading = state.readings[plugin] = _Reading(time_ms, place)
    reading.values[key] = values
    reading.rates = reading.rates or rates


def _finish(state: _Host, host: str, plugin: str, report: Report) -> dict[str, list[Row]]:
    """The rows of a reading that is complete."""
    reading = state.readings.pop(plugin)
    if plugin == "cpu":
        return _cpu(state, host, reading, report)
    if plugin == "disk":
        return _disk(state, host, reading, report)
    if plugin == "swap":
        _note_swap(state, reading)
        return {}
    if "swap" in state.readings:  # not complete for all we know, but swap is of one moment
        _note_swap(state, state.readings["swap"])
    return _memory(state, reading, report)


def _cpu(state: _Host, host: str, reading: _Reading, report: Report) -> dict[str, list[Row]]:
    cores: dict[int, dict[str, float]] = {}
    for (instance, kind), values in reading.values.items():
        name, _, mode = kind.partition("-")
        if mode not in _MODES or name not in ("cpu", "percent") or not math.isfinite(values[0]):
            continue
        if not instance.isdecimal() or len(instance) > 5:
            if "cores" not in state.told:
                state.told.add("cores")
                report.fault(reading.place, "these are shares of all cores together; set ReportByCpu true in collectd")
            continue
        cores.setdefault(int(instance), {})[_MODES[mode]] = values[0]
    return _grown(state, Scrape(host, reading.time_ms, cpu=cores), reading, report)


def _disk(state: _Host, host: str, reading: _Reading, report: Report) -> dict[str, list[Row]]:
    disks: dict[str, dict[str, float]] = {}
    for (device, kind), values in reading.values.items():
        if kind not in _DISK or _NO_DISK.fullmatch(device) or not all(math.isfinite(value) for value in values):
            continue
        held = dict(zip(_DISK[kind], values, strict=False))
        if "io_time" in held:
            held["io_time"] /= 1000
        disks.setdefault(device, {}).update(held)
    return _grown(state, Scrape(host, reading.time_ms, disk=disks), reading, report)


def _grown(state: _Host, scrape: Scrape, reading: _Reading, report: Report) -> dict[str, list[Row]]:
    """The rows of counters; what is a rate already is a counter that began at nothing a second ago."""
    if not reading.rates:
        return state.counters["cpu" if scrape.cpu else "disk"].add(scrape, reading.place)
    counters = Counters(report)
    nothing = {
        "cpu": {core: dict.fromkeys(modes, 0.0) for core, modes in scrape.cpu.items()},
        "disk": {device: dict.fromkeys(held, 0.0) for device, held in scrape.disk.items()},
    }
    counters.add(Scrape(scrape.source, scrape.time_ms - 1000, **nothing))  # type: ignore[arg-type]
    return counters.add(scrape, reading.place)


def _note_swap(state: _Host, reading: _Reading) -> None:
    gauges = [reading.values.get(("", f"swap-{name}"), (0.0,))[0] for name in ("used", "free", "cached")]
    if all(math.isfinite(value) for value in gauges):
        state.swap = (reading.time_ms, sum(gauges), gauges[1])


def _memory(state: _Host, reading: _Reading, report: Report) -> dict[str, list[Row]]:
    found = {name: reading.values.get(("", f"memory-{name}"), (0.0,))[0] for name in _MEMORY}
    if state.swap is None or not 0 <= abs(reading.time_ms - state.swap[0]) <= LONGEST_GAP_MS:
        if "swap" not in state.told and reading.values:
            state.told.add("swap")
            report.fault(reading.place, "memory without swap; load collectd's plugin swap as well")
        return {}
    row = memory_row(
        reading.time_ms,
        {
            "total": sum(found.values()),
            "available": found["free"] + found["buffered"] + found["cached"],
            "swap_total": state.swap[1],
            "swap_free": state.swap[2],
        },
    )
    return {} if row is None else {"memory": [row]}


def _matches(head: bytes) -> bool:
    return head.startswith(MAGIC.rstrip()) or is_metric(head)


FORMAT = Format("collectd", "a directory of collectd's csv plugin", _matches, _read)
