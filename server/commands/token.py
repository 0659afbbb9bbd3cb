"""``sysmetric-server token``: who may use the API."""

from enum import StrEnum
from typing import Annotated

import typer

from server.commands.terminal import AsJson, DataDir, emit, office, print_table, say, when

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


class Scope(StrEnum):
    """What a token may do; ``registry.values`` has the same, but loads SQLAlchemy, which help can do without."""

    OPERATOR = "operator"
    READ = "read"


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="token", help="Let programs use the API: create, list and revoke tokens.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for; the audit trail names it.")],
    scope: Annotated[Scope, typer.Option(help="read sees everything, operator changes it too.")] = Scope.READ,
    days: Annotated[
        int | None, typer.Option(min=1, max=3660, help="For how many days; without it, until it is revoked.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Make a token and print its secret; it is shown this once.

    \b
    Examples:
      sysmetric-server token create grafana --days 90
      sysmetric-server token create backup --scope operator > token.txt
    """
    with office(data_dir) as (ask, config):
        made = ask("token-create", name=name, scope=scope.value, days=days)
    emit(made, as_json, lambda: typer.echo(made["secret"]))
    if not as_json:
        until = "until it is revoked" if made["expires"] is None else f"until {when(made['expires'], config.zone)}"
        say(f"Token {made['id']}, valid {until}. Keep it in a file that only you can read; send it as:")
        say("  Authorization: Bearer TOKEN")


@app.command("list")
def list_all(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """
    List the tokens, newest first, without their secrets.

    \b
    Example:
      sysmetric-server token list
    """
    with office(data_dir) as (ask, config):
        found = ask("token-list")

    def show() -> None:
        if not found["tokens"]:
            say("There are no tokens; make one with: sysmetric-server token create NAME")
            return
        print_table(
            ("id", "name", "scope", "state", "expires", "last used"),
            (
                (
                    entry["id"],
                    entry["name"],
                    entry["scope"],
                    entry["state"],
                    when(entry["expires"], config.zone),
                    when(entry["last_used"], config.zone),
                )
                for entry in found["tokens"]
            ),
        )

    emit(found, as_json, show)


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="ID", help="From `token list`; never the secret itself.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Make a token worthless, and the browser sessions that came from it.

    \b
    Example:
      sysmetric-server token revoke 0123456789ab
    """
    with office(data_dir) as (ask, _):
        done = ask("token-revoke", id=token)
    emit(done, as_json, lambda: say(f"Token {token} is revoked."))
