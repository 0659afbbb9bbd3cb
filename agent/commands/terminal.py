"""What the commands share: the ``--json`` option, JSON on stdout, words on stderr."""

import json
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_json(value: Any) -> None:
    """One JSON document on one line, on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def say(words: str) -> None:
    """One message for a person, on stderr."""
    typer.echo(words, err=True)
