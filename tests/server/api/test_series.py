"""A series with the columns and statistics that were asked for."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent.wire import Problem
from server.store.protocol import STATISTICS
from tests.server.problems import check_problem
from tests.server.installation import Clock, Volunteer


@pytest.fixture
def sent(volunteer: Volunteer) -> Volunteer:
    """A volunteer whose samples are stored."""
    assert volunteer.send(volunteer.batch()).status_code == 201
    return volunteer


def ask(app: Flask, token: str, instance: str, clock: Clock, **options: str) -> Any:
    http: FlaskClient = app.test_client()
    query = {"instance": instance, "table": "cpu", "start": clock() - 20_000, "end": clock() + 10_000, **options}
    return http.get("/api/v1/series", query_string=query, headers={"Authorization": f"Bearer {token}"})


def test_only_what_was_asked_for(app: Flask, operator_token: str, sent: Volunteer, clock: Clock) -> None:
    whole = ask(app, operator_token, sent.instance, clock).get_json()
    part = ask(app, operator_token, sent.instance, clock, columns="busy,user", statistics="p95,mean").get_json()
    (group,), (all_of_it,) = part["groups"], whole["groups"]
    assert list(group["columns"]) == ["user", "busy"]
    for name, statistics in group["columns"].items():
        assert statistics == {each: all_of_it["columns"][name][each] for each in ("mean", "p95")}
        assert group["summary"][name] == all_of_it["summary"][name], "the numbers of the range stay whole"
    assert list(group["summary"]) == ["user", "busy"]
    assert all(list(statistics) == list(STATISTICS) for statistics in all_of_it["columns"].values())
    assert part["time"] == whole["time"]


def test_of_each_part(app: Flask, operator_token: str, sent: Volunteer, clock: Clock) -> None:
    options = {"by": "part", "columns": "busy", "statistics": "mean"}
    groups = ask(app, operator_token, sent.instance, clock, **options).get_json()["groups"]
    assert [group["part"] for group in groups] == ["0", "1"]
    assert all(list(group["columns"]) == ["busy"] for group in groups)


@pytest.mark.parametrize(
    ("name", "value"), [("columns", "total_bytes"), ("columns", ""), ("columns", "user,"), ("statistics", "p99")]
)
def test_what_is_not_there(
    app: Flask, operator_token: str, sent: Volunteer, clock: Clock, name: str, value: str
) -> None:
    answer = ask(app, operator_token, sent.instance, clock, **{name: value})
    assert check_problem(answer, Problem.INVALID_REQUEST)["path"] == name
