"""Whether a batch could be stored now: the registry answers, the store answers and can be written, the disk has room.

The question is public and asked often, so one answer holds for a moment and costs the store nothing in between.
"""

import os
import shutil
import threading
from collections.abc import Callable

from server.errors import ServerError
from server.runtime import Runtime

#: Less room than this on the disk, and the next batches may not fit.
LEAST_FREE_BYTES = 64 * 1024 * 1024
#: How long an answer of ``/readyz`` holds, in ms.
READY_HOLDS_MS = 2000


class Readiness:
    """Whether a batch could be stored; asks once per ``READY_HOLDS_MS``."""

    def __init__(self, opened: Runtime) -> None:
        self._runtime = opened
        self._lock = threading.Lock()
        self._until_ms = -1
        self._checks: dict[str, bool] = {}

    def checks(self) -> dict[str, bool]:
        """Each check by name."""
        with self._lock:
            now_ms = self._runtime.now_ms()
            if not self._until_ms - READY_HOLDS_MS <= now_ms < self._until_ms:
                self._checks = self._ask()
                self._until_ms = now_ms + READY_HOLDS_MS
            return self._checks

    def _ask(self) -> dict[str, bool]:
        directory = self._runtime.config.data_dir
        return {
            "registry": _answers(self._runtime.registry.last_end_of_day),
            "store": _answers(self._runtime.store.counts) and os.access(directory, os.W_OK),
            "disk": shutil.disk_usage(directory).free >= LEAST_FREE_BYTES,
        }


def _answers(question: Callable[[], object]) -> bool:
    try:
        question()
    except (ServerError, OSError):
        return False
    return True
