"""``sysmetric-server migrate``: take the samples along to another store."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from server.clock import clock_ms
from server.commands.terminal import AsJson, DataDir, configuration, counted, emit, say
from server.config import Config
from server.errors import AlreadyRunning, ConfigError

if TYPE_CHECKING:
    from server.store.migrate import Moved

# pylint: disable=import-outside-toplevel  # so that help comes at once

_SOURCE = typer.Option("--from", metavar="STORE", help="duckdb, kdb (the one in config.toml) or kdb://host:port.")
_TARGET = typer.Option("--to", metavar="STORE", help="As above.")


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(migrate)


def migrate(
    source: Annotated[str, _SOURCE],
    target: Annotated[str, _TARGET],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """
    Copy every sample into another store, and verify rows and checksums. Twice is the same as once.

    The server must not run meanwhile. The source stays as it is.

    \b
    Examples:
      sysmetric-server migrate --from duckdb --to kdb://127.0.0.1:5010
      sysmetric-server migrate --from kdb --to duckdb
    """
    config = configuration(data_dir)
    urls = tuple(_url(name, config) for name in (source, target))
    if urls[0] == urls[1]:
        raise ConfigError("--from and --to name the same store")
    try:
        moved = _move(config, *urls, quiet=as_json)
    except AlreadyRunning as running:
        raise ConfigError(f"{running}; stop it first: nothing may be stored while samples move") from running
    value = {
        "from": urls[0],
        "to": urls[1],
        "instances": moved.instances,
        "rows": moved.rows,
        "already": moved.already,
        "batches": moved.batches,
        "checksum": moved.checksum,
    }
    emit(value, as_json, lambda: typer.echo(f"moved: {counted(moved.rows)}"))
    if as_json:
        return
    if any(moved.already.values()):
        say(f"There before: {counted(moved.already)} rows.")
    say(f"Verified: {moved.instances} machines, every row the same in both (SHA-256 {moved.checksum[:16]}..).")
    if config.store != urls[1]:
        say(f'To use it: store = "{urls[1]}" in {config.config_path}; what is in {urls[0]} stays as it is.')


def _url(name: str, config: Config) -> str:
    from server.settings import store

    if name == "kdb":
        if config.store == "duckdb":
            raise ConfigError("this installation stores in duckdb; name the kdb+ as kdb://host:port")
        return config.store
    try:
        return store(name)
    except ValueError as error:
        raise ConfigError(f"{name[:60]!r} {error}") from error


def _move(config: Config, source: str, target: str, *, quiet: bool) -> "Moved":
    from server.administration import LOCAL
    from server.runtime import open_configured_store, open_runtime
    from server.store.migrate import migrate as move

    with ExitStack() as opened:
        runtime = opened.enter_context(open_runtime(config))
        stores = []
        for url in (source, target):
            if url == config.store:
                stores.append(runtime.store)
            else:
                stores.append(open_configured_store(config, url, clock_ms))
                opened.callback(stores[-1].close)
        progress = opened.enter_context(_progress(quiet))
        task = progress.add_task("Moving", total=3 * sum(stores[0].counts().values()))
        moved = move(stores[0], stores[1], lambda rows: progress.advance(task, rows))
        runtime.registry.audit(LOCAL, "store.migrated", f"{source} to {target}", clock_ms())
        return moved


def _progress(quiet: bool) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
