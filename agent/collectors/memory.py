"""How much memory and swap there is and how much is in use, in bytes, at this moment."""

import warnings
from typing import Any, Protocol, cast

from agent.collectors.protocol import Row, require_granted
from consent.chain import ActiveConsent


class MemorySource(Protocol):
    """The part of psutil that is used here."""

    def virtual_memory(self) -> Any:
        """A tuple with ``total``, ``available`` and ``used``, in bytes."""

    def swap_memory(self) -> Any:
        """A tuple with ``total`` and ``used``, in bytes."""


class MemoryCollector:
    """The table ``memory``. Raises NoConsent when it is not granted."""

    def __init__(self, consent: ActiveConsent, source: MemorySource | None = None) -> None:
        require_granted(consent, "memory")
        if source is None:
            import psutil  # pylint: disable=import-outside-toplevel  # it reads /proc/stat: see agent.collectors

            # In some containers psutil cannot tell swap traffic, which is not used here, and says so on every call.
            warnings.filterwarnings("ignore", "(?s).*couldn't be determined", RuntimeWarning)
            source = cast(MemorySource, psutil)
        self._source = source

    def reset(self) -> None:
        """Nothing to forget: each row stands alone."""

    def collect(self) -> list[Row]:
        """One row ``(total, available, used, swap total, swap used)``."""
        memory = self._source.virtual_memory()
        swap = self._source.swap_memory()
        return [(memory.total, memory.available, memory.used, swap.total, swap.used)]
