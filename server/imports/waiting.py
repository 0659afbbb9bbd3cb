"""Halves of rows that wait for the other half, in memory that does not grow with the file.

Rules:

* They lie in a temporary database of SQLite without a name, which is in memory while it is small and in the folder of
  temporary files beyond that, and is gone with the process.
* Of two halves of one kind, machine and time, the first counts.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import cast

from server.errors import ImportFailed

_CACHE_KB = 4096
_MAKE = """
    CREATE TABLE waiting (
        kind TEXT, source TEXT, time INTEGER, load TEXT, place TEXT, PRIMARY KEY (kind, source, time)
    ) WITHOUT ROWID
"""
_PUT = "INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?, ?)"
_TAKE = "DELETE FROM waiting WHERE kind = ? AND source = ? AND time = ? RETURNING load"
_FIRST = "SELECT place FROM waiting WHERE kind = ? ORDER BY length(place), place LIMIT 1"


class Waiting:
    """What waits, of one file called ``name``. Every call raises ImportFailed where there is no room on the disk."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._database = sqlite3.connect("", isolation_level=None)
        for command in (f"PRAGMA cache_size = -{_CACHE_KB}", "PRAGMA journal_mode = OFF", _MAKE, "BEGIN"):
            self._database.execute(command)

    def put(self, kind: str, key: tuple[str, int], load: Mapping[str, float], place: str) -> bool:
        """Have a half wait; False where one waits already."""
        return self._changed(_PUT, (kind, *key, json.dumps(load), place)) == 1

    def take(self, kind: str, key: tuple[str, int]) -> dict[str, float] | None:
        """The half of this kind, machine and time, which waits no more."""
        found = self._first(_TAKE, (kind, *key))
        return None if found is None else cast(dict[str, float], json.loads(found))

    def first(self, kind: str) -> str | None:
        """The place of the first of a kind that still waits."""
        return self._first(_FIRST, (kind,))

    def close(self) -> None:
        """Drop all of it."""
        self._database.close()

    def _changed(self, command: str, values: tuple[str | int, ...]) -> int:
        try:
            return self._database.execute(command, values).rowcount
        except sqlite3.OperationalError as error:
            raise self._full(error) from None

    def _first(self, command: str, values: tuple[str | int, ...]) -> str | None:
        try:
            found = self._database.execute(command, values).fetchall()
        except sqlite3.OperationalError as error:
            raise self._full(error) from None
        return str(found[0][0]) if found else None

    def _full(self, error: sqlite3.OperationalError) -> ImportFailed:
        return ImportFailed(self._name, "", f"no room for temporary files ({error}); set TMPDIR to another folder")
