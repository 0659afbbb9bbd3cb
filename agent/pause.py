"""A rest that the volunteer asks for: sampling stops, and what happens meanwhile is never read.

Rules:

* ``pause.json`` holds until when (ms), or null for until ``sysmetric resume``. The running agent looks every second.
* A pause file that cannot be understood means paused: when in doubt nothing is sampled.
"""

import json
import re
from dataclasses import dataclass

from agent.clock import DAY_MS, HOUR_MS
from agent.errors import ConfigError
from agent.paths import AgentPaths
from agent.private_files import read_private, remove, replace_private

_UNITS = {"s": 1_000, "m": 60_000, "h": HOUR_MS, "d": DAY_MS}
LONGEST_MS = 366 * DAY_MS


@dataclass(frozen=True, slots=True)
class Pause:
    """``until_ms`` is None for a pause without an end."""

    until_ms: int | None


def read_pause(paths: AgentPaths, now_ms: int) -> Pause | None:
    """The pause that is in force, or None. Raises AgentError when the file is not a private one."""
    if not paths.pause.exists():
        return None  # the usual case, looked at every second, should cost little
    content = read_private(paths.pause, 1000)
    if content is None:
        return None
    try:
        until = json.loads(content)["until"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return Pause(None)
    if isinstance(until, bool) or not isinstance(until, int):
        return Pause(None)
    return Pause(until) if now_ms < until else None


def start_pause(paths: AgentPaths, until_ms: int | None) -> None:
    """Rest until then. Raises AgentError."""
    replace_private(paths.pause, json.dumps({"until": until_ms}).encode(), durable=True)


def end_pause(paths: AgentPaths) -> None:
    """Go on sampling. Raises AgentError."""
    remove(paths.pause)


def parse_duration(text: str) -> int:
    """``90s``, ``30m``, ``2h``, ``1h30m`` or ``7d`` in milliseconds. Raises ConfigError."""
    if not re.fullmatch(r"(\d{1,6}[smhd])+", text, re.ASCII):
        raise ConfigError(f"{text[:40]!r} is not a duration; write for example 90s, 30m, 2h, 1h30m or 7d")
    total = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", text))
    if not 0 < total <= LONGEST_MS:
        raise ConfigError(
            f"{text[:40]!r} must be more than nothing and at most a year; for good: sysmetric consent revoke"
        )
    return total
