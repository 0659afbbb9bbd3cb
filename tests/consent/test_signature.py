"""Signatures: the published vectors, every pinned property, and key files as an attacker would leave them."""

import base64
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from consent.errors import KeyFileError, SignatureInvalid
from consent.signature import (
    MAX_COMPACT_BYTES,
    Typ,
    create_key_file,
    load_key_file,
    public_jwk,
    public_key_from_jwk,
    sha256_hex,
    sign,
    thumbprint,
    verify,
)

# RFC 8037 Appendix A.1
A1_D = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
A1_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
def rfc_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_decode(A1_D))


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def test_rfc_8037_a2_public_key(rfc_key: Ed25519PrivateKey) -> None:
    assert public_jwk(rfc_key.public_key()) == {"crv": "Ed25519", "kty": "OKP", "x": A1_X}


def test_rfc_8037_a3_thumbprint(rfc_key: Ed25519PrivateKey) -> None:
    assert thumbprint(rfc_key.public_key()) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_rfc_8037_a4_signature(rfc_key: Ed25519PrivateKey) -> None:
    signing_input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    assert _encode(rfc_key.sign(signing_input.encode())) == expected
    rfc_key.public_key().verify(_decode(expected), signing_input.encode())


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text(), max_size=8))
def test_what_is_signed_comes_back(payload: dict[str, Any]) -> None:
    key = Ed25519PrivateKey.generate()
    verified = verify(sign(payload, key, Typ.RECORD), Typ.RECORD, thumbprint(key.public_key()))
    assert verified.payload == payload


def test_a_stranger_can_check_it_with_cryptography_alone(key: Ed25519PrivateKey) -> None:
    compact = sign({"a": 1}, key, Typ.RECEIPT)
    signing_input, signature = compact.rsplit(".", 1)
    key.public_key().verify(_decode(signature), signing_input.encode())


@pytest.mark.parametrize("position", [0.05, 0.5, 0.97])
def test_a_changed_character_anywhere_is_found(key: Ed25519PrivateKey, position: float) -> None:
    compact = sign({"sentence": "I agree to what I read" * 10}, key, Typ.RECORD)
    at = int(len(compact) * position)
    changed = compact[:at] + ("A" if compact[at] != "A" else "B") + compact[at + 1 :]
    with pytest.raises(SignatureInvalid):
        verify(changed, Typ.RECORD, thumbprint(key.public_key()))


def test_one_kind_never_passes_for_another(key: Ed25519PrivateKey) -> None:
    for signed in Typ:
        for expected in Typ:
            if signed is not expected:
                with pytest.raises(SignatureInvalid, match="expected a"):
                    verify(sign({}, key, signed), expected)


def test_another_key_is_refused(key: Ed25519PrivateKey) -> None:
    other = thumbprint(Ed25519PrivateKey.generate().public_key())
    with pytest.raises(SignatureInvalid, match="another key"):
        verify(sign({}, key, Typ.RECORD), Typ.RECORD, other)


def _forge(key: Ed25519PrivateKey, change: Callable[[dict[str, Any]], None], payload: bytes = b"{}") -> str:
    public = key.public_key()
    header: dict[str, Any] = {
        "alg": "Ed25519",
        "typ": "consent-record+jws",
        "kid": thumbprint(public),
        "jwk": public_jwk(public),
    }
    change(header)
    signing_input = f"{_encode(json.dumps(header).encode())}.{_encode(payload)}"
    return f"{signing_input}.{_encode(key.sign(signing_input.encode()))}"


def _foreign_jwk(header: dict[str, Any]) -> None:
    header["jwk"] = public_jwk(Ed25519PrivateKey.generate().public_key())


def _foreign_jwk_and_kid(header: dict[str, Any]) -> None:
    other = Ed25519PrivateKey.generate().public_key()
    header.update(jwk=public_jwk(other), kid=thumbprint(other))


