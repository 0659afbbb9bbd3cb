"""``POST /api/v1/admin/<verb>``: who may act, and how what is refused is told."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.runtime import Runtime
from tests.server.installation import Clock, Volunteer


def post(http: FlaskClient, verb: str, token: str | None, body: Any = None, **options: Any) -> TestResponse:
    """Ask for an act."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return http.post(f"/api/v1/admin/{verb}", headers=headers, json={} if body is None else body, **options)


def test_the_operators_token_acts_under_its_name(http: FlaskClient, operator_token: str, runtime: Runtime) -> None:
    answer = post(http, "invite-create", operator_token, {"uses": 2})
    assert answer.status_code == 200 and answer.get_json()["uses"] == 2
    assert [entry.actor for entry in runtime.registry.audit_entries(1)] == ["test"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_readers_token_changes_nothing(http: FlaskClient, read_token: str, runtime: Runtime) -> None:
    answer = post(http, "invite-create", read_token)
    assert (answer.status_code, answer.get_json()["type"]) == (401, "unauthorized")
    assert runtime.registry.list_invites() == []


@pytest.mark.parametrize("token", [None, "", "nonsense", "sysmetric_0123456789ab_" + "A" * 43])
def test_without_a_token_nothing_is_told_about_the_act(http: FlaskClient, token: str | None) -> None:
    known, unknown = post(http, "stats", token), post(http, "nothing", token)
    assert known.status_code == unknown.status_code == 401
    assert known.data == unknown.data


def test_a_revoked_and_an_expired_token_do_not_act(http: FlaskClient, runtime: Runtime, clock: Clock) -> None:
    token_id, revoked = runtime.registry.create_token("r", "operator", None, clock())
    runtime.registry.revoke_token(token_id, clock())
    _, expired = runtime.registry.create_token("e", "operator", clock() + 1, clock())
    clock.now_ms += 1
    assert post(http, "stats", revoked).status_code == post(http, "stats", expired).status_code == 401


def test_a_browser_session_does_not_act(http: FlaskClient, operator_token: str) -> None:
    url = post(http, "link", operator_token).get_json()["url"]
    http.get(url.removeprefix("http://localhost"))
    assert post(http, "stats", None).status_code == 401


@pytest.mark.parametrize(
    ("verb", "body", "status", "problem"),
    [
        ("nothing", {}, 404, "not-found"),
        ("invite-revoke", {"id": "nothing"}, 404, "not-found"),
        ("invite-create", {"uses": "two"}, 422, "invalid-request"),
        ("invite-create", [], 422, "invalid-request"),
        ("import-rows", {"source": "a", "tables": {}}, 422, "invalid-request"),
        ("notice-publish", {"version": "x"}, 422, "invalid-request"),
    ],
)
def test_what_is_refused_is_a_problem_with_words(
    http: FlaskClient, operator_token: str, verb: str, body: Any, status: int, problem: str
) -> None:
    answer = post(http, verb, operator_token, body)
    assert (answer.status_code, answer.get_json()["type"]) == (status, problem)
    assert answer.content_type == "application/problem+json" and answer.get_json()["detail"]


def test_a_store_that_is_away_is_unavailable(http: FlaskClient, operator_token: str, runtime: Runtime) -> None:
    runtime.store.close()
    answer = post(http, "stats", operator_token)
    assert (answer.status_code, answer.get_json()["type"]) == (503, "unavailable")


def test_ending_a_withdrawn_consent_is_a_conflict(http: FlaskClient, operator_token: str, volunteer: Volunteer) -> None:
    volunteer.post_withdrawal()
    answer = post(http, "consents-terminate", operator_token, {"record_id": volunteer.record_id})
    assert (answer.status_code, answer.get_json()["type"]) == (409, "conflict")


def test_only_small_json_is_read(http: FlaskClient, operator_token: str) -> None:
    headers = {"Authorization": f"Bearer {operator_token}"}
    assert http.post("/api/v1/admin/stats", headers=headers, data=b"{}").status_code == 415
    large = {"note": "x" * 20_000}
    assert post(http, "invite-create", operator_token, large).status_code == 413
    assert http.get("/api/v1/admin/stats", headers=headers).status_code == 405
