"""``sysmetric status``."""

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """
    Tell where the consent stands, whether the agent runs, and what it has sent.

    \b
    Examples:
      sysmetric status
      sysmetric status --json

    Asks nobody: it reads what the agent wrote down on this machine.
    """
    # Imported here: see agent.commands.
    # pylint: disable=import-outside-toplevel
    import time

    from agent.paths import AgentPaths
    from agent.status_view import status_document, status_lines

    paths = AgentPaths.from_environment()
    now_ms = time.time_ns() // 1_000_000
    if as_json:
        typer.echo(json.dumps(status_document(paths, now_ms)))
    else:
        typer.echo("\n".join(status_lines(paths, now_ms)))
