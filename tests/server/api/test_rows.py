"""Raw rows and what a chart shows, as files: the numbers of the store, only for whoever may see them."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent.alias import alias_of
from consent.catalogue import TABLES
from consent.wire import Problem
from server.row_formats import iso
from server.runtime import Runtime
from server.store.protocol import STATISTICS, StoredBatch
from tests.server.batches import batch_document
from tests.server.installation import Clock, Volunteer
from tests.server.problems import check_problem

UNKNOWN = "0b9d1f7e-8c55-4f0a-b5a7-2f1e3d4c5b6a"
PATHS = ("/api/v1/rows", "/api/v1/series.csv")


def ask(http: FlaskClient, instance: str, clock: Clock, path: str = PATHS[0], **options: Any) -> TestResponse:
    query = {"instance": instance, "table": "cpu", "start": clock() - 20_000, "end": clock() + 10_000, **options}
    return http.get(path, query_string=query)


def table_of(answer: TestResponse) -> tuple[list[str], list[list[str]]]:
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "text/csv; charset=utf-8"
    header, *lines = csv.reader(io.StringIO(answer.get_data(as_text=True), newline=""), strict=True)
    return header, lines


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_those_of_the_store(
    as_operator: FlaskClient, runtime: Runtime, volunteer: Volunteer, clock: Clock, table: str
) -> None:
    volunteer.send(volunteer.batch())
    stored = [row for name, row in runtime.store.rows(volunteer.instance) if name == table]
    header, lines = table_of(ask(as_operator, volunteer.instance, clock, table=table))
    assert len(lines) == len(stored) > 0 and len(header) == len(TABLES[table].wire_columns)
    assert [line[0] for line in lines] == [iso(int(row["time"] or 0)) for row in stored]
    assert [line[1:] for line in lines] == [[str(value) for value in list(row.values())[1:]] for row in stored]
    answer = ask(as_operator, volunteer.instance, clock, table=table, format="ndjson")
    assert answer.content_type == "application/x-ndjson"
    first, *rows, last = [json.loads(line) for line in answer.text.splitlines()]
    assert (first["instance"], first["alias"]) == (volunteer.instance, alias_of(volunteer.instance))
    assert rows == [{**row, "time": iso(int(row["time"] or 0))} for row in stored]
    assert last == {"end": len(stored)}


def test_the_range_is_half_open_and_in_the_name_of_the_file(
    as_operator: FlaskClient, volunteer: Volunteer, clock: Clock
) -> None:
    volunteer.send(volunteer.batch())
    start, end = clock() - 5000, clock() - 4000
    answer = ask(as_operator, volunteer.instance, clock, table="memory", start=start, end=end)
    assert [line[0] for line in table_of(answer)[1]] == [iso(start)]
    alias = alias_of(volunteer.instance)
    name = f"sysmetric-{alias}-memory-20260921T141315Z-20260921T141316Z.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert table_of(ask(as_operator, volunteer.instance, clock, start=start, end=start))[1] == []


def test_a_chart_as_csv_has_the_numbers_of_the_chart(
    as_operator: FlaskClient, volunteer: Volunteer, clock: Clock
) -> None:
    volunteer.send(volunteer.batch())
    choices: list[dict[str, Any]] = [
        {},
        {"by": "part"},
        {"table": "disk", "by": "part", "points": 5},
        {"table": "memory"},
    ]
    for options in choices:
        shown = ask(as_operator, volunteer.instance, clock, "/api/v1/series", **options).get_json()
        answer = ask(as_operator, volunteer.instance, clock, "/api/v1/series.csv", **options)
        header, lines = table_of(answer)
        assert [line[0] for line in lines] == [iso(time) for time in shown["time"]]
        columns = [
            values
            for group in shown["groups"]
            for statistics in group["columns"].values()
            for values in statistics.values()
        ]
        assert len(header) == 1 + len(columns) == len(set(header))
        written = [[float(cell) if cell else None for cell in line[1:]] for line in lines]
        assert written == [list(values) for values in zip(*columns, strict=True)]
        assert "-chart-" in answer.headers["Content-Disposition"]


def test_the_columns_of_a_chart_say_part_statistic_and_unit(
    as_operator: FlaskClient, volunteer: Volunteer, clock: Clock
) -> None:
    volunteer.send(volunteer.batch())
    header, lines = table_of(ask(as_operator, volunteer.instance, clock, "/api/v1/series.csv"))
    assert header[: 1 + len(STATISTICS)] == ["time (UTC)", *(f"user {statistic} (1)" for statistic in STATISTICS)]
    assert "busy mean (1)" in header
    assert any(set(line[1:]) == {""} for line in lines) and any(line[1] == "0.25" for line in lines)
    by_part = table_of(ask(as_operator, volunteer.instance, clock, "/api/v1/series.csv", table="disk", by="part"))[0]
    assert "device sda read_bytes_per_second mean (By/s)" in by_part
    assert "device C: busy p95 (1)" in by_part
    assert (
        "core 1 user mean (1)"
        in table_of(ask(as_operator, volunteer.instance, clock, "/api/v1/series.csv", by="part"))[0]
    )


@pytest.mark.parametrize("path", PATHS)
def test_only_who_may_see_a_machine_gets_its_rows(
    http: FlaskClient,
    as_operator: FlaskClient,
    as_volunteer: Callable[[Volunteer], FlaskClient],
    enrolled: Callable[..., Volunteer],
    runtime: Runtime,
    clock: Clock,
    path: str,
) -> None:
    mine, other = enrolled(), enrolled()
    imported = runtime.registry.source_instance("node.example.org")
    for each in (mine, other):
        each.send(each.batch())
    own = as_volunteer(mine)
    for instance, client, seen in (
        (imported, http, True),
        (mine.instance, http, False),
        (mine.instance, own, True),
        (other.instance, own, False),
        (imported, own, False),
        (other.instance, as_operator, True),
        (UNKNOWN, as_operator, False),
        ("", as_operator, False),
    ):
        answer = ask(client, instance, clock, path)
        if seen:
            assert answer.status_code == 200, answer.text
        else:
            check_problem(answer, Problem.NOT_FOUND)
    assert mine.post_withdrawal().status_code == 200
    check_problem(ask(own, mine.instance, clock, path), Problem.NOT_FOUND)


def test_parameters_that_do_not_fit_are_named(as_operator: FlaskClient, volunteer: Volunteer, clock: Clock) -> None:
    wrong: dict[str, list[Any]] = {
        "table": ["gpu", "", "cpu'--", None],
        "start": ["", "x", "-1", "1e3", 253_402_300_800_000, None],
        "end": [0, None, 2**53],
        "format": ["xml", ""],
    }
    for name, values in wrong.items():
        for value in values:
            answer = ask(as_operator, volunteer.instance, clock, **{name: value})
            assert check_problem(answer, Problem.INVALID_REQUEST)["path"] == name


@pytest.mark.parametrize("path", PATHS)
def test_a_store_that_is_away_is_a_problem_and_not_half_a_file(
    runtime: Runtime, as_operator: FlaskClient, volunteer: Volunteer, clock: Clock, path: str
) -> None:
    runtime.store.close()
    check_problem(ask(as_operator, volunteer.instance, clock, path), Problem.UNAVAILABLE)


def test_a_device_that_looks_like_a_formula_is_text_in_the_file(
    http: FlaskClient, runtime: Runtime, clock: Clock
) -> None:
    instance = runtime.registry.source_instance("node.example.org")
    columns = batch_document(["disk"], first_ms=clock() - 5000, samples=1)["disk"]
    columns["device"] = ["=HYPERLINK(1)", '@a,"b"']
    runtime.store.append([StoredBatch(instance, 1, bytes(32), {"disk": columns})])
    devices = {line[1] for line in table_of(ask(http, instance, clock, table="disk"))[1]}
    assert devices == {"'=HYPERLINK(1)", '\'@a,"b"'}


def test_many_readers_are_told_to_wait_and_a_finished_one_makes_room(
    as_operator: FlaskClient, runtime: Runtime, volunteer: Volunteer, clock: Clock
) -> None:
    volunteer.send(volunteer.batch())
    room = max(1, runtime.config.threads // 4)
    reading = [ask(as_operator, volunteer.instance, clock) for _ in range(room)]
    for answer in reading:
        assert answer.status_code == 200
    refused = check_problem(ask(as_operator, volunteer.instance, clock), Problem.SLOW_DOWN)
    assert refused["retry_after"] >= 1
    reading[0].close()
    assert ask(as_operator, volunteer.instance, clock).status_code == 200


def test_rows_come_while_they_are_read(
    as_operator: FlaskClient,
    runtime: Runtime,
    volunteer: Volunteer,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = 0
    row: dict[str, Any] = {"time": clock(), "core": 0, **{column.name: 0.5 for column in TABLES["cpu"].columns}}

    def endless(*_: Any, **__: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        nonlocal taken
        while True:
            taken += 1
            yield "cpu", row

    monkeypatch.setattr(runtime.store, "rows", endless)
    answer = as_operator.get(
        "/api/v1/rows",
        query_string={"instance": volunteer.instance, "table": "cpu", "start": 0, "end": clock() + 1},
        buffered=False,
    )
    blocks = iter(answer.response)
    assert str(next(blocks)).startswith("b'time (UTC),core")
    assert 0 < taken < 10_000
    answer.close()
