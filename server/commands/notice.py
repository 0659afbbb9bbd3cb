"""``sysmetric-server notice``: the agreement that volunteers read."""

from typing import Annotated

import typer

from server.commands.terminal import AsJson, DataDir, emit, office, say

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="notice", help="Read the agreement in force, and publish a changed one.")


@app.command()
def show(
    locale: Annotated[str, typer.Option(help="Language of the text: en or pl.")] = "en",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Print the text in force, as volunteers get it.

    \b
    Examples:
      sysmetric-server notice show
      sysmetric-server notice show --locale pl
    """
    with office(data_dir) as (ask, _):
        found = ask("notice-show", locale=locale)
    emit(found, as_json, lambda: typer.echo(found["text"]))
    if not as_json:
        say(f"Version {found['version']}, {found['locale']}, SHA-256 {found['sha256']}.")
        if found["changed"]:
            say(f"config.toml says otherwise now ({', '.join(found['changed'])}): sysmetric-server notice publish")


@app.command()
def publish(
    version: Annotated[
        str | None,
        typer.Option(help="MAJOR asks every volunteer again; MINOR is shown once.", show_default="the newest text's"),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Sign and publish the agreement with what config.toml says now, in every language.

    \b
    Examples:
      sysmetric-server notice publish
      sysmetric-server notice publish --version 2.0.0
    """
    with office(data_dir) as (ask, _):
        done = ask("notice-publish", version=version)

    def show_done() -> None:
        for entry in done["notices"]:
            word = "published" if entry["published"] else "was published already"
            say(f"Notice {done['version']} in {entry['locale']} {word}, SHA-256 {entry['sha256']}.")
        if done["supersedes"]:
            say("Earlier consents no longer count: every volunteer is asked again.")

    emit(done, as_json, show_done)
