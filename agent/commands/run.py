"""``sysmetric run``."""

# pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from agent.clock import clock_ms
from agent.commands.terminal import say

if TYPE_CHECKING:
    from agent.stop_switch import StopSwitch


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(run)


def run(
    period: Annotated[
        float | None, typer.Option("--period", metavar="SECONDS", help="Sample this far apart, if agreed to so often.")
    ] = None,
    batch: Annotated[
        float | None, typer.Option("--batch", metavar="SECONDS", help="Send what these seconds gave at once.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """
    Sample what you agreed to and send it, until stopped.

    \b
    Examples:
      sysmetric run
      sysmetric run --period 5     a sample every 5 s
      SYSMETRIC_BATCH_SECONDS=60 sysmetric run

    Needs a consent: sysmetric consent give URL. Ctrl-C or SIGTERM sends what was gathered, or keeps it for the next
    start, and ends with 0.
    """
    _run({"period_seconds": period, "batch_seconds": batch}, _say_nothing if quiet else say)


def _run(flags: dict[str, float | None], tell: Callable[[str], None]) -> None:
    from agent import loop
    from agent.config import load_config
    from agent.do_not_track import check_may_sample
    from agent.documents import active_consent
    from agent.lock import hold_lock
    from agent.paths import AgentPaths
    from agent.stop_switch import StopSwitch

    paths = AgentPaths.from_environment()
    config = load_config(paths.config, flags=flags)
    stop = StopSwitch()
    _end_on_signals(stop)
    if paths.withdrawal.exists() and not paths.erasure_receipt.exists():
        loop.deliver_until_answered(paths, stop, tell=tell)
        return
    check_may_sample(os.environ)
    consent = active_consent(paths, clock_ms())
    paths.prepare()
    with hold_lock(paths.lock):
        agent = loop.Loop(paths, consent, config, stop, tell=tell)
        tell(f"sampling {', '.join(consent.granted)} for {consent.origin}; to stop: Ctrl-C")
        agent.run()


def _end_on_signals(stop: "StopSwitch") -> None:
    # The last is the one that Windows sends to a service.
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]

    def end(_number: int, _frame: FrameType | None) -> None:
        if stop.thrown:
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)  # a third must not cut short the writing of the spool
            raise KeyboardInterrupt
        stop.throw()

    for number in numbers:
        signal.signal(number, end)


def _say_nothing(_words: str) -> None:
    pass
