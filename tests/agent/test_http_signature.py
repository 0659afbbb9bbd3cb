"""The signature of a request, checked with the library as the server does."""

import dataclasses
import datetime

import httpx
import pytest
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver, algorithms

from agent.http_signature import RequestSigner, new_nonce
from consent.wire import BATCH_TAG, COVERED, LINK_TAG
from tests.consents import NOW_MS, SignedConsent, sign_consent

BODY = b'{"a":1}'


@dataclasses.dataclass
class Message:
    """What the server sees of a request."""

    method: str
    url: str
    headers: dict[str, str]


def signed(consent: SignedConsent, tag: str = BATCH_TAG) -> httpx.Request:
    request = httpx.Request(
        "POST", "https://example.org/api/v1/batches", content=BODY, headers={"Content-Type": "application/json"}
    )
    RequestSigner(consent.active, tag, lambda: NOW_MS + 999).sign(request, BODY)
    return request


def verify(consent: SignedConsent, message: Message, tag: str = BATCH_TAG, body: bytes = BODY) -> dict[str, int | str]:
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={consent.instance: consent.key.public_key()}, private_keys={}),
    )
    verifier.max_clock_skew = datetime.timedelta(days=40_000)
    [result] = verifier.verify(message, expect_tag=tag, require_components=COVERED, body=body, max_age=None)
    return result.parameters


def test_it_carries_what_the_design_says() -> None:
    consent = sign_consent()
    request = signed(consent)
    parameters = verify(consent, Message("POST", str(request.url), dict(request.headers)))
    nonce = parameters.pop("nonce")
    assert isinstance(nonce, str) and len(nonce) == 22
    assert parameters == {
        "created": NOW_MS // 1000,
        "expires": NOW_MS // 1000 + 300,
        "keyid": consent.instance,
        "alg": "ed25519",
        "tag": "sysmetric-batch",
    }


def test_nothing_that_is_covered_can_be_changed() -> None:
    consent = sign_consent()
    request = signed(consent)
    good = Message("POST", str(request.url), dict(request.headers))
    for change in (
        {"method": "PUT"},
        {"url": "https://example.com/api/v1/batches"},
        {"url": "https://example.org/api/v1/links"},
        {"headers": {**good.headers, "content-type": "text/plain"}},
        {"headers": {**good.headers, "content-digest": "sha-256=:" + "A" * 43 + "=:"}},
    ):
        with pytest.raises(InvalidSignature):
            verify(consent, dataclasses.replace(good, **change))
    with pytest.raises(InvalidSignature):
        verify(consent, good, body=b'{"a":2}')
    with pytest.raises(InvalidSignature):
        verify(consent, good, tag=LINK_TAG)


def test_every_request_has_a_nonce_of_its_own() -> None:
    assert len({new_nonce() for _ in range(1000)}) == 1000
    consent = sign_consent()
    assert signed(consent).headers["signature"] != signed(consent).headers["signature"]
