"""Calls to kdb+ from a bounded number of threads, each with a connection of its own.

Rules:

* A connection belongs to one thread, and so do PyKX's values. One thread changes things, a few read; callers wait for
  them. So the number of connections is bounded, and connecting never happens in a thread that a request came in.
* A connection that ends before its reply leaves open what happened. What may be done twice is sent once more at once,
  on a new connection; nothing is ever sent a third time.
* Where kdb+ is away every call raises StoreUnavailable, at once while the next attempt to connect is not due
  (``Backoff``). Nothing has to be done when it is back.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from server.errors import ConfigError, StoreUnavailable
from server.store.kdb_columns import decode_reply, encode_call, pykx
from server.store.kdb_connection import Address, Backoff, Connection, ConnectionLost, Login, error_of, refusal

_Result = TypeVar("_Result")

READERS = 4
#: How long a reply may take.
QUICK_SECONDS = 30.0


class KdbClient:
    """Connects when it is first asked. Raises ConfigError at once when PyKX is missing or the login file is unsafe."""

    def __init__(
        self,
        address: Address,
        login: Login,
        *,
        readers: int = READERS,
        quick_seconds: float = QUICK_SECONDS,
        backoff: Backoff | None = None,
    ) -> None:
        pykx()
        login.read()
        self.address, self._login = address, login
        self._quick = quick_seconds
        self._backoff = backoff or Backoff()
        self._mine = threading.local()
        self._connections: set[Connection] = set()
        self._changing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kdb-write")
        self._reading = ThreadPoolExecutor(max_workers=readers, thread_name_prefix="kdb-read")

    def read(self, act: Callable[[], _Result]) -> _Result:
        """Run an act that changes nothing, in a thread where ``ask`` works."""
        return _run(self._reading, act)

    def change(self, act: Callable[[], _Result]) -> _Result:
        """Run an act that changes something, after those that were asked for before."""
        return _run(self._changing, act)

    def ask(self, name: str, *arguments: object, seconds: float | None = None, resend: bool = True) -> Any:
        """Call a function on this thread's connection; its reply as a K value. Only within ``read`` and ``change``.

        ``resend``: it may be done twice. Raises StoreUnavailable or StorageFull.
        """
        message = encode_call(name, *arguments)
        try:
            reply = self._connection().call(message, seconds or self._quick)
        except ConnectionLost as lost:
            if not (resend and lost.resend):
                raise
            reply = self._connection().call(message, seconds or self._quick)
        text = error_of(reply)
        if text is not None:
            raise refusal(self.address, text)
        return decode_reply(reply)

    def _connection(self) -> Connection:
        """The one of this thread: as it was, or a new one when that has ended."""
        mine: Connection | None = getattr(self._mine, "connection", None)
        if mine is not None and not mine.is_stale():
            return mine
        if mine is not None:
            mine.close()
            self._connections.discard(mine)
            self._mine.connection = None
        self._backoff.check()
        try:
            connection = Connection(self.address, self._login)
        except (StoreUnavailable, ConfigError) as error:
            self._backoff.failed(str(error))
            raise error if isinstance(error, StoreUnavailable) else StoreUnavailable(str(error)) from error
        self._backoff.worked()
        self._connections.add(connection)
        self._mine.connection = connection
        return connection

    def close(self) -> None:
        """Do what was asked for, end the threads, close the connections; twice is the same as once."""
        self._changing.shutdown(wait=True)
        self._reading.shutdown(wait=True)
        while self._connections:
            self._connections.pop().close()


def _run(pool: ThreadPoolExecutor, act: Callable[[], _Result]) -> _Result:
    """Run an act in a thread that has a connection, and wait for it."""
    try:
        future: Future[_Result] = pool.submit(act)
    except RuntimeError as error:
        raise StoreUnavailable("the store was closed") from error
    return future.result()
