"""The partitions that answers are made of, and who is reading them.

Rules:

* A reader leases the set as it is; a partition is closed only when nobody holds a lease on it any more.
* Replacing and taking out happen at once for later leases, and return when the earlier ones have ended. A lease is held
  for one query, never while a caller consumes an answer, so that nobody can hold up an erasure.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from server.errors import StoreError, StoreUnavailable
from server.store.day import Day
from server.store.partition import Partition, PartitionFiles


class PartitionSet:
    """Partitions by day. Every method is safe in any thread."""

    def __init__(self, partitions: list[Partition]) -> None:
        self._changed = Condition()
        self._by_day = {partition.day.name: partition for partition in partitions}
        self._reopening = False
        self._closed: str | None = None

    @contextmanager
    def lease(self) -> Iterator[list[Partition]]:
        """All partitions, days in order, none of which is closed inside the block. Raises StoreUnavailable."""
        with self._changed:
            self._changed.wait_for(lambda: not self._reopening)
            self._check_open()
            leased = [partition for _, partition in sorted(self._by_day.items())]
            for partition in leased:
                partition.readers += 1
        try:
            yield leased
        finally:
            with self._changed:
                for partition in leased:
                    partition.readers -= 1
                self._changed.notify_all()

    def current(self) -> list[Partition]:
        """All partitions, days in order; for the writer, which is the only one that closes any."""
        with self._changed:
            return [partition for _, partition in sorted(self._by_day.items())]

    def get(self, day: Day) -> Partition | None:
        """The partition of a day, for the writer. Raises StoreUnavailable."""
        with self._changed:
            self._check_open()
            return self._by_day.get(day.name)

    def put(self, new: Partition) -> None:
        """Add a partition, or replace that of the same day and wait for its readers."""
        with self._changed:
            old = self._by_day.get(new.day.name)
            self._by_day[new.day.name] = new
            if old is not None:
                self._drain(old)

    def take_out(self, old: Partition) -> None:
        """Take a partition out and wait for its readers."""
        with self._changed:
            del self._by_day[old.day.name]
            self._drain(old)

    def recover(self, old: Partition, files: PartitionFiles) -> Partition:
        """The partition as it is after a failed write, opened anew if need be; it is dirty now. Raises StoreError.

        A day that cannot be opened must not look like a day that has no file yet, which would be given a new and empty
        one: then everything is closed.
        """
        old.dirty = True
        if files.is_usable(old):
            return old
        with self._changed:
            self._reopening = True
            try:
                self._drain(old)
                self._by_day[old.day.name] = files.reattached(old)
            except StoreError as error:
                self._closed = f"the store has to be opened again, start the server anew: {error}"
                del self._by_day[old.day.name]
                raise
            finally:
                self._reopening = False
                self._changed.notify_all()
            return self._by_day[old.day.name]

    def close(self) -> list[Partition]:
        """Refuse new leases, wait for all readers, and give the partitions back."""
        with self._changed:
            self._closed = self._closed or "the store was closed"
            for partition in self._by_day.values():
                self._drain(partition)
            partitions = list(self._by_day.values())
            self._by_day.clear()
            return partitions

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(self._closed)

    def _drain(self, partition: Partition) -> None:
        self._changed.wait_for(lambda: partition.readers == 0)
