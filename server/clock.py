"""The one real clock; whatever needs the time is handed it."""

import time

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def clock_ms() -> int:
    """The wall clock in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
