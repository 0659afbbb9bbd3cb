"""One-time links: how a browser gets a session without a password.

Rules:

* A link is asked for with proof (a signed request, or the operator's token), holds 128 random bits, works once and
  dies after ten minutes.
* Links live in memory only: nothing of them is in a file, and a restart forgets them all.
* Memory is bounded twice: ``PER_HOLDER`` links for one holder and ``LARGEST`` in all. The oldest of the same holder
  gives way first, so that nobody can push out another's.
* Only a hash of the token is kept, so that neither a memory dump nor the time a lookup takes tells one.
"""

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from consent.wire import Problem
from server.errors import ProblemError

LIFETIME_MS = 10 * 60 * 1000
PER_HOLDER = 5
LARGEST = 10_000


@dataclass(frozen=True, slots=True)
class Grant:
    """What a link lets its bearer see: all for the operator (by ``token_id``), one ``instance`` for a volunteer."""

    role: Literal["operator", "volunteer"]
    instance: str | None = None
    token_id: str | None = None


class Links:
    """The links that are open. ``now_ms`` is the clock, ``token`` the source of randomness."""

    def __init__(self, now_ms: Callable[[], int], token: Callable[[], str] = lambda: secrets.token_urlsafe(16)) -> None:
        self._now_ms = now_ms
        self._token = token
        self._open: dict[bytes, tuple[Grant, int]] = {}  # in the order of creation, and so of expiry
        self._lock = threading.Lock()

    def create(self, grant: Grant) -> tuple[str, int]:
        """A new link's token and when it expires (ms). Raises ProblemError(SLOW_DOWN) when too many are open."""
        with self._lock:
            now = self._now_ms()
            self._drop_expired(now)
            held = [key for key, (other, _) in self._open.items() if other == grant]
            for key in held[: max(0, len(held) - PER_HOLDER + 1)]:
                del self._open[key]
            if len(self._open) >= LARGEST:
                raise ProblemError(Problem.SLOW_DOWN, "too many links are open; try again in a minute", retry_after=60)
            token = self._token()
            self._open[_key(token)] = (grant, now + LIFETIME_MS)
            return token, now + LIFETIME_MS

    def consume(self, token: str) -> Grant | None:
        """What the link grants, once; None for one that is unknown, used or expired."""
        with self._lock:
            self._drop_expired(self._now_ms())
            found = self._open.pop(_key(token), None)
        return None if found is None else found[0]

    def forget(self, instance: str) -> None:
        """Close every link of a volunteer who withdrew."""
        with self._lock:
            for key in [key for key, (grant, _) in self._open.items() if grant.instance == instance]:
                del self._open[key]

    def _drop_expired(self, now: int) -> None:
        for key in [key for key, (_, expires) in self._open.items() if expires <= now]:
            del self._open[key]


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
