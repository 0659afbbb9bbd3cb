"""How each core spent its time since the last reading, as ratios of that time.

Rules:

* The modes of a core add up to the interval. Guest time is already in user and nice on Linux and is not counted twice;
  on Windows the kernel time holds interrupts and deferred calls, so they are taken out of ``system``.
* A mode that the system does not report is None, not 0.
* A core with any counter that went back was reset: it gives no row this once. Another number of cores means that the
  numbers may belong to other cores: all start again.
"""

from collections.abc import Sequence
from typing import Protocol, cast

from agent.collectors.protocol import Row, require_granted
from consent.chain import ActiveConsent

_Times = dict[str, float]


class CpuSource(Protocol):
    """The part of psutil that is used here."""

    def cpu_times(self, percpu: bool) -> Sequence[object]:
        """One tuple of seconds per core, its fields named by mode."""


class CpuCollector:
    """The table ``cpu``. Raises NoConsent when it is not granted."""

    def __init__(self, consent: ActiveConsent, source: CpuSource | None = None) -> None:
        require_granted(consent, "cpu")
        if source is None:
            import psutil  # pylint: disable=import-outside-toplevel  # it reads /proc/stat: see agent.collectors

            source = cast(CpuSource, psutil)
        self._source = source
        self._last: list[_Times] = []

    def reset(self) -> None:
        """Forget the last reading."""
        self._last = []

    def collect(self) -> list[Row]:
        """``(core, user, system, nice, iowait, interrupt, steal, idle)`` per core."""
        now = [_modes(times) for times in self._source.cpu_times(percpu=True)]
        last, self._last = self._last, now
        if len(last) != len(now):
            return []
        rows: list[Row] = []
        for core, (before, after) in enumerate(zip(last, now, strict=True)):
            row = _ratios(before, after)
            if row is not None:
                rows.append((core, *row))
        return rows


def _modes(times: object) -> _Times:
    """Seconds per mode of the catalogue, each second in one mode only; a mode that is not reported is left out."""
    found = {
        name: getattr(times, name)
        for name in ("user", "system", "nice", "iowait", "steal", "idle")
        if hasattr(times, name)
    }
    interrupts = [getattr(times, name) for name in ("irq", "softirq", "interrupt", "dpc") if hasattr(times, name)]
    if interrupts:
        found["interrupt"] = sum(interrupts)
    if hasattr(times, "dpc"):
        found["system"] = max(0.0, found["system"] - found["interrupt"])
    return found


def _ratios(before: _Times, after: _Times) -> tuple[float | None, ...] | None:
    spent = {name: seconds - before[name] for name, seconds in after.items()}
    whole = sum(spent.values())
    if whole <= 0 or any(seconds < 0 for seconds in spent.values()):
        return None
    return tuple(
        round(spent[name] / whole, 4) if name in spent else None
        for name in ("user", "system", "nice", "iowait", "interrupt", "steal", "idle")
    )
