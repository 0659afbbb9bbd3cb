"""``sysmetric dashboard``."""

# pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands

import typer

from agent.clock import clock_ms
from agent.commands.terminal import AsJson, print_json, say


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(dashboard)


def dashboard(as_json: AsJson = False) -> None:
    """
    Print a link to your machine's page. It opens once and shows only this machine.

    \b
    Examples:
      sysmetric dashboard
      sysmetric dashboard --json
    """
    from agent.dashboard import ask_for_link
    from agent.documents import active_consent
    from agent.paths import AgentPaths

    link = ask_for_link(active_consent(AgentPaths.from_environment(), clock_ms()), clock_ms)
    if as_json:
        print_json({"url": link.url, "expires": link.expires_ms})
        return
    typer.echo(link.url)
    minutes = max(round((link.expires_ms - clock_ms()) / 60_000), 0)
    say(f"Open it within {minutes} min; it works once.")
