"""A request that says all it has to say with its signature: the volunteer's key, a tag for the purpose, an empty body.

Rules: each purpose has a tag of its own, so that a signature for one can never serve another; where the server finds
this machine's clock wrong and says its own time, the request is signed once more with that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agent.client import Answer, batch_client, stream
from agent.http_signature import RequestSigner
from agent.server_clock import ServerClock
from consent.chain import ActiveConsent
from consent.wire import MEDIA_TYPE, Problem

_BODY = b"{}"


@contextmanager
def signed_post(
    consent: ActiveConsent, path: str, tag: str, local_ms: Callable[[], int], *, timeout_seconds: float = 10.0
) -> Iterator[tuple[Answer, Iterator[bytes]]]:
    """The answer, as ``client.stream`` gives it, until the block ends. Raises ServerUnreachable."""
    clock = ServerClock(local_ms)
    signer = RequestSigner(consent, tag, clock.now_ms)
    with batch_client(consent, timeout_seconds=timeout_seconds) as client:
        for resynced in (False, True):
            request = client.build_request("POST", path, content=_BODY, headers={"Content-Type": MEDIA_TYPE})
            signer.sign(request, _BODY)
            with stream(client, request) as (answer, lines):
                skewed = answer.problem()[0] == Problem.CLOCK_SKEW
                if resynced or not skewed or not clock.correct(answer):
                    yield answer, lines
                    return
