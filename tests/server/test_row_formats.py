"""CSV and NDJSON: every row comes back as it was, no spreadsheet calculates a cell, memory stays where it is."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.catalogue import TABLES, Column, Kind, Table
from server.row_formats import (
    BLOCK,
    LAST_MS,
    Row,
    csv_blocks,
    csv_rows,
    every_table,
    file_name,
    iso,
    ndjson_rows,
    plain_text,
    safe_text,
)

NAMES = st.text(min_size=1, max_size=64) | st.sampled_from(
    ["=1+1", "+1", "-x", "@x", "'quoted", "''", " =1", "\t=1", "a,b", 'a"b', "a\r\nb", "C:", "ｓda", "＝1", "|x", "%x"]
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "|", "%", "＝", "＋", "－", "＠")


def values(column: Column) -> st.SearchStrategy[Any]:
    if column.kind is Kind.SYMBOL:
        return NAMES
    if column.kind is Kind.FLOAT:
        found: st.SearchStrategy[Any] = st.floats(column.minimum, column.maximum)
    else:
        found = st.integers(int(column.minimum), min(int(column.maximum), LAST_MS))
    return found | st.none() if column.nullable else found


def rows_of(table: Table) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries({column.name: values(column) for column in table.wire_columns}), max_size=20)


def read_back(column: Column, cell: str) -> object:
    """A cell as whoever imports the file understands it."""
    if cell == "" and column.nullable:
        return None
    if column.kind is Kind.SYMBOL:
        return plain_text(cell)
    return float(cell) if column.kind is Kind.FLOAT else int(cell)


@settings(deadline=None)  # a busy machine is not a slow writer
@given(st.sampled_from(list(TABLES.values())).flatmap(lambda table: st.tuples(st.just(table), rows_of(table))))
def test_csv_reads_back_as_what_was_written(of: tuple[Table, list[dict[str, Any]]]) -> None:
    table, rows = of
    text = b"".join(csv_rows(table, rows)).decode()
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header[0] == "time (UTC)" and len(header) == len(table.wire_columns)
    assert [line[0] for line in lines] == [iso(row["time"]) for row in rows]
    for line, row in zip(lines, rows, strict=True):
        for column, cell in list(zip(table.wire_columns, line, strict=True))[1:]:
            assert read_back(column, cell) == row[column.name]
    assert text.endswith("\r\n")


@settings(deadline=None)  # a busy machine is not a slow writer
@given(st.sampled_from(list(TABLES.values())).flatmap(lambda table: st.tuples(st.just(table), rows_of(table))))
def test_ndjson_reads_back_and_says_how_many(of: tuple[Table, list[dict[str, Any]]]) -> None:
    table, rows = of
    text = b"".join(ndjson_rows("i", "calm-otter-10", table, rows)).decode()
    first, *found, last = [json.loads(line) for line in text.split("\n")[:-1]]
    units = {column.name: column.unit for column in table.columns}
    assert first == {
        "sysmetric_rows": 1,
        "instance": "i",
        "alias": "calm-otter-10",
        "table": table.name,
        "units": units,
    }
    assert found == [{**row, "time": iso(row["time"])} for row in rows]
    assert last == {"end": len(rows)}


@settings(deadline=None)  # a busy machine is not a slow writer
@given(NAMES)
def test_a_cell_is_never_a_formula_and_keeps_its_text(name: str) -> None:
    cell = safe_text(name)
    assert plain_text(cell) == name
    assert not cell.lstrip().startswith(FORMULA_STARTS)


def test_a_name_that_is_no_formula_is_left_alone() -> None:
    assert [safe_text(name) for name in ("sda", "C:", "nvme0n1", "a=b")] == ["sda", "C:", "nvme0n1", "a=b"]


def test_headers_say_the_units() -> None:
    heads = {table.name: b"".join(csv_rows(table, [])).decode().strip() for table in TABLES.values()}
    assert heads["cpu"].startswith("time (UTC),core,user (1),system (1),")
    assert heads["memory"].startswith("time (UTC),total_bytes (By),")
    assert heads["disk"].startswith("time (UTC),device,read_bytes_per_second (By/s),")
    assert "reads_per_second ({operation}/s)" in heads["disk"]


def test_a_header_is_no_formula_either() -> None:
    assert b"".join(csv_blocks(["=1", "b"], [["x", None]])) == b"'=1,b\r\nx,\r\n"


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_557_600_007, "2026-11-24T22:00:00.007Z"),
        (LAST_MS, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_iso_8601_with_milliseconds(time_ms: int, text: str) -> None:
    assert iso(time_ms) == text


@pytest.mark.parametrize("time_ms", [-1, LAST_MS + 1])
def test_a_time_without_a_date_is_refused(time_ms: int) -> None:
    with pytest.raises(ValueError):
        iso(time_ms)


@settings(deadline=None)  # a busy machine is not a slow writer
@given(st.text(max_size=40), st.integers(0, LAST_MS), st.integers(0, LAST_MS))
def test_a_file_name_is_safe_in_a_header_and_on_every_disk(alias: str, start_ms: int, end_ms: int) -> None:
    name = file_name(alias, "cpu", start_ms, end_ms, "csv")
    assert name.isascii() and name.startswith("sysmetric-") and name.endswith(".csv")
    assert all(letter.isalnum() or letter in "-." for letter in name) and name.count(".") == 1


def cpu_rows(count: int) -> Iterator[Row]:
    names = [column.name for column in TABLES["cpu"].columns]
    for number in range(count):
        yield {"time": 1_790_000_000_000 + number, "core": number % 4, **dict.fromkeys(names, number / count)}


def peak(count: int, form: str) -> int:
    tracemalloc.start()
    try:
        table = TABLES["cpu"]
        blocks = csv_rows(table, cpu_rows(count)) if form == "csv" else ndjson_rows("i", "a", table, cpu_rows(count))
        longest = max(len(block) for block in blocks)
        assert longest < BLOCK + 1024
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_memory_does_not_grow_with_the_rows(form: str) -> None:
    peak(100, form)  # what is made once
    few, many = peak(2_000, form), peak(20_000, form)
    assert many < few + 64 * 1024, (few, many)
    assert many < 16 * BLOCK


def test_the_copy_of_all_tables_counts_each() -> None:
    rows = [("cpu", row) for row in cpu_rows(2)] + [("memory", {"time": 1, "used_bytes": 2})]
    *found, end = [json.loads(line) for line in b"".join(every_table(rows)).splitlines()]
    assert [row["table"] for row in found] == ["cpu", "cpu", "memory"]
    assert end == {"end": {"cpu": 2, "memory": 1, "disk": 0}}
