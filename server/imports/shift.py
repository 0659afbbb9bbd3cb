"""Move a recording in time, so that an old one can be looked at as if it ended now."""

from typing import cast

from server.imports.values import Imported


def shift(imported: Imported, offset_ms: int) -> Imported:
    """The same rows, every time moved by ``offset_ms`` milliseconds (earlier when negative)."""
    return Imported(
        imported.source,
        {
            name: {**columns, "time": [cast(int, time) + offset_ms for time in columns["time"]]}
            for name, columns in imported.tables.items()
        },
    )
