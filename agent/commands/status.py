"""``sysmetric status``."""

# pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands

import typer

from agent.clock import clock_ms
from agent.commands.terminal import AsJson, print_json


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(status)


def status(as_json: AsJson = False) -> None:
    """
    Show the consent, whether the agent runs, what it has sent.

    \b
    Examples:
      sysmetric status
      sysmetric status --json

    Asks nobody: it reads what the agent wrote down on this machine.
    """
    from agent.paths import AgentPaths
    from agent.status_view import status_document, status_lines

    paths = AgentPaths.from_environment()
    now_ms = clock_ms()
    if as_json:
        print_json(status_document(paths, now_ms))
    else:
        typer.echo("\n".join(status_lines(paths, now_ms)))
