"""``sysmetric pause`` and ``sysmetric resume``."""

# pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands

from typing import TYPE_CHECKING, Annotated

import typer

from agent.clock import clock_ms
from agent.commands.terminal import say

if TYPE_CHECKING:
    from agent.paths import AgentPaths


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.command()(pause)
    parent.command()(resume)


def pause(
    duration: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="For how long, such as 30m, 2h or 1d.")
    ] = None,
) -> None:
    """
    Rest until the time is over or you resume. Nothing is read or gathered meanwhile.

    \b
    Examples:
      sysmetric pause --for 2h
      sysmetric pause              until: sysmetric resume

    The time shows as a gap. Samples that were gathered before are still sent.
    """
    from agent.pause import parse_duration, start_pause

    until = None if duration is None else clock_ms() + parse_duration(duration)
    start_pause(_paths_with_consent(), until)
    say(f"Paused {f'for {duration}' if duration else 'until: sysmetric resume'}.")


def resume() -> None:
    """
    End a pause now.

    \b
    Example:
      sysmetric resume
    """
    from agent.pause import end_pause

    end_pause(_paths_with_consent())
    say("Sampling goes on where the agent runs; to look: sysmetric status")


def _paths_with_consent() -> "AgentPaths":
    from agent.errors import NoConsent
    from agent.paths import AgentPaths

    paths = AgentPaths.from_environment()
    if not paths.record.exists() or paths.withdrawal.exists():
        raise NoConsent("there is no consent on this machine, so there is nothing to pause")
    return paths
