"""Who sent this request? RFC 9421 HTTP Message Signatures over an RFC 9530 Content-Digest.

Rules:

* Algorithm Ed25519, chosen by us; one signature with the expected tag; ``keyid`` is an instance id, and its key comes
  from the consent record, never from the request.
* Every component of ``consent.wire.COVERED`` is covered. The digest is over the body as received, before any decoding.
* ``created``, ``expires`` and ``nonce`` are required; a signature lives at most ``SIGNATURE_LIFETIME_SECONDS``, and
  clocks may differ by ``CLOCK_SKEW_SECONDS``. The clock is judged after the signature, so that only a machine that
  takes part is told the server's time.
* ``@authority`` is the request's own Host, or that of the configured origin when a reverse proxy has rewritten Host.
  Both name this server; ``X-Forwarded-Host`` and its like are never read, so nobody can choose a third. A request
  that was signed for another server's authority, and so was captured or relayed there, has to come with that Host to
  verify; its keyid then still has to be a machine that is enrolled here, under a key that was made for this enrolment
  alone.
* A stranger and a bad signature get the same answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from werkzeug.datastructures import Headers

from consent.wire import CLOCK_SKEW_SECONDS, COVERED, SIGNATURE_LIFETIME_SECONDS, Problem
from server.errors import ProblemError
from server.gate import STRANGER
from server.replay import ReplayGuard, Seen

#: More signature header than this is not looked at; an honest one is about 400 bytes.
LARGEST_HEADER = 4096
LONGEST_NONCE = 128

FindKey = Callable[[str], Ed25519PublicKey | None]


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What of a request is signed; ``scheme`` and ``host`` as the server sees them, ``path`` decoded."""

    method: str
    scheme: str
    host: str
    path: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class _Message:
    """The shape that the library verifies."""

    method: str
    url: str
    headers: Headers


class _Key(HTTPSignatureKeyResolver):  # pylint: disable=abstract-method  # it verifies only
    """The key of the signature that is being verified."""

    def __init__(self) -> None:
        self.key: Ed25519PublicKey | None = None

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        """Looked up by ``_Verifier`` before."""
        return self.key


class _Verifier(HTTPMessageVerifier):
    """Times are judged in ``verify``, by the clock that is passed in and as a problem of its own.

    The library turns every exception of a key resolver into a bad signature. A registry that is away is none, and an
    agent would stop for good; so the key is looked up in the step before, from which exceptions come through.
    """

    def __init__(self, find_key: FindKey) -> None:
        self._find_key = find_key
        self._resolver = _Key()
        super().__init__(signature_algorithm=algorithms.ED25519, key_resolver=self._resolver)

    def validate_created_and_expires(self, sig_input: Any, max_age: object = None) -> None:
        """Called once per signature, before anything is computed."""
        key_id = sig_input.params.get("keyid")
        self._resolver.key = self._find_key(key_id) if isinstance(key_id, str) else None


def verify(
    request: SignedRequest, tag: str, *, origin: str, find_key: FindKey, replay: ReplayGuard, now_ms: int
) -> str:
    """The instance id whose key signed ``request``. Raises ProblemError: signature-invalid, clock-skew or replayed."""
    parameters = _verified_parameters(request, tag, origin, find_key)
    key_id, nonce = parameters.get("keyid"), parameters.get("nonce")
    created, expires = parameters.get("created"), parameters.get("expires")
    if not isinstance(key_id, str) or not isinstance(nonce, str) or not 0 < len(nonce) <= LONGEST_NONCE:
        raise ProblemError(Problem.SIGNATURE_INVALID, "the signature needs keyid and nonce")
    if not isinstance(created, int) or not isinstance(expires, int):
        raise ProblemError(Problem.SIGNATURE_INVALID, "the signature needs created and expires")
    if not 0 < expires - created <= SIGNATURE_LIFETIME_SECONDS:
        raise ProblemError(
            Problem.SIGNATURE_INVALID, f"a signature lives more than 0 and at most {SIGNATURE_LIFETIME_SECONDS} s"
        )
    if not created - CLOCK_SKEW_SECONDS <= now_ms / 1000 <= expires + CLOCK_SKEW_SECONDS:
        raise ProblemError(
            Problem.CLOCK_SKEW, "the signature was made too long ago or in the future", server_time=now_ms
        )
    seen = replay.see(key_id, nonce, until_ms=(expires + CLOCK_SKEW_SECONDS) * 1000, now_ms=now_ms)
    if seen is Seen.REPLAYED:
        raise ProblemError(Problem.REPLAYED, "this signed request was received before; sign every request anew")
    if seen is Seen.TOO_MANY:
        raise ProblemError(Problem.SLOW_DOWN, "too many signed requests within a few minutes", retry_after=60)
    return key_id


def _verified_parameters(request: SignedRequest, tag: str, origin: str, find_key: FindKey) -> Mapping[str, int | str]:
    """The signed parameters under the first authority of ours that the signature holds for."""
    for name in ("signature", "signature-input", "content-digest"):
        value = request.headers.get(name)
        if value is None:
            raise ProblemError(Problem.SIGNATURE_INVALID, f"the request has no {name} header")
        if len(value) > LARGEST_HEADER:
            raise ProblemError(Problem.SIGNATURE_INVALID, f"the {name} header is too long")
    parts = urlsplit(origin)
    verifier = _Verifier(find_key)
    for scheme, authority in dict.fromkeys(((request.scheme, request.host), (parts.scheme, parts.netloc))):
        message = _Message(request.method, f"{scheme}://{authority}{quote(request.path)}", request.headers)
        try:
            results = verifier.verify(
                message, max_age=None, expect_tag=tag, require_components=COVERED, body=request.body
            )
        except HTTPMessageSignaturesException:
            continue
        if len(results) == 1:
            found: Mapping[str, int | str] = results[0].parameters
            return found
    raise ProblemError(Problem.SIGNATURE_INVALID, STRANGER)
