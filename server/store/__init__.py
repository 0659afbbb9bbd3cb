"""Stores of samples. ``open_store`` chooses one by its URL; what a store does stands in ``protocol``."""

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from server.errors import ConfigError
from server.store.protocol import Store


def open_store(config_url: str, directory: Path, zone: ZoneInfo, now_ms: Callable[[], int]) -> Store:
    """Open the store that ``config_url`` names (``duckdb``). Raises ConfigError or StoreUnavailable.

    ``directory`` is the store's own and is made when it is missing; ``zone`` is the one whose days are kept together.
    """
    if config_url == "duckdb":
        # Imported here so that a server on another store never loads DuckDB.
        from server.store.duckdb import DuckDBStore  # pylint: disable=import-outside-toplevel

        return DuckDBStore(directory, zone, now_ms)
    raise ConfigError(f"there is no store {config_url!r}; set store to: duckdb")
