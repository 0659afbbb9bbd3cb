"""What node_exporter's ``/metrics`` says: Prometheus text exposition and OpenMetrics, one scrape or many in one file.

Rules:

* A scrape ends at a line ``# scraped TIME`` and where a series comes again: so ``curl >> file`` in a loop
  is read scrape by scrape, and only one of them is in memory.
* Its time is that of its samples; else that of ``# scraped TIME`` (ISO 8601 with a zone, or seconds), which stands
  after its scrape unless the file begins with one; else node_exporter's own clock, ``node_time_seconds``. A scrape
  without any is a fault.
* The name of the machine is the label ``instance`` (federation), else ``nodename`` of ``node_uname_info``.
* A line that cannot be read is a fault, and the scrape goes on without it. Metrics of no interest are not parsed.
* A dump by series (promtool) is put in order while its series fit into ``MOST_MOMENTS`` times; beyond it is refused.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from server.errors import ImportFailed
from server.imports.counters import Counters, Scrape, memory_row
from server.imports.format import Content, Format, Report
from server.imports.node_exporter import NAMES, Parts
from server.imports.values import Imported

MOST_MOMENTS = 20_000
_YEAR_2100 = 4_102_444_800
#: Name, labels, value, time, exemplar. Nothing is tried twice: a line of braces or spaces must not take hours.
_LINE = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*+)\s*+(\{(?:[^"}]++|"(?:[^"\\]++|\\.)*+")*+\})?+'
    r"\s*+([^\s{]\S*+)(\s++[^\s#]\S*+)?+(\s++#.*+)?+\s*+"
)
_BEGINNING = re.compile(
    rb"\s*(# (HELP|TYPE|UNIT) [a-zA-Z_:]|# EOF|# scraped "
    rb"|[a-zA-Z_:][\w:]*(\{[^\n]*\})? +[-+]?(\d[\d.e+-]*|\.\d+|NaN|Inf)( +\d[\d.]*)?( # [^\n]*)?\s*(\n|$))"
)
_SCRAPED = "# scraped"
_NO_TIME = "the scrape does not say when it was; add a line after each: # scraped 2026-01-31T12:00:00Z"
_NO_MEMORY = "memory lacks MemTotal, MemAvailable, SwapTotal or SwapFree; memory of such scrapes is left out"
_SINGLE = "the counters are those of one scrape, and a rate takes two: memory only"


def read(content: Content, report: Report) -> Iterator[Imported]:
    """The machines of the file, scrape by scrape."""
    chunker, counters = content.chunker(), Counters(report)
    scrapes, rates, without_memory = 0, 0, False
    for scrape, place in _scrapes(content, report):
        scrapes += 1
        if scrape.memory and memory_row(scrape.time_ms, scrape.memory) is None and not without_memory:
            without_memory = True
            report.fault(place, _NO_MEMORY)
        tables = counters.add(scrape, place)
        rates += "cpu" in tables or "disk" in tables
        yield from chunker.add_all(scrape.source, tables, place)
    yield from chunker.rest()
    if not scrapes and not report.faults:
        report.fault("", "there is nothing of CPU, memory or whole disks in it; save node_exporter's /metrics")
    elif scrapes == 1 and not rates:
        report.fault("", _SINGLE)


def parse_scrape(text: str, source: str, time_ms: int, report: Report) -> Scrape:
    """One scrape that was made at ``time_ms``, whatever times are in it; what cannot be read is a fault."""
    segment = _Segment()
    for at, line in enumerate(text.splitlines(), start=1):
        if line == "# EOF":
            segment.openmetrics = True
        elif not line.startswith("#") and line.strip():
            segment.add(line, at, report)
    parts = Parts()
    for sample, at in segment.samples(report):
        _take(parts, sample, at, report)
    return Scrape(source, time_ms, parts.cpu, parts.memory, parts.disk)


class _Segment:
    """The lines of interest of one scrape."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, int]] = []
        self.keys: set[str] = set()
        self.last = ""
        self.first_line = 0
        self.openmetrics = False
        self.timed = False
        self._said = False

    def begins_another(self, line: str) -> bool:
        """Whether the line is of the next scrape: its series was here, and this is no dump by series."""
        key = _key(line)
        return key is not None and key in self.keys and not (self.timed and key == self.last)

    def add(self, line: str, at: int, report: Report) -> None:
        """One line that is no comment."""
        self.first_line = self.first_line or at
        found = _LINE.fullmatch(line)
        if found is None or not (found[2] or _is_number(found[3])):
            if not self._said or _name(line) in NAMES:
                self._said = True
                report.fault(f"line {at}", "the line is not of the text exposition format")
            return
        self.last = f"{found[1]}{found[2] or ''}"
        self.keys.add(self.last)
        self.timed = self.timed or found[4] is not None
        if found[1] in NAMES:
            if len(self.lines) > MOST_MOMENTS * 64:
                raise ImportFailed(report.name, f"line {at}", "one scrape is too long; export a shorter time range")
            self.lines.append((line, at))

    def samples(self, report: Report) -> Iterator[tuple[Sample, int]]:
        """What the lines say, each with its line number."""
        for line, at in self.lines:
            try:
                if self.openmetrics:
                    families = list(parse_openmetrics(f"{line}\n# EOF\n"))  # type: ignore[no-untyped-call]  # has none
                else:
                    families = list(parse_text(f"{line}\n"))
                yield families[0].samples[0], at
            except (ValueError, IndexError, KeyError, TypeError):  # what the parsers raise for damaged lines
                report.fault(f"line {at}", "the sample cannot be read")


