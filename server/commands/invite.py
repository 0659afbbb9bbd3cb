"""``sysmetric-server invite``: leave to enrol."""

from typing import Annotated

import typer

from server.commands.terminal import AsJson, DataDir, emit, office, print_table, say, when

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="invite", help="Let volunteers join: create, list and revoke invites.")


@app.command()
def create(
    uses: Annotated[int, typer.Option(min=1, help="How many volunteers may join with it.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=366, help="For how many days it is valid.")] = 7,
    note: Annotated[str, typer.Option(help="For your own list; it is never shown to volunteers.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Make an invite and print its enrolment link; the link is shown this once.

    \b
    Examples:
      sysmetric-server invite create
      sysmetric-server invite create --uses 20 --days 30 --note workshop
    """
    with office(data_dir) as (ask, config):
        made = ask("invite-create", uses=uses, days=days, note=note)
    emit(made, as_json, lambda: typer.echo(made["enrolment_url"]))
    if not as_json:
        say(f"Invite {made['id']}, valid until {when(made['expires'], config.zone)}. The volunteer runs:")
        say(f"  sysmetric consent give '{made['enrolment_url']}'")


@app.command("list")
def list_all(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """
    List the invites, newest first.

    \b
    Example:
      sysmetric-server invite list
    """
    with office(data_dir) as (ask, config):
        found = ask("invite-list")

    def show() -> None:
        if not found["invites"]:
            say("There are no invites yet; make one with: sysmetric-server invite create")
            return
        print_table(
            ("id", "state", "used", "of", "expires", "note"),
            (
                (
                    entry["id"],
                    entry["state"],
                    str(entry["used"]),
                    str(entry["uses"]),
                    when(entry["expires"], config.zone),
                    entry["note"],
                )
                for entry in found["invites"]
            ),
            right=("used", "of"),
        )

    emit(found, as_json, show)


@app.command()
def revoke(
    invite: Annotated[str, typer.Argument(metavar="ID", help="From `invite list`.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Make an invite worthless; who joined with it stays.

    \b
    Example:
      sysmetric-server invite revoke 0123456789ab
    """
    with office(data_dir) as (ask, _):
        done = ask("invite-revoke", id=invite)
    emit(done, as_json, lambda: say(f"Invite {invite} is revoked."))
