"""Signs requests as an agent does, with the same library, and lets a test get every part of it wrong."""

import datetime
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from consent.wire import BATCH_TAG, BATCHES_PATH, COVERED, MEDIA_TYPE, SIGNATURE_LIFETIME_SECONDS


@dataclass
class Outgoing:
    """The shape that the library signs."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


def signed_headers(
    key: Ed25519PrivateKey,
    key_id: str,
    body: bytes,
    now_ms: int,
    *,
    path: str = BATCHES_PATH,
    authority: str = "localhost",
    scheme: str = "http",
    tag: str = BATCH_TAG,
    covered: Sequence[str] = COVERED,
    lifetime: int | None = SIGNATURE_LIFETIME_SECONDS,
    nonce: str | None = "",
    content_type: str = MEDIA_TYPE,
    extra: dict[str, str] | None = None,
) -> dict[str, str]:
    """The headers of a signed POST. ``nonce`` empty makes a fresh one; None leaves it out, as it does ``lifetime``."""
    request = Outgoing("POST", f"{scheme}://{authority}{path}", {"Content-Type": content_type, **(extra or {})})
    created = datetime.datetime.fromtimestamp(now_ms // 1000, tz=datetime.UTC)
    HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key_id: key}),
    ).sign(
        request,
        key_id=key_id,
        created=created,
        expires=None if lifetime is None else created + datetime.timedelta(seconds=lifetime),
        nonce=secrets.token_urlsafe(16) if nonce == "" else nonce,
        label="sysmetric",
        tag=tag,
        covered_component_ids=list(covered),
        body=body,
    )
    return request.headers
