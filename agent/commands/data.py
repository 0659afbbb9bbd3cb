"""``sysmetric data``: what left this machine, and what the server holds of it."""

# pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.clock import clock_ms
from agent.commands.terminal import AsJson, print_json, say

if TYPE_CHECKING:
    from agent.sent_log import Sent

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="data", help="See what left this machine and what the server holds of it.")


@app.command()
def sent(
    as_json: AsJson = False,
    last: Annotated[int | None, typer.Option("--last", metavar="N", min=1, help="Only the last N requests.")] = None,
) -> None:
    """
    Show every request with samples that this machine sent today, as far as the log of fixed size reaches back.

    \b
    Examples:
      sysmetric data sent
      sysmetric data sent --last 1 --json     the content too

    The log is in memory only where the system allows it, and is gone after a restart or a withdrawal.
    """
    from collections import deque

    from agent.paths import AgentPaths
    from agent.sent_log import read_sent

    entries: deque["Sent"] = deque(read_sent(AgentPaths.from_environment().sent_log), maxlen=last)
    if as_json:
        print_json([_document(entry) for entry in entries])
        return
    if not entries:
        say("Nothing was sent today.")
    for entry in entries:
        typer.echo(_line(entry))


@app.command()
def export(as_json: AsJson = False) -> None:
    """
    Print every sample that the server holds of this machine, one JSON object per line, oldest first.

    \b
    Examples:
      sysmetric data export > samples.ndjson
      sysmetric data export --json | jq length

    Times are milliseconds since 1970 (UTC); units stand in the names. What is not complete ends with an error.
    """
    from agent.documents import active_consent
    from agent.export import export_rows
    from agent.paths import AgentPaths

    rows = export_rows(active_consent(AgentPaths.from_environment(), clock_ms()), clock_ms)
    if as_json:
        print_json(list(rows))
        return
    count = 0
    for row in rows:
        print_json(row)
        count += 1
    say(f"{count:,} rows, complete.")


def _document(entry: "Sent") -> dict[str, Any]:
    return {
        "time": entry.time,
        "sequence": entry.sequence,
        "answer": entry.answer,
        "bytes": entry.size,
        "body": json.loads(entry.body),
    }


def _line(entry: "Sent") -> str:
    from agent.times import local_time

    tables = {name: table for name, table in json.loads(entry.body).items() if isinstance(table, dict)}
    rows = ", ".join(f"{name} {len(table['time'])}" for name, table in tables.items())
    at = local_time(entry.time)
    return f"{at}  batch {entry.sequence}  {rows} rows  {entry.size:,} bytes  {entry.answer}"
