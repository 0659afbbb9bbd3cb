"""What ``sadf -j FILE -- -u ALL -P ALL -r ALL -S -b -d -p`` prints (``-A`` too), of sysstat.

Rules:

* Read as a stream: one moment of one machine is in memory at a time. A file that is cut off counts as far as it goes.
* Several documents one after another are read, as ``sadf -j >> FILE`` leaves them; time begins anew in each.
* Times are UTC, as sadf writes them unless told ``-t`` or ``-T``; those are of ``--timezone``.
* Activities other than CPU, memory, swap, transfer rates and disks are skipped. What a moment lacks for a row of a
  table is one fault a file; what cannot be read in it is a fault of its own, and the other tables of it count.
* ``all`` is no core: it is stored as core 0 where a moment has nothing else.
* See ``sysstat`` for what the numbers mean.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ijson

from server.errors import ImportFailed
from server.imports import sysstat
from server.imports.format import Content, Format, Report
from server.imports.moments import Clock, Rows, milliseconds, number
from server.imports.values import Imported, Row

#: Parts of the JSON of one moment; a machine with a thousand cores and interfaces has some 200,000.
_LARGEST_MOMENT = 2_000_000
_DEEPEST = 20
_NODE, _STATISTICS = ("sysstat", "hosts", None, "nodename"), ("sysstat", "hosts", None, "statistics", None)
_HEAD = re.compile(rb'\s*\{\s*"sysstat"\s*:\s*\{.{0,1000}?"(file-date|file-utc-time)"', re.DOTALL)


def _matches(head: bytes) -> bool:
    return _HEAD.match(head) is not None


def read(content: Content, report: Report) -> Iterator[Imported]:
    """The machines of the file, moment by moment."""
    rows = Rows(content, report)
    clock = Clock(content)
    number_of = 0
    host = 0
    for host_of, node, moment in _moments(content, report):
        if host_of != host:
            host = host_of
            rows.restart()
            clock.restart()
        number_of += 1
        place = f"statistics[{number_of - 1}]"
        try:
            time = _time(moment, clock)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            rows.fault(place, f"no time that can be read: {error}")
            continue
        source = content.machine(node or None)
        for table, make in _TABLES.items():
            yield from _table(rows, make, source, table, time, moment=moment, place=place)
    yield from rows.rest(sysstat.ADVICE)


FORMAT = Format("sadf-json", "what sadf -j of sysstat prints", _matches, read)


def _table(
    rows: Rows,
    make: Callable[[int, Any, Callable[[str], None]], list[Row]],
    source: str,
    table: str,
    time: int,
    *,
    moment: Any,
    place: str,
) -> Iterator[Imported]:
    try:
        made = make(time, moment, lambda reason: rows.once(place, reason))
    except KeyError as error:
        rows.once(place, f"{table}: {error.args[0]!s:.40} is missing")
        return
    except (ValueError, TypeError, AttributeError) as error:
        rows.fault(place, f"{table}: {error}")
        return
    if made and rows.in_order(source, table, time, place):
        for row in made:
            yield from rows.add(source, table, row, place)


def _cpu(time: int, moment: Mapping[str, Any], _: Callable[[str], None]) -> list[Row]:
    entries = moment.get("cpu-load-all") or moment.get("cpu-load") or []
    return sysstat.cpu_rows(time, {str(entry["cpu"]): _numbers(entry) for entry in entries})


def _memory(time: int, moment: Mapping[str, Any], once: Callable[[str], None]) -> list[Row]:
    memory = moment.get("memory")
    if not memory:
        return []
    row = sysstat.memory_row(time, _numbers(memory))
    if isinstance(row, str):
        once(row)
        return []
    return [row]


def _disk(time: int, moment: Mapping[str, Any], once: Callable[[str], None]) -> list[Row]:
    machine: dict[str, float] = {}
    for each in (moment.get("io") or {}).values():
        machine |= _numbers(each) if isinstance(each, dict) else {}
    devices = {}
    for entry in moment.get("disk") or []:
        load = _numbers(entry)
        if "util-percent" in entry:
            load["util"] = number(entry["util-percent"])
        devices[str(entry["disk-device"])] = load
    return sysstat.disk_rows(time, devices, machine, once)


_TABLES = {"cpu": _cpu, "memory": _memory, "disk": _disk}


def _numbers(entry: Mapping[str, Any]) -> dict[str, float]:
    """The amounts of an entry that are of use. Raises ValueError."""
    return {name: number(value) for name, value in entry.items() if name in sysstat.WANTED}


def _time(moment: Mapping[str, Any], clock: Clock) -> int:
    """Milliseconds since the epoch; ``sec`` is there with -U. Raises ValueError, KeyError, TypeError."""
    stamp = moment["timestamp"]
    if "date" not in stamp:
        return milliseconds(number(stamp["sec"]))
    return clock.local(f"{stamp['date']} {stamp['time']}", "UTC" if stamp.get("utc", 1) else "")


def _moments(content: Content, report: Report) -> Iterator[tuple[int, str, Any]]:
    """(host, counted from 1; its name; one element of its ``statistics``), until the file ends or is no more JSON."""
    keys: list[str | None] = []  # the key in each open map, None in a list
    host, node = 0, ""
    builder, size = None, 0
    try:
        for event, value in ijson.basic_parse(content.stream, multiple_values=True, use_float=True):
            if builder is not None:
                builder.event(event, value)
                size += 1
                if size > _LARGEST_MOMENT:
                    raise ImportFailed(content.name, "", "one moment of it is larger than that of any machine")
            if event == "map_key":
                keys[-1] = value
            elif event in ("start_map", "start_array"):
                keys.append("" if event == "start_map" else None)
                if event == "start_map" and tuple(keys[:-1]) == _STATISTICS:
                    builder, size = ijson.ObjectBuilder(), 0
                    builder.event(event, value)
                elif len(keys) > _DEEPEST:
                    raise ImportFailed(content.name, "", "its JSON is nested deeper than sadf's")
            elif event in ("end_map", "end_array"):
                keys.pop()
                if builder is not None and tuple(keys) == _STATISTICS:
                    yield host, node, builder.value
                    builder = None
            elif event == "string" and tuple(keys) == _NODE:
                host, node = host + 1, value
    except ijson.IncompleteJSONError:
        report.fault("", "the JSON is cut off here; what came before it is imported")
    except (ijson.JSONError, UnicodeDecodeError) as error:
        report.fault("", f"the JSON is damaged here, and nothing after it is read ({_plain(error)})")


def _plain(error: Exception) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(error)[:80]).split())
