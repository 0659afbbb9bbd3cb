"""Days of the operator's time zone: what one partition holds.

Rules:

* A day begins at local midnight and ends at the next one, so it has 23, 24 or 25 hours.
* Where clocks skip midnight, the day begins at the moment of the skip.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """``name`` is the ISO date; the day is ``start_ms <= time < end_ms`` in milliseconds since the epoch."""

    name: str
    start_ms: int
    end_ms: int


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).timestamp() * 1000)


@lru_cache(maxsize=1024)
def named_day(name: str, zone: ZoneInfo) -> Day:
    """The day with that ISO date. Raises ValueError."""
    day = date.fromisoformat(name)
    return Day(name, _midnight_ms(day, zone), _midnight_ms(day + timedelta(days=1), zone))


def day_of(time_ms: int, zone: ZoneInfo) -> Day:
    """The day that a moment belongs to. Raises ValueError or OverflowError for a moment no calendar has."""
    return named_day(datetime.fromtimestamp(time_ms / 1000, zone).date().isoformat(), zone)
