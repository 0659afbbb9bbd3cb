"""Nonces that were used, so that none is used twice.

Rules:

* A nonce is spent in the transaction of what it is for; if that fails, it is not spent.
* Stored is its SHA-256, until the nonce would be refused as too old anyway. Whoever issues nonces decides their age:
  a nonce must not be accepted any more at the time it is forgotten here.
"""

import hashlib

from sqlalchemy import Connection, delete, insert
from sqlalchemy.exc import IntegrityError

from server.errors import NonceRefused
from server.registry.schema import spent_nonces


def spend(connection: Connection, nonce: str, expires_ms: int, now_ms: int) -> None:
    """Use a nonce up in the caller's transaction, and forget the expired ones. Raises NonceRefused."""
    if expires_ms <= now_ms:
        raise NonceRefused("this nonce has expired; fetch the notice again")
    connection.execute(delete(spent_nonces).where(spent_nonces.c.expires_ms <= now_ms))
    digest = hashlib.sha256(nonce.encode()).digest()
    try:
        connection.execute(insert(spent_nonces).values(sha256=digest, expires_ms=expires_ms))
    except IntegrityError as error:
        raise NonceRefused("this nonce was used before; fetch the notice again") from error
