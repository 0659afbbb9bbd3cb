"""A copy of everything the server holds of this machine (GDPR Art. 15 and 20), asked for with the volunteer's key.

Rules: the request is signed under its own tag; rows are handed on as they arrive, in bounded memory; the answer counts
its rows at its end, and one that is cut short or miscounts is an error, never a shorter copy.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from agent.client import batch_client, expect_object, stream
from agent.errors import ServerUnreachable
from agent.http_signature import RequestSigner
from agent.server_clock import ServerClock
from consent.chain import ActiveConsent
from consent.wire import EXPORT_TAG, MEDIA_TYPE, Problem

EXPORTS_PATH = "/api/v1/exports"
_BODY = b"{}"
_TIMEOUT_SECONDS = 60.0


def export_rows(consent: ActiveConsent, local_ms: Callable[[], int]) -> Iterator[dict[str, Any]]:
    """``{"table", "time" (ms), ...}`` per row, in time order. Raises ServerUnreachable, Refused."""
    clock = ServerClock(local_ms)
    signer = RequestSigner(consent, EXPORT_TAG, clock.now_ms)
    with batch_client(consent, timeout_seconds=_TIMEOUT_SECONDS) as client:
        for attempt in ("with this machine's clock", "with the server's"):
            request = client.build_request("POST", EXPORTS_PATH, content=_BODY, headers={"Content-Type": MEDIA_TYPE})
            signer.sign(request, _BODY)
            with stream(client, request) as (answer, lines):
                if answer.status == 200:
                    yield from _whole(lines)
                    return
                skewed = answer.problem()[0] == Problem.CLOCK_SKEW
                if not skewed or attempt == "with the server's" or not clock.correct(answer):
                    expect_object(answer)
                    raise ServerUnreachable(f"unexpected answer {answer.status}")


def _whole(lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    counts: Counter[str] = Counter()
    for line in lines:
        row = _object(line)
        if "end" in row:
            if Counter(row["end"]) != counts:
                raise ServerUnreachable("the copy is not complete: the rows do not add up; try again")
            return
        counts[str(row.get("table"))] += 1
        yield row
    raise ServerUnreachable("the copy is not complete: the server broke off; try again")


def _object(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ServerUnreachable("the server sent something that is not a row") from error
    if not isinstance(row, dict):
        raise ServerUnreachable("the server sent something that is not a row")
    return row
