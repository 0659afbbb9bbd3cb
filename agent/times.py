"""Times (ms since the epoch) as people read them: what documents say in UTC, what happened here in the local zone."""

from datetime import UTC, datetime


def utc_day(time_ms: int) -> str:
    """``2026-11-24``."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).date().isoformat()


def utc_minute(time_ms: int) -> str:
    """``2026-11-24 09:05 UTC``."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def local_time(time_ms: int) -> str:
    """``10:05:59``, for what happened today."""
    return datetime.fromtimestamp(time_ms / 1000).astimezone().strftime("%H:%M:%S")


def local_moment(time_ms: int) -> str:
    """``2026-11-24 10:05:59``."""
    return datetime.fromtimestamp(time_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
