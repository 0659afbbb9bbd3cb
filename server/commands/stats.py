"""``sysmetric-server stats``, ``audit`` and ``link``: the installation at a glance."""

from typing import Annotated

import typer

from server.commands.terminal import AsJson, DataDir, counted, emit, office, print_pairs, print_table, say, when

audit_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.command()(stats)
    parent.command()(link)
    parent.add_typer(audit_app, name="audit", help="See who did what.")


def stats(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """
    Show rows per table, size, machines and consents.

    \b
    Example:
      sysmetric-server stats
    """
    with office(data_dir) as (ask, _):
        found = ask("stats")

    def show() -> None:
        last = found["last_end_of_day"]
        rows = [(f"rows in {table}", f"{count:,}") for table, count in found["rows"].items()]
        rows.append(("bytes on disk", f"{found['bytes_on_disk']:,}"))
        rows += [(f"machines, {name.replace('_', ' ')}", f"{count:,}") for name, count in found["instances"].items()]
        rows += [(f"consents {state}", f"{count:,}") for state, count in found["consents"].items()]
        rows.append(
            ("last day ended", "none yet" if last is None else f"{last['day']}, deleted {counted(last['rows'])}")
        )
        print_pairs(rows)

    emit(found, as_json, show)


def link(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """
    Print a link that opens the dashboard as the operator, once, within ten minutes.

    \b
    Example:
      sysmetric-server link
    """
    with office(data_dir) as (ask, config):
        made = ask("link")
    emit(made, as_json, lambda: typer.echo(made["url"]))
    if not as_json:
        say(f"It works once, until {when(made['expires'], config.zone)}. Whoever has it sees everything.")


@audit_app.command("list")
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
