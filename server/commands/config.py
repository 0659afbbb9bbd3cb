"""``sysmetric-server config show``: each setting with where it came from."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from server.commands.terminal import AsJson, DataDir, emit, print_table
from server.config import config_of, data_dir_of, resolve

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.add_typer(app, name="config", help="See the settings in force.")


@app.command()
def show(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """
    Print each setting with its value and where it came from. Change them in config.toml.

    \b
    Example:
      sysmetric-server config show
    """
    directory = data_dir_of(os.environ, data_dir)
    found = resolve(directory, os.environ, {})
    config_of(directory, {name: entry.value for name, entry in found.items()})
    settings = {name: {"value": entry.value, "origin": entry.origin} for name, entry in found.items()}
    emit(
        {"data_dir": str(directory), "settings": settings},
        as_json,
        lambda: print_table(
            ("setting", "from", "value"),
            ((name, Path(entry.origin).name, _shown(entry.value)) for name, entry in found.items()),
        ),
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):  # one per language
        return "\n".join(f"{locale}: {_shown(said)}" for locale, said in value.items())
    return "; ".join(value) if isinstance(value, tuple) else str(value)
