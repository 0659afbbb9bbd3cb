"""A copy of everything the server holds of this machine (GDPR Art. 15 and 20), asked for with the volunteer's key.

Rules: rows are handed on as they arrive, in bounded memory; the answer counts its rows at its end, and one that is cut
short or miscounts is an error, never a shorter copy.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from agent.client import expect_object
from agent.errors import ServerUnreachable
from agent.signed_request import signed_post
from consent.chain import ActiveConsent
from consent.wire import EXPORT_TAG

EXPORTS_PATH = "/api/v1/exports"
_TIMEOUT_SECONDS = 60.0


def export_rows(consent: ActiveConsent, local_ms: Callable[[], int]) -> Iterator[dict[str, Any]]:
    """``{"table", "time" (ms), ...}`` per row, in time order. Raises ServerUnreachable, Refused."""
    # pylint: disable-next=contextmanager-generator-missing-cleanup  # it holds nothing but with blocks
    with signed_post(consent, EXPORTS_PATH, EXPORT_TAG, local_ms, timeout_seconds=_TIMEOUT_SECONDS) as (answer, lines):
        if answer.status != 200:
            expect_object(answer)
            raise ServerUnreachable(f"unexpected answer {answer.status}")
        yield from _whole(lines)


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
