"""``sysmetric-server link``: the operator's one-time link to the dashboard."""

import typer

from server.commands.terminal import AsJson, DataDir, emit, office, say, when


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(link)


def link(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """
    Print a link to the dashboard as the operator. It opens once, within ten minutes.

    \b
    Example:
      sysmetric-server link
    """
    with office(data_dir) as (ask, config):
        made = ask("link")
    emit(made, as_json, lambda: typer.echo(made["url"]))
    if not as_json:
        say(f"It works once, until {when(made['expires'], config.zone)}. Whoever has it sees everything.")
