"""The way to kdb+ up to the wire: checking and encoding batches, and sending them to a sink in another process.

The sink takes bytes and answers each message with the same few: no engine of anybody is measured here. The licence of
KX's engine forbids to publish its timing; run your own with ``sysmetric-server kdb check``.
"""

import hashlib
import multiprocessing
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np

from consent.catalogue import TABLES, Kind, Table
from consent.wire import Columns
from server.store.kdb_columns import batch_argument, encode_call, pykx
from server.store.kdb_connection import RESPONSE, Connection, Login, address_of
from server.store.protocol import StoredBatch

#: (name, seconds of samples in a batch, cores, disks): an agent's ordinary batch, and one after an outage.
SHAPES = (("small", 5, 8, 2), ("large", 600, 8, 2))
BATCHES_PER_CALL = (1, 10, 100)
MOST_ROWS = 200_000
#: The long 0 as a reply.
_REPLY = struct.pack("<BBHIbq", 1, RESPONSE, 0, 17, -7, 0)


@dataclass(frozen=True, slots=True)
class KdbWireResult:
    """One cell of the table. Times per batch; the rate is of encoding and sending one after the other."""

    batch: str
    rows: int
    batches_per_call: int
    call_kb: float
    encode_ms: float
    send_ms: float
    rows_per_second: float


def measure(seconds: float) -> Iterator[KdbWireResult]:
    """Every combination that is not too large, each for at most ``seconds``."""
    pykx()
    with _sink() as port, closing(Connection(address_of(f"kdb://127.0.0.1:{port}"), Login(Path("no-login")))) as wire:
        for name, duration, cores, disks in SHAPES:
            batches = [_batch(number, duration, cores, disks) for number in range(max(BATCHES_PER_CALL))]
            for count in BATCHES_PER_CALL:
                if count * sum(batches[0].rows.values()) <= MOST_ROWS:
                    yield _cell(name, batches[:count], wire, seconds)


def _cell(name: str, batches: list[StoredBatch], wire: Connection, seconds: float) -> KdbWireResult:
    encode, send, calls, size = 0.0, 0.0, 0, 0
    until = time.perf_counter() + seconds
    while not calls or time.perf_counter() < until:
        begun = time.perf_counter()
        message = encode_call(".smp.upd", [batch_argument(batch) for batch in batches])
        encoded = time.perf_counter()
        wire.call(message, 60.0)
        encode, send = encode + encoded - begun, send + time.perf_counter() - encoded
        calls, size = calls + 1, len(message)
    rows, done = sum(batches[0].rows.values()), calls * len(batches)
    return KdbWireResult(
        name,
        rows,
        len(batches),
        round(size / 1000, 1),
        round(encode / done * 1000, 3),
        round(send / done * 1000, 3),
        round(done * rows / (encode + send)),
    )


def _batch(number: int, duration: int, cores: int, disks: int) -> StoredBatch:
    parts = {"cpu": [*range(cores)], "memory": [0], "disk": [f"sd{chr(97 + disk)}" for disk in range(disks)]}
    tables = {name: _columns(table, duration, parts[name]) for name, table in TABLES.items()}
    return StoredBatch(str(UUID(int=number + 1)), number, hashlib.sha256(b"%d" % number).digest(), tables)


def _columns(table: Table, duration: int, parts: list[int] | list[str]) -> Columns:
    random, rows = np.random.default_rng(1), duration * len(parts)
    columns: dict[str, list[int] | list[float] | list[str]] = {}
    for column in table.wire_columns:
        if column.kind is Kind.TIME:
            columns[column.name] = [1_780_000_000_000 + 1000 * row for row in range(duration) for _ in parts]
        elif column is table.part:
            columns[column.name] = [*parts] * duration
        elif column.kind is Kind.FLOAT:
            columns[column.name] = random.random(rows).tolist()
        else:
            columns[column.name] = random.integers(0, 2**40, rows).tolist()
    return columns


@contextmanager
def _sink() -> Iterator[int]:
    context = multiprocessing.get_context("spawn")
    listener = socket.create_server(("127.0.0.1", 0))
    process = context.Process(target=_swallow, args=(listener,), daemon=True)
    process.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        process.terminate()
        process.join()


def _swallow(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while not connection.recv(1024).endswith(b"\0"):
        pass
    connection.sendall(b"\x03")
    buffer = bytearray(1 << 20)
    while header := connection.recv(8, socket.MSG_WAITALL):
        left = int.from_bytes(header[4:8], "little") - 8
        while left:
            left -= connection.recv_into(buffer, min(left, len(buffer)))
        connection.sendall(_REPLY)
