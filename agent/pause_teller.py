"""Tells the server when a pause begins and ends, so that the gap can say why it is one. Best effort.

Rules:

* Sampling never waits for it: a thread of its own sends, and ends with the process. Who stops does not wait either.
* A pause takes effect whether or not the server hears of it. While the server is away the newest reports wait in
  memory and are tried again; what is lost is the reason of a gap, never a sample.
* Nothing is told but the beginning and the end, in the server's time; a stop of the agent is not told.
"""

import json
import random
import threading
from collections import deque
from collections.abc import Callable

from agent.errors import ServerUnreachable
from agent.signed_request import signed_post
from agent.stop_switch import StopSwitch
from agent.verdict import delay_seconds
from consent.chain import ActiveConsent
from consent.errors import ConsentError
from consent.wire import FORMAT, PAUSE_TAG, PAUSES_PATH

_MOST_WAITING = 20
#: A beginning and an end are short; a server that is slow is asked again later.
_TIMEOUT_SECONDS = 5.0
_AGAIN = (408, 425, 429)


class PauseTeller:
    """``begin`` and ``end`` return at once, from any thread. ``local_ms`` is the machine's clock."""

    def __init__(
        self,
        consent: ActiveConsent,
        local_ms: Callable[[], int],
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._consent = consent
        self._local_ms = local_ms
        self._uniform = uniform
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._changed = threading.Condition()
        self._halt = StopSwitch()
        self._thread: threading.Thread | None = None
        self._from_ms: int | None = None

    def begin(self, now_ms: int, until_ms: int | None) -> None:
        """A pause begins now, or the one under way has got another end."""
        if self._from_ms is None:
            self._from_ms = now_ms
        self._put(self._from_ms, until_ms)

    def end(self, now_ms: int) -> None:
        """The pause is over."""
        if self._from_ms is not None:
            self._put(self._from_ms, max(now_ms, self._from_ms))
        self._from_ms = None

    def halt(self) -> None:
        """Send nothing more. Waits for nobody."""
        self._halt.throw()
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()

    def _put(self, from_ms: int, until_ms: int | None) -> None:
        report = json.dumps({"format": FORMAT, "from": from_ms, "until": until_ms}, separators=(",", ":")).encode()
        with self._changed:
            self._waiting.append(report)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pauses", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        failures = 0
        while not self._halt.thrown:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._halt.thrown)
                report = self._waiting[0] if self._waiting else None
            if report is None:
                return
            if self._told(report):
                failures = 0
                with self._changed:
                    if self._waiting and self._waiting[0] is report:
                        self._waiting.popleft()
            else:
                self._halt.wait(delay_seconds(failures, None, self._uniform))
                failures += 1

    def _told(self, report: bytes) -> bool:
        """Whether there is no point in trying again: it was taken, or never will be."""
        try:
            with signed_post(
                self._consent, PAUSES_PATH, PAUSE_TAG, self._local_ms, body=report, timeout_seconds=_TIMEOUT_SECONDS
            ) as (answer, _):
                return answer.status < 500 and answer.status not in _AGAIN
        except (ServerUnreachable, ConsentError):
            return False
