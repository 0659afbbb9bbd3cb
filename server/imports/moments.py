"""What the formats that print finished numbers share: when a line is of, what comes out of order, what is said once.

Rules:

* A local time is of the zone that its abbreviation names (UTC, GMT, +03), else of ``--timezone``, whose own
  abbreviations must agree: a file of CET is not read as if it were UTC. The hour that a clock shows twice is told by
  the abbreviation, else by the order of lines.
* Within one run of the tool, time goes on: a sample before the last one of its table is a fault and left out. A restart
  and a new header begin anew.
* What a whole file lacks is one fault, not one a line.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from server.errors import ImportFailed
from server.imports.format import Content, Report
from server.imports.values import Chunker, Imported, Row

_FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%m/%d/%y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%y %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%y %H:%M:%S",
)
_YEAR_2100_MS = 4_102_444_800_000
_LONGEST_REASON = 200


class Clock:
    """Texts of one file to milliseconds since the epoch."""

    def __init__(self, content: Content) -> None:
        self._name = content.name
        self._zone = content.zone
        self._last = 0
        self._said = ("", "")

    def restart(self) -> None:
        """What comes may be earlier than what came."""
        self._last, self._said = 0, ("", "")

    def local(self, text: str, abbreviation: str = "") -> int:
        """A local date and time. Raises ValueError, and ImportFailed where the zone is not the one to read it in."""
        if (text, abbreviation) != self._said:
            self._last = self._milliseconds(text, abbreviation)
            self._said = text, abbreviation
        return self._last

    def _milliseconds(self, text: str, abbreviation: str) -> int:
        naive = _parsed(text)
        fixed = fixed_zone(abbreviation)
        if fixed is not None:
            return milliseconds(naive.replace(tzinfo=fixed).timestamp())
        early, late = (naive.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        if not abbreviation:
            time = milliseconds(early.timestamp())
            return milliseconds(late.timestamp()) if time < self._last else time
        named = [moment for moment in (early, late) if moment.tzname() == abbreviation]
        if not named:
            zone = f"{abbreviation[:10]}, which {self._zone} does not have"
            raise ImportFailed(self._name, "", f"its times are {zone}; add --timezone AREA/CITY")
        return milliseconds(named[0].timestamp())


class Rows:
    """Where a reader's rows and faults go: in order, and each reason once where that is enough."""

    def __init__(self, content: Content, report: Report) -> None:
        self._chunker: Chunker = content.chunker()
        self._report = report
        self._latest: dict[tuple[str, str], int] = {}
        self._said: set[str] = set()
        self.count = 0

    def restart(self, source: str | None = None) -> None:
        """The tool was started anew (on ``source`` only): what comes may be earlier than what came."""
        self._latest = {key: time for key, time in self._latest.items() if source not in (None, key[0])}

    def in_order(self, source: str, table: str, time: int, place: str) -> bool:
        """Whether a moment of a table is not before the last one of that table; else that is a fault."""
        if time < self._latest.get((source, table), 0):
            self._report.fault(place, f"{table}: the time is before that of the sample above; left out")
            return False
        self._latest[source, table] = time
        return True

    def add(self, source: str, table: str, row: Row, place: str) -> Iterator[Imported]:
        """One row. To be iterated."""
        self.count += 1
        yield from self._chunker.add(source, table, row, place)

    def fault(self, place: str, reason: str) -> None:
        """What is wrong there."""
        self._report.fault(place, reason[:_LONGEST_REASON])

    def once(self, place: str, reason: str) -> None:
        """What is wrong all over the file: said for the first place only."""
        if reason not in self._said:
            self._said.add(reason)
            self._report.fault(place, reason)

    def rest(self, advice: str) -> Iterator[Imported]:
        """What waits, at the end of the file, of which nothing at all was of use: a fault with ``advice``."""
        yield from self._chunker.rest()
        if not self.count and not self._report.faults:
            self._report.fault("", f"there is nothing of CPU, memory or whole disks in it; {advice}")


def number(text: object) -> float:
    """A plain number that is not below zero, as C programs print it in any locale. Raises ValueError."""
    if isinstance(text, str):
        text = float(text.replace(",", "."))
    if not isinstance(text, (int, float)) or isinstance(text, bool) or not math.isfinite(text) or text < 0:
        raise ValueError(f"{str(text)[:40]!r} is no amount")
    return float(text)


def cut_off(fields: list[str]) -> bool:
    """Whether the last of some numbers printed alike has lost decimals: the file ends within it."""
    before, last = (len(text.replace(",", ".").partition(".")[2]) for text in fields[-2:])
    return last < before


def ratio(percent: float) -> float:
    """Percent to a share; a little over 100 is a tool's rounding. Raises ValueError."""
    if percent > 101:
        raise ValueError(f"{percent:.6g} % is more than all of the time")
    return round(min(1.0, percent / 100), 4)


def milliseconds(seconds: float) -> int:
    """Seconds since the epoch to milliseconds. Raises ValueError outside 1970 to 2100."""
    time = round(seconds * 1000)
    if not 0 < time < _YEAR_2100_MS:
        raise ValueError("the time is not between 1970 and 2100")
    return time


def _parsed(text: str) -> datetime:
    for form in _FORMS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise ValueError(f"{text[:40]!r} is no date and time that can be read; set S_TIME_FORMAT=ISO where it is written")


def fixed_zone(abbreviation: str) -> timezone | ZoneInfo | None:
    """The zone that an abbreviation is by itself; None if it takes a place to know."""
    if abbreviation in ("UTC", "GMT", "Z", "UCT"):
        return UTC
    sign, digits = abbreviation[:1], abbreviation[1:].replace(":", "")
    if sign in "+-" and digits.isdecimal() and digits.isascii() and len(digits) in (2, 4):
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
        if offset < timedelta(hours=24):
            return timezone(offset if sign == "+" else -offset)
    return None
