"""Batches as an agent makes them, and a process that signs and sends them one after another."""

import gzip
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from agent.client import batch_client, send
from agent.documents import active_consent
from agent.http_signature import RequestSigner
from agent.paths import AgentPaths
from consent.catalogue import TABLES
from consent.chain import ActiveConsent
from consent.wire import BATCH_TAG, BATCHES_PATH, MEDIA_TYPE, Batch, Columns, Value
from tests.benchmarks.processes import BenchmarkFailed

#: Bodies differ in their times; so many have values of their own.
_TEMPLATES = 8
_WARM_UP = 2
_GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Shape:
    """A machine with so many cores and disks that sends ``seconds`` seconds of samples at 1 s in one batch."""

    name: str
    cores: int
    disks: int
    seconds: int

    @property
    def rows(self) -> int:
        """Rows of a batch: per second one per core, one per disk and one of memory."""
        return self.seconds * (self.cores + self.disks + 1)

    @property
    def values(self) -> int:
        """Values of a batch, times included."""
        width = {name: len(table.wire_columns) for name, table in TABLES.items()}
        return self.seconds * (self.cores * width["cpu"] + self.disks * width["disk"] + width["memory"])


SMALL = Shape("130 rows", cores=8, disks=4, seconds=10)
LARGE = Shape("10,000 rows", cores=46, disks=3, seconds=200)


@dataclass(slots=True)
class Sent:
    """What one sender did. Times in seconds of the monotonic clock, which all processes of a machine share."""

    began: float = 0.0
    ended: float = 0.0
    acks: list[float] = field(default_factory=list)
    signing: list[float] = field(default_factory=list)
    body_bytes: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a sender is to do: whose consent, which batches, for how long at most."""

    environment: dict[str, str]
    shape: Shape
    batches: int
    seconds: float
    newest_ms: int


def send_batches(order: Order, start: Barrier, results: "Queue[Sent]") -> None:
    """Run in a process of its own: prepare the bodies, wait for the others, sign and send until the time is up."""
    sent = Sent()
    try:
        consent = active_consent(AgentPaths.from_environment(order.environment), _now_ms())
        bodies = list(pack(consent, order.shape, order.batches + _WARM_UP, order.newest_ms))
        with Line(consent) as line:
            for body in bodies[:_WARM_UP]:
                line.post(body)
            start.wait(timeout=300)
            sent.began = time.monotonic()
            for body in bodies[_WARM_UP:]:
                signing, acknowledged = line.post(body)
                sent.signing.append(signing)
                sent.acks.append(acknowledged)
                sent.body_bytes += len(body)
                if time.monotonic() - sent.began > order.seconds:
                    break
            sent.ended = time.monotonic()
    except BenchmarkFailed as error:
        sent.error = str(error)
        start.abort()
    results.put(sent)


class Line:
    """A kept-alive connection to the server."""

    def __init__(self, consent: ActiveConsent) -> None:
        self._client = batch_client(consent, timeout_seconds=60)
        self._signer = RequestSigner(consent, BATCH_TAG, _now_ms)

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(self, body: bytes) -> tuple[float, float]:
        """Seconds for signing, and from there to the ack of durable rows. Raises BenchmarkFailed."""
        headers = {"Content-Type": MEDIA_TYPE, "Content-Encoding": "gzip"}
        request = self._client.build_request("POST", BATCHES_PATH, content=body, headers=headers)
        began = time.monotonic()
        self._signer.sign(request, body)
        signed = time.monotonic()
        answer = send(self._client, request)
        if answer.status != 201:
            raise BenchmarkFailed(f"a batch was answered with {answer.status}: {answer.body[:300]!r}")
        return signed - began, time.monotonic() - signed


def pack(consent: ActiveConsent, shape: Shape, count: int, newest_ms: int, first: int = 0) -> Iterator[bytes]:
    """``count`` gzip bodies, one after another in time up to ``newest_ms``, numbered from ``first``."""
    randomness = random.Random(1)
    templates = [_tables(shape, randomness) for _ in range(min(_TEMPLATES, count))]
    for sequence in range(count):
        start_ms = newest_ms - (count - sequence) * shape.seconds * 1000
        tables = {
            name: {**columns, "time": [start_ms + 1000 * second for second in columns["time"]]}  # type: ignore[operator]
            for name, columns in templates[sequence % len(templates)].items()
        }
        batch = Batch(consent.instance_id, consent.record_id, first + sequence, tables)
        yield gzip.compress(batch.to_json(), _GZIP_LEVEL, mtime=0)


def _tables(shape: Shape, randomness: random.Random) -> Mapping[str, Columns]:
    """Values that wander as those of a machine do; ``time`` counts seconds from 0."""
    made: dict[str, dict[str, list[Value]]] = {
        name: {column.name: [] for column in table.wire_columns} for name, table in TABLES.items()
    }

    def add(table: str, *row: Value) -> None:
        for values, value in zip(made[table].values(), row, strict=True):
            values.append(value)

    total = 16 * 2**30
    busy, used = [0.3] * shape.cores, total // 3
    for second in range(shape.seconds):
        for core in range(shape.cores):
            busy[core] = min(1.0, max(0.0, busy[core] + randomness.uniform(-0.1, 0.1)))
            user, system = round(busy[core] * 0.7, 4), round(busy[core] * 0.3, 4)
            add("cpu", second, core, user, system, 0.0, 0.0, 0.0, 0.0, round(1 - user - system, 4))
        used = min(total, max(0, used + randomness.randrange(-(2**24), 2**24)))
        add("memory", second, total, total - used, used, 2**30, 0)
        for disk in range(shape.disks):
            read, written = round(randomness.expovariate(1e-6), 1), round(randomness.expovariate(1e-6), 1)
            add("disk", second, f"nvme{disk}n1", read, written, read // 4096, written // 4096, randomness.random())
    return made


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