FORGERIES: dict[str, Callable[[dict[str, Any]], None]] = {
    "alg none": lambda header: header.update(alg="none"),
    "alg HS256": lambda header: header.update(alg="HS256"),
    "alg EdDSA": lambda header: header.update(alg="EdDSA"),
    "unknown crit": lambda header: header.update(crit=["b64"], b64=False),
    "extra header": lambda header: header.update(jku="https://example.org"),
    "no jwk": lambda header: header.pop("jwk"),
    "private jwk": lambda header: header["jwk"].update(d=A1_D),
    "short x": lambda header: header["jwk"].update(x="AAAA"),
    "jwk is a list": lambda header: header.update(jwk=[]),
    "foreign jwk": _foreign_jwk,
    "foreign jwk and kid": _foreign_jwk_and_kid,
    "typ missing": lambda header: header.pop("typ"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_headers_are_refused(key: Ed25519PrivateKey, name: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(_forge(key, FORGERIES[name]), Typ.RECORD)


def test_the_forger_of_this_test_can_also_make_a_good_one(key: Ed25519PrivateKey) -> None:
    assert verify(_forge(key, lambda header: None, b'{"a":2}'), Typ.RECORD).payload == {"a": 2}


@pytest.mark.parametrize("payload", [b"[]", b"1", b"not json", b"[" * 20_000, b"\xff"])
def test_a_payload_that_is_no_object_is_refused(key: Ed25519PrivateKey, payload: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        verify(_forge(key, lambda header: None, payload), Typ.RECORD)


@given(st.text(max_size=200))
def test_noise_is_refused_in_one_sentence(noise: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(noise, Typ.RECORD)


def test_a_trailing_newline_and_a_giant_are_refused(key: Ed25519PrivateKey) -> None:
    compact = sign({}, key, Typ.RECORD)
    for bad in (compact + "\n", compact + "=", "A" * (MAX_COMPACT_BYTES + 1)):
        with pytest.raises(SignatureInvalid):
            verify(bad, Typ.RECORD)


def test_a_non_canonical_key_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="canonically"):
        public_key_from_jwk({"kty": "OKP", "crv": "Ed25519", "x": A1_X[:-1] + "p"})


def test_a_key_file_is_0600_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        key = create_key_file(tmp_path / "key.pem")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    assert public_jwk(load_key_file(tmp_path / "key.pem").public_key()) == public_jwk(key.public_key())


def test_an_existing_key_is_never_overwritten(tmp_path: Path) -> None:
    create_key_file(tmp_path / "key.pem")
    content = (tmp_path / "key.pem").read_bytes()
    with pytest.raises(KeyFileError, match="exists already"):
        create_key_file(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").read_bytes() == content


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError):
        create_key_file(tmp_path / "key.pem")
    assert not (tmp_path / "elsewhere").exists()


def test_a_key_that_others_can_read_is_refused_with_the_command(tmp_path: Path) -> None:
    create_key_file(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_key_file(tmp_path / "key.pem")


def test_a_linked_missing_or_damaged_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="missing"):
        load_key_file(tmp_path / "key.pem")
    create_key_file(tmp_path / "real.pem")
    (tmp_path / "link.pem").symlink_to(tmp_path / "real.pem")
    with pytest.raises(KeyFileError, match="plain file"):
        load_key_file(tmp_path / "link.pem")
    damaged = tmp_path / "damaged.pem"
    damaged.write_bytes((tmp_path / "real.pem").read_bytes()[:60])
    damaged.chmod(0o600)
    with pytest.raises(KeyFileError, match="damaged"):
        load_key_file(damaged)


def test_a_text_is_referred_to_by_the_sha256_of_its_utf8_bytes() -> None:
    assert (
        sha256_hex("ż")
        == sha256_hex("ż".encode())
        == "97306aa9ffb6f38e888e35c835d86f91abb3fa662bfe8d81029381979a820209"
    )
