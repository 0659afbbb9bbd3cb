"""How often something may be tried in one process: a bucket that fills again with time.

A bound for all, not per address: no address is kept here. Whoever exhausts it keeps others out for seconds, not longer.
"""

import threading
from collections.abc import Callable

from consent.wire import Problem
from server.errors import ProblemError


class Attempts:
    """``burst`` tries at once, then one in ``every_ms``; safe to use from many threads."""

    def __init__(self, burst: int, every_ms: int, now_ms: Callable[[], int]) -> None:
        self._burst = burst
        self._every_ms = every_ms
        self._now_ms = now_ms
        self._empty_until = now_ms() - burst * every_ms
        self._lock = threading.Lock()

    def spend(self) -> None:
        """Use one try. Raises ProblemError(SLOW_DOWN) with ``retry_after`` in seconds when there is none."""
        with self._lock:
            now = self._now_ms()
            # A clock that was set back must not lock everybody out until it has caught up.
            began = min(max(self._empty_until, now - self._burst * self._every_ms), now)
            if now - began < self._every_ms:
                wait = -(-(self._every_ms - (now - began)) // 1000)
                raise ProblemError(Problem.SLOW_DOWN, "too many attempts; try again later", retry_after=wait)
            self._empty_until = began + self._every_ms
