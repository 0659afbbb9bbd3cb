"""A consent is withdrawn with a code alone: nobody signed in, no script, the machine gone."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent.chain import Documents, verify_chain
from consent.wire import BATCH_TAG, CODE_TAG, CODES_PATH, Problem
from consent.withdrawal_code import WithdrawalCode, new_code, seal
from server.app import WRONG_CODES
from server.runtime import Runtime
from tests.server.installation import Clock, Volunteer
from tests.server.problems import check_problem


def post_code(volunteer: Volunteer, code: WithdrawalCode, sealed: bytes, tag: str = CODE_TAG) -> TestResponse:
    body = json.dumps(
        {
            "lookup": base64.urlsafe_b64encode(code.lookup).decode(),
            "sealed": base64.urlsafe_b64encode(sealed).decode(),
        }
    ).encode()
    return volunteer.http.post(CODES_PATH, data=body, headers=volunteer.headers(body, path=CODES_PATH, tag=tag))


def leave(volunteer: Volunteer) -> WithdrawalCode:
    """What ``sysmetric consent give`` does after the receipt."""
    code = new_code()
    assert post_code(volunteer, code, seal(code, volunteer.record_id, volunteer.sign_withdrawal())).status_code == 201
    return code


def enter(http: FlaskClient, code: object, **headers: str) -> TestResponse:
    return http.post("/withdraw", data={"code": str(code)}, headers=headers)


@pytest.fixture
def sending(volunteer: Volunteer) -> Volunteer:
    assert volunteer.send(volunteer.batch()).status_code == 201
    return volunteer


def document(http: FlaskClient, page: str, name: str) -> str:
    ticket = re.search(r'name="ticket" value="([^"]+)"', page)
    assert ticket is not None
    answer = http.post("/withdraw/document", data={"ticket": ticket[1], "name": name})
    assert answer.status_code == 200 and f'filename="{name}.jws"' in answer.headers["Content-Disposition"]
    return answer.text


def test_the_code_alone_withdraws_and_erases_and_the_receipt_holds(
    http: FlaskClient, runtime: Runtime, sending: Volunteer
) -> None:
    code = leave(sending)
    page = enter(http, f" {str(code).lower().replace('-', ' ').replace('0', 'o')} ")
    assert page.status_code == 200 and "erased" in page.text
    assert runtime.store.counts() == {"cpu": 0, "memory": 0, "disk": 0}
    names = ("notice", "record", "receipt", "withdrawal", "erasure-receipt")
    chain = verify_chain(Documents(*(document(http, page.text, name) for name in names)))
    assert chain.erasure_receipt is not None and chain.erasure_receipt.rows["memory"] > 0
    check_problem(sending.send(sending.batch(sequence=2)), Problem.CONSENT_WITHDRAWN)
    again = enter(http, code)
    assert document(http, again.text, "erasure-receipt") == document(http, page.text, "erasure-receipt")


def test_the_code_of_a_consent_that_was_withdrawn_otherwise_shows_that_receipt(
    http: FlaskClient, sending: Volunteer
) -> None:
    code = leave(sending)
    receipt = sending.post_withdrawal().get_json()["erasure_receipt"]
    assert document(http, enter(http, code).text, "erasure-receipt") == receipt


def test_a_typing_mistake_is_said_and_costs_nothing(http: FlaskClient, sending: Volunteer) -> None:
    code = str(leave(sending))
    wrong = ("1" if code[0] != "1" else "2") + code[1:]
    for _ in range(WRONG_CODES + 5):
        answer = enter(http, wrong)
        assert answer.status_code == 422 and "typing mistake" in answer.text and wrong in answer.text
    for typed in ("", "x", "A" * 5000, "<script>", "7" * 28, "ż" * 28):
        assert enter(http, typed).status_code == 422
    assert enter(http, code).status_code == 200


def test_codes_that_open_nothing_get_one_answer(http: FlaskClient, volunteer: Volunteer) -> None:
    mine, other = new_code(), new_code()
    assert post_code(volunteer, mine, seal(other, volunteer.record_id, "x")).status_code == 201
    unopened, unknown = enter(http, mine), enter(http, other)
    assert unopened.status_code == unknown.status_code == 404
    assert unopened.text.replace(str(mine), "") == unknown.text.replace(str(other), "")
    third = new_code()
    post_code(volunteer, third, seal(third, volunteer.record_id, "not a withdrawal"))
    assert enter(http, third).text.replace(str(third), "") == unknown.text.replace(str(other), "")


def test_wrong_codes_are_limited_and_the_right_one_is_not(http: FlaskClient, sending: Volunteer, clock: Clock) -> None:
    code = leave(sending)
    assert [enter(http, new_code()).status_code for _ in range(WRONG_CODES)] == [404] * WRONG_CODES
    refused = enter(http, new_code())
    assert refused.status_code == 429 and refused.headers["Retry-After"] == "6" and "6 s" in refused.text
    clock.now_ms += 6000
    assert [enter(http, new_code()).status_code for _ in range(2)] == [404, 429]
    assert enter(http, code).status_code == 200


def test_another_site_cannot_send_the_form(http: FlaskClient, sending: Volunteer) -> None:
    code = leave(sending)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://example.org"}):
        assert enter(http, code, **headers).status_code == 422
    assert sending.send(sending.batch(sequence=2)).status_code == 201


def test_only_the_key_that_gave_the_consent_leaves_a_code(
    volunteer: Volunteer, enrolled: Callable[..., Volunteer]
) -> None:
    code = new_code()
    sealed = seal(code, volunteer.record_id, volunteer.sign_withdrawal())
    check_problem(post_code(volunteer, code, sealed, BATCH_TAG), Problem.SIGNATURE_INVALID)
    check_problem(post_code(volunteer, code, sealed[1:]), Problem.INVALID_REQUEST)
    assert post_code(volunteer, code, sealed).status_code == 201
    check_problem(post_code(enrolled(), code, sealed), Problem.CONFLICT)


def test_a_new_code_replaces_the_old(http: FlaskClient, sending: Volunteer) -> None:
    old, new = leave(sending), leave(sending)
    assert enter(http, old).status_code == 404
    assert enter(http, new).status_code == 200


def test_nothing_of_the_code_is_kept_or_logged(
    http: FlaskClient, sending: Volunteer, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    code = leave(sending)
    enter(http, new_code())
    files = b"".join(path.read_bytes() for path in data_dir.rglob("*") if path.is_file())
    for secret in (str(code).encode(), code.symbols.encode(), code.lookup, code.sealing_key, sending.instance.encode()):
        assert secret not in files
    page = enter(http, code)
    assert str(code) not in page.text and code.symbols not in page.text
    assert str(code) not in caplog.text and code.symbols not in caplog.text and code.lookup.hex() not in caplog.text
    assert page.headers["Cache-Control"] == "no-store" and "Set-Cookie" not in page.headers


def test_tickets_open_one_consent_for_an_hour(http: FlaskClient, sending: Volunteer, clock: Clock) -> None:
    page = enter(http, leave(sending)).text
    ticket = re.search(r'name="ticket" value="([^"]+)"', page)
    assert ticket is not None
    for forged in ("", "x", ticket[1][:-1], ticket[1].replace(".", ".9", 1)):
        assert http.post("/withdraw/document", data={"ticket": forged, "name": "record"}).status_code == 410
    assert http.post("/withdraw/document", data={"ticket": ticket[1], "name": "key"}).status_code == 404
    clock.now_ms += 3_600_000
    assert http.post("/withdraw/document", data={"ticket": ticket[1], "name": "record"}).status_code == 410


def test_the_form_speaks_polish_and_needs_no_script(app: Flask) -> None:
    page = app.test_client().get("/withdraw?lang=pl")
    assert "Kod wycofania" in page.text and "own." not in re.sub(r"own\.css", "", page.text)
    assert "<script" not in page.text.split("<main", 1)[1]
