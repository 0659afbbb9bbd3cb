"""``sysmetric dashboard``."""

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dashboard")(dashboard)


def dashboard(json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """
    Print a link to your machine's page. It opens once and shows only this machine.

    \b
    Examples:
      sysmetric dashboard
      sysmetric dashboard --json
    """
    # pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands
    from agent.dashboard import ask_for_link
    from agent.documents import active_consent
    from agent.loop import wall_ms
    from agent.paths import AgentPaths

    link = ask_for_link(active_consent(AgentPaths.from_environment(), wall_ms()), wall_ms)
    if json_:
        typer.echo(json.dumps({"url": link.url, "expires": link.expires_ms}))
        return
    typer.echo(link.url)
    minutes = max((link.expires_ms - wall_ms()) // 60_000, 0)
    typer.echo(f"Open it within {minutes} min; it works once.", err=True)
