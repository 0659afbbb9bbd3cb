"""Batches for the tests of the server, as an agent would send them."""

import json
from collections.abc import Iterable
from typing import Any

from consent.catalogue import TABLES, Kind

INSTANCE = "5f0c3a52-3a0b-4d1e-9c1d-0a4b5c6d7e8f"
RECORD = "0b9d1f7e-8c55-4f0a-b5a7-2f1e3d4c5b6a"
NOW_MS = 1_790_000_000_000
FLOOR_MS = NOW_MS - 30 * 3_600_000
TABLE_NAMES = tuple(TABLES)


def batch_document(
    tables: Iterable[str] = TABLE_NAMES,
    *,
    instance: str = INSTANCE,
    record: str = RECORD,
    sequence: int = 1,
    first_ms: int = NOW_MS - 10_000,
    samples: int = 3,
    step_ms: int = 1000,
) -> dict[str, Any]:
    """A valid document: ``samples`` moments, two cores and two devices."""
    document: dict[str, Any] = {"format": 1, "instance": instance, "record": record, "sequence": sequence}
    for name in tables:
        table = TABLES[name]
        parts: list[Any] = [None]
        if table.part is not None:
            parts = ["sda", "C:"] if table.part.kind is Kind.SYMBOL else [0, 1]
        columns: dict[str, list[Any]] = {column.name: [] for column in table.wire_columns}
        for index in range(samples):
            for part in parts:
                columns["time"].append(first_ms + index * step_ms)
                if table.part is not None:
                    columns[table.part.name].append(part)
                for column in table.columns:
                    columns[column.name].append(0.25 if column.kind is Kind.FLOAT else 1024)
        document[name] = columns
    return document


def encoded(document: Any) -> bytes:
    """JSON as the agent writes it."""
    return json.dumps(document, separators=(",", ":")).encode()
