"""Sign and verify durable evidence (JWS compact, RFC 7515) and keep key files.

Rules:

* Algorithm ``Ed25519`` (RFC 9864) and an explicit ``typ`` per document kind; a verifier pins both and never
  trusts a header for either. ``crit`` and any header beyond alg, typ, kid and jwk are refused.
* The compact string is evidence: keep it byte for byte and parse the payload only after verification.
* The signer's public key travels in ``jwk`` (RFC 7515 section 4.1.3), ``kid`` is its RFC 7638 thumbprint. A key
  found in a header proves possession only; whoever calls ``verify`` says which thumbprint is expected, unless the
  document is the one that introduces the key.
* A private key file is created exclusively, 0600 under any umask, and refused when others can read it.
"""

import base64
import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from consent.errors import KeyFileError, OtherKey, SignatureInvalid

ALGORITHM = "Ed25519"
#: The longest compact JWS that is looked at; a record is about 4 kB, a signed notice about 30 kB.
MAX_COMPACT_BYTES = 256 * 1024
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADERS = {"alg", "typ", "kid", "jwk"}


class Typ(StrEnum):
    """The explicit type of each document (RFC 8725 section 3.11): one can never pass for another."""

    NOTICE = "notice+jws"
    RECORD = "consent-record+jws"
    WITHDRAWAL = "consent-withdrawal+jws"
    RECEIPT = "consent-receipt+jws"
    ERASURE_RECEIPT = "erasure-receipt+jws"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification yields: the payload, and the key that signed it."""

    payload: dict[str, Any]
    public_key: Ed25519PublicKey
    thumbprint: str


def sha256_hex(text: str | bytes) -> str:
    """SHA-256 in lower-case hex of UTF-8 text or bytes: how documents refer to one another."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """The key as an OKP JWK (RFC 8037 section 2)."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"crv": "Ed25519", "kty": "OKP", "x": _b64(raw)}


def thumbprint(key: Ed25519PublicKey) -> str:
    """RFC 7638 thumbprint (SHA-256, base64url without padding, 43 characters)."""
    canonical = json.dumps(public_jwk(key), separators=(",", ":"), sort_keys=True)
    return _b64(hashlib.sha256(canonical.encode()).digest())


def sign(payload: dict[str, Any], key: Ed25519PrivateKey, typ: Typ) -> str:
    """A compact JWS over the compact UTF-8 JSON of ``payload``."""
    public = key.public_key()
    header = {"alg": ALGORITHM, "typ": typ.value, "kid": thumbprint(public), "jwk": public_jwk(public)}
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return jws.serialize_compact(header, body, _okp(key), algorithms=[ALGORITHM])


def verify(compact: str, typ: Typ, expected_thumbprint: str | None = None) -> Verified:
    """Check one document. Without ``expected_thumbprint`` it proves only that the key in its header signed it.

    Raises SignatureInvalid: not a compact JWS, another type or algorithm, an unknown header, another key, or
    bytes that the signature does not cover.
    """
    if len(compact) > MAX_COMPACT_BYTES or not _COMPACT.fullmatch(compact):
        raise SignatureInvalid(f"this is not a {typ.value} document")
    header = _header(compact, typ)
    if header.get("typ") != typ.value:
        raise SignatureInvalid(f"expected a {typ.value}, found {str(header.get('typ'))[:40]!r}")
    if header.get("alg") != ALGORITHM:
        raise SignatureInvalid(f"the {typ.value} is not signed with {ALGORITHM}")
    if set(header) != _HEADERS:
        raise SignatureInvalid(f"the {typ.value} has headers other than {', '.join(sorted(_HEADERS))}")
    public = public_key_from_jwk(header["jwk"])
    found = thumbprint(public)
    if header["kid"] != found:
        raise SignatureInvalid(f"the {typ.value} names another key than the one in it")
    if expected_thumbprint is not None and found != expected_thumbprint:
        raise OtherKey(f"the {typ.value} is signed by another key than expected")
    try:
        payload = json.loads(jws.deserialize_compact(compact, _okp(public), algorithms=[ALGORITHM]).payload)
    except (JoseError, ValueError, RecursionError) as error:
        raise SignatureInvalid(f"the signature of the {typ.value} does not match its content") from error
    if not isinstance(payload, dict):
        raise SignatureInvalid(f"the {typ.value} does not hold a JSON object")
    return Verified(payload, public, found)


def public_key_from_jwk(jwk: object) -> Ed25519PublicKey:
    """The Ed25519 key in a public OKP JWK. Raises SignatureInvalid for anything else, private members included."""
    if not isinstance(jwk, dict) or set(jwk) != {"crv", "kty", "x"} or not isinstance(jwk["x"], str):
        raise SignatureInvalid("the key in the header is not a public Ed25519 JWK")
    if jwk["kty"] != "OKP" or jwk["crv"] != "Ed25519" or not re.fullmatch(r"[A-Za-z0-9_-]{43}", jwk["x"]):
        raise SignatureInvalid("the key in the header is not a public Ed25519 JWK")
    raw = base64.urlsafe_b64decode(jwk["x"] + "=")
    if _b64(raw) != jwk["x"]:
        raise SignatureInvalid("the key in the header is not canonically encoded")
    return Ed25519PublicKey.from_public_bytes(raw)


def create_key_file(path: Path) -> Ed25519PrivateKey:
    """Make a key and store it as PKCS8 PEM, exclusively and 0600. Raises KeyFileError if the file exists."""
    key = Ed25519PrivateKey.generate()
    write_exclusively(path, key_pem(key))
    return key


def key_pem(key: Ed25519PrivateKey) -> bytes:
    """PKCS8 PEM, unencrypted, so that openssl reads it too."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write_exclusively(path: Path, content: bytes) -> None:
    """Create ``path`` 0600 with ``content``, synced to disk. Raises KeyFileError if anything is there already."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError as error:
        raise KeyFileError(f"{path} exists already; it was left as it is") from error
    with os.fdopen(descriptor, "wb") as file:
        if os.name == "posix":
            os.fchmod(descriptor, 0o600)  # whatever the umask made of it
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def read_secret_file(path: Path) -> bytes:
    """The content of a secret file, at most 64 kB.

    Raises KeyFileError if it is missing, a link, another user's, or readable by others.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError as error:
        raise KeyFileError(f"{path} is missing") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be opened: {error.strerror}; it must be a plain file of yours") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError(f"{path} is not a plain file")
        if os.name == "posix":
            if status.st_uid != os.geteuid():
                raise KeyFileError(f"{path} belongs to another user; run: chown $(id -un) '{path}'")
            if status.st_mode & 0o077:
                raise KeyFileError(f"{path} can be read by others; run: chmod 600 '{path}'")
        return file.read(64 * 1024)


def load_key_file(path: Path) -> Ed25519PrivateKey:
    """The private key in a PKCS8 PEM file. Raises KeyFileError (see ``read_secret_file``), also when it is damaged."""
    try:
        key = serialization.load_pem_private_key(read_secret_file(path), password=None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(f"{path} is damaged: it does not hold an Ed25519 key in PEM form") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} holds a key of another kind than Ed25519")
    return key


def _header(compact: str, typ: Typ) -> dict[str, Any]:
    try:
        part = compact.split(".", 1)[0]
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError) as error:
        raise SignatureInvalid(f"the header of the {typ.value} is not JSON") from error
    if not isinstance(header, dict):
        raise SignatureInvalid(f"the header of the {typ.value} is not a JSON object")
    return header


def _okp(key: Ed25519PrivateKey | Ed25519PublicKey) -> OKPKey:
    return OKPKey.import_key(key)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
