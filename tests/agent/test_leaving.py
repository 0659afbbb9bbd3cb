"""A withdrawal is left with the server under a code that is shown once and written nowhere."""

import base64
import json
from collections.abc import Callable

import pytest

from agent.clock import clock_ms
from agent.errors import Refused
from agent.leaving import code_made_ms, leave_withdrawal
from agent.paths import AgentPaths
from consent.chain import verify_withdrawal
from consent.signature import thumbprint
from consent.wire import CODES_PATH
from consent.withdrawal_code import unseal
from tests.agent.operator_server import Operator
from tests.consents import SignedConsent

Install = Callable[[SignedConsent], SignedConsent]


def test_what_is_left_opens_with_the_code_only_and_is_a_withdrawal(
    signed_consent: Callable[..., SignedConsent], install: Install, paths: AgentPaths, operator: Operator
) -> None:
    consent = install(signed_consent(origin=operator.url, now_ms=clock_ms()))
    assert code_made_ms(paths, consent.record.record_id) is None
    code = leave_withdrawal(paths, consent.active, clock_ms)
    _, path, body, headers = operator.requests[-1]
    assert path == CODES_PATH and "sysmetric-withdrawal-code" in headers["signature-input"]
    assert base64.urlsafe_b64decode(body["lookup"]) == code.lookup
    withdrawal = unseal(code, consent.record.record_id, base64.urlsafe_b64decode(body["sealed"]))
    verify_withdrawal(withdrawal, consent.record, consent.documents.record, thumbprint(consent.key.public_key()))
    made = code_made_ms(paths, consent.record.record_id)
    assert made is not None and code_made_ms(paths, "another record") is None
    assert not paths.withdrawal.exists(), "it withdraws nothing until the code is entered"
    for file in (file for file in paths.data_dir.rglob("*") if file.is_file()):
        content = file.read_text("utf-8", "replace")
        assert code.symbols not in content and str(code) not in content and withdrawal not in content
    assert json.dumps(body).find(code.symbols) < 0


def test_no_code_is_made_that_the_server_does_not_have(
    signed_consent: Callable[..., SignedConsent], install: Install, paths: AgentPaths, operator: Operator
) -> None:
    consent = install(signed_consent(origin=operator.url, now_ms=clock_ms()))
    operator.trouble = lambda path: "not-found" if path == CODES_PATH else None
    with pytest.raises(Refused):
        leave_withdrawal(paths, consent.active, clock_ms)
    assert code_made_ms(paths, consent.record.record_id) is None


@pytest.mark.parametrize("content", ["", "{", "null", "[]", '{"record":"r"}', '{"record":"r","time":true}', "[" * 500])
def test_a_note_that_cannot_be_read_says_nothing(paths: AgentPaths, content: str) -> None:
    paths.code_note.write_text(content)
    paths.code_note.chmod(0o600)
    assert code_made_ms(paths, "r") is None
