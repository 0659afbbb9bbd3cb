"""The series of Prometheus answers by machine, until their rows are made.

Rules:

* Machines are told apart by the label ``instance``. Of two series of one metric for one machine (two jobs, two
  replicas) the first counts and the other is a fault: which one is meant cannot be guessed.
* Other metrics are skipped, and so are disks that are no whole ones.
* At most ``MOST_SAMPLES`` are held. Then rows are made of them, and of each series the last sample stays, so that the
  next rate begins there.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

from consent.catalogue import MAX_SAFE_INTEGER
from consent.wire import Columns
from server.imports.devices import is_whole_disk
from server.imports.node_exporter import CPU, DISK, LARGEST_COUNTER, MEMORY, MODES
from server.imports.rates import Machine, Track, chunks, missing_disk, missing_memory, without_repeats

MOST_SAMPLES = 4_000_000
_NAMES = {short: name for name, short in (MEMORY | DISK).items()}
#: What to ask Prometheus for; messages tell it.
QUERY = (
    '{__name__=~"node_cpu_seconds_total|node_memory_(Mem|Swap)(Total|Available|Free)_bytes'
    '|node_disk_(read_bytes|written_bytes|reads_completed|writes_completed|io_time_seconds)_total"}'
)
_DEVICE = re.compile(r"[!-~]{1,64}")
_CORE = re.compile(r"[0-9]{1,5}")
_LONGEST_NAME = 255


@dataclass(slots=True)
class Known:
    """One series of interest: the labels that make it, where it was seen first, the largest value, its samples."""

    labels: dict[str, str]
    entry: str
    largest: float
    track: Track = field(default_factory=Track)


class Recording:
    """All series of a file that wait for their rows. ``problem(place, reason)`` hears of what cannot be used."""

    def __init__(self, problem: Callable[[str, str], None]) -> None:
        self._problem = problem
        self._series: dict[tuple[str, str, str], Known] = {}
        self._made_until: dict[str, int] = {}
        self._incomplete: set[str] = set()

    @property
    def is_full(self) -> bool:
        """Whether rows have to be made before more is read."""
        return sum(len(known.track.times) for known in self._series.values()) >= MOST_SAMPLES

    @property
    def is_of_interest(self) -> bool:
        """Whether there was any sample of CPU, memory or whole disks."""
        return any(known.track.times for known in self._series.values())

    def find(self, metric: dict[str, str], entry: str) -> Known | None:
        """Where the samples of this series go; None if it is not of interest or a problem, which is told."""
        name = metric.get("__name__")
        if name is None:
            self._problem(
                f"{entry}.metric",
                "the series has no name, as after rate() or sum(); query the counters themselves: " + QUERY,
            )
            return None
        part = self._part(name, metric, entry)
        if part is None:
            return None
        source = metric.get("instance", "")
        if not 0 < len(source) <= _LONGEST_NAME or not source.isprintable():
            self._problem(f"{entry}.metric", "the label instance, which tells machines apart, is missing or unusable")
            return None
        largest = MAX_SAFE_INTEGER if name in MEMORY else LARGEST_COUNTER
        known = self._series.setdefault((source, name, part), Known(metric, entry, largest))
        if known.labels != metric:
            labels = sorted(dict(known.labels.items() ^ metric.items()))
            self._problem(
                entry,
                f"a second series of {name} for {source} beside {known.entry}: {', '.join(labels)}; query one of them",
            )
            return None
        return known

    def _part(self, name: str, metric: dict[str, str], entry: str) -> str | None:
        if name in MEMORY:
            return ""
        if name == CPU:
            core = metric.get("cpu", "")
            if not _CORE.fullmatch(core) or int(core) > 32767:
                self._problem(f"{entry}.metric.cpu", "expected the number of a core")
                return None
            return f"{int(core)} {metric['mode']}" if metric.get("mode") in MODES else None
        if name in DISK:
            device = metric.get("device", "")
            if not _DEVICE.fullmatch(device):
                self._problem(f"{entry}.metric.device", "expected the short name of a disk")
                return None
            return device if is_whole_disk(device) else None
        return None

    def rows(self, steps: int) -> Iterator[tuple[str, dict[str, Columns]]]:
        """(machine, tables) of what is held, at most ``steps`` time steps at a time; then only last samples are."""
        for source, machine in sorted(self._machines().items()):
            self._check_complete(source, machine)
            kept = without_repeats(machine)
            until = max((track.times[-1] for track in kept.tracks() if track.times), default=-1)
            for tables in chunks(kept, steps):
                new = self._after(tables, self._made_until.get(source, -1))
                if new:
                    yield source, new
            self._made_until[source] = max(until, self._made_until.get(source, -1))
            for track in machine.tracks():
                track.keep_last(until)

    def _machines(self) -> dict[str, Machine]:
        machines: dict[str, Machine] = {}
        for (source, name, part), known in sorted(self._series.items(), key=lambda item: item[0]):
            if not known.track.times:
                continue
            contradicted = known.track.settle()
            if contradicted is not None:
                self._problem(known.entry, f"two different values of {name} at {contradicted / 1000:.3f}")
            machine = machines.setdefault(source, Machine())
            if name in MEMORY:
                machine.memory[MEMORY[name]] = known.track
            elif name in DISK:
                machine.disk.setdefault(part, {})[DISK[name]] = known.track
            else:
                core, mode = part.split()
                machine.cpu.setdefault(int(core), {})[mode] = known.track
        return machines

    def _check_complete(self, source: str, machine: Machine) -> None:
        """Tell, once, what a machine lacks."""
        missing = missing_memory(machine.memory) if machine.memory else []
        for counters in machine.disk.values():
            missing = missing or missing_disk(counters)
        if missing and source not in self._incomplete:
            self._incomplete.add(source)
            names = ", ".join(_NAMES[short] for short in missing)
            self._problem("data.result", f"{source} lacks {names}; query {QUERY}")

    @staticmethod
    def _after(tables: dict[str, Columns], time_ms: int) -> dict[str, Columns]:
        """The rows after a time: those until then were made before."""
        found: dict[str, Columns] = {}
        for name, columns in tables.items():
            first = sum(cast(int, time) <= time_ms for time in columns["time"])
            if first < len(columns["time"]):
                found[name] = {column: values[first:] for column, values in columns.items()} if first else columns
        return found
