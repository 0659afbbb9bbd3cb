"""Requests of OTLP for tests: what a sender says, in few words."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import json_format

# pylint: disable-next=no-name-in-module  # generated: makes its names as it is loaded
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from consent.catalogue import TABLES
from server.imports.otlp import Refusals, hosts
from server.imports.otlp_rows import LastCollections, rows
from server.imports.values import Row

GOLDEN = Path(__file__).parent / "golden" / "otlp"
NOW_MS = 1_795_000_000_000
#: JSON has no number for these.
_QUOTED = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
#: One data point: value and attributes.
Sent = tuple[float, Mapping[str, str | int]]


def golden(name: str) -> ExportMetricsServiceRequest:
    """A recorded request."""
    request = ExportMetricsServiceRequest()
    request.ParseFromString((GOLDEN / f"{name}.pb").read_bytes())
    return request


def metric(
    name: str, unit: str, points: Iterable[Sent], *, at_ms: int = NOW_MS, start_ms: int = 1, kind: str = "cumulative"
) -> dict[str, Any]:
    """One metric as OTLP/JSON has it. ``kind`` is ``cumulative``, ``delta`` or ``gauge``."""
    data: dict[str, Any] = {
        "dataPoints": [
            {
                "asDouble": _QUOTED.get(str(value), value),
                "timeUnixNano": str(at_ms * 1_000_000),
                "startTimeUnixNano": str(start_ms * 1_000_000),
                "attributes": [
                    {"key": key, "value": {"intValue": str(of)} if isinstance(of, int) else {"stringValue": of}}
                    for key, of in attributes.items()
                ],
            }
            for value, attributes in points
        ]
    }
    if kind == "gauge":
        return {"name": name, "unit": unit, "gauge": data}
    temporality = 2 if kind == "cumulative" else 1
    return {"name": name, "unit": unit, "sum": {**data, "aggregationTemporality": temporality, "isMonotonic": True}}


def document(*metrics: dict[str, Any], host: str | None = "web1", scope: str = "") -> dict[str, Any]:
    """A request in OTLP/JSON."""
    attributes = [] if host is None else [{"key": "host.name", "value": {"stringValue": host}}]
    resource = {"attributes": attributes}
    return {
        "resourceMetrics": [
            {"resource": resource, "scopeMetrics": [{"scope": {"name": scope}, "metrics": list(metrics)}]}
        ]
    }


def message(*metrics: dict[str, Any], host: str | None = "web1", scope: str = "") -> ExportMetricsServiceRequest:
    """A request."""
    request = ExportMetricsServiceRequest()
    json_format.ParseDict(document(*metrics, host=host, scope=scope), request)
    return request


def cpu(user: float, idle: float, at_ms: int, **options: Any) -> dict[str, Any]:
    """The CPU time of one core that tells every main mode."""
    modes = {"user": user, "idle": idle, "system": 0.0, "nice": 0.0}
    points: list[Sent] = [(value, {"cpu.mode": mode, "cpu.logical_number": 3}) for mode, value in modes.items()]
    return metric("system.cpu.time", "s", points, at_ms=at_ms, **options)


class Receiver:
    """What the receiver keeps between requests; ``take`` answers the rows of one by table."""

    def __init__(self) -> None:
        self.collections = LastCollections()
        self.refusals = Refusals()

    def take(self, request: ExportMetricsServiceRequest, *, stored: bool = True) -> dict[str, list[Row]]:
        """The rows of all machines. ``stored=False``: they could not be stored."""
        self.refusals = Refusals()
        draft = self.collections.draft()
        made: dict[str, list[Row]] = {name: [] for name in TABLES}
        for source, host in hosts(request, self.refusals, (0, 2**52)).items():
            for table, found in rows(source, host, draft, self.refusals).items():
                made[table] += found
        if stored:
            self.collections.take(draft)
        return {name: found for name, found in made.items() if found}
