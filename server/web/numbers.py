"""Numbers as people read them, for the HTML that is there before any script runs; ``format.js`` says the same."""

from datetime import UTC, datetime

from flask import has_request_context

from server.web.locale import fixed, t
from server.web.settings import in_force

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SI = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_IEC = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def ago(then_ms: int, now_ms: int) -> str:
    """``3 min ago``; a time up to two seconds old (or ahead) is ``just now``."""
    seconds = max(0, (now_ms - then_ms) // 1000)
    if seconds < 2:
        return t("common.ago.now")
    if seconds < _MINUTE:
        return t("common.ago.seconds", count=seconds)
    if seconds < _HOUR:
        return t("common.ago.minutes", count=seconds // _MINUTE)
    if seconds < 2 * _DAY:
        return t("common.ago.hours", count=seconds // _HOUR)
    return t("common.ago.days", count=seconds // _DAY)


def percent(ratio: float | None) -> str:
    """A ratio 0..1 as ``12.3%``; a dash where there is none."""
    return "–" if ratio is None else f"{fixed(ratio * 100, 1)}%"


def rate(bytes_per_second: float | None) -> str:
    """Bytes per second, in decimal units (as disks are sold) unless IEC was chosen: ``1.25 MB/s``."""
    if bytes_per_second is None:
        return "–"
    return f"{_scaled(bytes_per_second, _IEC if _units() == 'iec' else _SI)}/s"


def memory(size: int | None) -> str:
    """Bytes, in binary units (as memory is built) unless SI was chosen: ``3.82 GiB``."""
    return "–" if size is None else _scaled(size, _SI if _units() == "si" else _IEC)


def iso(time_ms: int) -> str:
    """ISO 8601 in UTC, to the second, for ``<time datetime>``."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _scaled(value: float, units: tuple[tuple[str, int], ...]) -> str:
    for unit, size in units:
        if value >= size:
            return f"{_three_digits(value / size)} {unit}"
    return f"{fixed(value, 0)} B"


def _units() -> str:
    return in_force("units") if has_request_context() else "auto"


def _three_digits(value: float) -> str:
    return fixed(value, 2 if value < 9.995 else 1 if value < 99.95 else 0)
