"""Stores of samples. ``open_store`` chooses one by its URL; what a store does stands in ``protocol``."""

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from server.errors import ConfigError
from server.store.protocol import Store

# pylint: disable=import-outside-toplevel  # so that a server on one store never loads what another one needs


def open_store(
    config_url: str,
    directory: Path,
    zone: ZoneInfo,
    now_ms: Callable[[], int],
    credentials: Path | None = None,
    *,
    credentials_required: bool = False,
) -> Store:
    """Open the store that ``config_url`` names: ``duckdb``, ``kdb://host:port`` or ``kdbs://host:port`` (TLS).

    ``directory`` is the embedded store's own and is made when it is missing; ``zone`` is the one whose days are kept
    together; ``credentials`` is the file with kdb+'s login, ``required`` when the operator named it.
    Raises ConfigError or StoreUnavailable.
    """
    if config_url == "duckdb":
        from server.store.duckdb import DuckDBStore

        return DuckDBStore(directory, zone, now_ms)
    if config_url.startswith(("kdb://", "kdbs://")):
        from server.store.kdb import KdbStore
        from server.store.kdb_connection import Login, address_of

        login = Login(credentials or directory.parent / "kdb-credentials", credentials_required)
        return KdbStore(address_of(config_url), login, now_ms)
    raise ConfigError(f"there is no store {config_url!r}; set store to duckdb, kdb://host:port or kdbs://host:port")
