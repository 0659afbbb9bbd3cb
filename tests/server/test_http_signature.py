"""Only a whole, fresh, single-use signature by an enrolled key passes."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from consent.wire import BATCH_TAG, BATCHES_PATH, CLOCK_SKEW_SECONDS, COVERED, LINK_TAG, Problem
from server.errors import ProblemError, RegistryUnusable
from server.gate import STRANGER
from server.http_signature import SignedRequest, verify
from server.replay import ReplayGuard
from tests.server.batches import INSTANCE, NOW_MS
from tests.server.signing import signed_headers

KEY = Ed25519PrivateKey.generate()
BODY = b'{"format":1}'
ORIGIN = "https://metrics.example.org"


def find_key(key_id: str) -> Ed25519PublicKey | None:
    return KEY.public_key() if key_id == INSTANCE else None


def request_with(headers: dict[str, str], **changes: Any) -> SignedRequest:
    parts: dict[str, Any] = {
        "method": "POST",
        "scheme": "http",
        "host": "localhost",
        "path": BATCHES_PATH,
        "headers": Headers(headers),
        "body": BODY,
    }
    return SignedRequest(**{**parts, **changes})


def signed(**options: Any) -> dict[str, str]:
    return signed_headers(options.pop("key", KEY), options.pop("key_id", INSTANCE), BODY, NOW_MS, **options)


def check(request: SignedRequest, *, now_ms: int = NOW_MS, replay: ReplayGuard | None = None) -> str:
    return verify(
        request,
        BATCH_TAG,
        origin=ORIGIN,
        find_key=find_key,
        replay=ReplayGuard() if replay is None else replay,
        now_ms=now_ms,
    )


def refused(request: SignedRequest, **options: Any) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        check(request, **options)
    return caught.value


def test_an_enrolled_machine_is_recognised() -> None:
    assert check(request_with(signed())) == INSTANCE


def test_the_host_of_the_request_or_of_the_configured_origin_may_be_signed() -> None:
    on_a_port = signed(authority="10.0.0.5:5000")
    assert check(request_with(on_a_port, host="10.0.0.5:5000")) == INSTANCE
    through_a_proxy = signed(authority="metrics.example.org", scheme="https")
    assert check(request_with(through_a_proxy, host="metrics.example.org")) == INSTANCE
    assert check(request_with(through_a_proxy, host="backend:8080")) == INSTANCE  # a proxy that rewrites Host
    assert refused(request_with(signed(authority="other.example.org"))).problem is Problem.SIGNATURE_INVALID
    forwarded = {**signed(authority="other.example.org"), "X-Forwarded-Host": "other.example.org"}
    assert refused(request_with(forwarded)).problem is Problem.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "changes",
    [
        {"body": BODY + b" "},
        {"body": b""},
        {"path": "/api/v1/links"},
        {"method": "PUT"},
        {"host": "other.example.org"},
    ],
)
def test_nothing_that_is_covered_can_be_changed(changes: dict[str, Any]) -> None:
    assert refused(request_with(signed(), **changes)).problem is Problem.SIGNATURE_INVALID


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest", "Content-Type"])
def test_every_header_is_needed(name: str) -> None:
    headers = signed()
    del headers[name]
    assert refused(request_with(headers)).problem is Problem.SIGNATURE_INVALID


def test_a_header_that_is_changed_or_endless_is_refused() -> None:
    changed = {**signed(), "Content-Type": "text/plain"}
    assert refused(request_with(changed)).problem is Problem.SIGNATURE_INVALID
    endless = {**signed(), "Signature-Input": signed()["Signature-Input"] + ' , x=("a")' * 1000}
    assert refused(request_with(endless)).problem is Problem.SIGNATURE_INVALID


@pytest.mark.parametrize("component", COVERED)
def test_every_component_has_to_be_covered(component: str) -> None:
    covered = [name for name in COVERED if name != component]
    headers = signed(covered=covered)
    if component == "content-digest":  # the signer adds it whenever there is a body
        headers = signed_headers(KEY, INSTANCE, BODY, NOW_MS)
        headers["Signature-Input"] = headers["Signature-Input"].replace('"content-digest" ', "")
    assert refused(request_with(headers)).problem is Problem.SIGNATURE_INVALID


def test_another_purpose_does_not_pass() -> None:
    assert refused(request_with(signed(tag=LINK_TAG))).problem is Problem.SIGNATURE_INVALID


def test_a_stranger_and_a_bad_signature_get_the_same_answer() -> None:
    stranger = refused(request_with(signed(key_id="6f0c3a52-3a0b-4d1e-9c1d-0a4b5c6d7e8f")))
    forged = refused(request_with(signed(key=Ed25519PrivateKey.generate())))
    assert (stranger.problem, stranger.detail) == (forged.problem, forged.detail)
    assert stranger.detail == STRANGER


def test_nonce_and_lifetime_are_required_and_bounded() -> None:
    for options in ({"nonce": None}, {"lifetime": None}, {"lifetime": 301}, {"nonce": "n" * 129}):
        assert refused(request_with(signed(**options))).problem is Problem.SIGNATURE_INVALID
    assert check(request_with(signed(lifetime=300, nonce="n" * 128))) == INSTANCE


def test_a_clock_that_is_off_is_told_the_time() -> None:
    request, skew_ms = request_with(signed()), CLOCK_SKEW_SECONDS * 1000
    assert check(request, now_ms=NOW_MS - skew_ms) == INSTANCE
    assert check(request, now_ms=NOW_MS + 300_000 + skew_ms) == INSTANCE
    for now_ms in (NOW_MS - skew_ms - 1000, NOW_MS + 300_000 + skew_ms + 1000):
        problem = refused(request, now_ms=now_ms)
        assert problem.problem is Problem.CLOCK_SKEW
        assert problem.extra["server_time"] == now_ms


def test_only_a_signature_that_holds_is_told_the_time() -> None:
    forged = request_with(signed(key=Ed25519PrivateKey.generate()))
    assert refused(forged, now_ms=NOW_MS + 10**9).problem is Problem.SIGNATURE_INVALID


def test_a_request_works_once() -> None:
    guard, request = ReplayGuard(), request_with(signed())
    assert check(request, replay=guard) == INSTANCE
    assert refused(request, replay=guard).problem is Problem.REPLAYED
    assert refused(request, replay=guard, now_ms=NOW_MS + 359_000).problem is Problem.REPLAYED
    assert refused(request, replay=guard, now_ms=NOW_MS + 361_000).problem is Problem.CLOCK_SKEW


def test_a_forged_request_uses_no_nonce_up() -> None:
    guard = ReplayGuard()
    refused(request_with(signed(key=Ed25519PrivateKey.generate(), nonce="n")), replay=guard)
    assert check(request_with(signed(nonce="n")), replay=guard) == INSTANCE


def test_more_signed_requests_than_can_be_remembered_are_slowed_down() -> None:
    guard = ReplayGuard(per_key=1)
    check(request_with(signed()), replay=guard)
    assert refused(request_with(signed()), replay=guard).problem is Problem.SLOW_DOWN


def test_a_registry_that_is_away_is_no_bad_signature() -> None:
    def away(_: str) -> Ed25519PublicKey | None:
        raise RegistryUnusable("away")

    with pytest.raises(RegistryUnusable):
        verify(request_with(signed()), BATCH_TAG, origin=ORIGIN, find_key=away, replay=ReplayGuard(), now_ms=NOW_MS)


@given(st.sampled_from(["Signature", "Signature-Input", "Content-Digest"]), st.text(max_size=60), st.integers(0, 400))
def test_damaged_headers_are_always_a_bad_signature(name: str, junk: str, position: int) -> None:
    headers = signed()
    text = headers[name]
    headers[name] = (text[:position] + junk.replace("\r", "").replace("\n", "") + text[position + 1 :])[:4000]
    if headers[name] != text:
        try:
            check(request_with(headers))
        except ProblemError as error:
            assert error.problem is Problem.SIGNATURE_INVALID
