"""``sysmetric-server stats``: the installation at a glance."""

import typer

from server.commands.terminal import AsJson, DataDir, counted, emit, office, print_pairs


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(stats)


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
