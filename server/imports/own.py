"""What our own server exports: raw rows as CSV and NDJSON (``GET /api/v1/rows``), and volunteers' copies of theirs.

Rules:

* A file does not name an open server: the machine is ``--source``, never the instance or the alias in the file.
* CSV: a header tells the table, each further one the next. Columns come in any order, unknown ones are refused.
* NDJSON: the last line says how many rows there were. A file without it was cut off, and that is a fault.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from consent.catalogue import TABLES, Column, Kind, Table
from consent.wire import Value
from server.imports.format import Content, Format, Report
from server.imports.values import Imported, Row

TIME_HEAD = "time (UTC)"
_FIRST = re.compile(rb'\s*\{"(sysmetric_rows|table)":')
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def _matches_csv(head: bytes) -> bool:
    return head.startswith((TIME_HEAD.encode() + b",", b'"' + TIME_HEAD.encode() + b'",'))


def _matches_ndjson(head: bytes) -> bool:
    return _FIRST.match(head) is not None


def _read_csv(content: Content, report: Report) -> Iterator[Imported]:
    source, chunker = content.machine(None), content.chunker()
    table, order = "", [0]
    for number, line in content.lines():
        place = f"line {number}"
        if not line:
            continue
        try:
            cells = next(csv.reader([line], strict=True), [])
            if not cells:
                raise ValueError("the line has no values")
            if cells[0] == TIME_HEAD:
                table, order = "", [0]
                table, order = _header(cells)
            elif table:
                yield from chunker.add(source, table, _row_of_cells(TABLES[table], order, cells), place)
            else:
                raise ValueError("the row comes before a header that can be used")
        except (ValueError, OverflowError, csv.Error) as error:
            report.fault(place, str(error)[:200])
    yield from chunker.rest()


def _read_ndjson(content: Content, report: Report) -> Iterator[Imported]:
    source, chunker = content.machine(None), content.chunker()
    table, rows, ended = None, 0, True
    for number, line in content.lines():
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            entry = _decode(line.encode())
            if "sysmetric_rows" in entry:
                table, rows, ended = _opened(entry), 0, False
            elif "end" in entry:
                ended = True
                _check_end(entry["end"], rows)
            else:
                rows += 1
                ended = False
                name = entry.pop("table", table)
                if name not in TABLES:
                    raise ValueError("the row is of no table that is known")
                yield from chunker.add(source, name, _row_of_entry(TABLES[name], entry), place)
        except (ValueError, OverflowError, RecursionError) as error:  # msgspec's errors are ValueErrors
            report.fault(place, str(error)[:200])
    yield from chunker.rest()
    if not ended:
        report.fault("", "the file has no last line with the number of rows: it was cut off; export it again")


def _header(cells: Sequence[str]) -> tuple[str, list[int]]:
    """The table, and where in a line each of its wire columns is."""
    names = [cell.partition(" (")[0] for cell in cells]
    for table in TABLES.values():
        wanted = [column.name for column in table.wire_columns]
        if sorted(wanted) == sorted(names):
            _check_units(table, dict(zip(names, cells, strict=True)))
            return table.name, [names.index(name) for name in wanted]
    raise ValueError("the header is that of no table that is known")


def _check_units(table: Table, heads: dict[str, str]) -> None:
    for column in table.wire_columns[1:]:
        expected = f"{column.name} ({column.unit})" if column.unit else column.name
        if heads[column.name] != expected:
            raise ValueError(f"the header has {heads[column.name][:40]!r} where {expected!r} belongs")


def _row_of_cells(table: Table, order: Sequence[int], cells: Sequence[str]) -> Row:
    if len(cells) != len(order):
        raise ValueError(f"expected {len(order)} values, found {len(cells)}")
    time, *values = (cells[index] for index in order)
    columns = table.wire_columns[1:]
    return _milliseconds(time), *(_value(column, cell) for column, cell in zip(columns, values, strict=True))


def _value(column: Column, cell: str) -> Value:
    if cell == "":
        return None
    if column.kind is Kind.SYMBOL:
        return cell.removeprefix("'")
    try:
        return float(cell) if column.kind is Kind.FLOAT else int(cell)
    except ValueError:
        raise ValueError(f"{column.name} is no number: {cell[:40]!r}") from None


def _opened(entry: dict[str, Any]) -> str:
    if entry["sysmetric_rows"] != 1 or entry.get("table") not in TABLES:
        raise ValueError("the first line is of a newer version or another table; update the server")
    return str(entry["table"])


def _check_end(end: object, rows: int) -> None:
    expected = sum(value for value in end.values() if isinstance(value, int)) if isinstance(end, dict) else end
    if expected != rows:
        raise ValueError(f"the file holds {rows} rows and says that it had {str(expected)[:20]}")


def _row_of_entry(table: Table, entry: dict[str, Any]) -> Row:
    names = [column.name for column in table.wire_columns]
    if entry.keys() != set(names):
        wrong = sorted(entry.keys() ^ set(names))
        raise ValueError(f"a row of {table.name} lacks or should not have {', '.join(wrong)[:80]}")
    time = entry["time"]
    values = [_exact(column, entry[column.name]) for column in table.wire_columns[1:]]
    return (_milliseconds(time) if isinstance(time, str) else time, *values)


def _exact(column: Column, value: Any) -> Value:
    if column.kind is Kind.FLOAT and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if value is None or isinstance(value, (int, float, str)):
        return value
    raise ValueError(f"{column.name} is no single value")


def _milliseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"the time {text[:40]!r} has no time zone; expected 2026-11-24T22:00:00.000Z")
    return round((moment - _EPOCH).total_seconds() * 1000)


CSV = Format("own-csv", "our own export as CSV", _matches_csv, _read_csv)
NDJSON = Format("own", "our own export as NDJSON", _matches_ndjson, _read_ndjson)
