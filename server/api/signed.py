"""Which volunteer's machine sent this request."""

from flask import request

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from server.api.state import state
from server.http_signature import SignedRequest, verify
from server.registry import ConsentStatus


def signed_by(tag: str, body: bytes) -> tuple[str, ConsentStatus]:
    """The instance that signed this request and its consent, which may have ended. Raises ProblemError."""
    found: dict[str, ConsentStatus] = {}
    runtime = state().runtime

    def find_key(instance: str) -> Ed25519PublicKey | None:
        status = runtime.registry.consent_of(instance)
        if status is None:
            return None
        found[instance] = status
        return status.public_key

    message = SignedRequest(request.method, request.scheme, request.host, request.path, request.headers, body)
    instance = verify(
        message,
        tag,
        origin=runtime.config.origin,
        find_key=find_key,
        replay=state().replay,
        now_ms=runtime.now_ms(),
    )
    return instance, found[instance]
