"""``POST /v1/metrics``: who may push, what is stored, and how errors are told."""

import gzip
import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from google.protobuf import json_format
from google.rpc.status_pb2 import Status  # pylint: disable=no-name-in-module  # generated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# pylint: disable-next=no-name-in-module  # generated: makes its names as it is loaded
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from werkzeug.test import TestResponse

from consent.alias import alias_of
from server.api.otlp import JSON, LARGEST_BODY, LARGEST_PLAIN, MOST_OBJECTS, PROTOBUF
from server.api.state import State
from server.errors import ProblemError, StorageFull, StoreUnavailable
from server.runtime import Runtime
from tests.server.imports.otlp_requests import GOLDEN, cpu, document, golden, message, metric
from tests.server.installation import Clock, Volunteer

Post = Callable[..., TestResponse]


@pytest.fixture
def post(http: FlaskClient, operator_token: str, clock: Clock) -> Post:
    """Pushes a body with the operator's token; ``clock`` is that of the golden requests."""
    clock.now_ms = (
        golden("cumulative-3").resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0].time_unix_nano
        // 1_000_000
        + 500
    )

    def send(body: Any, kind: str = PROTOBUF, token: str | None = operator_token, **headers: str) -> TestResponse:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        if not isinstance(data, bytes):
            data = data.SerializeToString()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        return http.post("/v1/metrics", data=data, content_type=kind, headers=sent)

    return send


def told(answer: TestResponse) -> Any:
    """The ``google.rpc.Status`` of an error as (code, message)."""
    if answer.content_type == JSON:
        said = answer.get_json()
        return said["code"], said["message"]
    assert answer.content_type == PROTOBUF
    status = Status.FromString(answer.data)
    return status.code, status.message


def partial(answer: TestResponse) -> tuple[int, str]:
    """The refused data points and the words of an answer in protobuf."""
    assert (answer.status_code, answer.content_type) == (200, PROTOBUF)
    said = ExportMetricsServiceResponse.FromString(answer.data).partial_success
    return said.rejected_data_points, said.error_message


def stored(runtime: Runtime, source: str = "open1") -> dict[str, int]:
    """How many rows the store has of a machine, by table."""
    counts: dict[str, int] = {}
    for table, _ in runtime.store.rows(runtime.registry.source_instance(source)):
        counts[table] = counts.get(table, 0) + 1
    return counts


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_what_the_sdk_pushes_is_stored(post: Post, runtime: Runtime, kind: str, packed: bool) -> None:
    for number in (1, 2, 3):
        body = (GOLDEN / f"cumulative-{number}.{'json' if kind == JSON else 'pb'}").read_bytes()
        headers = {"Content_Encoding": "gzip"} if packed else {}
        answer = post(gzip.compress(body) if packed else body, kind, **headers)
        assert (answer.status_code, answer.content_type) == (200, kind)
        assert answer.data == (b"{}" if kind == JSON else b"")  # no partial_success
    assert stored(runtime) == {"cpu": 4, "memory": 3, "disk": 2}
    assert {entry.act for entry in runtime.registry.audit_entries(10)} >= {"import.rows"}


def test_a_request_that_is_sent_again_stores_nothing_twice(post: Post, runtime: Runtime) -> None:
    for number in (1, 2, 2, 3, 3):
        assert partial(post(golden(f"cumulative-{number}"))) == (0, "")
    assert stored(runtime) == {"cpu": 4, "memory": 3, "disk": 2}


