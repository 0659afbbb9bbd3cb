"""Keys for small purposes (sessions, nonces), derived from the operator's key so that no further secret file exists.

Each purpose gets a key of its own (HKDF, RFC 5869); none of them can be turned back into the operator's key.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive(operator_key: Ed25519PrivateKey, purpose: str) -> bytes:
    """32 bytes for ``purpose``; the same again for the same key."""
    return HKDF(SHA256(), 32, salt=None, info=f"sysmetric {purpose}".encode()).derive(operator_key.private_bytes_raw())
