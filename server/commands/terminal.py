"""What the commands share: their common options, tables on stdout, words on stderr, questions on a terminal.

Rules: data goes to stdout and words to stderr; ``--json`` prints exactly one JSON document; colours come from Rich,
which leaves them out under ``NO_COLOR`` and when nobody looks; nothing waits for an answer without a terminal.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from server.config import Config, data_dir_of, load_config
from server.reach import Ask, reach

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIRECTORY",
        help="The installation; else SYSMETRIC_SERVER_DATA_DIR, else the platform's place.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NoInput = Annotated[bool, typer.Option("--no-input", help="Never ask anything.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


#: Columns that people copy from: never cut in two.
_COPIED = {"id", "record", "instance", "alias"}
_ENDLESS = 10_000


def configuration(data_dir: Path | None) -> Config:
    """The settings of the installation that the command is about. Raises ConfigError."""
    return load_config(data_dir_of(os.environ, data_dir), os.environ)


@contextmanager
def office(data_dir: Path | None) -> Iterator[tuple[Ask, Config]]:
    """For the block, a way to do acts, and the settings."""
    config = configuration(data_dir)
    with reach(config) as ask:  # pylint: disable=contextmanager-generator-missing-cleanup  # reach cleans up
        yield ask, config


def say(words: str) -> None:
    """One message for a person, on stderr."""
    typer.echo(words, err=True)


def emit(value: Any, as_json: bool, show: Callable[[], None]) -> None:
    """The value as JSON, or whatever ``show`` prints."""
    if as_json:
        typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
    else:
        show()


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]], *, right: Iterable[str] = ()) -> None:
    """A table on stdout; ``right`` names columns of numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    numbers = set(right)
    for name in columns:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold", no_wrap=name in _COPIED)
    _print(table, rows)


def print_pairs(rows: Iterable[tuple[str, str]]) -> None:
    """Names and values on stdout, one pair a line."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    _print(table, rows)


def _print(table: Table, rows: Iterable[Iterable[str]]) -> None:
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    # In a pipe a row is a line, however long, and ends where its text does.
    wide = Console(highlight=False, width=_ENDLESS)
    with wide.capture() as captured:
        wide.print(table)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def when(milliseconds: int | None, zone: ZoneInfo) -> str:
    """A time as the operator's clock shows it; ``-`` where there is none."""
    if milliseconds is None:
        return "-"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def counted(rows: dict[str, int]) -> str:
    """``1,200 cpu, 20 memory``, or ``none``."""
    return ", ".join(f"{count:,} {table}" for table, count in rows.items() if count) or "none"


def is_interactive() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, *, yes: bool, no_input: bool) -> None:
    """Go on after a yes, end with code 1 after anything else. Raises UsageError where nobody can be asked."""
    if yes:
        return
    if no_input or not is_interactive():
        raise typer.BadParameter("this cannot be undone; confirm it with --yes", param_hint="--yes")
    if not typer.confirm(question, err=True):
        say("Nothing was changed.")
        raise typer.Exit(1)
