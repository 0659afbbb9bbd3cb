"""A switch that ends the agent, safe to throw from a signal handler.

``threading.Event`` is not: its ``set`` takes a plain lock that the interrupted ``wait`` may be holding, and then
neither goes on. Releasing a lock is one atomic operation, so that is all that ``throw`` does.
"""

import contextlib
import threading


class StopSwitch:
    """Thrown once, by a signal or by any thread; ``wait`` by any number of threads."""

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()  # pylint: disable=consider-using-with  # held until the switch is thrown
        self._thrown = False

    def throw(self) -> None:
        """End everything that waits, now and later."""
        self._thrown = True
        self._open()

    @property
    def thrown(self) -> bool:
        """Whether it was thrown."""
        return self._thrown

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; whether it was thrown."""
        # pylint: disable-next=consider-using-with  # a wait with a timeout, not a region to guard
        if not self._thrown and self._gate.acquire(timeout=max(0.0, seconds)):
            self._open()  # let the next one through
        return self._thrown

    def _open(self) -> None:
        with contextlib.suppress(RuntimeError):  # open already
            self._gate.release()
