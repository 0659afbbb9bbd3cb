"""The one-time link: asked for with a signature of its own tag, and never one that leads elsewhere."""

from collections.abc import Callable

import pytest

from agent.dashboard import ask_for_link
from agent.errors import Refused, ServerUnreachable
from consent.wire import COVERED, LINK_TAG
from tests.agent.operator_server import Operator
from tests.consents import SignedConsent

Sign = Callable[..., SignedConsent]


def test_a_signed_request_brings_a_link(operator: Operator, signed_consent: Sign) -> None:
    consent = signed_consent(origin=operator.url)
    link = ask_for_link(consent.active, operator.now_ms)
    assert link.url == f"{operator.url}/open/once" and link.expires_ms > operator.now_ms()
    headers = operator.requests[0][3]
    assert f'tag="{LINK_TAG}"' in headers["signature-input"] and consent.instance in headers["signature-input"]
    assert all(f'"{name}"' in headers["signature-input"] for name in COVERED)


def test_a_link_to_another_place_is_refused(operator: Operator, signed_consent: Sign) -> None:
    for elsewhere in ("https://evil.example", f"{operator.url}.evil.example", "javascript:alert(1)//"):
        operator.receipt_origin = elsewhere
        with pytest.raises(Refused, match="another server"):
            ask_for_link(signed_consent(origin=operator.url).active, operator.now_ms)


def test_a_refusal_and_a_silence(operator: Operator, signed_consent: Sign) -> None:
    consent = signed_consent(origin=operator.url)
    operator.trouble = lambda path: "consent-withdrawn"
    with pytest.raises(Refused, match="consent-withdrawn"):
        ask_for_link(consent.active, operator.now_ms)
    operator.trouble = lambda path: "clock-skew"
    with pytest.raises(Refused, match="clock-skew"):
        ask_for_link(consent.active, operator.now_ms)
    assert len(operator.requests) == 3, "the server's time is tried once"
    operator.trouble = lambda path: "drop"
    with pytest.raises(ServerUnreachable):
        ask_for_link(consent.active, operator.now_ms)
