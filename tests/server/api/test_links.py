"""A one-time link for whoever proves who they are."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent.wire import BATCH_TAG, LINK_TAG, Problem
from server.links import LIFETIME_MS, PER_HOLDER, Grant
from server.runtime import Runtime
from tests.server.installation import Clock, Volunteer
from tests.server.problems import check_problem

PATH = "/api/v1/links"


def ask(volunteer: Volunteer, body: bytes = b"{}", **options: Any) -> TestResponse:
    headers = volunteer.headers(body, **{"path": PATH, "tag": LINK_TAG, **options})
    return volunteer.http.post(PATH, data=body, headers=headers)


def with_token(http: FlaskClient, token: str) -> TestResponse:
    return http.post(PATH, json={}, headers={"Authorization": f"Bearer {token}"})


def test_a_volunteer_gets_a_link_to_their_own_machine(runtime: Runtime, volunteer: Volunteer, clock: Clock) -> None:
    answer = ask(volunteer)
    assert answer.status_code == 201
    link = answer.get_json()
    assert link["expires"] == clock() + LIFETIME_MS
    prefix = f"{runtime.config.origin}/open/"
    assert link["url"].startswith(prefix)
    assert runtime.links.consume(link["url"].removeprefix(prefix)) == Grant("volunteer", instance=volunteer.instance)


def test_a_batch_signature_opens_no_link(volunteer: Volunteer) -> None:
    check_problem(ask(volunteer, tag=BATCH_TAG), Problem.SIGNATURE_INVALID)
    check_problem(volunteer.http.post(PATH, json={}), Problem.SIGNATURE_INVALID)


def test_a_consent_that_has_ended_opens_no_link(volunteer: Volunteer, clock: Clock) -> None:
    clock.now_ms += 31 * 86_400_000
    check_problem(ask(volunteer), Problem.CONSENT_EXPIRED)
    volunteer.post_withdrawal()
    check_problem(ask(volunteer), Problem.CONSENT_WITHDRAWN)


def test_the_operator_gets_a_link_to_everything(runtime: Runtime, http: FlaskClient, operator_token: str) -> None:
    answer = with_token(http, operator_token)
    assert answer.status_code == 201
    grant = runtime.links.consume(answer.get_json()["url"].rpartition("/")[2])
    assert grant is not None and grant.role == "operator"
    assert operator_token.startswith(f"sysmetric_{grant.token_id}_")


def test_a_token_that_may_only_look_opens_no_session(http: FlaskClient, read_token: str) -> None:
    for token in (read_token, "sysmetric_0", "", "x" * 5000):
        answer = with_token(http, token)
        check_problem(answer, Problem.UNAUTHORIZED)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    basic = http.post(PATH, json={}, headers={"Authorization": "Basic eDp5"})
    check_problem(basic, Problem.UNAUTHORIZED)


def test_a_body_that_is_not_empty_is_refused(volunteer: Volunteer) -> None:
    check_problem(ask(volunteer, b'{"instance":"x"}'), Problem.INVALID_REQUEST)
    check_problem(ask(volunteer, b"[" * 1000), Problem.INVALID_REQUEST)
    check_problem(ask(volunteer, b" " * 2000), Problem.TOO_LARGE)
    check_problem(ask(volunteer, content_type="text/plain"), Problem.UNSUPPORTED)


def test_asking_again_and_again_is_bounded(runtime: Runtime, volunteer: Volunteer) -> None:
    tokens = [ask(volunteer).get_json()["url"].rpartition("/")[2] for _ in range(PER_HOLDER + 2)]
    opened = [token for token in tokens if runtime.links.consume(token) is not None]
    assert opened == tokens[2:]
