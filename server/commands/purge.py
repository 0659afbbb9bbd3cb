"""``sysmetric-server purge``: what midnight deletes."""

from typing import Annotated

import typer

from server.commands.terminal import AsJson, DataDir, counted, emit, office, say, when


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(purge)


def purge(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Only say what the next midnight would delete.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Delete now what the last midnight should have deleted.

    \b
    Examples:
      sysmetric-server purge --dry-run
      sysmetric-server purge
    """
    with office(data_dir) as (ask, config):
        done = ask("purge", dry_run=dry_run)

    def show() -> None:
        older = f"older than {when(done['before'], config.zone)}"
        if dry_run:
            say(f"At {when(done['at'], config.zone)} ({config.timezone}), of what is stored now, rows {older} go:")
        else:
            say(f"Deleted, rows {older}:")
        typer.echo(counted(done["rows"]))

    emit(done, as_json, show)
