"""``sysmetric config``: the settings in force."""

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Look at the settings.",
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("show")(show)
    app.add_typer(group, name="config")


def show(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """
    Print each setting with its value and where it comes from, and where the files are.

    \b
    Examples:
      sysmetric config show
      SYSMETRIC_PERIOD_SECONDS=5 sysmetric config show --json

    A setting is taken from a flag of the command, else from SYSMETRIC_NAME, else from config.toml, else the default.
    """
    # Imported here: see agent.commands.
    # pylint: disable=import-outside-toplevel
    from agent.config import SETTINGS, load_config
    from agent.paths import AgentPaths

    paths = AgentPaths.from_environment()
    config = load_config(paths.config)
    places = {"config": paths.config, "data": paths.data_dir, "runtime": paths.runtime_dir}
    if as_json:
        settings = {name: {"value": value, "origin": config.origins[name]} for name, value in config.values().items()}
        typer.echo(json.dumps({"settings": settings, "places": {name: str(path) for name, path in places.items()}}))
        return
    for name, value in config.values().items():
        typer.echo(f"{name} = {value:g}    # {config.origins[name]}; {SETTINGS[name].words}")
    for name, path in places.items():
        typer.echo(f"# {name}: {path}")
