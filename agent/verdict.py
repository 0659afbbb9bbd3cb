"""What the server's answer to a batch means, and when to try again: pure.

Rules:

* A word of our server ends sampling; an answer without one of its types (a proxy, a captive portal) never does: it only
  means "later".
* The pause before the next try is a random part of a time that doubles (full jitter), on top of Retry-After.
"""

import email.utils
from collections.abc import Callable
from enum import StrEnum

from consent.wire import Problem

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 300.0
#: A server that asks for more is asked again after this.
LONGEST_RETRY_AFTER_SECONDS = 3600.0


class Move(StrEnum):
    """What to do after an answer."""

    STORED = "stored"  # done with this batch
    RESYNC = "resync"  # take over the server's time and send again
    DROP = "drop"  # this batch will never be taken
    LATER = "later"  # keep it and try again
    STOP = "stop"  # stop and tell; what waits stays
    STOP_AND_DROP = "stop-and-drop"  # no consent now: stop, drop what waits, tell
    STOP_FOR_GOOD = "stop-for-good"  # the consent is over: stop, purge, tell


#: The moves that end the agent.
STOPS = frozenset({Move.STOP, Move.STOP_AND_DROP, Move.STOP_FOR_GOOD})

_BY_PROBLEM: dict[str, Move] = {
    Problem.CLOCK_SKEW: Move.RESYNC,
    Problem.SIGNATURE_INVALID: Move.STOP,
    Problem.REPLAYED: Move.STOP,
    Problem.CONSENT_REQUIRED: Move.STOP_AND_DROP,
    Problem.CONSENT_EXPIRED: Move.STOP_AND_DROP,
    Problem.NOTICE_SUPERSEDED: Move.STOP_AND_DROP,
    Problem.NOT_CONSENTED: Move.STOP_AND_DROP,
    Problem.SEQUENCE_REUSED: Move.STOP,
    Problem.CONSENT_WITHDRAWN: Move.STOP_FOR_GOOD,
    Problem.TOO_LARGE: Move.DROP,
    Problem.UNSUPPORTED: Move.DROP,
    Problem.INVALID_BATCH: Move.DROP,
}


def decide(status: int, problem: str | None) -> Move:
    """What an answer means. ``problem`` is the RFC 9457 type, None when the answer is not a problem document.

    A 2xx means stored only with an ack in it; that is for whoever has read the body to check.
    """
    if 200 <= status < 300:
        return Move.STORED
    if problem is not None and problem in _BY_PROBLEM and 400 <= status < 500:
        return _BY_PROBLEM[problem]
    if status in (413, 415, 422):
        return Move.DROP  # a proxy's bound on size, say: sending it again and again would hold up all others
    return Move.LATER


def delay_seconds(failures: int, retry_after: float | None, uniform: Callable[[float, float], float]) -> float:
    """How long to wait after so many failures in a row (0 for the first). ``uniform`` is ``random.uniform``."""
    longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(failures, 16))
    return (retry_after or 0.0) + uniform(0.0, longest)


def retry_after_seconds(text: str, now_ms: int) -> float | None:
    """A Retry-After header (RFC 9110 section 10.2.3) in seconds from now, bounded; None if it cannot be used."""
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER_SECONDS)
    try:
        seconds = email.utils.parsedate_to_datetime(text).timestamp() - now_ms / 1000
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)
