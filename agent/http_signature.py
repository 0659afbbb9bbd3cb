"""Sign a request with the volunteer's key: RFC 9421 HTTP Message Signatures over an RFC 9530 Content-Digest.

Rules:

* The signature covers ``consent.wire.COVERED``, carries created, expires, keyid (the instance id), nonce and a tag that
  tells the purposes apart; it is made when the request is sent, also for a batch that waited in the spool.
* The digest is over the bytes on the wire, so after gzip.
"""

import datetime
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from consent.chain import ActiveConsent
from consent.wire import COVERED, SIGNATURE_LIFETIME_SECONDS

if TYPE_CHECKING:
    import httpx

_LABEL = "sysmetric"


def new_nonce() -> str:
    """128 random bits in base64url."""
    return secrets.token_urlsafe(16)


class RequestSigner:
    """Signs requests of one consent under one tag. ``now_ms`` is the server's time as far as it is known."""

    def __init__(
        self,
        consent: ActiveConsent,
        tag: str,
        now_ms: Callable[[], int],
        nonce: Callable[[], str] = new_nonce,
    ) -> None:
        # Imported here: a library that only a sender needs, and 0.1 s of start-up for every other command.
        from http_message_signatures import (  # pylint: disable=import-outside-toplevel
            HTTPMessageSigner,
            MappingKeyResolver,
            algorithms,
        )

        self._key_id = consent.instance_id
        self._tag = tag
        self._now_ms = now_ms
        self._nonce = nonce
        self._signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ED25519,
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={consent.instance_id: consent.key}),
        )

    def sign(self, request: "httpx.Request", body: bytes) -> None:
        """Add Content-Digest, Signature-Input and Signature. ``body`` is what ``request`` carries, as encoded."""
        created = datetime.datetime.fromtimestamp(self._now_ms() // 1000, tz=datetime.UTC)
        self._signer.sign(
            request,
            key_id=self._key_id,
            created=created,
            expires=created + datetime.timedelta(seconds=SIGNATURE_LIFETIME_SECONDS),
            nonce=self._nonce(),
            label=_LABEL,
            tag=self._tag,
            include_alg=True,
            covered_component_ids=COVERED,
            body=body,
        )
