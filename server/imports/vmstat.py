"""What ``vmstat -t -n 1`` prints (``-w``, ``-a`` and any ``-S`` too), of procps.

Rules:

* It gives CPU only, of all cores together, stored as core 0: vmstat has no cores, and neither the size of memory and
  swap nor disks. Shares are whole percents.
* ``us`` holds nice time, and virtual machines only as ``gu`` apart (``-w``): user is the sum, nice is None. ``sy``
  holds interrupts: interrupt is None.
* The first line of a run is the mean since boot and is left out; so is, of a run with ``-y``, the first sample. A
  header that is repeated after a screen of lines begins no new run.
* Times are local: of the zone in the header where it says one that is known by itself, else of ``--timezone``, which
  must agree with it at the first line after the header: a clock change within a screen does not change the header.
  Without ``-t`` there are none, and the file is of no use.
* The file does not say which machine it is of: ``--source``.
"""

import re
from collections.abc import Iterator

from server.errors import ImportFailed
from server.imports.format import Content, Format, Report
from server.imports.moments import Clock, Rows, fixed_zone, number, ratio
from server.imports.values import Imported, Row

_TITLE = re.compile(r"\s*-*procs-* +-+memory-+ ")
_COLUMNS = frozenset("r b swpd free buff cache inact active si so bi bo in cs us sy id wa st gu".split())
_FIRST = ["r", "b", "swpd", "free"]
#: Lines between two headers where the output is no terminal.
_SCREEN = 21
_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
_ADVICE = "run vmstat -t -n 1"


def _matches(head: bytes) -> bool:
    first = head.lstrip()[:4096].split(b"\n")
    return len(first) > 1 and bool(_TITLE.match(first[0].decode("latin-1"))) and first[1].split()[:2] == [b"r", b"b"]


def read(content: Content, report: Report) -> Iterator[Imported]:
    """The rows of cpu of the one machine that the file is of."""
    source = content.machine(None)
    rows = Rows(content, report)
    run = _Run(content, rows)
    for at, line in content.lines():
        place, fields = f"line {at}", line.split()
        if not fields or _TITLE.match(line):
            continue
        if fields[: len(_FIRST)] == _FIRST:
            run.header(fields, place)
            continue
        try:
            row = run.row(fields)
        except ValueError as error:
            rows.fault(place, str(error))
            continue
        if row is not None and rows.in_order(source, "cpu", row[0], place):  # type: ignore[arg-type]  # the time
            yield from rows.add(source, "cpu", row, place)
    yield from rows.rest(_ADVICE)


FORMAT = Format("vmstat", "what vmstat -t prints", _matches, read)


class _Run:
    """One run of vmstat: its columns, and how far it is."""

    def __init__(self, content: Content, rows: Rows) -> None:
        self._name = content.name
        self._clock = Clock(content)
        self._rows = rows
        self._columns: list[str] = []
        self._zone = ""
        self._lines = 0
        self._last = self._step = 0
        self._repeated = False

    def header(self, fields: list[str], place: str) -> None:
        """The line with the names. Raises ImportFailed where there are no times."""
        self._zone = "" if fields[-1] in _COLUMNS else fields[-1]
        if not self._zone:
            raise ImportFailed(self._name, place, f"there are no times in it; {_ADVICE}")
        self._columns = fields[:-1]
        self._repeated = self._lines == _SCREEN
        self._lines = 0
        if not self._repeated:
            self._rows.restart()

    def row(self, fields: list[str]) -> Row | None:
        """The row of a line; None for the mean since boot. Raises ValueError."""
        if not self._columns:
            raise ValueError("values before a line that names the columns; save the output from its beginning")
        if len(fields) != len(self._columns) + 2 or not _TIME.fullmatch(f"{fields[-2]} {fields[-1]}"):
            raise ValueError("the line is cut off or not of vmstat -t")
        time = self._clock.local(f"{fields[-2]} {fields[-1]}", self._zone)
        if fixed_zone(self._zone) is None:
            self._zone = ""  # the header may be older than a change of the clock
        self._lines += 1
        step, last, self._last = time - self._last, self._last, time
        if self._lines == 1 and not (self._repeated and last and 0 < step <= 2 * self._step + 1000):
            self._rows.restart()
            return None
        self._step = step
        found = {name: number(text) for name, text in zip(self._columns, fields, strict=False) if name in _SHARES}
        missing = [name for name in ("us", "sy", "id") if name not in found]
        if missing:
            raise ValueError(f"the column {missing[0]} is missing")
        user = ratio(found["us"] + found.get("gu", 0.0))
        wait, steal = (ratio(found[name]) if name in found else None for name in ("wa", "st"))
        return (time, 0, user, ratio(found["sy"]), None, wait, None, steal, ratio(found["id"]))


_SHARES = frozenset("us sy id wa st gu".split())
