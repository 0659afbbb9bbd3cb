"""What the dashboard asks, over HTTP: series of 5 minutes, 1 hour and 24 hours of each table, and the host list."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.benchmarks.ingest import quantile, run_senders
from tests.benchmarks.load import Order, Shape
from tests.benchmarks.processes import TABLES, BenchmarkFailed, Server, enrol, running_server

#: One machine with a whole day at 1 s, and three that joined an hour ago.
DAY = Shape("a day", cores=8, disks=2, seconds=900)
DAY_BATCHES, HOUR_BATCHES, OTHERS = 96, 4, 3
RANGES_MS = {"5 min": 300_000, "1 h": 3_600_000, "24 h": 86_400_000}
POINTS = 300


@dataclass(frozen=True, slots=True)
class QueryResult:
    """One question, asked ``times`` times in a row by one client. Times in milliseconds, first byte to last."""

    question: str
    times: int
    p50_ms: float
    worst_ms: float
    answer_kb: float


def measure(repetitions: int) -> Iterator[QueryResult]:
    """Fill a fresh server and ask."""
    with tempfile.TemporaryDirectory(prefix="sysmetric-benchmark-") as name, running_server(Path(name)) as server:
        end_ms = time.time_ns() // 1_000_000
        orders = [
            Order(enrol(Path(name) / f"volunteer-{number}", server), DAY, batches, 600.0, end_ms)
            for number, batches in enumerate([DAY_BATCHES] + [HOUR_BATCHES] * OTHERS)
        ]
        run_senders(orders, server.pid)
        with _operator(server) as client:
            yield from _ask(client, _instance_with_most(client, end_ms), end_ms, repetitions)


def _ask(client: httpx.Client, instance: str, end_ms: int, repetitions: int) -> Iterator[QueryResult]:
    for table in TABLES:
        for name, length_ms in RANGES_MS.items():
            asked: dict[str, str | int] = {
                "instance": instance,
                "table": table,
                "start": end_ms - length_ms,
                "end": end_ms,
                "points": POINTS,
            }
            yield _timed(client, f"{table}, {name}", "/api/v1/series", asked, repetitions)
    asked = {"instance": instance, "table": "cpu", "start": end_ms - 3_600_000, "end": end_ms, "by": "part"}
    yield _timed(client, "cpu by core, 1 h", "/api/v1/series", asked, repetitions)
    yield _timed(client, "instances", "/api/v1/instances", {}, repetitions)
    yield _timed(client, "live", "/api/v1/live", {"after": 0}, repetitions)


def _timed(
    client: httpx.Client, question: str, path: str, parameters: Mapping[str, str | int], repetitions: int
) -> QueryResult:
    took, size = [], 0
    for _ in range(repetitions):
        began = time.monotonic()
        answer = client.get(path, params=dict(parameters))
        took.append(time.monotonic() - began)
        if answer.status_code != 200:
            raise BenchmarkFailed(f"{question}: {answer.status_code} {answer.text[:300]}")
        size = len(answer.content)
    took.sort()
    return QueryResult(question, repetitions, quantile(took, 0.5) * 1000, took[-1] * 1000, size / 1000)


@contextmanager
def _operator(server: Server) -> Iterator[httpx.Client]:
    """A client that is signed in as the operator, by the link that a person would open."""
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False, follow_redirects=True) as client:
        opened = client.post(server.call("link")["url"], headers={"Origin": server.url})  # the button on that page
        if opened.status_code != 200:
            raise BenchmarkFailed(f"the operator's link was answered with {opened.status_code}")
        yield client


def _instance_with_most(client: httpx.Client, end_ms: int) -> str:
    """The machine that has data of 20 hours ago."""
    for entry in client.get("/api/v1/instances").json()["instances"]:
        start_ms = end_ms - 20 * 3_600_000
        asked = {"instance": entry["instance"], "table": "memory", "start": start_ms, "end": start_ms + 60_000}
        series = client.get("/api/v1/series", params=asked).json()
        if any(value is not None for value in series["groups"][0]["columns"]["used_bytes"]["mean"]):
            return str(entry["instance"])
    raise BenchmarkFailed("the day that was sent is not there")
