"""RFC 9421 Appendix B.2.6, the published Ed25519 vector: what signs our batches and what verifies them agree with it.

Ed25519 is deterministic, so signing must give the published bytes exactly.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, MappingKeyResolver, algorithms
from http_message_signatures.exceptions import InvalidSignature

KEY_ID = "test-key-ed25519"
# RFC 9421 Appendix B.1.4
PRIVATE = "n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU"
PUBLIC = "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"
COVERED = ("date", "@method", "@path", "@authority", "content-type", "content-length")
INPUT = (
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
    ';created=1618884473;keyid="test-key-ed25519"'
)
SIGNATURE = "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"


def _request(**more: str) -> httpx.Request:
    headers: Mapping[str, str] = {
        "Host": "example.com",
        "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
        "Content-Type": "application/json",
        **more,
    }
    return httpx.Request(
        "POST", "http://example.com/foo?param=Value&Pet=dog", headers=headers, content=b'{"hello": "world"}'
    )


@pytest.fixture
def keys() -> Any:
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(PRIVATE + "="))
    raw = key.public_key().public_bytes_raw()
    assert base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == PUBLIC
    return MappingKeyResolver(public_keys={KEY_ID: key.public_key()}, private_keys={KEY_ID: key})


def test_signing_gives_the_published_signature(keys: Any) -> None:
    request = _request()
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys).sign(
        request,
        key_id=KEY_ID,
        created=datetime.fromtimestamp(1618884473, UTC),
        label="sig-b26",
        include_alg=False,
        covered_component_ids=COVERED,
    )
    assert request.headers["Signature-Input"] == INPUT
    assert request.headers["Signature"] == SIGNATURE


def _verify(keys: Any, request: httpx.Request) -> None:
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=keys)
    verifier.verify(request, max_age=datetime.now(UTC) - datetime.fromtimestamp(1618884400, UTC))


def test_the_published_signature_verifies_and_a_changed_request_does_not(keys: Any) -> None:
    signed = {"Signature-Input": INPUT, "Signature": SIGNATURE}
    _verify(keys, _request(**signed))
    with pytest.raises(InvalidSignature):
        _verify(keys, _request(**{**signed, "Date": "Tue, 20 Apr 2021 02:07:56 GMT"}))
