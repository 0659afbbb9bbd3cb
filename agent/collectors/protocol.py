"""What every collector is, and the check that each makes first."""

from typing import Protocol

from agent.errors import NoConsent
from consent.chain import ActiveConsent
from consent.wire import Value

Row = tuple[Value, ...]


class Collector(Protocol):
    """One table's source. Its constructor takes the ``ActiveConsent`` and calls ``require_granted``."""

    def collect(self) -> list[Row]:
        """The rows of this moment."""

    def reset(self) -> None:
        """Forget the last reading."""


def require_granted(consent: ActiveConsent, table: str) -> None:
    """Raises NoConsent if ``table`` was not granted."""
    if table not in consent.granted:
        raise NoConsent(f"the consent does not cover {table}; nothing of it is read")
