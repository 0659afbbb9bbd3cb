"""The server's time, as far as the agent has been told: the machine's clock and a correction.

Rules:

* The correction is nil until the server refuses a request for its time (``clock-skew``) and says its own; then it
  holds for signatures and for new samples, so that a machine with a wrong clock can still take part.
* It is dropped once an answer shows that the machine's clock is right again.
"""

import email.utils
from collections.abc import Callable

from agent.client import Answer
from consent.wire import CLOCK_SKEW_SECONDS

_CLOSE_MS = CLOCK_SKEW_SECONDS * 1000 // 2


class ServerClock:
    """``local_ms`` is the machine's clock. ``skew_ms`` is the server's minus the machine's, None until known."""

    def __init__(self, local_ms: Callable[[], int]) -> None:
        self.local_ms = local_ms
        self._correction_ms = 0
        self.skew_ms: int | None = None

    def now_ms(self) -> int:
        """The server's time in ms, as far as known."""
        return self.local_ms() + self._correction_ms

    def learn(self, server_ms: int) -> None:
        """The server said its time in an ordinary answer."""
        self.skew_ms = server_ms - self.local_ms()
        if abs(self.skew_ms) < _CLOSE_MS:
            self._correction_ms = 0

    def correct(self, answer: Answer) -> bool:
        """Take over the time in a ``clock-skew`` answer: ``server_time`` (ms), else Date. False if it says none."""
        server_ms = _time_in(answer)
        if server_ms is None:
            return False
        self.skew_ms = self._correction_ms = server_ms - self.local_ms()
        return True


def _time_in(answer: Answer) -> int | None:
    said = (answer.document() or {}).get("server_time")
    if isinstance(said, int) and not isinstance(said, bool) and said > 0:
        return said
    try:
        return int(email.utils.parsedate_to_datetime(answer.headers.get("date", "")).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