def _scrapes(content: Content, report: Report) -> Iterator[tuple[Scrape, str]]:
    """Each moment of each machine and where it begins."""
    segment, ahead, before = _Segment(), None, None
    for at, line in content.lines():
        if line.startswith(_SCRAPED):
            ahead = not segment.keys if ahead is None else ahead
            time = _time(line.removeprefix(_SCRAPED).strip())
            if time is None:
                report.fault(f"line {at}", "the time is neither ISO 8601 with a zone nor seconds since 1970")
            yield from _moments(segment, before if ahead else time, content, report)
            segment, before = _Segment(), time
        elif line == "# EOF":
            segment.openmetrics = True
        elif line.startswith("#") or not line.strip():
            continue
        else:
            if segment.keys and segment.begins_another(line):
                yield from _moments(segment, before if ahead else None, content, report)
                segment = _Segment()
            segment.add(line, at, report)
    yield from _moments(segment, before if ahead else None, content, report)


def _moments(segment: _Segment, told: int | None, content: Content, report: Report) -> Iterator[tuple[Scrape, str]]:
    """The moments of a segment in order: one, unless its samples have times of their own."""
    moments: dict[tuple[int | None, str | None], Parts] = {}
    for sample, at in segment.samples(report):
        stamp = None if sample.timestamp is None else float(sample.timestamp)
        if stamp is not None and not 0 < stamp < _YEAR_2100:
            report.fault(f"line {at}", "the time of the sample is not between 1970 and 2100")
            continue
        key = (None if stamp is None else round(stamp * 1000), sample.labels.get("instance"))
        if key not in moments and len(moments) >= MOST_MOMENTS:
            raise ImportFailed(
                report.name, f"line {at}", "the samples are not in order of time; export a shorter range"
            )
        _take(moments.setdefault(key, Parts()), sample, at, report)
    name = next((parts.name for parts in moments.values() if parts.name), None)
    clock = next((parts.clock_ms for parts in moments.values() if parts.clock_ms), None)
    for (stamp_ms, instance), parts in sorted(moments.items(), key=lambda each: (each[0][0] or 0, each[0][1] or "")):
        if not parts:
            continue
        time = next((each for each in (stamp_ms, told, clock) if each is not None), None)
        if time is None:
            report.fault(f"line {segment.first_line}", _NO_TIME)
            continue
        yield Scrape(
            content.machine(instance or name), time, parts.cpu, parts.memory, parts.disk
        ), f"line {segment.first_line}"


def _take(parts: Parts, sample: Sample, at: int, report: Report) -> None:
    try:
        parts.add(sample.name, sample.labels, float(sample.value))
    except ValueError as error:
        report.fault(f"line {at}", str(error))


def _time(text: str) -> int | None:
    """Milliseconds of an ISO 8601 time with a zone or of seconds since the epoch."""
    try:
        seconds = float(text) if _is_number(text) else _iso(text)
    except (ValueError, OverflowError):
        return None
    return round(seconds * 1000) if 0 < seconds < _YEAR_2100 else None


def _iso(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("without a zone")
    return moment.timestamp()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _name(line: str) -> str:
    return re.split(r"[{\s]", line, maxsplit=1)[0]


def _key(line: str) -> str | None:
    found = _LINE.fullmatch(line)
    return f"{found[1]}{found[2] or ''}" if found else None


def _matches(head: bytes) -> bool:
    return _BEGINNING.match(head) is not None


FORMAT = Format("exposition", "node_exporter's /metrics (Prometheus text or OpenMetrics)", _matches, read)
