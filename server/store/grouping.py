"""Group commit: how much of what waits goes into one transaction. Each store has its own bound, and its reason.

Rule: requests keep their order, at least one is taken, and more only as long as all together stay within the bound.
"""

from collections import deque
from typing import Protocol, TypeVar


class Counted(Protocol):
    """Something that waits to be stored."""

    @property
    def row_count(self) -> int:
        """Its rows, of all tables together."""


R = TypeVar("R", bound=Counted)


def take_group(waiting: "deque[R]", most_rows: int) -> list[R]:
    """The next requests to store together, taken from ``waiting``, which is not empty."""
    group = [waiting.popleft()]
    rows = group[0].row_count
    while waiting and rows + waiting[0].row_count <= most_rows:
        group.append(waiting.popleft())
        rows += group[-1].row_count
    return group
