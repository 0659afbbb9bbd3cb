"""Requests that nobody thought of, made from the description: no answer is a failure of the server or a surprise.

``SYSMETRIC_API_EXAMPLES`` (50) is the number of requests per operation. Beyond Schemathesis' own checks: a machine
that is there is asked for in half of the requests, so that the range, the table and the form are met too.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from consent.record import UUID_PATTERN
from server.api.openapi import document
from server.app import create_app
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from tests.server.batches import batch_document
from tests.server.installation import Clock, open_installation


@schemathesis.serializer("application/x-protobuf")
def as_it_is(_: object, value: Any) -> bytes:
    """Any bytes: what they mean is for the server to find out."""
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape")


Check = Callable[[schemathesis.CheckContext, schemathesis.Response, schemathesis.Case[Any]], bool | None]
EXAMPLES = int(os.environ.get("SYSMETRIC_API_EXAMPLES", "50"))
#: What a description cannot say: that ``end`` is not before ``start``, that a range of years has not 10 buckets, and
#: what a signed document looks like. 422 is right for those.
ACROSS_PARAMETERS = {"getSeries", "getSeriesCsv", "getRows", "getGaps"}
LONGEST_MS = 100_000_000


@pytest.fixture(scope="module")
def fuzzed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """An installation with an imported machine that has samples of every table."""
    data_dir = shutil.copytree(template, tmp_path_factory.mktemp("fuzzed") / "server")
    clock = Clock()
    with open_installation(Path(data_dir), clock) as runtime:
        document = batch_document(first_ms=clock() - 60_000)
        tables = {name: document[name] for name in ("cpu", "memory", "disk")}
        runtime.store.append([StoredBatch(imported(runtime), 1, bytes(32), tables)])
        yield runtime


def imported(runtime: Runtime) -> str:
    return runtime.registry.source_instance("node.example.org")


@pytest.fixture(scope="module")
def fuzzed_app(fuzzed: Runtime) -> Flask:
    """The application on it."""
    return create_app(fuzzed)


@pytest.fixture(scope="module")
def token(fuzzed: Runtime) -> str:
    """An operator's token."""
    return fuzzed.registry.create_token("test", "operator", None, fuzzed.now_ms())[1]


DESCRIBED = schemathesis.openapi.from_dict(document())
#: A body of bad content may be too large as well.
REJECTION = DESCRIBED.config.checks.negative_data_rejection
REJECTION.expected_statuses = [*REJECTION.expected_statuses, "413"]
THOROUGH = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=EXAMPLES <= 300,
    database=None,
)


@DESCRIBED.include(method="GET").parametrize()
@THOROUGH
def test_reading(case: schemathesis.Case[Any], fuzzed: Runtime, fuzzed_app: Flask, token: str) -> None:
    case.operation.schema.app = fuzzed_app  # where a check sends the request once more
    meet_a_machine(case.query, imported(fuzzed), fuzzed.now_ms())
    headers = {"Authorization": f"Bearer {token}"}
    operation = case.operation.definition.raw["operationId"]
    excluded: list[Check] = [positive_data_acceptance] if operation in ACROSS_PARAMETERS else []
    case.call_and_validate(app=fuzzed_app, headers=headers, excluded_checks=excluded)


@DESCRIBED.include(method="POST").exclude(operation_id="postAct").parametrize()
@THOROUGH
def test_sending(case: schemathesis.Case[Any], fuzzed_app: Flask, token: str) -> None:
    case.operation.schema.app = fuzzed_app
    headers = {"Authorization": f"Bearer {token}"} if case.operation.path == "/v1/metrics" else {}
    case.call_and_validate(app=fuzzed_app, headers=headers, excluded_checks=[positive_data_acceptance])


def meet_a_machine(query: dict[str, Any], instance: str, now_ms: int) -> None:
    """Ask for a machine that is there, and for a range around its samples, where that keeps the request valid."""
    asked, start, end = query.get("instance"), query.get("start"), query.get("end")
    if isinstance(asked, str) and re.fullmatch(UUID_PATTERN, asked):
        query["instance"] = instance
    if isinstance(start, int) and isinstance(end, int) and 0 <= start <= end < 2**53:
        query["start"] = now_ms - start % LONGEST_MS
        query["end"] = query["start"] + end % LONGEST_MS
