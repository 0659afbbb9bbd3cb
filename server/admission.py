"""How many requests may be inside at once; one more is told to slow down instead of waiting without end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from consent.wire import Problem
from server.errors import ProblemError

RETRY_AFTER_SECONDS = 2
#: Requests that may wait for slow senders (``server.reception``), each in a thread that is made when it is needed.
SENDERS = 512


class Admission:
    """A bounded room; ``limit`` requests fit into it. Each may hold two bodies of ``MAX_BATCH_BYTES`` in memory."""

    def __init__(self, limit: int) -> None:
        self._places = threading.BoundedSemaphore(limit)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Stay inside for the block. Raises ProblemError(SLOW_DOWN) at once when the room is full."""
        if not self._places.acquire(blocking=False):  # pylint: disable=consider-using-with  # released below
            raise ProblemError(
                Problem.SLOW_DOWN, "too many requests at once; try again later", retry_after=RETRY_AFTER_SECONDS
            )
        try:
            yield
        finally:
            self._places.release()
