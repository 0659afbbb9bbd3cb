"""The server's own state as OpenMetrics: counts of what happened, never of whom.

Rules: a registry of its own (two apps in one process do not share counters); no label holds anything from a request;
gauges that cost a question to the store are asked when they are scraped.
"""

import importlib.metadata
import platform
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Info
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from consent.wire import AckStatus, Problem
from server.errors import ServerError

#: The metrics page's media type.
CONTENT_TYPE: str = CONTENT_TYPE_LATEST

Gauges = Mapping[str, tuple[str, Callable[[], float | None]]]


class Telemetry:
    """Counters of the ingest path. ``gauges`` maps a metric name to its help text and the question that answers it."""

    def __init__(self, gauges: Gauges) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._batches = Counter(
            "sysmetric_ingest_batches",
            "Batches made durable, or found stored already",
            ["status"],
            registry=self._registry,
        )
        self._samples = Counter("sysmetric_ingest_samples", "Rows made durable", ["table"], registry=self._registry)
        self._rejected = Counter(
            "sysmetric_ingest_rejected", "Batches refused, by type of problem", ["reason"], registry=self._registry
        )
        for status in AckStatus:
            self._batches.labels(status.value)
        Info("sysmetric_build", "What is running", registry=self._registry).info(
            {"version": importlib.metadata.version("sys-metric-pipeline"), "python": platform.python_version()}
        )
        self._registry.register(_Asked(gauges))

    def stored(self, status: AckStatus, rows: Mapping[str, int]) -> None:
        """A batch was acknowledged; only one that was not there before counts samples."""
        self._batches.labels(status.value).inc()
        if status is AckStatus.STORED:
            for table, count in rows.items():
                self._samples.labels(table).inc(count)

    def rejected(self, problem: Problem) -> None:
        """A batch was refused."""
        self._rejected.labels(problem.value).inc()

    def page(self) -> bytes:
        """The whole page, OpenMetrics 1.0."""
        page: bytes = generate_latest(self._registry)  # type: ignore[no-untyped-call]  # the library's one untyped function
        return page


class _Asked(Collector):
    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        """One sample per gauge that has an answer; a store that is away leaves a gap, not a broken page."""
        for name, (words, ask) in self._gauges.items():
            with suppress(ServerError):
                value = ask()
                if value is not None:
                    yield GaugeMetricFamily(name, words, value=value)
