"""Our own exports read back are the rows that were exported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.catalogue import TABLES, Column, Kind, Table
from server import row_formats
from server.errors import ImportFailed
from server.imports import detect
from server.imports.values import Row
from tests.server.imports.reading import read_bytes

TIME = 1_790_000_000_123


def values(column: Column) -> st.SearchStrategy[int | float | str | None]:
    """Whatever a column may hold."""
    known: st.SearchStrategy[int | float | str | None]
    if column.kind is Kind.SYMBOL:
        known = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=64)
    elif column.kind is Kind.FLOAT:
        known = st.floats(column.minimum, column.maximum).map(abs)
    else:
        known = st.integers(int(column.minimum), int(column.maximum))
    return known | st.none() if column.nullable else known


def row_lists(table: Table) -> st.SearchStrategy[list[Row]]:
    """Rows in the order in which a store has them."""
    row = st.tuples(st.integers(0, row_formats.LAST_MS), *(values(column) for column in table.wire_columns[1:]))
    width = 2 if table.part else 1
    return st.lists(row, min_size=1, max_size=20, unique_by=lambda row: row[:width]).map(
        lambda rows: sorted(rows, key=lambda row: row[:width])
    )


@given(st.sampled_from(list(TABLES.values())).flatmap(lambda table: st.tuples(st.just(table), row_lists(table))))
def test_what_was_exported_is_read_back(made: tuple[Table, list[Row]]) -> None:
    table, rows = made
    names = [column.name for column in table.wire_columns]
    named = [dict(zip(names, row, strict=True)) for row in rows]
    for content in (
        b"".join(row_formats.csv_rows(table, named)),
        b"".join(row_formats.ndjson_rows("id", "amber-otter-42", table, named)),
        b"".join(row_formats.every_table((table.name, row) for row in named)),
    ):
        found = read_bytes(content, source="web1")
        assert found.rows(table.name) == rows
        assert (found.sources, found.report.first) == ({"web1"}, [])


MEMORY = {
    "time": TIME,
    "total_bytes": 10,
    "available_bytes": 4,
    "used_bytes": 6,
    "swap_total_bytes": 0,
    "swap_used_bytes": 0,
}
CSV = b"".join(row_formats.csv_rows(TABLES["memory"], [MEMORY, {**MEMORY, "time": TIME + 1}]))
NDJSON = b"".join(row_formats.ndjson_rows("id", "alias", TABLES["memory"], [MEMORY, {**MEMORY, "time": TIME + 1}]))


def test_the_machine_has_to_be_named() -> None:
    for content in (CSV, NDJSON):
        with pytest.raises(ImportFailed, match="--source NAME"):
            read_bytes(content)


@pytest.mark.parametrize(
    ("content", "rows", "said"),
    [
        (NDJSON.rpartition(b'{"end"')[0], 2, "cut off"),
        (NDJSON.replace(b'{"end":2}', b'{"end":3}'), 2, "says that it had 3"),
        (NDJSON.replace(b'"used_bytes":6', b'"used_bytes":-6', 1), 1, "memory.used_bytes"),
        (NDJSON.replace(b"Z", b"", 1), 1, "time zone"),
        (NDJSON + b"{]\n", 2, "line 5"),
        (CSV.replace(b",6,", b",six,", 1), 1, "used_bytes is no number: 'six'"),
        (CSV.replace(b",6,", b",", 1), 1, "expected 6 values, found 5"),
        (CSV.replace(b"(By)", b"(KiBy)", 1), 0, "where 'total_bytes (By)' belongs"),
        (CSV.replace(b"total_bytes", b"totals", 1), 0, "no table that is known"),
        (CSV + b'"\r\n', 2, "line 4"),
        (CSV + b"\r\r\n", 2, "line 4"),
    ],
)
def test_what_cannot_be_used_is_named_and_the_rest_read(content: bytes, rows: int, said: str) -> None:
    found = read_bytes(content, source="web1")
    assert len(found.rows("memory")) == rows
    assert found.report.faults >= 1 and said in " ".join(found.report.first)


def test_columns_come_in_any_order_and_files_one_after_another() -> None:
    lines = [line.split(b",") for line in CSV.splitlines()]
    turned = b"\n".join(b",".join([line[0], *reversed(line[1:])]) for line in lines)
    later = CSV.replace(b".123Z", b".523Z").replace(b".124Z", b".524Z")
    found = read_bytes(turned + b"\n" + later, source="web1")
    assert [row[:3] for row in found.rows("memory")] == [
        (TIME, 10, 4),
        (TIME + 1, 10, 4),
        (TIME + 400, 10, 4),
        (TIME + 401, 10, 4),
    ]


def test_both_are_told_by_their_content() -> None:
    assert (detect(CSV).name, detect(NDJSON).name) == ("own-csv", "own")
