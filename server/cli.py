"""``sysmetric-server``: mounts the commands and turns every error into one sentence on stderr and an exit code.

Exit codes: 0 ok, 1 failed, 2 usage, 4 the running server does not answer, 5 it refuses, 130 interrupted.
"""

import sys
from typing import Annotated

import typer

from consent import __version__
from consent.errors import ConsentError
from server.commands import (
    audit,
    config,
    consents,
    import_,
    init,
    instances,
    invite,
    kdb,
    link,
    migrate,
    notice,
    purge,
    run,
    scrape,
    stats,
    token,
)
from server.errors import ServerError, ServerUnreachable, TokenRefused

app = typer.Typer(
    name="sysmetric-server",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 4 the running server does not answer, 5 it refuses, 130 interrupted.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sysmetric-server {__version__}")
        raise typer.Exit


@app.callback()
def sysmetric_server(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """
    Collect system metrics of volunteers who agreed, and prove it.

    \b
    Examples:
      sysmetric-server init             set up; prints the enrolment link
      sysmetric-server run              serve
      sysmetric-server link             open the dashboard as the operator
      sysmetric-server invite create    let another volunteer join
      sysmetric-server consents verify  check the proof of every consent
    """


for _command in (
    init,
    run,
    invite,
    consents,
    instances,
    notice,
    import_,
    scrape,
    purge,
    token,
    link,
    stats,
    audit,
    config,
    kdb,
    migrate,
):
    _command.register(app)


def exit_code(error: Exception) -> int:
    """What an error ends the process with."""
    if isinstance(error, ServerUnreachable):
        return 4
    return 5 if isinstance(error, TokenRefused) else 1


def printable(text: str) -> str:
    """``text`` without what a terminal would obey: a message may quote a file that somebody else wrote."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def main() -> None:
    """The entry point. Ends the process; never shows a traceback for an error that a person can act on."""
    command = typer.main.get_command(app)
    try:
        command(prog_name="sysmetric-server")
    except (ServerError, ConsentError) as error:
        typer.echo(f"sysmetric-server: {printable(str(error))}", err=True)
        sys.exit(exit_code(error))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"server", "consent"}:
            raise
        typer.echo(
            f"sysmetric-server: {error.name} is not installed, for this is the agent alone; "
            "from the project's folder run: pipx install --force '.[server]'",
            err=True,
        )
        sys.exit(1)
    except OSError as error:
        typer.echo(printable(f"sysmetric-server: {error.strerror or error}: {error.filename or 'no file'}"), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
