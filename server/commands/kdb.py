"""``sysmetric-server kdb``: a look at the kdb+ that samples are stored in, and the q files it is started with."""

import importlib.resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.clock import clock_ms
from server.commands.terminal import AsJson, DataDir, configuration, emit, print_table, say
from server.errors import ConfigError

if TYPE_CHECKING:
    from server.store.kdb_check import Finding

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="kdb", help="Check the kdb+ that samples are stored in; get its q files.")


@app.command()
def check(
    store: Annotated[
        str, typer.Option("--store", metavar="URL", help="kdb://host:port; else the store in config.toml.")
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Connect to kdb+ and tell what is there; each failure and warning with the next step. Changes nothing.

    \b
    Examples:
      sysmetric-server kdb check
      sysmetric-server kdb check --store kdb://127.0.0.1:5010
    """
    from server.store.kdb_check import findings  # pylint: disable=import-outside-toplevel  # NumPy, for this alone
    from server.store.kdb_connection import Login, address_of  # pylint: disable=import-outside-toplevel

    config = configuration(data_dir)
    url = store or config.store
    if url == "duckdb":
        raise ConfigError("this installation stores in duckdb; name a kdb+ with --store kdb://host:port")
    login = Login(config.store_credentials_path, bool(config.store_credentials_file))
    found = list(findings(address_of(url), login, clock_ms))
    is_well = all(one.ok for one in found)
    value = {"store": url, "ok": is_well, "findings": [one.as_json() for one in found]}

    def show() -> None:
        print_table(("", "what", "found"), ((_mark(one), one.name, one.found) for one in found))
        for one in found:
            if one.next_step:
                say(f"{one.name}: {one.next_step}")

    emit(value, as_json, show)
    if not is_well:
        raise typer.Exit(1)


@app.command()
def scripts(
    to: Annotated[Path, typer.Option("--to", metavar="DIRECTORY", help="Where to; made when it is missing.")],
    force: Annotated[bool, typer.Option("--force", help="Replace files that were changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """
    Write out the q files that kdb+ is started with, and their README.

    \b
    Example:
      sysmetric-server kdb scripts --to /opt/sysmetric-kdb
    """
    packaged = importlib.resources.files("server").joinpath("kdb")
    files = {entry.name: entry.read_bytes() for entry in packaged.iterdir() if entry.is_file()}
    files = {name: content for name, content in sorted(files.items()) if name.endswith((".q", ".md", ".txt"))}
    changed = [name for name, content in files.items() if _differs(to / name, content)]
    if changed and not force:
        raise ConfigError(f"{to} has other versions of {', '.join(changed)}; replace them with --force")
    to.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (to / name).write_bytes(content)
    emit({"directory": str(to), "files": list(files)}, as_json, lambda: typer.echo("\n".join(files)))
    if not as_json:
        say(f"Written to {to}. Start it with: q {to / 'smp.q'} -p 5010 (the README there says the rest)")


def _mark(one: "Finding") -> str:
    if not one.ok:
        return "NO"
    return "!" if one.next_step else "ok"


def _differs(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() != content
