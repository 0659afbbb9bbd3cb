"""``sysmetric watch``: reads the machine for the one who sits at it, and sends nothing.

Rules:

* It takes the ``ActiveConsent`` as the sampler does and reads granted tables only, each no faster than agreed to.
* A pause, a withdrawal or the end of the consent stops the reading within a second, as in the agent itself.
* What it has read is in memory only and gone when it ends.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live

from agent.clock import clock_ms
from agent.collectors import make_collectors
from agent.documents import active_consent
from agent.history import History
from agent.keyboard import Wait
from agent.lock import running_pid
from agent.paths import AgentPaths
from agent.pause import read_pause
from agent.sampler import Sampler
from agent.status import read_status
from agent.times import utc_day
from agent.watch_view import Scene, picture
from consent.alias import alias_of
from consent.chain import ActiveConsent

_PERIOD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Clocks:
    """The wall clock in ms and the monotonic one in seconds."""

    now_ms: Callable[[], int] = clock_ms
    monotonic: Callable[[], float] = time.monotonic


class Watch:
    """One window. ``refresh`` reads what is due and gives the picture."""

    def __init__(self, paths: AgentPaths, consent: ActiveConsent, clocks: Clocks) -> None:
        self._paths = paths
        self._consent = consent
        self._clocks = clocks
        self._sampler = Sampler(
            consent,
            make_collectors(consent, clocks.monotonic),
            period_seconds=_PERIOD_SECONDS,
            batch_seconds=_PERIOD_SECONDS,
            monotonic=clocks.monotonic,
            now_ms=clocks.now_ms,
        )
        self.history = History()

    def read(self) -> None:
        """Take one beat if it is due. Raises NoConsent once the consent has ended."""
        now_ms = self._clocks.now_ms()
        active_consent(self._paths, now_ms)
        if read_pause(self._paths, now_ms) is not None:
            self._sampler.rest()
            return
        self._sampler.sample()
        self.history.add(self._sampler.take() or {})

    def scene(self) -> Scene:
        """What the agent says about itself at this moment."""
        now_ms = self._clocks.now_ms()
        return Scene(
            alias=alias_of(self._consent.instance_id),
            server=self._consent.origin,
            until=utc_day(self._consent.valid_until_ms),
            granted=self._consent.granted,
            status=read_status(self._paths.status),
            running=running_pid(self._paths.lock) is not None,
            paused=read_pause(self._paths, now_ms) is not None,
            now_ms=now_ms,
        )

    def wait_seconds(self) -> float:
        """How long to wait for a key before the next beat."""
        if read_pause(self._paths, self._clocks.now_ms()) is not None:
            return _PERIOD_SECONDS
        return min(max(self._sampler.wait_seconds(), 0.05), _PERIOD_SECONDS)


def show(watch: Watch, console: Console, wait: Wait) -> None:
    """Until ``q``, Escape or Ctrl-C. Raises NoConsent when the consent ends meanwhile."""
    with Live(console=console, screen=True, auto_refresh=False, transient=True) as live:
        while True:
            watch.read()
            live.update(picture(watch.history, watch.scene(), console.width, console.height), refresh=True)
            if wait(watch.wait_seconds()) in ("q", "Q", "\x1b", "\x03"):
                return
