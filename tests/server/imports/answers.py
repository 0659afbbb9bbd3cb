"""Build answers of Prometheus's HTTP API for the import tests."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from server.imports import Imported, prometheus
from tests.server.imports.reading import read_bytes

Samples = Iterable[tuple[float, float | str]]
A = "a.example:9100"


def cpu(core: int, mode: str, samples: Samples, instance: str = A) -> dict[str, Any]:
    return series("node_cpu_seconds_total", samples, instance, cpu=str(core), mode=mode)


def memory(short: str, samples: Samples, instance: str = A) -> dict[str, Any]:
    return series(f"node_memory_{short}_bytes", samples, instance)


def disk(short: str, device: str, samples: Samples, instance: str = A) -> dict[str, Any]:
    return series(f"node_disk_{short}_total", samples, instance, device=device)


def disks(device: str, samples: Samples, instance: str = A) -> list[dict[str, Any]]:
    """All four counters that a row of disk needs, of the same samples."""
    held = list(samples)
    names = ("read_bytes", "written_bytes", "reads_completed", "writes_completed")
    return [disk(name, device, held, instance) for name in names]


def series(name: str, samples: Samples, instance: str = A, **labels: str) -> dict[str, Any]:
    values = [[time, value if isinstance(value, str) else repr(value)] for time, value in samples]
    return {"metric": {"__name__": name, "instance": instance, **labels}, "values": values}


def matrix(*result: dict[str, Any]) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


def vector(*result: dict[str, Any]) -> bytes:
    """The first sample of each series as an instant vector."""
    instants = [{"metric": entry["metric"], "value": entry["values"][0]} for entry in result]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": instants}}).encode()


def imported(content: bytes) -> list[Imported]:
    return read_bytes(content, prometheus.FORMAT).chunks


def rows(chunks: Iterable[Imported], table: str, source: str = A) -> list[dict[str, Any]]:
    """All rows of a table, as dictionaries."""
    found: list[dict[str, Any]] = []
    for chunk in chunks:
        if chunk.source == source and table in chunk.tables:
            columns = cast(Mapping[str, list[Any]], chunk.tables[table])
            found.extend(dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return found
