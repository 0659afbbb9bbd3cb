"""Bring a registry file to the tables of ``schema``, with Alembic driven from here: no alembic.ini, no command line.

Rules:

* The scripts are a package of the wheel, ``server.migrations``; a released one never changes.
* Everything runs in the caller's transaction: a migration that fails leaves the file as it was.
* A file from a newer version, or of another program, is left alone.
"""

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from server.errors import RegistryUnusable

_alembic = threading.Lock()  # Alembic keeps the running environment in a module global


def migrate(connection: Connection, path: Path) -> None:
    """Run what is missing. Raises RegistryUnusable for a newer or foreign file."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "server:migrations")
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None and inspect(connection).get_table_names():
        raise RegistryUnusable(f"{path} is a database of another program; name another data directory")
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise RegistryUnusable(
            f"the registry {path} has schema {current}, which this version does not know; "
            "install the newer version that wrote it"
        )
    if current != scripts.get_current_head():
        with _alembic:
            command.upgrade(config, "head")
