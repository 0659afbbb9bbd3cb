"""Move a recording in time, so that an old one can be looked at as if it ended now."""

from collections.abc import Iterable
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


def shift_to(chunks: Iterable[Imported], now_ms: int) -> list[Imported]:
    """All chunks moved by one offset that puts the last of all samples at ``now_ms``. Nothing gives nothing."""
    held = list(chunks)  # the last sample is known only at the end; files are bounded, see server.imports.content
    ends = [cast(int, columns["time"][-1]) for chunk in held for columns in chunk.tables.values()]
    return [shift(chunk, now_ms - max(ends)) for chunk in held]
