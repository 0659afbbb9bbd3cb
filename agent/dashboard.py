"""A one-time link to the volunteer's own page, for which the key that signs the samples asks.

Rule: an answer that leads to another server than the one of the consent is refused, because the link would be opened in
a browser.
"""

from collections.abc import Callable
from dataclasses import dataclass

from agent.client import expect_object
from agent.errors import Refused, ServerUnreachable
from agent.signed_request import signed_post
from consent.chain import ActiveConsent
from consent.wire import LINK_TAG

LINKS_PATH = "/api/v1/links"


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A link that opens once, until ``expires_ms``."""

    url: str
    expires_ms: int


def ask_for_link(consent: ActiveConsent, local_ms: Callable[[], int]) -> OneTimeLink:
    """Ask the server of the consent. Raises ServerUnreachable, Refused."""
    with signed_post(consent, LINKS_PATH, LINK_TAG, local_ms) as (answer, _):
        document = expect_object(answer)
    url, expires = document.get("url"), document.get("expires")
    if not isinstance(url, str) or isinstance(expires, bool) or not isinstance(expires, int):
        raise ServerUnreachable("the answer holds no link; is the server of the same version?")
    if not url.isascii() or not url.isprintable() or " " in url or not url.startswith(f"{consent.origin}/"):
        raise Refused("foreign-link", "the answer leads to another server than the one of your consent")
    return OneTimeLink(url, expires)
