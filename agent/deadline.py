"""A bound on a whole exchange. httpx's own timeouts begin anew with every byte, so a server that sends one byte a
second would hold the sender for as long as it likes.

Rule: when the time is up the connection is shut down under the read that waits for it, which then fails like any other
broken connection. httpcore tells its ``trace`` extension of each connection that it makes; nothing else is traced.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

_CONNECTED = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})


class Deadline:
    """For the one connection of a client. ``passed`` says whether the last exchange was cut off."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._stream: Any = None
        self.passed = False

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """What httpcore calls; see its documentation of the trace extension."""
        if event in _CONNECTED:
            self._stream = info["return_value"]

    @contextlib.contextmanager
    def enforced(self) -> Iterator[None]:
        """For the block."""
        self.passed = False
        timer = threading.Timer(self._seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        self.passed = True
        connection = None if self._stream is None else self._stream.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):  # closed in the meantime
                # Not an SSL socket's own shutdown: that would take away the object which another thread reads from.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
