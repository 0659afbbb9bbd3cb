"""What ``sadf -d FILE -- -u ALL -P ALL -r ALL -S -b -d -p`` prints, of sysstat: fields between semicolons.

Rules:

* Each line that begins with ``# hostname;interval;timestamp`` names the columns of those after it. A block of an
  activity that is not CPU, memory, swap, transfer rates or disks is skipped.
* Times are UTC as sadf writes them, or seconds since the epoch (``-U``); without a zone (``-t``, ``-T``) they are of
  ``--timezone``.
* Memory and swap, transfer rates and disks come in blocks of their own and are joined by machine and time. What waits
  for its other half is in ``waiting``, so that memory does not grow with the file.
* CPU ``-1`` is all of them, and no core: it is stored as core 0 where a moment has nothing else.
* ``LINUX-RESTART`` begins anew; comments (``COM``) are skipped. ``-h``, all activities in one line, is not read.
* See ``sysstat`` for what the numbers mean.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from server.errors import ImportFailed
from server.imports import sysstat
from server.imports.format import Content, Format, Report
from server.imports.moments import Clock, Rows, cut_off, milliseconds, number
from server.imports.values import Imported, Row
from server.imports.waiting import Waiting

#: Cores or disks of one moment; more than any machine has.
_MOST_PARTS = 40_000
_HEADER = "# hostname;interval;timestamp"
_FIXED = 3
_LONGEST_PART = 64

_Key = tuple[str, int]
_Load = dict[str, float]


def _matches(head: bytes) -> bool:
    lines = head[:4096].splitlines()
    return bool(lines) and any(line.startswith(_HEADER.encode() + b";") or _is_restart(line) for line in lines[:3])


def read(content: Content, report: Report) -> Iterator[Imported]:
    """The machines of the file; the rows of one activity after those of another, as they stand in it."""
    reader = _Reader(content, report)
    with contextlib.closing(reader.waiting):
        yield from _read(reader, content)


def _read(reader: "_Reader", content: Content) -> Iterator[Imported]:
    for place, line in ((f"line {at}", line) for at, line in content.lines()):
        if line.startswith("#"):
            yield from reader.finish()
            reader.begin(line, place)
        elif line.strip():
            yield from reader.line(line, place)
    yield from reader.finish()
    reader.close()
    yield from reader.rows.rest(sysstat.ADVICE)


FORMAT = Format("sadf-csv", "what sadf -d of sysstat prints", _matches, read)


@dataclass(slots=True)
class _Moment:
    """The lines of one time in one block, by core or device."""

    key: _Key
    place: str
    parts: dict[str, _Load] = field(default_factory=dict)


class _Reader:
    """The state between two lines."""

    def __init__(self, content: Content, report: Report) -> None:
        self.rows = Rows(content, report)
        self._content = content
        self._clock = Clock(content)
        self._columns: list[str] = []
        self._kind = ""
        self._moment: _Moment | None = None
        self.waiting = Waiting(content.name)

    def begin(self, line: str, place: str) -> None:
        """A header."""
        self._kind = ""
        if not line.startswith(_HEADER):
            return  # a comment of someone's own
        if "[...]" in line:
            raise ImportFailed(self._content.name, place, "sadf -h puts all into one line; export it without -h")
        self._columns = [_short(name) for name in line.split(";")[_FIXED:]]
        self._kind = next((kind for kind, column in _KINDS.items() if column in self._columns), "")
        self.rows.restart()
        self._clock.restart()

    def line(self, line: str, place: str) -> Iterator[Imported]:
        """A line of values."""
        fields = line.split(";")
        if len(fields) > _FIXED and fields[_FIXED].startswith(("LINUX-RESTART", "COM ")):
            yield from self.finish()
            self.rows.restart()
            self._clock.restart()
            return
        if not self._kind:
            if not self._columns:
                self.rows.once(place, "values before a line that names the columns; export the file again")
            return
        if len(fields) != _FIXED + len(self._columns):
            missing = f"{len(fields)} fields, not {_FIXED + len(self._columns)}"
            self.rows.fault(place, f"the line has {missing}; it is cut off or of another activity")
            return
        if self._kind in _DECIMALS and cut_off(fields):
            self.rows.fault(place, "the line is cut off")
            return
        try:
            key = self._content.machine(fields[0]), self._time(fields[2])
            part, load = self._load(fields[_FIXED:])
        except ValueError as error:
            self.rows.fault(place, f"{self._kind}: {error}")
            return
        moment = self._moment
        if moment is None or moment.key != key or part in moment.parts or len(moment.parts) >= _MOST_PARTS:
            yield from self.finish()
            moment = self._moment = _Moment(key, place)
        moment.parts[part] = load

    def finish(self) -> Iterator[Imported]:
        """The lines of one time are all there."""
        moment, self._moment = self._moment, None
        if moment is None or not self.rows.in_order(moment.key[0], self._kind, moment.key[1], moment.place):
            return
        if self._kind == "io":
            self.waiting.put("io", moment.key, moment.parts[""], moment.place)
            return
        if self._kind in _OTHER_HALF:
            joined = self._join(moment)
            if joined is not None:
                yield from self._add("memory", moment, lambda time: _one(sysstat.memory_row(time, joined)))
            return
        if self._kind == "cpu":
            yield from self._add("cpu", moment, lambda time: sysstat.cpu_rows(time, moment.parts))
            return
        machine = self.waiting.take("io", moment.key) or {}
        yield from self._add(
            "disk",
            moment,
            lambda time: sysstat.disk_rows(time, moment.parts, machine, lambda why: self.rows.once(moment.place, why)),
        )

    def close(self) -> None:
        """Say once what waited in vain."""
        place = self.waiting.first("memory")
        if place is not None:
            self.rows.once(place, sysstat.NO_SWAP)

    def _add(self, table: str, moment: _Moment, make: Callable[[int], list[Row] | str]) -> Iterator[Imported]:
        source, time = moment.key
        try:
            made = make(time)
        except KeyError as error:
            self.rows.once(moment.place, f"{table}: the column {error.args[0]!s:.40} is missing")
            return
        except ValueError as error:
            self.rows.fault(moment.place, f"{table}: {error}")
            return
        if isinstance(made, str):
            self.rows.once(moment.place, made)
            return
        for row in made:
            yield from self.rows.add(source, table, row, moment.place)

    def _join(self, moment: _Moment) -> _Load | None:
        """Both halves of a row of memory, when the other is there; else this one waits."""
        found = self.waiting.take(_OTHER_HALF[self._kind], moment.key)
        if found is None:
            self.waiting.put(self._kind, moment.key, moment.parts[""], moment.place)
            return None
        return found | moment.parts[""]

    def _time(self, text: str) -> int:
        if text.isdecimal():
            return milliseconds(number(text))
        date, _, rest = text.partition(" ")
        hour, _, zone = rest.partition(" ")
        return self._clock.local(f"{date} {hour}", zone)

    def _load(self, fields: list[str]) -> tuple[str, _Load]:
        """The core or device of a line, empty where there is none, and its numbers. Raises ValueError."""
        part, load = "", {}
        for name, text in zip(self._columns, fields, strict=True):
            if name == _KINDS.get(self._kind) and self._kind in ("cpu", "disk"):
                part = text
                if not 0 < len(part) <= _LONGEST_PART:
                    raise ValueError("the core or device has no name")
            elif name in sysstat.WANTED:
                load[name] = _column_number(name, text)
        return part, load


#: Activities whose last two columns have the same number of decimals.
_DECIMALS = frozenset({"cpu", "io", "disk"})
_OTHER_HALF = {"memory": "swap", "swap": "memory"}
#: Each activity that is of use, and the column that tells it from all others.
_KINDS = {"cpu": "CPU", "memory": "memfree", "swap": "swpfree", "io": "rtps", "disk": "DEV"}


def _short(name: str) -> str:
    """The name of a column as ``sysstat`` has it: ``%usr`` is usr, ``kbmemfree`` memfree, ``rkB/s`` rkB."""
    if name.startswith("%"):
        return name[1:] + "-percent" if name in ("%memused", "%swpused") else name[1:]
    return name.removeprefix("kb").removesuffix("/s")


def _column_number(name: str, text: str) -> float:
    try:
        return number(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _one(row: Row | str) -> list[Row] | str:
    return row if isinstance(row, str) else [row]


def _is_restart(line: bytes) -> bool:
    fields = line.split(b";")
    return len(fields) == _FIXED + 1 and fields[1] == b"-1" and fields[_FIXED].startswith(b"LINUX-RESTART")
