"""Make the golden requests again: ``python record.py DIRECTORY`` in an environment that has the packages of README.md.

A server on loopback keeps what the SDK's OTLP/HTTP exporter sends. The resource has no name of this machine.
"""

# mypy: ignore-errors
# pylint: skip-file
# Both because its packages are none of the project's.

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from google.protobuf import json_format
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.instrumentation.system_metrics import _DEFAULT_CONFIG, SystemMetricsInstrumentor
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

WANTED = ("system.cpu", "system.memory", "system.swap.usage", "system.disk.io", "system.disk.operations")
MODES = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"]


class Keeper(BaseHTTPRequestHandler):
    """Keeps bodies."""

    kept: list[bytes] = []

    def do_POST(self) -> None:
        self.kept.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def record(url: str, temporality: AggregationTemporality, every_mode: bool) -> list[bytes]:
    """What is sent at three collections, about two seconds apart."""
    exporter = OTLPMetricExporter(endpoint=url, preferred_temporality={ObservableCounter: temporality})
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], Resource({"host.name": "open1", "service.name": "golden"}))
    config = {name: value for name, value in _DEFAULT_CONFIG.items() if name.startswith(WANTED)}
    if every_mode:
        config["system.cpu.time"] = config["system.cpu.utilization"] = MODES
    instrumentor = SystemMetricsInstrumentor(config=config)
    instrumentor.instrument(meter_provider=provider)
    Keeper.kept.clear()
    for _ in range(3):
        provider.force_flush()
        time.sleep(2)
    instrumentor.uninstrument()
    kept = Keeper.kept[:]
    provider.shutdown()
    return kept


def main() -> None:
    """Write every file."""
    directory = Path(sys.argv[1])
    server = HTTPServer(("127.0.0.1", 0), Keeper)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1/metrics"
    kinds = {
        "cumulative": (AggregationTemporality.CUMULATIVE, True),
        "default": (AggregationTemporality.CUMULATIVE, False),
        "delta": (AggregationTemporality.DELTA, True),
    }
    for name, (temporality, every_mode) in kinds.items():
        for number, body in enumerate(record(url, temporality, every_mode), start=1):
            (directory / f"{name}-{number}.pb").write_bytes(body)
            if name == "cumulative":
                message = ExportMetricsServiceRequest.FromString(body)
                text = json_format.MessageToJson(message, indent=None, use_integers_for_enums=True)
                (directory / f"{name}-{number}.json").write_text(text)
    server.shutdown()


if __name__ == "__main__":
    main()
