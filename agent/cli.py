"""``sysmetric``: mounts the commands and turns every error into one sentence on stderr and an exit code.

Exit codes: 0 ok, 1 failed, 2 usage, 3 no valid consent, 4 server unreachable (kept in the spool), 5 refused by the
server, 130 interrupted. No colours are used outside the consent screens, so ``NO_COLOR`` has nothing to turn off here.
"""

import sys
from typing import Annotated

import typer

from agent.commands import config, consent, dashboard, data, pause, preview, run, status, watch
from agent.errors import AgentError
from agent.untrusted import clean
from consent import __version__
from consent.errors import ConsentError

app = typer.Typer(
    name="sysmetric",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 no valid consent, 4 server unreachable, 5 refused, 130 interrupted.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sysmetric {__version__}")
        raise typer.Exit


@app.callback()
def sysmetric(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """
    Share CPU, memory and disk figures of this machine, only with your consent and only while it lasts.

    \b
    Examples:
      sysmetric consent give 'https://host/#k=...'   read the agreement and decide
      sysmetric preview                              see exactly what would be sent
      sysmetric run                                  sample and send
      sysmetric status                               what is going on
      sysmetric pause --for 2h                       rest for a while
      sysmetric consent revoke                       stop for good and have your data erased
    """


for _command in (consent, run, status, watch, preview, pause, data, dashboard, config):
    _command.register(app)


def main() -> None:
    """The entry point. Ends the process; never shows a traceback for an error that a person can act on."""
    command = typer.main.get_command(app)
    try:
        command(prog_name="sysmetric")
    except (AgentError, ConsentError) as error:
        typer.echo(f"sysmetric: {clean(str(error))}", err=True)
        sys.exit(getattr(error, "exit_code", 1))
    except OSError as error:
        typer.echo(clean(f"sysmetric: {error.strerror or error}: {error.filename or 'no file'}"), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
