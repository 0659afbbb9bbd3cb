"""What a store knows without asking its files: the overview, what changed when, sequences, and who was erased.

Rules:

* ``highest`` is at least the highest sequence of an instance that may be on disk, so a higher one needs no look-up.
* The cursor starts at the clock, so that it grows over a restart too; a cursor from before the start, from the future,
  or from before something was taken out means "everything may have changed".
"""

from collections.abc import Callable, Mapping
from threading import Lock

from server.errors import InstanceErased
from server.store.latest import Newest, Overview
from server.store.protocol import InstanceSummary


class Memory:
    """Safe in any thread."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._lock = Lock()
        self._overview = Overview()
        self._highest: dict[str, int] = {}
        self._barred: set[str] = set()
        self._erasing: set[str] = set()
        self._cursor = self._floor = now_ms()
        self._changed: dict[str, int] = {}

    def load(self, highest: Mapping[str, int], newest: list[tuple[str, Newest]]) -> None:
        """Take in what the files hold."""
        with self._lock:
            self._highest = dict(highest)
            for instance, one in newest:
                self._overview.saw(instance, one)

    def may_be_stored(self, instance: str, sequence: int) -> bool:
        """Whether (instance, sequence) has to be looked up; from now on it has to be."""
        with self._lock:
            known = self._highest.get(instance, -1)
            self._highest[instance] = max(known, sequence)
            return sequence <= known

    def saw(self, instance: str, newest: list[Newest]) -> None:
        """Rows of an instance were committed."""
        with self._lock:
            self._cursor += 1
            self._changed[instance] = self._cursor
            for one in newest:
                self._overview.saw(instance, one)

    def hide(self, instance: str, *, final: bool) -> None:
        """From now on nothing of the instance is in any answer; ``final``: nor ever stored again."""
        with self._lock:
            (self._barred if final else self._erasing).add(instance)
            self._everything_changed()

    def erased(self, instance: str) -> None:
        """The rows of the instance are gone."""
        with self._lock:
            self._overview.forget(instance)
            self._highest.pop(instance, None)
            self._changed.pop(instance, None)
            self._everything_changed()

    def show(self, instance: str) -> None:
        """An erasure that was not final is over."""
        with self._lock:
            self._erasing.discard(instance)

    def expire(self, before_ms: int, highest: Mapping[str, int]) -> None:
        """Rows older than ``before_ms`` are gone; ``highest`` is what the files hold now."""
        with self._lock:
            self._overview.expire(before_ms)
            self._highest = dict(highest)
            self._changed = {one: cursor for one, cursor in self._changed.items() if one in self._overview}
            self._everything_changed()

    def is_hidden(self, instance: str) -> bool:
        """Whether the instance is erased or being erased."""
        with self._lock:
            return instance in self._barred or instance in self._erasing

    def check_not_barred(self, instance: str) -> None:
        """Raises InstanceErased."""
        with self._lock:
            if instance in self._barred:
                raise InstanceErased(instance)

    def summaries(self) -> list[InstanceSummary]:
        """The overview without those that are hidden."""
        with self._lock:
            hidden = self._barred | self._erasing
            return [summary for summary in self._overview.summaries() if summary.instance not in hidden]

    def cursor(self) -> int:
        """The number of the newest change."""
        with self._lock:
            return self._cursor

    def changed_since(self, cursor: int) -> set[str] | None:
        """Instances with rows newer than ``cursor``; None: anything may have changed."""
        with self._lock:
            if not self._floor <= cursor <= self._cursor:
                return None
            return {instance for instance, at in self._changed.items() if at > cursor}

    def _everything_changed(self) -> None:
        self._cursor += 1
        self._floor = self._cursor
