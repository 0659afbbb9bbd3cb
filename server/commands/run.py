"""``sysmetric-server run``: serve until told to stop."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from server.commands.terminal import DataDir
from server.config import data_dir_of, load_config


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(run)


def run(
    listen: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where to listen.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key, PKCS#8 PEM.")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A reverse proxy in front ends TLS.", show_default=False)
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """
    Serve the API and the dashboard until Ctrl-C or SIGTERM.

    \b
    Examples:
      sysmetric-server run
      sysmetric-server run --listen 0.0.0.0:443 --tls-cert fullchain.pem --tls-key privkey.pem
      sysmetric-server run --listen 0.0.0.0:8080 --behind-proxy
    """
    given: dict[str, Any] = {
        "listen": listen,
        "tls_cert": None if tls_cert is None else str(tls_cert.absolute()),
        "tls_key": None if tls_key is None else str(tls_key.absolute()),
        "behind_proxy": behind_proxy or None,
    }
    flags = {name: value for name, value in given.items() if value is not None}
    directory = data_dir_of(os.environ, data_dir)
    config = load_config(directory, os.environ, flags)
    # Imported here: it loads Granian, which no other command needs.
    from server.serving import serve  # pylint: disable=import-outside-toplevel

    code = serve(config, flags)
    if code:
        raise typer.Exit(code)
