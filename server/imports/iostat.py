"""What ``iostat -t -x 1`` prints (``-d``, ``-k``, ``-m``, ``-h`` too), of sysstat.

Rules:

* The first report of a run is the mean since boot and is left out; so is, of a run with ``-y``, the first sample.
* Times stand before each report (``-t``; without, the file is of no use). With ``S_TIME_FORMAT=ISO`` they say their
  offset from UTC; else they are of ``--timezone``, month before day as the locale C has them.
* ``avg-cpu`` is the mean of all cores, and there is nothing else: it is stored as core 0.
* Without ``-x`` there is no time a disk was busy, and operations of reading and writing are told apart only where there
  was one of the two.
* ``-h`` spreads the columns of a report over several tables, with the device last, and rounds to one decimal: 1.2M.
* See ``sysstat`` for what the numbers mean.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from server.errors import ImportFailed
from server.imports import sysstat
from server.imports.format import Content, Format, Report
from server.imports.moments import Clock, Rows, cut_off, milliseconds, number
from server.imports.values import Imported, Row

_LINUX = re.compile(r"Linux \S+ \((?P<name>[^)\s]{1,255})\)\s+\S+\s+_\S+_\s+\(\d+ CPU\)")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}([+-]\d{2}:?\d{2}|Z)?")
_TIME = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4} \d{1,2}:\d{2}:\d{2}( [AP]M)?")
_AVERAGE = "avg-cpu:"
_DEVICE = ("Device", "Device:")
_ADVICE = "run S_TIME_FORMAT=ISO iostat -t -x 1"
_NAMES = {
    f"{unit}_{word}/s": short + into
    for unit, into in (("kB", "kB"), ("MB", "MB"))
    for word, short in (("read", "r"), ("wrtn", "w"), ("dscd", "d"))
} | {"Blk_read/s": "rd_sec", "Blk_wrtn/s": "wr_sec", "Blk_dscd/s": "dc_sec"}
_NAMES |= {"rsec/s": "rd_sec", "wsec/s": "wr_sec", "dsec/s": "dc_sec"}
#: Columns at the end of a line that is of use to its end.
_LAST = ("%idle", "%util")
#: Units of ``-h`` in kB, and those of the columns by their names without the direction.
_HUMAN = {"s": 0.5, "B": 1 / 1024, "k": 1.0, "M": 1024.0, "G": 1024.0**2, "T": 1024.0**3, "P": 1024.0**4}
_COLUMN_KB = {"kB": 1.0, "MB": 1024.0, "d_sec": 0.5, "r_sec": 0.5, "c_sec": 0.5}


def _matches(head: bytes) -> bool:
    text = head[:4096].decode("utf-8", "replace").lstrip()
    if not _LINUX.match(text):
        return False
    lines = [line for line in text.splitlines()[1:5] if line.strip()]
    return any(line.startswith(_AVERAGE) or _device_at(line.split()) is not None for line in lines)


def read(content: Content, report: Report) -> Iterator[Imported]:
    """The rows of cpu and disk, report by report."""
    reader = _Reader(content, report)
    for at, line in content.lines():
        yield from reader.line(line, f"line {at}")
    yield from reader.finish()
    yield from reader.rows.rest(_ADVICE)


FORMAT = Format("iostat", "what iostat -t prints", _matches, read)


class _Reader:
    """The state between two lines."""

    def __init__(self, content: Content, report: Report) -> None:
        self.rows = Rows(content, report)
        self._content = content
        self._clock = Clock(content)
        self._found = ""
        self._time: int | None = None
        self._reports = 0
        self._columns: list[str] = []
        self._devices: dict[str, dict[str, float]] | None = None
        self._place = ""

    def line(self, line: str, place: str) -> Iterator[Imported]:
        """Any line."""
        fields = line.split()
        run = _LINUX.match(line)
        if not fields or run:
            if run or self._columns and _device_at(self._columns) == 0:
                yield from self.finish()
            self._columns = []
        if run:
            self._found, self._time, self._reports = run["name"], None, 0
            self.rows.restart()
            self._clock.restart()
        elif _ISO.fullmatch(line.strip()) or _TIME.fullmatch(line.strip()):
            yield from self.finish()
            self._begin(line.strip(), place)
        elif fields and (fields[0] == _AVERAGE or _device_at(fields) is not None):
            yield from self._titles(fields, place)
        elif fields:
            yield from self._values(fields, place)

    def finish(self) -> Iterator[Imported]:
        """The devices of one report are all there."""
        devices, self._devices = self._devices, None
        if devices and self._time is not None:
            place = self._place
            yield from self._add(
                "disk",
                place,
                lambda time: sysstat.disk_rows(time, devices, {}, lambda why: self.rows.once(place, why)),
            )

    def _begin(self, text: str, place: str) -> None:
        self._reports += 1
        self._columns = []
        try:
            self._time = self._moment(text)
        except ValueError as error:
            self._time = None
            self.rows.fault(place, str(error))

    def _moment(self, text: str) -> int:
        if _ISO.fullmatch(text):
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                return milliseconds(moment.timestamp())
            text = text.replace("T", " ")
        return self._clock.local(text)

    def _titles(self, fields: list[str], place: str) -> Iterator[Imported]:
        if not self._reports:
            raise ImportFailed(self._content.name, place, f"there are no times in it; {_ADVICE}")
        if not _device_at(fields):  # else it may go on with the table before
            yield from self.finish()
        self._columns, self._place = fields, place
        if fields[0] != _AVERAGE:
            self._devices = self._devices or {}

    def _values(self, fields: list[str], place: str) -> Iterator[Imported]:
        if self._time is None or self._reports == 1:
            return  # since boot, or of no time: that was said
        if not self._columns:
            self.rows.fault(place, "the line is not of iostat -t")
            return
        average = self._columns[0] == _AVERAGE
        columns = self._columns[1:] if average else self._columns
        try:
            if len(fields) != len(columns) or columns[-1] in _LAST and cut_off(fields):
                raise ValueError("the line is cut off")
            load = {name: _amount(name, text) for name, text in _named(columns, fields) if name in sysstat.WANTED}
        except ValueError as error:
            self.rows.fault(place, str(error))
            return
        if not average:
            if self._devices is not None:
                self._devices.setdefault(fields[_device_at(columns) or 0], {}).update(load)
            return
        self._columns = []
        yield from self._add("cpu", place, lambda time: sysstat.cpu_rows(time, {"all": load}))

    def _add(self, table: str, place: str, make: Callable[[int], list[Row]]) -> Iterator[Imported]:
        assert self._time is not None
        source = self._content.machine(self._found or None)
        try:
            made = make(self._time)
        except KeyError as error:
            self.rows.once(place, f"{table}: the column {error.args[0]!s:.40} is missing; {_ADVICE}")
            return
        except ValueError as error:
            self.rows.fault(place, f"{table}: {error}")
            return
        if made and self.rows.in_order(source, table, self._time, place):
            for row in made:
                yield from self.rows.add(source, table, row, place)


def _device_at(fields: list[str]) -> int | None:
    """Where the column of names is: first, or last with -h; None where the line is no title."""
    for at in {0, len(fields) - 1} if len(fields) > 1 else ():
        if fields[at] in _DEVICE:
            return at
    return None


def _amount(name: str, text: str) -> float:
    """A number, of ``-h`` too: 0.5%, and 1.2M of whatever the column counts in. Raises ValueError."""
    kilobytes = _HUMAN.get(text[-1:])
    if kilobytes is None or name[1:] not in _COLUMN_KB:
        return number(text.removesuffix("%"))
    return number(text[:-1]) * kilobytes / _COLUMN_KB[name[1:]]


def _named(columns: list[str], fields: list[str]) -> Iterator[tuple[str, str]]:
    """The names of ``sysstat`` and the texts."""
    for name, text in zip(columns, fields, strict=True):
        yield _NAMES.get(name, name.removeprefix("%").removesuffix("/s")), text
