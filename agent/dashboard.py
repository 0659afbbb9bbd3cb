"""A one-time link to the volunteer's own page, for which the key that signs the samples asks.

Rules: the request is signed under its own tag, so that a signature for a batch can never fetch a link; an answer that
leads to another server than the one of the consent is refused, because the link would be opened in a browser.
"""

from collections.abc import Callable
from dataclasses import dataclass

from agent.client import batch_client, expect_object, send
from agent.errors import Refused, ServerUnreachable
from agent.http_signature import RequestSigner
from agent.server_clock import ServerClock
from consent.chain import ActiveConsent
from consent.wire import LINK_TAG, MEDIA_TYPE, Problem

LINKS_PATH = "/api/v1/links"
_BODY = b"{}"


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A link that opens once, until ``expires_ms``."""

    url: str
    expires_ms: int


def ask_for_link(consent: ActiveConsent, local_ms: Callable[[], int]) -> OneTimeLink:
    """Ask the server of the consent. Raises ServerUnreachable, Refused."""
    clock = ServerClock(local_ms)
    signer = RequestSigner(consent, LINK_TAG, clock.now_ms)
    with batch_client(consent) as client:
        for attempt in ("with this machine's clock", "with the server's"):
            request = client.build_request("POST", LINKS_PATH, content=_BODY, headers={"Content-Type": MEDIA_TYPE})
            signer.sign(request, _BODY)
            answer = send(client, request)
            skewed = answer.problem()[0] == Problem.CLOCK_SKEW
            if not skewed or attempt == "with the server's" or not clock.correct(answer):
                break
        document = expect_object(answer)
    url, expires = document.get("url"), document.get("expires")
    if not isinstance(url, str) or isinstance(expires, bool) or not isinstance(expires, int):
        raise ServerUnreachable("the answer holds no link; is the server of the same version?")
    if not url.isascii() or not url.isprintable() or " " in url or not url.startswith(f"{consent.origin}/"):
        raise Refused("foreign-link", "the answer leads to another server than the one of your consent")
    return OneTimeLink(url, expires)
