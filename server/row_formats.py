"""Rows as text that other programs read: CSV and NDJSON; what ``series.csv`` and the import share with them.

Rules:

* Times are ISO 8601 in UTC with milliseconds; numbers are exact (the shortest text that reads back the same); base
  units of the catalogue stand in the header.
* CSV is RFC 4180: CRLF, quotes where needed, empty for NULL. A text that a spreadsheet would take for a formula gets an
  apostrophe in front; so does one that begins with an apostrophe, and ``plain_text`` takes exactly one away again.
  The same holds behind each ``;`` in it, where a cell begins for a spreadsheet that has the comma in its numbers.
* NDJSON says first what it holds and last how many rows came, so that a reader knows that nothing is missing.
* Everything is an iterator of blocks of about ``BLOCK`` bytes: memory does not grow with the number of rows.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from consent.catalogue import TABLES, Column, Table
from consent.wire import Value

CSV_TYPE = "text/csv; charset=utf-8"
NDJSON_TYPE = "application/x-ndjson"
#: The version of the NDJSON form, in its first line.
FORM = 1
TIME_HEAD = "time (UTC)"
#: The last millisecond that has a date of four digits for its year.
LAST_MS = 253_402_300_799_999
#: Bytes that are handed on at once.
BLOCK = 64 * 1024

# What makes a cell a formula in one spreadsheet or another (OWASP, CSV injection), also behind spaces.
_FORMULA = re.compile(r"\s*[=+\-@|%\t\r＝＋－＠]|'")

_EPOCH = datetime(1970, 1, 1)

Row = Mapping[str, Value]


def iso(time_ms: int) -> str:
    """``2026-11-24T22:00:00.000Z``. Raises ValueError beyond LAST_MS."""
    if not 0 <= time_ms <= LAST_MS:
        raise ValueError("a date has a year of four digits")
    return (_EPOCH + timedelta(milliseconds=time_ms)).isoformat(timespec="milliseconds") + "Z"


def safe_text(text: str) -> str:
    """A text as a cell that no spreadsheet calculates."""
    return ";".join(f"'{piece}" if _FORMULA.match(piece) else piece for piece in text.split(";"))


def plain_text(cell: str) -> str:
    """The text that ``safe_text`` made a cell of."""
    return ";".join(piece.removeprefix("'") for piece in cell.split(";"))


def head(column: Column) -> str:
    """The name of a column in the header of a CSV file: ``user (1)``, ``core``."""
    if column.name == "time":
        return TIME_HEAD
    return f"{column.name} ({column.unit})" if column.unit else column.name


def csv_blocks(header: Sequence[str], lines: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """A CSV file of a header and of cells; None is empty, texts are made safe."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([safe_text(name) for name in header])
    for line in lines:
        writer.writerow([safe_text(value) if isinstance(value, str) else value for value in line])
        if text.tell() >= BLOCK:
            yield _taken(text)
    yield _taken(text)


def csv_rows(table: Table, rows: Iterable[Row]) -> Iterator[bytes]:
    """Rows of one table, in the order in which they come."""
    names = [column.name for column in table.wire_columns[1:]]
    lines = ([iso(_time(row)), *(row[name] for name in names)] for row in rows)
    return csv_blocks([head(column) for column in table.wire_columns], lines)


def ndjson_rows(instance: str, alias: str, table: Table, rows: Iterable[Row]) -> Iterator[bytes]:
    """Rows of one table of one machine: what it is, one object per row, ``{"end": N}``."""
    units = {column.name: column.unit for column in table.columns}
    return _joined(
        _framed(
            {"sysmetric_rows": FORM, "instance": instance, "alias": alias, "table": table.name, "units": units},
            ({**row, "time": iso(_time(row))} for row in rows),
        )
    )


def every_table(rows: Iterable[tuple[str, Row]]) -> Iterator[bytes]:
    """All that is held of a machine, as a volunteer gets it: wire rows with their table, ``{"end": {table: N}}``."""
    return _joined(_tagged(rows))


def file_name(alias: str, table: str, start_ms: int, end_ms: int, suffix: str) -> str:
    """``sysmetric-<alias>-<table>-<start>-<end>.<suffix>``, of letters, digits and dashes only."""
    name = "-".join(("sysmetric", alias, table, _compact(start_ms), _compact(end_ms)))
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', name)}.{suffix}"


def _framed(first: dict[str, object], rows: Iterable[dict[str, Value]]) -> Iterator[object]:
    yield first
    count = 0
    for count, row in enumerate(rows, start=1):
        yield row
    yield {"end": count}


def _tagged(rows: Iterable[tuple[str, Row]]) -> Iterator[object]:
    counts = Counter({table: 0 for table in TABLES})
    for table, row in rows:
        counts[table] += 1
        yield {"table": table, **row}
    yield {"end": dict(counts)}


def _joined(objects: Iterable[object]) -> Iterator[bytes]:
    encoder, block = msgspec.json.Encoder(), bytearray()
    for each in objects:
        block += encoder.encode(each) + b"\n"
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _taken(text: io.StringIO) -> bytes:
    taken = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return taken


def _time(row: Row) -> int:
    time = row["time"]
    if not isinstance(time, int):
        raise TypeError("a row has its time in milliseconds")
    return time


def _compact(time_ms: int) -> str:
    return iso(time_ms)[:19].replace("-", "").replace(":", "") + "Z"
