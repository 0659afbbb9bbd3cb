"""``sysmetric-server instances``: the machines that samples come from."""

from typing import Annotated

import typer

from server.commands.terminal import (
    AsJson,
    DataDir,
    NoInput,
    Yes,
    confirm,
    counted,
    emit,
    office,
    print_table,
    say,
    when,
)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="instances", help="See the machines, and erase what one of them sent.")


@app.command("list")
def list_all(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """
    List volunteers' machines and open servers, the most recently heard of first.

    \b
    Example:
      sysmetric-server instances list
    """
    with office(data_dir) as (ask, config):
        found = ask("instances-list")

    def show() -> None:
        if not found["instances"]:
            say("No machine has joined yet; invite one with: sysmetric-server invite create")
            say("or import an open server's recording with: sysmetric-server import FILE")
            return
        print_table(
            ("alias", "kind", "name", "last seen", "instance"),
            (
                (
                    entry["alias"],
                    entry["source"],
                    entry["name"] or "-",
                    when(entry["last_seen"], config.zone),
                    entry["instance"],
                )
                for entry in found["instances"]
            ),
        )

    emit(found, as_json, show)


@app.command()
def erase(
    instance: Annotated[str, typer.Argument(help="Id, alias or name of the machine.")],
    yes: Yes = False,
    no_input: NoInput = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Erase every row of one machine, from the files too. Its consent stays; `consents terminate` ends both.

    \b
    Examples:
      sysmetric-server instances erase amber-otter-42
      sysmetric-server instances erase demo.example.org --yes
    """
    confirm(f"Erase every row of {instance}?", yes=yes, no_input=no_input)
    with office(data_dir) as (ask, _):
        done = ask("instances-erase", instance=instance)

    def show() -> None:
        say(f"Erased of {done['alias']}: {counted(done['rows'])} rows.")
        if done["record_id"]:
            say("Its consent is still in force, so more may come; to end it, run:")
            say(f"  sysmetric-server consents terminate {done['record_id']}")

    emit(done, as_json, show)