@pytest.mark.parametrize("error", [StoreUnavailable("away"), StorageFull("full")])
def test_after_a_failed_store_the_same_request_makes_the_same_rows(
    post: Post, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    post(golden("cumulative-1"))

    def fail(*_: Any) -> Any:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(runtime.store, "append", fail)
        answer = post(golden("cumulative-2"))
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
    assert told(answer)[0] == 14  # UNAVAILABLE
    assert partial(post(golden("cumulative-2"))) == (0, "")
    assert stored(runtime) == {"cpu": 2, "memory": 2, "disk": 1}


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
@pytest.mark.parametrize("token", [None, "", "nonsense"])
def test_without_the_operators_token_nothing_is_read(post: Post, kind: str, token: str | None) -> None:
    answer = post(b"\xff" * (LARGEST_BODY + 1), kind, token)
    assert (answer.status_code, told(answer)[0]) == (401, 16)
    assert answer.headers["WWW-Authenticate"] == "Bearer" and answer.content_type == kind


def test_a_readers_token_and_a_session_do_not_push(post: Post, read_token: str) -> None:
    assert post(b"", PROTOBUF, read_token).status_code == 401


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status"),
    [
        (b"\xff\xff", PROTOBUF, {}, 400),
        (b"{", JSON, {}, 400),
        (b"\xff", JSON, {}, 400),
        (b"[1]", JSON, {}, 400),
        (b"[" * 100_000, JSON, {}, 400),
        (b'{"resourceMetrics": 1}', JSON, {}, 400),
        (b"x", PROTOBUF, {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(b"", mtime=0)[:-1], PROTOBUF, {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(bytes(LARGEST_PLAIN + 1), mtime=0), PROTOBUF, {"Content_Encoding": "gzip"}, 413),
        (bytes(LARGEST_BODY + 1), PROTOBUF, {}, 413),
        (b'{"resourceMetrics":[%s{}]}' % (b"{}," * MOST_OBJECTS), JSON, {}, 413),
        (b"", "text/plain", {}, 415),
        (b"", PROTOBUF, {"Content_Encoding": "br"}, 415),
        (b"", PROTOBUF, {"X_Sysmetric_Source": "11111111-1111-1111-1111-111111111111"}, 400),
        (b"", PROTOBUF, {"X_Sysmetric_Source": "x" * 256}, 400),
    ],
)
def test_what_is_refused_as_a_whole(post: Post, body: bytes, kind: str, headers: dict[str, str], status: int) -> None:
    answer = post(body, kind, **headers)
    assert answer.status_code == status
    assert told(answer)[0] == 3 and told(answer)[1]  # INVALID_ARGUMENT


def test_too_many_at_once_are_told_to_wait(post: Post, app: Flask) -> None:
    state: State = app.extensions["sysmetric"]
    with ExitStack() as inside:
        with pytest.raises(ProblemError):
            while True:
                inside.enter_context(state.admission.enter())
        answer = post(golden("cumulative-1"))
    assert (answer.status_code, told(answer)[0]) == (429, 8) and int(answer.headers["Retry-After"]) > 0


def test_an_unexpected_error_says_nothing_of_itself(
    post: Post, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr(runtime.registry, "source_instance", fail)
    answer = post(golden("cumulative-1"))
    assert (answer.status_code, told(answer)[0]) == (500, 13) and b"secret" not in answer.data


def test_a_volunteers_machine_cannot_be_pushed_to(post: Post, runtime: Runtime, volunteer: Volunteer) -> None:
    for name in (volunteer.instance, volunteer.instance.upper(), alias_of(volunteer.instance)):
        request = golden("cumulative-1")
        request.resource_metrics[0].resource.attributes[0].value.string_value = name
        refused, words = partial(post(request))
        assert refused > 0 and ("instance id" in words or "volunteer" in words) and "X-Sysmetric-Source" in words
        assert post(golden("cumulative-1"), X_Sysmetric_Source=name).status_code == 400
    assert list(runtime.store.rows(volunteer.instance)) == []


def test_one_machine_that_is_refused_does_not_hold_up_another(
    post: Post, runtime: Runtime, volunteer: Volunteer
) -> None:
    request = golden("cumulative-1")
    request.resource_metrics.add().CopyFrom(request.resource_metrics[0])
    request.resource_metrics[0].resource.attributes[0].value.string_value = volunteer.instance
    refused, _ = partial(post(request))
    assert refused > 0 and stored(runtime) == {"memory": 1}


def test_the_header_names_the_machine_and_must_not_mix_two(post: Post, runtime: Runtime) -> None:
    request = golden("cumulative-1")
    assert partial(post(request, X_Sysmetric_Source="web1")) == (0, "")
    assert stored(runtime, "web1") == {"memory": 1}
    request.resource_metrics.add().CopyFrom(request.resource_metrics[0])
    request.resource_metrics[1].resource.attributes[0].value.string_value = "open2"
    answer = post(request, X_Sysmetric_Source="web1")
    assert answer.status_code == 400 and "several machines" in told(answer)[1]


def test_what_is_refused_in_part_is_counted_and_told(post: Post, clock: Clock) -> None:
    bad = metric("system.cpu.time", "s", [(1, {"state": "user"}), (2, {"state": "idle"})], at_ms=clock())
    assert partial(post(message(cpu(1, 1, clock()), bad)))[0] == 2
    answer = post(document(cpu(1, 1, clock() + 10), bad), JSON)
    assert answer.get_json()["partialSuccess"]["rejectedDataPoints"] == "2"
    assert "core" in answer.get_json()["partialSuccess"]["errorMessage"]
    refused, words = partial(post(message(cpu(1, 1, clock() + 20), host=None)))
    assert refused == 4 and "host.name" in words
    assert "future" in partial(post(message(cpu(1, 1, clock() + 86_400_000))))[1]
    assert "older" in partial(post(message(cpu(1, 1, clock() - 400 * 86_400_000))))[1]


def test_a_time_in_the_future_does_not_spoil_what_follows(post: Post, runtime: Runtime, clock: Clock) -> None:
    for user, at_ms in ((1, clock() - 20_000), (90, clock() + 86_400_000), (4, clock() - 10_000)):
        post(message(cpu(user, 1, at_ms), host="open1"))
    assert stored(runtime) == {"cpu": 1}


def test_a_request_without_host_metrics_says_so_and_refuses_nothing(post: Post) -> None:
    other = message(metric("http.server.duration", "s", [(1, {})]))
    refused, words = partial(post(other))
    assert refused == 0 and "system.cpu.time" in words
    assert partial(post(b"")) == (0, "")


def test_the_deviations_of_otlp_json(post: Post, runtime: Runtime, clock: Clock) -> None:
    """Ids in hexadecimal, enums as integers, unknown fields, whole numbers as text and as numbers."""
    usage = metric("system.memory.usage", "By", [(5, {"state": "used"}), (9, {"state": "free"})], at_ms=clock())
    for point in usage["sum"]["dataPoints"]:
        point["asInt"] = int(point.pop("asDouble"))
        point["timeUnixNano"] = int(point["timeUnixNano"])
        point["exemplars"] = [
            {"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "asInt": "1"}
        ]
        point["tomorrowsField"] = {"a": [1]}
    sent = document(usage, metric("system.paging.faults", "{faults}", [], at_ms=clock()), host="open1")
    sent["alsoUnknown"] = None
    answer = post(sent, JSON)
    assert (answer.status_code, answer.get_json()) == (200, {})
    assert stored(runtime) == {"memory": 1}


def test_requests_at_once_are_stored_one_after_another(app: Flask, post: Post, runtime: Runtime, clock: Clock) -> None:
    bodies = [message(cpu(step, step, clock() - 1000 * step), host=f"web{step}") for step in range(1, 9)]
    answers: list[int] = []
    threads = [threading.Thread(target=lambda sent=body: answers.append(post(sent).status_code)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {200, 429} and 200 in answers
    assert len(app.extensions["sysmetric"].collections.known) == answers.count(200)


_PIECES = st.sampled_from(
    [
        b'{"resourceMetrics":[',
        b'{"scopeMetrics":',
        b"]}",
        b"[",
        b"{",
        b"}",
        b'"gauge"',
        b":",
        b"1e999",
        b"null",
        b"NaN",
        b",",
    ]
)
_BODIES = st.binary(max_size=200) | st.lists(_PIECES, max_size=20).map(b"".join)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=_BODIES
    | st.builds(
        lambda whole, at, other: whole[:at] + other + whole[at + len(other) :],
        st.sampled_from([(GOLDEN / f"cumulative-1.{kind}").read_bytes() for kind in ("pb", "json")]),
        st.integers(0, 17_000),
        st.binary(min_size=1, max_size=4),
    ),
    kind=st.sampled_from([PROTOBUF, JSON, f"{JSON}; charset=utf-8"]),
    packed=st.sampled_from(["identity", "gzip", "packed"]),
    source=st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=9),
)
def test_any_bytes_are_taken_or_refused(post: Post, body: bytes, kind: str, packed: str, source: str | None) -> None:
    headers = {} if source is None else {"X_Sysmetric_Source": source}
    encoding = "gzip" if packed == "packed" else packed
    sent = gzip.compress(body, 1) if packed == "packed" else body
    answer = post(sent, kind, Content_Encoding=encoding, **headers)
    assert answer.status_code in (200, 400, 413)
    if answer.status_code == 200:
        form = ExportMetricsServiceResponse()
        if answer.content_type == JSON:
            json_format.Parse(answer.data, form)
        else:
            form.ParseFromString(answer.data)
    else:
        assert told(answer)[0] == 3


def test_any_request_of_the_schema_is_answered(post: Post, clock: Clock) -> None:
    """Every kind of metric and of value under a name of interest."""
    for kind in ("gauge", "sum", "histogram", "exponential_histogram", "summary", None):
        request = ExportMetricsServiceRequest()
        one = request.resource_metrics.add().scope_metrics.add().metrics.add(name="system.cpu.time", unit="s")
        if kind is not None:
            point = getattr(one, kind).data_points.add(time_unix_nano=clock() * 1_000_000)
            point.attributes.add(key="cpu").value.array_value.values.add(int_value=1)
        assert post(request).status_code == 200
