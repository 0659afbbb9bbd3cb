"""The hand-over from the sampler's thread to the sender's: a few batches in memory, the rest in the spool.

Rules:

* Order is kept: whatever is in the spool is older than whatever is in memory.
* While the server answers, batches pass through memory only. While it is away, each goes to the spool at once, so that
  a process that is killed loses only the batch it was still filling.
* The sampler never waits: a sender that is stuck in a timeout makes memory overflow into the spool.
* A batch stays where it is until ``done``, so one that is being sent is not lost when the process ends meanwhile.
"""

import threading
from collections import deque

from agent.errors import SpoolError
from agent.spool import Packed, Spool

IN_MEMORY = 6


class Outbox:
    """``put`` by one thread, ``next`` and ``done`` by another."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._memory: deque[Packed] = deque()
        self._changed = threading.Condition(threading.RLock())
        self._away = False
        self._closed = False
        self._abandoned = False
        self._lost = 0
        self.trouble: str | None = None

    def waiting(self) -> tuple[int, int, int]:
        """Batches and bytes that wait, and batches dropped since the start."""
        with self._changed:
            size = sum(len(packed.body) for packed in self._memory)
            return (
                len(self._memory) + self._spool.batches,
                size + self._spool.bytes,
                self._lost + self._spool.dropped,
            )

    def put(self, packed: Packed) -> None:
        """Add a batch. Never waits and never fails: what cannot be kept is counted and ``trouble`` says why."""
        with self._changed:
            self._memory.append(packed)
            if self._away or len(self._memory) > IN_MEMORY:
                self.spill()
            self._changed.notify_all()

    def next(self) -> Packed | None:
        """The oldest batch, waiting for one; None when closed and empty. Raises SpoolError."""
        with self._changed:
            while not self._abandoned:
                packed = self._spool.oldest() or (self._memory[0] if self._memory else None)
                if packed is not None or self._closed:
                    return packed
                self._changed.wait()
            return None

    def done(self, packed: Packed) -> None:
        """It was stored, or will never be. Raises SpoolError."""
        with self._changed:
            if self._abandoned:
                return
            for kept in self._memory:
                if kept.sequence == packed.sequence:
                    self._memory.remove(kept)
                    return
            self._spool.remove(packed.sequence)

    def set_away(self, away: bool) -> None:
        """Whether the server is away; if so, what is in memory goes to the spool."""
        with self._changed:
            self._away = away
            if away:
                self.spill()

    def spill(self) -> None:
        """Move everything to the spool. What it cannot take stays in memory, the oldest dropped beyond the bound."""
        with self._changed:
            if not self._memory or self._abandoned:
                return
            try:
                self._spool.put(self._memory)
            except SpoolError as error:
                self.trouble = str(error)
                while len(self._memory) > IN_MEMORY:
                    self._memory.popleft()
                    self._lost += 1
            else:
                self._memory.clear()
                self.trouble = None

    def drop_all(self) -> None:
        """Forget every batch: the consent may not be used. The sequence numbers stay. Raises SpoolError."""
        with self._changed:
            self._lost += len(self._memory)
            self._memory.clear()
            self._spool.clear()

    def abandon(self) -> None:
        """Consent was withdrawn: nothing is handed out, kept or written any more. Whoever calls it purges the files."""
        with self._changed:
            self._abandoned = True
            self._memory.clear()
            self._changed.notify_all()

    def close(self) -> None:
        """No batch will be added: ``next`` ends when the rest is gone."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
