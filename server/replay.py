"""Which request signatures were seen: a captured request is worth nothing a second time.

Rules:

* Only a nonce under a signature that verified is remembered, so a stranger cannot fill the memory.
* A nonce is remembered until its signature would be refused as expired anyway.
* Memory is bounded per key and in all. When a bound is reached the request is refused, never an older nonce
  forgotten: forgetting would open the window again.
* A restart forgets. That is harmless for batches, which are idempotent on (instance, sequence), and gives a link to
  nobody but the holder of a request that was captured inside TLS within the last six minutes.
"""

import hashlib
import heapq
import threading
from collections import Counter
from enum import Enum

LARGEST = 500_000
PER_KEY = 5_000


class Seen(Enum):
    """What the guard says about a nonce."""

    NEW = "new"
    REPLAYED = "replayed"
    TOO_MANY = "too many"


class ReplayGuard:
    """Remembers (key id, nonce) until ``until_ms``; safe to use from many threads."""

    def __init__(self, largest: int = LARGEST, per_key: int = PER_KEY) -> None:
        self._largest = largest
        self._per_key = per_key
        self._seen: set[bytes] = set()
        self._expiring: list[tuple[int, bytes, str]] = []
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def see(self, key_id: str, nonce: str, *, until_ms: int, now_ms: int) -> Seen:
        """Remember this use of the nonce, or say why it must be refused."""
        mark = hashlib.blake2b(f"{key_id}\0{nonce}".encode(), digest_size=16).digest()
        with self._lock:
            self._forget(now_ms)
            if mark in self._seen:
                return Seen.REPLAYED
            if len(self._seen) >= self._largest or self._counts[key_id] >= self._per_key:
                return Seen.TOO_MANY
            self._seen.add(mark)
            self._counts[key_id] += 1
            heapq.heappush(self._expiring, (until_ms, mark, key_id))
            return Seen.NEW

    def __len__(self) -> int:
        return len(self._seen)

    def _forget(self, now_ms: int) -> None:
        while self._expiring and self._expiring[0][0] < now_ms:
            _, mark, key_id = heapq.heappop(self._expiring)
            self._seen.discard(mark)
            self._counts[key_id] -= 1
            if not self._counts[key_id]:
                del self._counts[key_id]
