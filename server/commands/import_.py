"""``sysmetric-server import``: recordings of open servers."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from server.clock import clock_ms
from server.commands.terminal import AsJson, DataDir, counted, emit, office, say
from server.reach import Ask

#: What can become of a row, in the order in which it is told.
OUTCOMES = ("rows", "already", "too_old", "in_the_future")


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command("import")(import_files)


def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Prometheus API JSON, plain or gzip.")],
    shift_to_now: Annotated[
        bool, typer.Option("--shift-to-now", help="Move the recording so that its last sample is now (for a demo).")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Import recordings of open servers for the public dashboard. Twice is the same as once.

    \b
    Examples:
      sysmetric-server import node.json
      sysmetric-server import recording/*.json.gz --shift-to-now
    """
    paths = [str(path.absolute()) for path in files]
    with office(data_dir) as (ask, _), _progress(quiet=as_json) as progress:
        shift_ms = _shift(ask, paths, progress) if shift_to_now else 0
        results = []
        for path in progress.track(paths, description="Importing"):
            results.append(ask("import", path=path, shift_ms=shift_ms))
    value = {
        **{outcome: _sum(results, outcome) for outcome in OUTCOMES},
        "sources": sorted({source for result in results for source in result["sources"]}),
        "shift_ms": shift_ms,
        "files": results,
    }
    emit(value, as_json, lambda: _show(value, shift_to_now))


def _progress(quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)


def _shift(ask: Ask, paths: list[str], progress: Progress) -> int:
    """One offset for all files, so that what was recorded together stays together."""
    previews = [ask("import-preview", path=path) for path in progress.track(paths, description="Reading")]
    last = max((preview["last"] for preview in previews if preview["last"] is not None), default=None)
    return 0 if last is None else clock_ms() - last


def _sum(results: list[dict[str, Any]], outcome: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for result in results:
        total.update(result[outcome])
    return dict(total)


def _show(value: dict[str, Any], shifted: bool) -> None:
    typer.echo(f"imported: {counted(value['rows'])}")
    if any(value["already"].values()):
        say(f"Imported before, left as they are: {counted(value['already'])} rows.")
    if any(value["too_old"].values()):
        say(f"Left out, older than retention keeps: {counted(value['too_old'])} rows.")
        if not shifted:
            say("To see an old recording, move it to now with --shift-to-now.")
    if any(value["in_the_future"].values()):
        say(f"Left out, from the future: {counted(value['in_the_future'])} rows.")
    say(f"Machines: {', '.join(value['sources']) or 'none'}.")
