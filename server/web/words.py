"""Numbers as people read them, for the HTML that is there before any script runs; ``format.js`` says the same."""

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def ago(then_ms: int, now_ms: int) -> str:
    """``3 min ago``; a time up to two seconds old (or ahead) is ``just now``."""
    seconds = max(0, (now_ms - then_ms) // 1000)
    if seconds < 2:
        return "just now"
    if seconds < _MINUTE:
        return f"{seconds} s ago"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min ago"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h ago"
    return f"{seconds // _DAY} days ago"


def percent(ratio: float | None) -> str:
    """A ratio 0..1 as ``12.3%``; a dash where there is none."""
    return "–" if ratio is None else f"{ratio * 100:.1f}%"


def rate(bytes_per_second: float | None) -> str:
    """Bytes per second in decimal units, as disks are sold: ``1.25 MB/s``."""
    if bytes_per_second is None:
        return "–"
    for unit, size in (("GB/s", 1e9), ("MB/s", 1e6), ("kB/s", 1e3)):
        if bytes_per_second >= size:
            return f"{_three_digits(bytes_per_second / size)} {unit}"
    return f"{bytes_per_second:.0f} B/s"


def memory(size: int | None) -> str:
    """Bytes in binary units, as memory is built: ``3.82 GiB``."""
    if size is None:
        return "–"
    for unit, power in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << power:
            return f"{_three_digits(size / (1 << power))} {unit}"
    return f"{size} B"


def iso(time_ms: int) -> str:
    """ISO 8601 in UTC, to the second, for ``<time datetime>``."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _three_digits(value: float) -> str:
    if value < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
