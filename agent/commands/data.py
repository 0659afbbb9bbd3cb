"""``sysmetric data``: what left this machine."""

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="See what left this machine.",
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("sent")(sent)
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
