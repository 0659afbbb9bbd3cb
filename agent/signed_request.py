"""A request signed with the volunteer's key under a tag for its purpose; most say all they have to say with that.

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


@contextmanager
def signed_post(
    consent: ActiveConsent,
    path: str,
    tag: str,
    local_ms: Callable[[], int],
    *,
    body: bytes = b"{}",
    timeout_seconds: float = 10.0,
) -> Iterator[tuple[Answer, Iterator[bytes]]]:
    """The answer, as ``client.stream`` gives it, until the block ends. Raises ServerUnreachable."""
    clock = ServerClock(local_ms)
    signer = RequestSigner(consent, tag, clock.now_ms)
    with batch_client(consent, timeout_seconds=timeout_seconds) as client:
        for resynced in (False, True):
            request = client.build_request("POST", path, content=body, headers={"Content-Type": MEDIA_TYPE})
            signer.sign(request, body)
            with stream(client, request) as (answer, lines):
                skewed = answer.problem()[0] == Problem.CLOCK_SKEW
                if resynced or not skewed or not clock.correct(answer):
                    yield answer, lines
                    return
