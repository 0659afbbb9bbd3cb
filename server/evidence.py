"""Evidence sealed at rest: AES-256-GCM, one data key per consent, wrapped by a key that is not in the database.

Rules:

* The key-encryption key (32 random bytes, a file of its own) never encrypts or hashes anything itself: HKDF-SHA256
  (RFC 5869) derives one key per use from it, so that a lookup value can say nothing about an encrypted one.
* A data key encrypts the documents of one consent and nothing else. It is stored wrapped; destroying the wrapped key
  destroys the evidence, even where a file system still holds old blocks of ciphertext. A backup of the whole database
  holds the wrapped key too, so backups must not outlive the evidence.
* The associated data of every ciphertext is the record id and the kind of document, so that one moved to another row
  or passed off as another kind does not open.
* Sealed bytes are nonce (12) + ciphertext + tag (16). Nonces are random: a data key seals about ten documents (and
  each new withdrawal code), the wrapping key one per consent, far below the 2**32 of NIST SP 800-38D section 8.3.
* Instance ids are looked up by HMAC-SHA256: without the key nobody can tell whether a given id is in the database.
* Randomness is the one thing that is not passed in: a nonce that comes twice breaks AES-GCM.
"""

import hmac
import os
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.errors import EvidenceUnreadable, RegistryUnusable

KEY_BYTES = 32
_NONCE_BYTES = 12


class Kind(StrEnum):
    """What a sealed value is; part of its associated data."""

    RECORD = "record"
    RECEIPT = "receipt"
    WITHDRAWAL = "withdrawal"
    ERASURE_RECEIPT = "erasure-receipt"
    INSTANCE_ID = "instance-id"
    PUBLIC_KEY = "public-key"
    SEALED_WITHDRAWAL = "sealed-withdrawal"


class Vault:
    """Seals and opens; holds no state but the derived keys. Safe to use from many threads."""

    def __init__(self, key_encryption_key: bytes) -> None:
        """Raises RegistryUnusable unless the key has 32 bytes."""
        if len(key_encryption_key) != KEY_BYTES:
            raise RegistryUnusable(
                f"the key-encryption key has {len(key_encryption_key)} bytes, not {KEY_BYTES}; "
                "put back the key-encryption.key that this registry was created with"
            )
        self._wrapping = AESGCM(_derive(key_encryption_key, b"evidence wrapping"))
        self._lookup_key = _derive(key_encryption_key, b"instance lookup")
        self.key_check = _derive(key_encryption_key, b"key check")

    def lookup(self, instance_id: str) -> bytes:
        """The 32 bytes under which an instance is found."""
        return hmac.digest(self._lookup_key, instance_id.encode(), "sha256")

    def new_data_key(self, record_id: str) -> bytes:
        """A fresh data key for one consent, wrapped."""
        return _encrypt(self._wrapping, AESGCM.generate_key(KEY_BYTES * 8), _bound_to(record_id, "data-key"))

    def seal(self, wrapped_key: bytes, record_id: str, kind: Kind, content: bytes) -> bytes:
        """``content`` sealed for this record and kind. Raises EvidenceUnreadable if the data key does not unwrap."""
        return _encrypt(self._unwrap(wrapped_key, record_id), content, _bound_to(record_id, kind))

    def open(self, wrapped_key: bytes, record_id: str, kind: Kind, sealed: bytes) -> bytes:
        """What was sealed, byte for byte. Raises EvidenceUnreadable."""
        return _decrypt(self._unwrap(wrapped_key, record_id), sealed, record_id, kind)

    def _unwrap(self, wrapped_key: bytes, record_id: str) -> AESGCM:
        return AESGCM(_decrypt(self._wrapping, wrapped_key, record_id, "data-key"))


def _encrypt(cipher: AESGCM, content: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, content, associated)


def _decrypt(cipher: AESGCM, sealed: bytes, record_id: str, kind: str) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound_to(record_id, kind))
    except (InvalidTag, ValueError) as error:  # ValueError: cut so short that not even the nonce is whole
        raise EvidenceUnreadable(
            f"the {kind} of consent {record_id} does not open: its bytes were changed or belong to another row"
        ) from error


def _bound_to(record_id: str, kind: str) -> bytes:
    return f"sysmetric evidence 1\0{record_id}\0{kind}".encode()


def _derive(key: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)
