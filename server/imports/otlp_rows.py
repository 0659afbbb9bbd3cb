"""Data points of OTLP to rows of the catalogue, from one request to the next.

Rules:

* Points of one collection differ a little in time: those within ``TOGETHER_MS`` are one moment, at the time of the
  first, until a series comes again.
* Cumulative counters need the collection before: ``LastCollections`` keeps it, of at most ``MOST_SOURCES`` machines,
  the longest silent forgotten first. A request works on a ``draft`` of it, and the draft is taken over when its rows
  are stored: so a request that is sent again after a failure makes the same rows.
* A counter whose start is after the collection before it was reset: no rate between the two. For the rest the rules of
  ``counters`` hold.
* Delta counters carry their interval with them, yet the first of an SDK is what was counted since boot. So an interval
  counts only when it begins where the one before ended.
* Where times and shares of the CPU both come, the times are taken: shares of some senders are of a moment only.
* Memory needs its size: ``system.memory.limit``, else usage by utilization, else the sum of the states. What is
  available is said, else what is not in use. Without any metric of swap, memory is refused; with metrics of paging and
  no usage among them the machine has none.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock

from consent.catalogue import TABLES
from server.imports.counters import Counters, Scrape, memory_row
from server.imports.format import Report
from server.imports.otlp import CPU, CPU_DELTA, CPU_SHARE, DISK, DISK_DELTA, MEMORY, Host, Point, Refusals
from server.imports.values import Row

TOGETHER_MS = 900
MOST_SOURCES = 1000
_STATES = ("used", "free", "cached", "buffered", "buffers", "inactive")
_DISK_NEEDS = frozenset({"read_bytes", "write_bytes", "reads", "writes"})
_TABLE = {CPU: "cpu", CPU_DELTA: "cpu", DISK: "disk", DISK_DELTA: "disk"}


@dataclass(slots=True)
class LastCollections:
    """The last counters of each machine, by name and kind of points."""

    known: OrderedDict[tuple[str, str], Scrape] = field(default_factory=OrderedDict)
    #: Held by whoever drafts and takes.
    lock: Lock = field(default_factory=Lock)

    def draft(self) -> "Draft":
        """What a request works on."""
        return Draft(self)

    def take(self, draft: "Draft") -> None:
        """Keep what the request left."""
        for key, scrape in draft.changed.items():
            self.known[key] = scrape
            self.known.move_to_end(key)
        while len(self.known) > MOST_SOURCES * 4:  # kinds of counters
            self.known.popitem(last=False)


@dataclass(slots=True)
class Draft:
    """The last counters as one request sees and leaves them."""

    base: LastCollections
    changed: dict[tuple[str, str], Scrape] = field(default_factory=dict)

    def last(self, source: str, kind: str) -> Scrape | None:
        """The collection before."""
        key = (source, kind)
        return self.changed.get(key) or self.base.known.get(key)


def rows(source: str, host: Host, draft: Draft, refusals: Refusals) -> dict[str, list[Row]]:
    """The rows of one machine in one request, by table."""
    found: dict[str, list[Row]] = {name: [] for name in TABLES}
    for kind, table in _TABLE.items():
        for moment in _moments(host.kinds.get(kind, [])):
            usable = _without_incomplete(moment, refusals) if table == "disk" else moment
            if usable:
                if kind in (CPU_DELTA, DISK_DELTA):
                    found[table] += _rates_of_interval((source, kind), usable, draft, refusals)
                else:
                    found[table] += _rates_since_last((source, kind), usable, draft, refusals)
    if not host.kinds.get(CPU) and not host.kinds.get(CPU_DELTA):
        for moment in _moments(host.kinds.get(CPU_SHARE, [])):
            found["cpu"] += _shares(moment)
    for moment in _moments(host.kinds.get(MEMORY, [])):
        row = _memory(moment, host.paging)
        if isinstance(row, str):
            refusals.refuse(len(moment), row)
        else:
            found["memory"].append(row)
    return {name: made for name, made in found.items() if made}


def _moments(points: list[Point]) -> Iterator[list[Point]]:
    """The points by collection, in order of time."""
    moment: dict[tuple[int | str, str], Point] = {}
    began = 0
    for point in sorted(points, key=lambda each: each.time_ms):
        key = (point.part, point.name)
        known = moment.get(key)
        if known == point:
            continue  # two senders of one process say the same
        if moment and (known is not None or point.time_ms - began > TOGETHER_MS):
            yield list(moment.values())
            moment = {}
        began = began if moment else point.time_ms
        moment[key] = point
    if moment:
        yield list(moment.values())


def _without_incomplete(moment: list[Point], refusals: Refusals) -> list[Point]:
    """Without disks that lack something."""
    names: dict[int | str, set[str]] = {}
    for point in moment:
        names.setdefault(point.part, set()).add(point.name)
    whole = {part for part, known in names.items() if known >= _DISK_NEEDS}
    lacking = sum(point.part not in whole for point in moment)
    refusals.refuse(lacking, "a disk needs system.disk.io and system.disk.operations, read and write")
    return [point for point in moment if point.part in whole]


def _rates_since_last(key: tuple[str, str], moment: list[Point], draft: Draft, refusals: Refusals) -> list[Row]:
    scrape, last = _scrape(moment, moment[0].time_ms), draft.last(*key)
    if last is not None and scrape.time_ms <= last.time_ms:
        if scrape != last:
            refusals.refuse(len(moment), f"counters of {key[1]} are not newer than those before")
        return []
    draft.changed[key] = scrape
    if last is None or max(point.start_ms for point in moment) > last.time_ms:
        return []
    return _between(last, scrape, key[1])


def _rates_of_interval(key: tuple[str, str], moment: list[Point], draft: Draft, refusals: Refusals) -> list[Row]:
    table = _TABLE[key[1]]
    start_ms, time_ms = min(point.start_ms for point in moment), moment[0].time_ms
    if not 0 < start_ms < time_ms:
        refusals.refuse(len(moment), f"delta counters of {table} do not say when their interval began")
        return []
    last = draft.last(*key)
    if last is not None and time_ms <= last.time_ms:
        return []
    draft.changed[key] = Scrape("", time_ms)
    if last is None or abs(start_ms - last.time_ms) > TOGETHER_MS:
        return []
    nothing = [Point(point.part, point.name, start_ms, 0, 0.0) for point in moment]
    return _between(_scrape(nothing, start_ms), _scrape(moment, time_ms), table)


def _scrape(moment: list[Point], time_ms: int) -> Scrape:
    cpu: dict[int, dict[str, float]] = {}
    disk: dict[str, dict[str, float]] = {}
    for point in moment:
        if isinstance(point.part, int):
            cpu.setdefault(point.part, {})[point.name] = point.value
        else:
            disk.setdefault(point.part, {})[point.name] = point.value
    return Scrape("", time_ms, cpu=cpu, disk=disk)


def _between(last: Scrape, scrape: Scrape, table: str) -> list[Row]:
    counters = Counters(Report(""))
    counters.add(last)
    return counters.add(scrape).get(table, [])


def _shares(moment: list[Point]) -> list[Row]:
    """Rows of what is a share already."""
    cores: dict[int, dict[str, float]] = {}
    for point in moment:
        if isinstance(point.part, int):
            cores.setdefault(point.part, {})[point.name] = point.value
    made: list[Row] = []
    for core, modes in sorted(cores.items()):
        interrupts = [modes[mode] for mode in ("irq", "softirq") if mode in modes]
        shares = {**modes, **({"interrupt": sum(interrupts)} if interrupts else {})}
        values = (
            round(min(1.0, shares[column.name]), 4) if column.name in shares else None
            for column in TABLES["cpu"].columns
        )
        made.append((moment[0].time_ms, core, *values))
    return made


def _memory(moment: list[Point], paging: bool) -> Row | str:
    """A row, or what is missing."""
    said = {point.name: point.value for point in moment}
    swap: dict[str, float] = {}
    for point in moment:  # one value of each swap device
        if point.name.startswith("swap "):
            swap[point.name] = swap.get(point.name, 0.0) + point.value
    if not swap and not paging:
        return "memory needs system.paging.usage, or another metric of paging where there is no swap"
    total = _total(said)
    available = said.get("available", total - said["usage used"] if "usage used" in said else None)
    if not total or available is None:
        return "memory needs system.memory.usage by state"
    whole = float(sum(swap.values()))
    row = memory_row(
        moment[0].time_ms,
        {
            "total": total,
            "available": max(0.0, available),
            "swap_total": whole,
            "swap_free": whole - swap.get("swap used", 0.0),
        },
    )
    return row or "memory cannot be what was sent"


def _total(said: dict[str, float]) -> float:
    """The size of the memory in bytes, 0 where it cannot be told."""
    if said.get("limit"):
        return said["limit"]
    by_share = [
        (said[f"usage {state}"], said[f"utilization {state}"])
        for state in _STATES
        if said.get(f"utilization {state}") and f"usage {state}" in said
    ]
    if by_share:
        usage, share = max(by_share)
        return float(round(usage / share))
    return sum(said.get(f"usage {state}", 0.0) for state in _STATES) if "usage free" in said else 0.0
