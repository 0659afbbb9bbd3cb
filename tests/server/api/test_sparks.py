"""The small lines of the overview: one answer for a page of machines, gaps as null, and nothing of others' machines."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent.wire import Problem
from server.api.sparks import BUCKET_MS, BUCKETS
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from tests.server.batches import batch_document
from tests.server.installation import Clock, Volunteer
from tests.server.problems import check_problem

MINUTE = 60_000


def _imported(runtime: Runtime, name: str, *ages_ms: int) -> str:
    instance = runtime.registry.source_instance(name)
    for sequence, age_ms in enumerate(ages_ms, 1):
        document = batch_document(["cpu", "memory"], instance=instance, first_ms=runtime.now_ms() - age_ms)
        tables = {table: document[table] for table in ("cpu", "memory")}
        runtime.store.append([StoredBatch(instance, sequence, bytes([sequence] * 32), tables)])
    return instance


def _sparks(http: FlaskClient, *instances: str) -> Any:
    answer = http.get("/api/v1/sparks", query_string={"instance": list(instances)})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_an_hour_of_minutes_with_gaps(http: FlaskClient, runtime: Runtime, clock: Clock) -> None:
    clock.now_ms = clock.now_ms // MINUTE * MINUTE + 30_000
    instance = _imported(runtime, "a", 40 * MINUTE, 10_000)
    answer = _sparks(http, instance)
    assert (answer["bucket_ms"], answer["end"] - answer["start"]) == (BUCKET_MS, BUCKETS * BUCKET_MS)
    assert answer["end"] - BUCKET_MS <= clock() < answer["end"]
    spark = answer["sparks"][instance]
    assert {len(values) for values in spark.values()} == {BUCKETS}
    filled = [place for place, value in enumerate(spark["cpu_busy"]) if value is not None]
    assert filled == [BUCKETS - 41, BUCKETS - 1]
    assert spark["cpu_busy"][-1] == 0.75
    assert set(spark["disk_bytes_per_second"]) == {None}, "it has no disk rows"


def test_who_may_not_see_a_machine_learns_nothing(
    http: FlaskClient, app: Flask, operator_token: str, runtime: Runtime, volunteer: Volunteer
) -> None:
    source = _imported(runtime, "a", 10_000)
    volunteer.send(volunteer.batch())
    asked = (source, volunteer.instance, "unknown")
    assert set(_sparks(http, *asked)["sparks"]) == {source}
    operator = app.test_client()
    operator.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {operator_token}"
    assert set(_sparks(operator, *asked)["sparks"]) == {source, volunteer.instance}
    assert _sparks(http)["sparks"] == {}


def test_one_question_to_the_store(http: FlaskClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    instances = [_imported(runtime, f"server-{number}", 10_000) for number in range(5)]
    questions: list[Sequence[str]] = []
    ask: Callable[..., Any] = runtime.store.sparks

    def counted(named: Sequence[str], *rest: Any) -> Any:
        questions.append(named)
        return ask(named, *rest)

    monkeypatch.setattr(runtime.store, "sparks", counted)
    assert set(_sparks(http, *instances)["sparks"]) == set(instances)
    assert [sorted(named) for named in questions] == [sorted(instances)]


def test_a_bounded_number_of_machines(http: FlaskClient) -> None:
    many = {"instance": [str(number) for number in range(101)]}
    problem = check_problem(http.get("/api/v1/sparks", query_string=many), Problem.INVALID_REQUEST)
    assert problem["path"] == "instance"
