"""The midnights that were run, so that one that was missed is caught up and none is run twice unseen.

Rule: a day that is run again adds to the counts of that day.
"""

from collections.abc import Mapping

from sqlalchemy import insert, select, update

from server.registry.database import Database
from server.registry.schema import days
from server.registry.values import EndOfDay


class Days(Database):
    """The midnights that one registry saw."""

    def last_end_of_day(self) -> EndOfDay | None:
        """The latest day that was ended, or None before the first."""
        with self.reading() as connection:
            found = connection.execute(select(days).order_by(days.c.day.desc()).limit(1)).first()
        return None if found is None else EndOfDay(found.day, found.counts, found.finished_ms)

    def record_end_of_day(self, day: str, counts: Mapping[str, int], now_ms: int) -> None:
        """``day`` (ISO date) has ended and ``counts`` rows per table were deleted."""
        with self.writing() as connection:
            before = connection.execute(select(days.c.counts).where(days.c.day == day)).scalar()
            if before is None:
                connection.execute(insert(days).values(day=day, counts=dict(counts), finished_ms=now_ms))
                return
            total = {table: before.get(table, 0) + counts.get(table, 0) for table in before | dict(counts)}
            connection.execute(update(days).where(days.c.day == day).values(counts=total, finished_ms=now_ms))
