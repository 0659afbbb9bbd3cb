"""``sysmetric-server consents``: who agreed to what, and the proof of it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from consent.errors import KeyFileError
from server.commands.terminal import (
    AsJson,
    DataDir,
    NoInput,
    Yes,
    confirm,
    counted,
    emit,
    office,
    print_pairs,
    print_table,
    say,
    when,
)
from server.errors import ServerError

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
RecordId = Annotated[str, typer.Argument(metavar="ID", help="Record id, from `consents list`.")]


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="consents", help="See, verify, export and end consents.")


@app.command("list")
def list_all(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """
    List the consents whose proof is kept, newest first.

    \b
    Example:
      sysmetric-server consents list
    """
    with office(data_dir) as (ask, config):
        found = ask("consents-list")

    def show_table() -> None:
        if not found["consents"]:
            say("Nobody has joined yet; invite someone with: sysmetric-server invite create")
            return
        print_table(
            ("record", "state", "alias", "granted", "notice", "received", "valid until"),
            (
                (
                    entry["record_id"],
                    entry["state"],
                    entry["alias"] or "-",
                    ", ".join(entry["granted"]),
                    f"{entry['notice']['version']} {entry['notice']['locale']}",
                    when(entry["received"], config.zone),
                    when(entry["valid_until"], config.zone),
                )
                for entry in found["consents"]
            ),
        )

    emit(found, as_json, show_table)


@app.command()
def show(record_id: RecordId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """
    Show one consent. State, what was granted, how the yes was given, the documents there are.

    \b
    Example:
      sysmetric-server consents show 6f1c7f0e-...
    """
    with office(data_dir) as (ask, config):
        found = ask("consents-show", record_id=record_id)

    def rows() -> list[tuple[str, str]]:
        record = found["record"]
        asked = {entry["table"]: entry for entry in record["processing"]}
        return [
            ("state", found["state"]),
            ("alias", found["alias"] or "-"),
            *((f"{name}", _answer(entry)) for name, entry in asked.items()),
            (
                "notice",
                f"{record['notice']['version']} {record['notice']['locale']}, SHA-256 {record['notice']['sha256']}",
            ),
            ("given", when(record["event"]["time"], config.zone)),
            ("how", _ceremony(record["ceremony"])),
            ("received", when(found["received"], config.zone)),
            ("valid until", when(found["valid_until"], config.zone)),
            ("ended", when(found["ended"], config.zone)),
            ("rows erased", "-" if not found["erasure_receipt"] else counted(found["erasure_receipt"]["rows"])),
            ("proof kept until", when(found["proof_until"], config.zone)),
        ]

    emit(found, as_json, lambda: print_pairs(rows()))


@app.command()
def verify(
    record_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One record id; without it, all.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Check the stored proof again. Signatures, links, states, and that a consent covers every machine with rows.

    \b
    Examples:
      sysmetric-server consents verify
      sysmetric-server consents verify 6f1c7f0e-...
    """
    with office(data_dir) as (ask, _):
        found = ask("consents-verify", record_id=record_id)

    def show_findings() -> None:
        bad = [entry for entry in found["consents"] if entry["problem"]]
        for entry in bad:
            typer.echo(f"{entry['record_id']}: {entry['problem']}")
        for entry in found["uncovered"]:
            typer.echo(f"{entry['alias']}: {entry['problem']}")
        good = len(found["consents"]) - len(bad)
        if found["consents"]:
            say(f"{good} of {len(found['consents'])} consents hold: signatures, links between documents, states.")
        else:
            say("Nobody has joined yet, so there is nothing to verify.")
        if found["ok"] and record_id is None:
            say("Every machine with rows is covered by a consent or is an open server.")

    emit(found, as_json, show_findings)
    if not found["ok"]:
        raise typer.Exit(1)


@app.command()
def export(
    record_id: RecordId,
    directory: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIRECTORY", help="Where to write the files.", show_default="consent-ID"),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Write the documents of one consent as JWS files. Byte for byte as they were signed; --json prints them instead.

    \b
    Examples:
      sysmetric-server consents export 6f1c7f0e-...
      sysmetric-server consents export 6f1c7f0e-... --to /mnt/evidence
    """
    # pylint: disable-next=import-outside-toplevel  # heavy, and needed here only
    from consent.signature import write_exclusively

    with office(data_dir) as (ask, _):
        found = ask("consents-export", record_id=record_id)

    def write() -> None:
        folder = directory or Path(f"consent-{record_id}")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, text in found["files"].items():
                write_exclusively(folder / name, text.encode())
                typer.echo(str(folder / name))
        except KeyFileError as error:
            raise ServerError(f"{error}; choose another place with --to") from error
        say("Each is a JWS (Ed25519) that any JOSE tool can check.")

    emit(found, as_json, write)


@app.command()
def terminate(
    record_id: RecordId, yes: Yes = False, no_input: NoInput = False, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """
    End a consent from your side. Its samples are refused from now on, its rows erased, and a receipt is signed.

    \b
    Example:
      sysmetric-server consents terminate 6f1c7f0e-...
    """
    confirm(f"End consent {record_id} and erase all its rows?", yes=yes, no_input=no_input)
    with office(data_dir) as (ask, _):
        done = ask("consents-terminate", record_id=record_id)
    emit(done, as_json, lambda: say(f"Consent {record_id} is terminated; erased: {counted(done['rows'])} rows."))


def _answer(entry: dict[str, Any]) -> str:
    return f"yes, at most every {entry['period_seconds']} s" if entry["granted"] else "no"


def _ceremony(ceremony: dict[str, Any]) -> str:
    terminal = "on a terminal" if ceremony["tty"] else "without a terminal"
    return f"{ceremony['method']} {terminal}, {ceremony['seconds']} s, questions {ceremony['quiz']}"
