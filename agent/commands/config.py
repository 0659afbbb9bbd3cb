"""``sysmetric config``: the settings in force."""

# pylint: disable=import-outside-toplevel  # importing a command must stay cheap: see agent.commands

import typer

from agent.commands.terminal import AsJson, print_json

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.add_typer(app, name="config", help="See the settings in force.")


@app.command()
def show(as_json: AsJson = False) -> None:
    """
    Print each setting with its value and where it comes from, and where the files are.

    \b
    Examples:
      sysmetric config show
      SYSMETRIC_PERIOD_SECONDS=5 sysmetric config show --json

    A setting is taken from a flag of the command, else from SYSMETRIC_NAME, else from config.toml, else the default.
    """
    from agent.config import SETTINGS, load_config
    from agent.paths import AgentPaths

    paths = AgentPaths.from_environment()
    config = load_config(paths.config)
    places = {"config": paths.config, "data": paths.data_dir, "runtime": paths.runtime_dir}
    if as_json:
        settings = {name: {"value": value, "origin": config.origins[name]} for name, value in config.values().items()}
        print_json({"settings": settings, "places": {name: str(path) for name, path in places.items()}})
        return
    for name, value in config.values().items():
        typer.echo(f"{name} = {value:g}    # {config.origins[name]}; {SETTINGS[name].words}")
    for name, path in places.items():
        typer.echo(f"# {name}: {path}")
