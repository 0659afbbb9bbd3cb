"""``sysmetric data``: what left this machine, and what the server holds of it."""

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="See what left this machine and what the server holds of it.",
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("sent")(sent)
    group.command("export")(export)
    app.add_typer(group, name="data")


def sent(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, the content included.")] = False,
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
    # Imported here: see agent.commands.
    # pylint: disable=import-outside-toplevel
    from collections import deque

    from agent.paths import AgentPaths
    from agent.sent_log import Sent, read_sent

    entries: deque[Sent] = deque(read_sent(AgentPaths.from_environment().sent_log), maxlen=last)
    if as_json:
        typer.echo(
            json.dumps(
                [
                    {
                        "time": entry.time,
                        "sequence": entry.sequence,
                        "answer": entry.answer,
                        "bytes": entry.size,
                        "body": json.loads(entry.body),
                    }
                    for entry in entries
                ]
            )
        )
        return
    if not entries:
        typer.echo("Nothing was sent today.", err=True)
    for entry in entries:
        typer.echo(_line(entry.time, entry.sequence, entry.answer, entry.size, json.loads(entry.body)))


def _line(time_ms: int, sequence: int, answer: str, size: int, body: dict[str, object]) -> str:
    # Imported here: see agent.commands.
    import datetime  # pylint: disable=import-outside-toplevel

    at = datetime.datetime.fromtimestamp(time_ms / 1000).astimezone().strftime("%H:%M:%S")
    rows = ", ".join(f"{name} {len(table['time'])}" for name, table in body.items() if isinstance(table, dict))
    return f"{at}  batch {sequence}  {rows} rows  {size:,} bytes  {answer}"


def export(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False) -> None:
    """
    Print every sample that the server holds of this machine, one JSON object per line, oldest first.

    \b
    Examples:
      sysmetric data export > samples.ndjson
      sysmetric data export --json | jq length

    Times are milliseconds since 1970 (UTC); units stand in the names. What is not complete ends with an error.
    """
    # Imported here: see agent.commands.
    # pylint: disable=import-outside-toplevel
    from agent.documents import active_consent
    from agent.export import export_rows
    from agent.loop import wall_ms
    from agent.paths import AgentPaths

    rows = export_rows(active_consent(AgentPaths.from_environment(), wall_ms()), wall_ms)
    if as_json:
        typer.echo(json.dumps(list(rows)))
        return
    count = 0
    for row in rows:
        typer.echo(json.dumps(row, separators=(",", ":")))
        count += 1
    typer.echo(f"{count:,} rows, complete.", err=True)
