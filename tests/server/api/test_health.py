"""The server's own state: who may see it, and what it says."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from consent.wire import Problem
from server.api.state import attach, state
from server.readiness import READY_HOLDS_MS, Readiness
from server.runtime import Runtime
from tests.server.installation import Clock, Volunteer
from tests.server.problems import check_problem


def samples(http: FlaskClient) -> dict[tuple[str, str], float]:
    answer = http.get("/metrics")
    assert answer.content_type.startswith("application/openmetrics-text; version=1.0.0")
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)  # type: ignore[no-untyped-call]  # untyped library
        for sample in family.samples
    }


def test_alive_says_nothing_else(http: FlaskClient) -> None:
    answer = http.get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})
    assert "Server" not in answer.headers


def test_ready_when_a_batch_could_be_stored(http: FlaskClient, runtime: Runtime, clock: Clock) -> None:
    answer = http.get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "ok")
    runtime.store.close()
    assert http.get("/readyz").status_code == 200  # the answer holds for a moment
    clock.now_ms += READY_HOLDS_MS
    answer = http.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["checks"] == {"registry": "ok", "store": "failed", "disk": "ok"}


def test_a_full_disk_is_not_ready(http: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.readiness.LEAST_FREE_BYTES", 2**62)
    assert http.get("/readyz").get_json()["checks"]["disk"] == "failed"


def test_metrics_count_what_happened(http: FlaskClient, volunteer: Volunteer, runtime: Runtime, clock: Clock) -> None:
    before = samples(http)
    assert before["sysmetric_ingest_batches_total", "stored"] == 0
    volunteer.send(volunteer.batch())
    volunteer.send(volunteer.batch())
    volunteer.send(b"{")
    runtime.registry.record_end_of_day("2026-09-21", {"cpu": 1}, clock())
    after = samples(http)
    assert after["sysmetric_ingest_batches_total", "stored"] == 1
    assert after["sysmetric_ingest_batches_total", "duplicate"] == 1
    assert after["sysmetric_ingest_samples_total", "cpu"] == 6
    assert after["sysmetric_ingest_rejected_total", "invalid-batch"] == 1
    assert after["sysmetric_store_bytes", ""] > 0
    assert after["sysmetric_end_of_day_timestamp_seconds", ""] == clock() / 1000
    assert any(name == "sysmetric_build_info" for name, _ in after)


def test_metrics_name_nobody(http: FlaskClient, volunteer: Volunteer) -> None:
    volunteer.send(volunteer.batch())
    page = http.get("/metrics").text
    assert volunteer.instance not in page and volunteer.record_id not in page


def test_a_store_that_is_away_leaves_a_gap(http: FlaskClient, runtime: Runtime) -> None:
    runtime.store.close()
    assert ("sysmetric_ingest_batches_total", "stored") in samples(http)


@pytest.mark.parametrize(
    "request_parts",
    [
        {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}},
        {"headers": {"X-Forwarded-For": "127.0.0.1"}},
        {"headers": {"Forwarded": "for=127.0.0.1"}},
        {"headers": {"Via": "1.1 proxy"}},
        {"base_url": "https://metrics.example.org"},
    ],
)
def test_metrics_are_for_this_machine(http: FlaskClient, request_parts: Mapping[str, Any]) -> None:
    check_problem(http.get("/metrics", **request_parts), Problem.UNAUTHORIZED)


def test_or_for_a_token(http: FlaskClient, read_token: str, operator_token: str) -> None:
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    for token in (read_token, operator_token):
        answer = http.get("/metrics", environ_base=elsewhere, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
    wrong = http.get("/metrics", environ_base=elsewhere, headers={"Authorization": "Bearer wrong"})
    check_problem(wrong, Problem.UNAUTHORIZED)


@pytest.fixture
def proxied(app: Flask, runtime: Runtime) -> Iterator[FlaskClient]:
    """A client of a server that is told it stands behind a proxy."""
    behind = replace(runtime, config=replace(runtime.config, behind_proxy=True))
    with app.app_context():
        attach(app, replace(state(), runtime=behind, readiness=Readiness(behind)))
    yield app.test_client()


def test_behind_a_proxy_every_peer_is_the_proxy(proxied: FlaskClient) -> None:
    check_problem(proxied.get("/metrics"), Problem.UNAUTHORIZED)
