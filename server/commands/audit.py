"""``sysmetric-server audit list``: who did what, when."""

from typing import Annotated

import typer

from server.commands.terminal import AsJson, DataDir, emit, office, print_table, say, when

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.add_typer(app, name="audit", help="See who did what.")


@app.command("list")
def audit_list(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first.")] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    List who did what, newest first; never values.

    \b
    Example:
      sysmetric-server audit list --limit 200
    """
    with office(data_dir) as (ask, config):
        found = ask("audit-list", limit=limit)

    def show() -> None:
        if not found["entries"]:
            say("Nothing was done yet.")
            return
        print_table(
            ("time", "who", "what", "about"),
            (
                (when(entry["time"], config.zone), entry["actor"], entry["act"], entry["subject"])
                for entry in found["entries"]
            ),
        )

    emit(found, as_json, show)
