"""A machine tells that it is paused, and the gap says so to whoever may see the machine."""

import json
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent.wire import BATCH_TAG, PAUSE_TAG, PAUSES_PATH, Problem
from server.runtime import Runtime
from tests.server.installation import Clock, Volunteer
from tests.server.problems import check_problem


def tell(volunteer: Volunteer, start: Any, end: Any, tag: str = PAUSE_TAG, **more: Any) -> TestResponse:
    body = json.dumps({"format": 1, "from": start, "until": end, **more}).encode()
    return volunteer.http.post(PAUSES_PATH, data=body, headers=volunteer.headers(body, path=PAUSES_PATH, tag=tag))


def sample(volunteer: Volunteer, sequence: int, first_ms: int, seconds: int) -> None:
    body = volunteer.batch(sequence, first_ms=first_ms, samples=seconds)
    assert volunteer.send(body).status_code == 201


def gaps_of(http: FlaskClient, token: str, instance: str, start: int, end: int) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return http.get(f"/api/v1/gaps?instance={instance}&start={start}&end={end}", headers=headers)


def test_pauses_midnight_and_silence_are_told_apart(
    http: FlaskClient, volunteer: Volunteer, clock: Clock, operator_token: str
) -> None:
    began = clock() // 1000 * 1000 + 1000
    clock.now_ms = began + 400_000
    sample(volunteer, 1, began, 60)
    assert tell(volunteer, began + 60_000, None).status_code == 200
    assert tell(volunteer, began + 60_000, began + 160_000).status_code == 200
    sample(volunteer, 2, began + 160_000, 60)
    sample(volunteer, 3, began + 320_000, 60)
    found = gaps_of(http, operator_token, volunteer.instance, began, began + 380_000).get_json()["gaps"]
    assert found == [
        {"start": began + 60_000, "end": began + 160_000, "reason": "paused"},
        {"start": began + 220_000, "end": began + 320_000, "reason": "offline"},
    ]
    tell(volunteer, began + 380_000, None)
    clock.now_ms = began + 480_000
    last = gaps_of(http, operator_token, volunteer.instance, began, began + 900_000).get_json()["gaps"][-1]
    assert last == {"start": began + 380_000, "end": None, "reason": "paused"}
    clock.now_ms += 3 * 86_400_000
    assert (
        gaps_of(http, operator_token, volunteer.instance, began, clock()).get_json()["gaps"][0]["reason"] == "midnight"
    )


def test_before_the_consent_there_is_no_gap(
    http: FlaskClient, volunteer: Volunteer, clock: Clock, operator_token: str
) -> None:
    given = clock()
    clock.now_ms += 60_000
    found = gaps_of(http, operator_token, volunteer.instance, 0, 2**53 - 1).get_json()["gaps"]
    assert found == [{"start": given, "end": None, "reason": "offline"}]


def test_only_who_may_see_the_machine_sees_its_gaps(http: FlaskClient, volunteer: Volunteer, clock: Clock) -> None:
    check_problem(http.get(f"/api/v1/gaps?instance={volunteer.instance}&start=0&end={clock()}"), Problem.NOT_FOUND)


def test_a_report_is_signed_well_formed_and_of_a_consent_in_force(volunteer: Volunteer, clock: Clock) -> None:
    now = clock()
    check_problem(tell(volunteer, now, None, BATCH_TAG), Problem.SIGNATURE_INVALID)
    for start, end in (("x", None), (now, "x"), (-1, None), (now, now - 1), (now + 600_000, None), (now, now * 2)):
        check_problem(tell(volunteer, start, end), Problem.INVALID_REQUEST)
    check_problem(tell(volunteer, now, None, host="name"), Problem.INVALID_REQUEST)
    volunteer.post_withdrawal()
    check_problem(tell(volunteer, now, None), Problem.CONSENT_WITHDRAWN)


def test_erasing_the_rows_erases_the_pauses(runtime: Runtime, enrolled: Callable[..., Volunteer], clock: Clock) -> None:
    volunteer = enrolled()
    tell(volunteer, clock(), None)
    assert volunteer.instance in runtime.registry.paused_instances(clock())
    volunteer.post_withdrawal()
    assert not runtime.registry.pauses_of(volunteer.instance, 0, clock() * 2)
