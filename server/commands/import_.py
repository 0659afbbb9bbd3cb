"""``sysmetric-server import``: log files of open servers.

The files are read here, in the process of the command line, and handed to the act ``import-rows`` in chunks.
"""

import signal
from threading import Event
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from server.clock import clock_ms
from server.commands.import_run import FileResult, Import, total
from server.commands.terminal import AsJson, DataDir, configuration, counted, emit, office, say
from server.imports import FORMATS, by_name
from server.imports.reading import Reading

#: What can become of a row, in the order in which it is told.
OUTCOMES = ("rows", "already", "too_old", "in_the_future")
_MOST_FAULTS = 20


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command("import")(import_files)


def import_files(  # pylint: disable=too-many-arguments,too-many-positional-arguments  # the options of a command
    files: Annotated[list[str], typer.Argument(metavar="FILE|DIR|-", help="What to import; - is standard input.")],
    kind: Annotated[
        str, typer.Option("--format", metavar="NAME", help=f"One of: auto, {', '.join(each.name for each in FORMATS)}.")
    ] = "auto",
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Name of the machine; else the one in the file.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as the files grow, until Ctrl-C.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first thing that cannot be read.")] = False,
    timezone: Annotated[
        str | None, typer.Option("--timezone", metavar="ZONE", help="Of local times in files; else the server's.")
    ] = None,
    shift_to_now: Annotated[
        bool, typer.Option("--shift-to-now", help="Move the recording so that its last sample is now (for a demo).")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Import log files of open servers for the public dashboard. Twice is the same as once.

    \b
    Examples:
      sysmetric-server import node.json /var/lib/collectd/csv
      sadf -j -- -A | sysmetric-server import - --source web1
      sysmetric-server import metrics.txt --follow
      sysmetric-server import recording/*.json.gz --shift-to-now
    """
    if shift_to_now and (follow or "-" in files):
        raise typer.BadParameter("a recording has to be read twice: name its files", param_hint="--shift-to-now")
    zone = _zone(timezone) or configuration(data_dir).zone
    reading = Reading(clock_ms(), None if kind == "auto" else by_name(kind).name, source, zone)
    run = Import(reading, strict=strict, quiet=as_json)
    if follow:
        run.follow(files, lambda: office(data_dir), _stop_on_signals())
    else:
        with office(data_dir) as (ask, _):
            run.once(files, ask, shift_to_now)
    value = _value(run)
    emit(value, as_json, lambda: _show(value, shift_to_now, run.anything))
    if run.stopped or not run.anything:
        raise typer.Exit(1)


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise typer.BadParameter(f"there is no time zone {name!r}", param_hint="--timezone") from error


def _stop_on_signals() -> Event:
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _value(run: Import) -> dict[str, Any]:
    return {
        **{outcome: total(run.results, outcome) for outcome in OUTCOMES},
        "sources": sorted({source for result in run.results for source in result.sources}),
        "shift_ms": run.shift_ms,
        "faults": sum(result.faults for result in run.results),
        "stopped": run.stopped,
        "left_out": run.left_out,
        "files": [_file(result) for result in run.results],
    }


def _file(result: FileResult) -> dict[str, Any]:
    return {
        "path": result.name,
        **{outcome: dict(result.rows[outcome]) for outcome in OUTCOMES},
        "sources": sorted(result.sources),
        "faults": {"count": result.faults, "first": result.first},
        "failed": result.failed,
    }


def _show(value: dict[str, Any], shifted: bool, anything: bool) -> None:
    if anything:
        typer.echo(f"imported: {counted(value['rows'])}")
        _show_not_stored(value, shifted)
    for name in value["left_out"]:
        say(f"Left out: {_printable(name)}")
    for file in value["files"]:
        if file["failed"]:
            say(f"Not imported: {_printable(file['failed'])}")
    if value["faults"]:
        say(f"Left out, could not be read: {value['faults']:,} entries.")
        for line in [line for file in value["files"] for line in file["faults"]["first"]][:_MOST_FAULTS]:
            say(f"  {_printable(line)}")
    if value["stopped"]:
        say("Stopped there (--strict); what was stored stays, and the same command again stores it once.")
    if anything:
        say(f"Machines: {', '.join(value['sources']) or 'none'}.")


def _show_not_stored(value: dict[str, Any], shifted: bool) -> None:
    if any(value["already"].values()):
        say(f"Imported before, left as they are: {counted(value['already'])} rows.")
    if any(value["too_old"].values()):
        say(f"Left out, older than retention keeps: {counted(value['too_old'])} rows.")
        if not shifted:
            say("To see an old recording, move it to now with --shift-to-now.")
    if any(value["in_the_future"].values()):
        say(f"Left out, from the future: {counted(value['in_the_future'])} rows.")


def _printable(text: str) -> str:
    """Without what a terminal would obey: it quotes files that somebody else wrote."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
