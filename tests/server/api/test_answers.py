"""Real answers of the reading routes fit the schemas of the description, which hold nothing else."""

from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.api.openapi import document
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from tests.server.batches import batch_document
from tests.server.installation import Clock, Volunteer

JSON = ("application/json", "application/problem+json")
UNKNOWN = "0b9d1f7e-8c55-4f0a-b5a7-2f1e3d4c5b6a"


def described(path: str, answer: TestResponse, method: str = "get") -> None:
    """The answer's status is described, and its media type, headers and content are as described there."""
    responses = document()["paths"][path][method]["responses"]
    assert str(answer.status_code) in responses, answer.text
    response = referred(responses[str(answer.status_code)])
    assert answer.mimetype in response["content"], answer.content_type
    for name, header in response.get("headers", {}).items():
        assert name in answer.headers
        jsonschema_rs.validate(whole(header["schema"]), as_typed(header["schema"], answer.headers[name]))
    if answer.mimetype in JSON:
        jsonschema_rs.validate(whole(response["content"][answer.mimetype]["schema"]), answer.get_json())
    answer.close()


def referred(part: dict[str, Any]) -> Any:
    return document()["components"]["responses"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part


def whole(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with what its references name."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": document()["components"], **schema}


def as_typed(schema: dict[str, Any], text: str) -> Any:
    return int(text) if schema["type"] == "integer" else text


@pytest.fixture
def filled(runtime: Runtime, enrolled: Callable[..., Volunteer], clock: Clock) -> list[str]:
    """A volunteer with samples, one without, one who is paused, and an imported machine without disks."""
    sending, idle, paused = enrolled(), enrolled(), enrolled()
    for volunteer in (sending, paused):
        assert volunteer.send(volunteer.batch()).status_code == 201
    runtime.registry.note_pause(paused.instance, clock() - 1000, None)
    imported = runtime.registry.source_instance("node.example.org")
    columns = batch_document(["cpu", "memory"], first_ms=clock() - 60_000)
    runtime.store.append([StoredBatch(imported, 1, bytes(32), {name: columns[name] for name in ("cpu", "memory")})])
    return [sending.instance, idle.instance, paused.instance, imported]


def test_instances(as_operator: FlaskClient, http: FlaskClient, filled: list[str]) -> None:
    for query in ("", "?size=2&page=2", "?sort=-disk", "?q=nothing", f"?instance={filled[0]}"):
        described("/api/v1/instances", as_operator.get(f"/api/v1/instances{query}"))
        described("/api/v1/instances", http.get(f"/api/v1/instances{query}"))
    listed = as_operator.get("/api/v1/instances").get_json()["instances"]
    assert {entry["state"] for entry in listed} >= {"live", "paused"} and any("name" in entry for entry in listed)
    described("/api/v1/instances", http.get("/api/v1/instances?sort=x"))
    described("/api/v1/instances", http.get("/api/v1/instances", headers={"Authorization": "Bearer x"}))


@pytest.mark.parametrize("path", ["/api/v1/series", "/api/v1/series.csv", "/api/v1/rows", "/api/v1/gaps"])
def test_what_is_asked_of_one_machine(as_operator: FlaskClient, clock: Clock, filled: list[str], path: str) -> None:
    range_of_time = {"start": clock() - 100_000, "end": clock() + 1000}
    for instance in (*filled, UNKNOWN):
        for table in ("cpu", "memory", "disk", "gpu"):
            for more in ({"by": "part", "format": "ndjson"}, {"points": 7, "format": "csv"}, {"end": 0}):
                query = {"instance": instance, "table": table, **range_of_time, **more}
                described(path, as_operator.get(path, query_string=query))


def test_sparks_and_live(as_operator: FlaskClient, filled: list[str]) -> None:
    answer = as_operator.get("/api/v1/sparks", query_string={"instance": [*filled, UNKNOWN]})
    described("/api/v1/sparks", answer)
    assert len(answer.get_json()["sparks"]) == 3
    for query in ("after=0", "after=0&most=0", "after=x"):
        described("/api/v1/live", as_operator.get(f"/api/v1/live?{query}"))
    cursor = as_operator.get("/api/v1/live?after=0").get_json()["cursor"]
    described("/api/v1/live", as_operator.get(f"/api/v1/live?after={cursor}"))


def test_what_says_how_the_server_is(as_operator: FlaskClient, http: FlaskClient) -> None:
    for path in ("/api/v1/notice", "/api/v1/openapi.json", "/healthz", "/readyz", "/metrics"):
        described(path, as_operator.get(path))
    described("/api/v1/notice", http.get("/api/v1/notice?locale=xx"))
    described("/metrics", http.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}))


def test_a_store_that_is_away(as_operator: FlaskClient, runtime: Runtime, clock: Clock, filled: list[str]) -> None:
    runtime.store.close()
    query = {"instance": filled[-1], "table": "cpu", "start": clock() - 1000, "end": clock()}
    for path in ("series", "series.csv", "rows", "gaps", "sparks"):
        answer = as_operator.get(f"/api/v1/{path}", query_string=query)
        assert answer.status_code == 503
        described(f"/api/v1/{path}", answer)


def test_as_many_ids_as_are_described_however_often_each_is_named(as_operator: FlaskClient) -> None:
    for path in ("/api/v1/instances", "/api/v1/sparks"):
        for count, status in ((100, 200), (101, 422)):
            answer = as_operator.get(path, query_string={"instance": [UNKNOWN] * count})
            assert answer.status_code == status
            described(path, answer)


@pytest.mark.parametrize("body", ['"AAA"', "[]", " null", "1"])
def test_otlp_takes_an_object_only(as_operator: FlaskClient, body: str) -> None:
    answer = as_operator.post("/v1/metrics", data=body, content_type="application/json")
    assert answer.status_code == 400
    described("/v1/metrics", answer, "post")


def test_an_answer_that_says_more_is_noticed() -> None:
    """The schemas are strict: the tests above would fail over a field that nobody described."""
    schema = whole({"$ref": "#/components/schemas/Instance"})
    entry = {name: None for name in document()["components"]["schemas"]["Instance"]["properties"]}
    errors = [error.message for error in jsonschema_rs.iter_errors(schema, {**entry, "host": "x"})]
    assert any("host" in message for message in errors)
