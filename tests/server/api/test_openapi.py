"""The description and the server agree, both ways."""

import json
import re
from importlib import resources
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent.catalogue import TABLES
from consent.wire import STATUS, Problem

DOCUMENT: dict[str, Any] = json.loads((resources.files("server.api") / "openapi.json").read_text("utf-8"))
METHODS = {"get", "post", "put", "delete", "patch"}

#: DESIGN section 5: what the agent acts on.
BATCH_PROBLEMS = {
    Problem.SIGNATURE_INVALID,
    Problem.CLOCK_SKEW,
    Problem.REPLAYED,
    Problem.CONSENT_REQUIRED,
    Problem.CONSENT_EXPIRED,
    Problem.NOTICE_SUPERSEDED,
    Problem.NOT_CONSENTED,
    Problem.SEQUENCE_REUSED,
    Problem.CONSENT_WITHDRAWN,
    Problem.TOO_LARGE,
    Problem.UNSUPPORTED,
    Problem.INVALID_BATCH,
    Problem.SLOW_DOWN,
    Problem.INTERNAL,
    Problem.UNAVAILABLE,
    Problem.STORAGE_FULL,
}


def resolved(part: dict[str, Any]) -> Any:
    """``part``, or what its ``$ref`` names."""
    found: Any = part
    while isinstance(found, dict) and "$ref" in found:
        target: Any = DOCUMENT
        for step in found["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        found = target
    return found


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def problem_types(response: dict[str, Any]) -> set[str]:
    media = resolved(response).get("content", {}).get("application/problem+json")
    return set() if media is None else set(media["schema"]["allOf"][1]["properties"]["type"]["enum"])


def test_every_route_is_described_and_every_description_has_a_route(app: Flask) -> None:
    routes = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if not rule.endpoint.startswith("pages.") and method not in ("HEAD", "OPTIONS")
    }
    assert routes == set(operations())


def test_it_is_served_as_it_is_packaged(http: FlaskClient) -> None:
    assert http.get("/api/v1/openapi.json").get_json() == DOCUMENT


def test_every_answer_of_batches_is_described() -> None:
    responses = operations()["post", "/api/v1/batches"]["responses"]
    assert set(responses) == {"200", "201", *(str(STATUS[problem]) for problem in BATCH_PROBLEMS)}
    described = set[str]().union(*(problem_types(response) for response in responses.values()))
    assert described == {problem.value for problem in BATCH_PROBLEMS}


@pytest.mark.parametrize("operation", operations().values(), ids=lambda operation: operation["operationId"])
def test_every_problem_stands_under_its_status(operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        for name in problem_types(response):
            assert STATUS[Problem(name)] == int(status)
        if status in ("429", "507"):
            assert "Retry-After" in resolved(response)["headers"]


def test_a_batch_is_described_column_by_column() -> None:
    properties = DOCUMENT["components"]["schemas"]["Batch"]["properties"]
    for table in TABLES.values():
        described = properties[table.name]
        assert list(described["properties"]) == described["required"] == [column.name for column in table.wire_columns]
        for column in table.columns:
            items = described["properties"][column.name]["items"]
            assert (items["minimum"], items["maximum"]) == (column.minimum, column.maximum)
            assert ("null" in items["type"]) == column.nullable


def test_every_reference_leads_somewhere() -> None:
    for target in re.findall(r'"\$ref": "(#/[^"]+)"', json.dumps(DOCUMENT)):
        assert resolved({"$ref": target})
