"""A volunteer's copy of their own rows: all of them, only theirs, and provably complete."""

import json
from typing import Any

from werkzeug.test import TestResponse

from consent.wire import BATCH_TAG, EXPORT_TAG, Problem
from tests.server.installation import Clock, Volunteer
from tests.server.problems import check_problem

PATH = "/api/v1/exports"


def ask(volunteer: Volunteer, body: bytes = b"{}", **options: Any) -> TestResponse:
    headers = volunteer.headers(body, **{"path": PATH, "tag": EXPORT_TAG, **options})
    return volunteer.http.post(PATH, data=body, headers=headers)


def lines(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 200 and answer.mimetype == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_nothing_held_is_an_empty_copy_with_an_end(volunteer: Volunteer) -> None:
    assert lines(ask(volunteer)) == [{"end": {"cpu": 0, "memory": 0, "disk": 0}}]


def test_all_rows_come_in_time_order_and_are_counted(volunteer: Volunteer) -> None:
    assert volunteer.send(volunteer.batch()).status_code == 201
    *rows, end = lines(ask(volunteer))
    assert rows and [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    counted = {table: sum(row["table"] == table for row in rows) for table in ("cpu", "memory", "disk")}
    assert end == {"end": counted}


def test_another_tag_or_no_signature_copies_nothing(volunteer: Volunteer) -> None:
    check_problem(ask(volunteer, tag=BATCH_TAG), Problem.SIGNATURE_INVALID)
    check_problem(volunteer.http.post(PATH, json={}), Problem.SIGNATURE_INVALID)


def test_an_expired_consent_still_gives_a_copy_and_a_withdrawn_one_has_none(volunteer: Volunteer, clock: Clock) -> None:
    clock.now_ms += 31 * 86_400_000
    assert lines(ask(volunteer))[-1]["end"]
    volunteer.post_withdrawal()
    check_problem(ask(volunteer), Problem.CONSENT_WITHDRAWN)
