"""When the operator's day ends, and from when on a sample is too old: pure arithmetic, DST-safe.

Rules:

* A day is a local date in the operator's zone. Its midnight is looked up from the date and turned into UTC; nothing
  is ever added to or subtracted from a local time, so days of 23 and of 25 hours come out right. Where the clock
  jumps over midnight the day begins with the jump; where midnight comes twice, with the first.
* At a midnight everything older than ``retention_hours`` hours before it is deleted. The same moment is the floor of
  what is accepted, so that nothing comes in that should be gone.
* A sample therefore lives ``retention_hours`` plus less than one day, and a day has at most 25 hours.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from server.clock import HOUR_MS
from server.config import Config

#: The longest local day in hours, where clocks are set back by one.
LONGEST_DAY_HOURS = 25


def local_date(now_ms: int, zone: ZoneInfo) -> date:
    """The operator's date at ``now_ms``."""
    return datetime.fromtimestamp(now_ms / 1000, zone).date()


def midnight_ms(day: date, zone: ZoneInfo) -> int:
    """When ``day`` begins, in ms since the epoch."""
    return round(datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC).timestamp() * 1000)


def last_midnight_ms(now_ms: int, zone: ZoneInfo) -> int:
    """When the operator's current day began."""
    return midnight_ms(local_date(now_ms, zone), zone)


def next_midnight_ms(now_ms: int, zone: ZoneInfo) -> int:
    """When the operator's next day begins; always later than ``now_ms``."""
    return midnight_ms(local_date(now_ms, zone) + timedelta(days=1), zone)


def retention_floor_ms(now_ms: int, config: Config) -> int:
    """Samples before this moment are deleted and refused: the last midnight minus the retention."""
    return last_midnight_ms(now_ms, config.zone) - config.retention_hours * HOUR_MS


def longest_life_hours(config: Config) -> int:
    """What the notice promises: no sample is older than this when it is deleted."""
    return config.retention_hours + LONGEST_DAY_HOURS
