"""Instances, series and live: what is stored comes out, and only to whoever may see it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from consent.alias import alias_of
from consent.wire import Problem
from server.api.instances import state_of
from server.api.series import BUCKETS_MS, bucket_for
from server.errors import ProblemError
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from tests.server.batches import batch_document
from tests.server.installation import Clock, Volunteer
from tests.server.problems import check_problem

UNKNOWN = "0b9d1f7e-8c55-4f0a-b5a7-2f1e3d4c5b6a"


@pytest.fixture
def open_server(runtime: Runtime, clock: Clock) -> str:
    """An imported server with some rows; its instance id."""
    instance = runtime.registry.source_instance("node.example.org")
    document = batch_document(["cpu", "memory"], first_ms=clock() - 60_000)
    tables = {name: document[name] for name in ("cpu", "memory")}
    runtime.store.append([StoredBatch(instance, 1, bytes(32), tables)])
    return instance


def shown(http: FlaskClient) -> list[str]:
    return [entry["instance"] for entry in http.get("/api/v1/instances").get_json()["instances"]]


def series(http: FlaskClient, instance: str, clock: Clock, **options: Any) -> Any:
    query = {"instance": instance, "table": "cpu", "start": clock() - 20_000, "end": clock() + 10_000, **options}
    return http.get("/api/v1/series", query_string=query)


def test_each_sees_what_is_theirs(
    http: FlaskClient,
    as_operator: FlaskClient,
    as_volunteer: Callable[[Volunteer], FlaskClient],
    enrolled: Callable[..., Volunteer],
    open_server: str,
    clock: Clock,
) -> None:
    mine, other = enrolled(), enrolled()
    for each in (mine, other):
        assert each.send(each.batch()).status_code == 201
    assert shown(http) == [open_server]
    assert shown(as_volunteer(mine)) == [mine.instance]
    assert set(shown(as_operator)) == {mine.instance, other.instance, open_server}
    for instance, client, seen in (
        (open_server, http, True),
        (mine.instance, http, False),
        (mine.instance, as_volunteer(mine), True),
        (other.instance, as_volunteer(mine), False),
        (other.instance, as_operator, True),
        (UNKNOWN, as_operator, False),
        ("", as_operator, False),
        ("x" * 5000, http, False),
    ):
        answer = series(client, instance, clock)
        if seen:
            assert answer.status_code == 200, answer.text
        else:
            check_problem(answer, Problem.NOT_FOUND)
    cursor = http.get("/api/v1/live?after=0").get_json()["cursor"]
    mine.send(mine.batch(2, first_ms=clock()))
    for client, changed in ((http, []), (as_volunteer(mine), [mine.instance]), (as_volunteer(other), [])):
        assert client.get(f"/api/v1/live?after={cursor}").get_json()["changed"] == changed


def test_one_who_withdrew_is_like_one_who_never_was(
    as_operator: FlaskClient, as_volunteer: Callable[[Volunteer], FlaskClient], volunteer: Volunteer, clock: Clock
) -> None:
    volunteer.send(volunteer.batch())
    own = as_volunteer(volunteer)
    volunteer.post_withdrawal()
    answers = [series(as_operator, volunteer.instance, clock), series(as_operator, UNKNOWN, clock)]
    answers += [series(own, volunteer.instance, clock)]
    assert len({answer.text for answer in answers}) == 1
    check_problem(answers[0], Problem.NOT_FOUND)
    assert shown(as_operator) == shown(own) == []


def test_a_token_that_is_not_valid_is_refused_rather_than_ignored(http: FlaskClient) -> None:
    for path in ("/api/v1/instances", "/api/v1/live?after=0", f"/api/v1/series?instance={UNKNOWN}"):
        check_problem(http.get(path, headers={"Authorization": "Bearer wrong"}), Problem.UNAUTHORIZED)


def test_the_overview_shows_the_newest_values(
    as_operator: FlaskClient, volunteer: Volunteer, open_server: str, clock: Clock
) -> None:
    volunteer.send(volunteer.batch())
    answer = as_operator.get("/api/v1/instances").get_json()
    assert answer["now"] == clock() and isinstance(answer["cursor"], int)
    entries = {entry["instance"]: entry for entry in answer["instances"]}
    own = entries[volunteer.instance]
    assert (own["alias"], own["source"], own["state"]) == (alias_of(volunteer.instance), "volunteer", "live")
    assert own["last_seen"] == clock() - 3000
    assert (own["cpu_busy"], own["cores"], own["memory_total_bytes"]) == (0.75, 2, 1024)
    assert own["disk_read_bytes_per_second"] == 0.5
    assert "name" not in own
    imported = entries[open_server]
    assert (imported["name"], imported["source"], imported["state"]) == ("node.example.org", "open-server", "late")
    assert imported["disk_read_bytes_per_second"] is None


def test_a_series_has_every_bucket_and_leaves_gaps_empty(
    as_operator: FlaskClient, volunteer: Volunteer, clock: Clock
) -> None:
    volunteer.send(volunteer.batch())
    answer = series(as_operator, volunteer.instance, clock).get_json()
    assert (answer["table"], answer["bucket_ms"], answer["start"]) == ("cpu", 1000, clock() - 20_000)
    assert answer["time"] == list(range(clock() - 20_000, clock() + 10_000, 1000))
    (group,) = answer["groups"]
    mean = dict(zip(answer["time"], group["columns"]["user"]["mean"], strict=True))
    assert {time for time, value in mean.items() if value is not None} == {clock() - 5000 + i * 1000 for i in range(3)}
    assert set(group["columns"]["busy"]) == {"mean", "median", "min", "max", "p5", "p95"}
    assert group["summary"]["busy"] == {"mean": 0.75, "median": 0.75, "min": 0.75, "max": 0.75, "p5": 0.75, "p95": 0.75}


def test_a_series_by_part_and_of_a_machine_without_rows(
    as_operator: FlaskClient, enrolled: Callable[..., Volunteer], clock: Clock
) -> None:
    volunteer, idle = enrolled(), enrolled()
    volunteer.send(volunteer.batch())
    answer = series(as_operator, volunteer.instance, clock, table="disk", by="part").get_json()
    assert {group["part"] for group in answer["groups"]} == {"sda", "C:"}
    empty = series(as_operator, idle.instance, clock, table="memory").get_json()
    assert set(empty["groups"][0]["columns"]["used_bytes"]["mean"]) == {None}
    assert empty["groups"][0]["summary"]["used_bytes"]["mean"] is None


def test_parameters_that_do_not_fit(as_operator: FlaskClient, volunteer: Volunteer, clock: Clock) -> None:
    wrong: dict[str, list[object]] = {
        "table": ["gpu", "", "cpu'--"],
        "start": ["", "x", "-1", "1e3", "٣", "9" * 17],
        "end": [0, None],
        "points": [0, 3001, "many"],
        "by": ["core"],
    }
    for name, values in wrong.items():
        for value in values:
            answer = series(as_operator, volunteer.instance, clock, **{name: value})
            assert check_problem(answer, Problem.INVALID_REQUEST)["path"] == name
    long = series(as_operator, volunteer.instance, clock, start=0, points=10)
    assert check_problem(long, Problem.INVALID_REQUEST)["path"] == "points"
    for after in ("", "x", "-1"):
        check_problem(as_operator.get(f"/api/v1/live?after={after}"), Problem.INVALID_REQUEST)


def test_live_says_all_when_it_cannot_know(as_operator: FlaskClient, volunteer: Volunteer, clock: Clock) -> None:
    volunteer.send(volunteer.batch())
    first = as_operator.get("/api/v1/live?after=0").get_json()
    assert first["changed"] is None or volunteer.instance in first["changed"]
    again = as_operator.get(f"/api/v1/live?after={first['cursor']}").get_json()
    assert (again["changed"], again["cursor"], again["now"]) == ([], first["cursor"], clock())


def test_a_store_that_is_closed_is_unavailable(
    runtime: Runtime, as_operator: FlaskClient, volunteer: Volunteer, clock: Clock
) -> None:
    runtime.store.close()
    check_problem(series(as_operator, volunteer.instance, clock), Problem.UNAVAILABLE)


def test_live_late_gone() -> None:
    assert [state_of(age, 15_000) for age in (-5, 15_000, 15_001, 300_000, 300_001)] == (
        ["live", "live", "late", "late", "gone"]
    )


@given(st.integers(0, 2 * 10**12), st.integers(0, 60 * 86_400_000), st.integers(60, 3000))
def test_the_narrowest_bucket_that_fits_is_taken(start_ms: int, length_ms: int, points: int) -> None:
    def buckets(width: int) -> int:
        return len(range(start_ms // width * width, start_ms + length_ms, width))

    try:
        width = bucket_for(start_ms, start_ms + length_ms, points)
    except ProblemError:
        assert buckets(BUCKETS_MS[-1]) > points
        return
    assert buckets(width) <= points
    narrower = [other for other in BUCKETS_MS if other < width]
    assert all(buckets(other) > points for other in narrower)
