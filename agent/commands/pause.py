"""``sysmetric pause`` and ``sysmetric resume``."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agent.paths import AgentPaths


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pause")(pause)
    app.command("resume")(resume)


def pause(
    duration: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="For how long, such as 30m, 2h or 1d.")
    ] = None,
) -> None:
    """
    Rest: nothing is read or gathered until the time is over or you resume.

    \b
    Examples:
      sysmetric pause --for 2h
      sysmetric pause              until: sysmetric resume

    The time shows as a gap. Samples that were gathered before are still sent.
    """
    # Imported here: see agent.commands.
    # pylint: disable=import-outside-toplevel
    import time

    from agent.pause import parse_duration, start_pause

    until = None if duration is None else time.time_ns() // 1_000_000 + parse_duration(duration)
    start_pause(_paths_with_consent(), until)
    typer.echo(f"Paused {f'for {duration}' if duration else 'until: sysmetric resume'}.", err=True)


def resume() -> None:
    """
    End a pause now.

    \b
    Example:
      sysmetric resume
    """
    # Imported here: see agent.commands.
    # pylint: disable=import-outside-toplevel
    from agent.pause import end_pause

    end_pause(_paths_with_consent())
    typer.echo("Sampling goes on where the agent runs; to look: sysmetric status", err=True)


def _paths_with_consent() -> "AgentPaths":
    # Imported here: see agent.commands.
    # pylint: disable=import-outside-toplevel
    from agent.errors import NoConsent
    from agent.paths import AgentPaths

    paths = AgentPaths.from_environment()
    if not paths.record.exists() or paths.withdrawal.exists():
        raise NoConsent("there is no consent on this machine, so there is nothing to pause")
    return paths
