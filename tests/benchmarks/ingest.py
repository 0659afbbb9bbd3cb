"""Ingest over HTTP: 1, 2 and 4 sender processes against a fresh ``sysmetric-server run`` each time."""

import itertools
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from threading import BrokenBarrierError

from tests.benchmarks.load import LARGE, SMALL, Order, Sent, Shape, send_batches
from tests.benchmarks.processes import BenchmarkFailed, Usage, enrol, running_server

SENDERS = (1, 2, 4)
#: No sender gets further than this, however long it may; it bounds memory and disk.
_MOST_BATCHES = {SMALL: 3000, LARGE: 80}


@dataclass(frozen=True, slots=True)
class IngestResult:
    """One cell of the table. Latencies in milliseconds, from after signing to the ack of durable rows."""

    batch: str
    senders: int
    batches: int
    rows_per_second: float
    values_per_second: float
    server_cpu_seconds_per_million_values: float
    server_cores_busy: float
    server_resident_mb: float
    ack_p50_ms: float
    ack_p99_ms: float
    signing_p50_ms: float
    body_kb: float


def measure(seconds: float) -> Iterator[IngestResult]:
    """Every combination, each for at most ``seconds``."""
    for shape, senders in itertools.product((LARGE, SMALL), SENDERS):
        yield _cell(shape, senders, seconds)


def _cell(shape: Shape, senders: int, seconds: float) -> IngestResult:
    with tempfile.TemporaryDirectory(prefix="sysmetric-benchmark-") as name, running_server(Path(name)) as server:
        newest_ms = time.time_ns() // 1_000_000
        orders = [
            Order(enrol(Path(name) / f"sender-{number}", server), shape, _MOST_BATCHES[shape], seconds, newest_ms)
            for number in range(senders)
        ]
        all_sent, used, elapsed = run_senders(orders, server.pid)
    acks = sorted(itertools.chain.from_iterable(sent.acks for sent in all_sent))
    signing = [value for sent in all_sent for value in sent.signing]
    values = len(acks) * shape.values
    return IngestResult(
        batch=shape.name,
        senders=senders,
        batches=len(acks),
        rows_per_second=len(acks) * shape.rows / elapsed,
        values_per_second=values / elapsed,
        server_cpu_seconds_per_million_values=used.cpu_seconds / values * 1e6,
        server_cores_busy=used.cpu_seconds / elapsed,
        server_resident_mb=used.resident_bytes / 1e6,
        ack_p50_ms=quantile(acks, 0.5) * 1000,
        ack_p99_ms=quantile(acks, 0.99) * 1000,
        signing_p50_ms=statistics.median(signing) * 1000,
        body_kb=sum(sent.body_bytes for sent in all_sent) / len(acks) / 1000,
    )


def run_senders(orders: Sequence[Order], server_pid: int) -> tuple[list[Sent], Usage, float]:
    """What each sender did, what the server used meanwhile, and how long it took them all together."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(len(orders) + 1)
    results: "Queue[Sent]" = context.Queue()
    senders = [context.Process(target=send_batches, args=(order, start, results), daemon=True) for order in orders]
    for sender in senders:
        sender.start()
    try:
        start.wait(timeout=300)
    except BrokenBarrierError as error:
        raise BenchmarkFailed(results.get(timeout=10).error or "a sender did not get ready") from error
    before = Usage.of(server_pid)
    sent = [results.get(timeout=600) for _ in senders]
    after = Usage.of(server_pid)
    for sender in senders:
        sender.join(timeout=10)
    if errors := [each.error for each in sent if each.error]:
        raise BenchmarkFailed(errors[0])
    elapsed = max(each.ended for each in sent) - min(each.began for each in sent)
    return sent, Usage(after.cpu_seconds - before.cpu_seconds, after.resident_bytes), elapsed


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that ``share`` of the ordered values do not exceed (nearest rank)."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
