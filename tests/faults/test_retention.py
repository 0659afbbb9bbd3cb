"""Midnight under load: nothing that is older than the limit stays, nothing newer goes, the files shrink, and senders
and readers are served meanwhile. (A midnight that is killed in the middle: tests/server/test_end_of_day.py.)"""

import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from consent.wire import Ack
from server import end_of_day
from server.runtime import Runtime
from server.store.protocol import SeriesQuery, StoredBatch
from tests.server.batches import batch_document
from tests.server.installation import Clock, initialise, open_installation

HOUR_MS = 3_600_000
MIDNIGHT = round(datetime(2026, 6, 10, 22, tzinfo=UTC).timestamp() * 1000)  # in Warsaw
FLOOR = MIDNIGHT - 24 * HOUR_MS
SENDERS = 4


class Load:
    """Senders of late and of fresh samples, and a reader, until told to stop."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._stop = threading.Event()
        self.acknowledged: dict[str, list[int]] = defaultdict(list)
        self.failures: list[BaseException] = []
        instances = [str(uuid.UUID(int=number)) for number in range(1, SENDERS + 1)]
        self._threads = [threading.Thread(target=self._guarded, args=(self._send, name)) for name in instances]
        self._threads.append(threading.Thread(target=self._guarded, args=(self._read, instances[0])))
        self.under_way = threading.Event()

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _guarded(self, work: Callable[[str], None], instance: str) -> None:
        try:
            work(instance)
        except BaseException as error:  # pylint: disable=broad-exception-caught  # told by the test
            self.failures.append(error)

    def _send(self, instance: str) -> None:
        sequence = 0
        while not self._stop.is_set():
            sequence += 1
            # Late ones lie around the floor, where a mistake of one row would show; fresh ones after midnight.
            first_ms = FLOOR + (sequence % 7) * 10_000 if sequence % 2 else MIDNIGHT + sequence * 1000
            tables = batch_document(first_ms=first_ms, samples=3)
            batch = StoredBatch(
                instance,
                sequence,
                sequence.to_bytes(32, "big"),
                {name: tables[name] for name in ("cpu", "memory", "disk")},
            )
            (ack,) = self._runtime.store.append([batch])
            assert isinstance(ack, Ack)
            self.acknowledged[instance] += [first_ms + index * 1000 for index in range(3)]
            if sequence == 20:
                self.under_way.set()

    def _read(self, instance: str) -> None:
        while not self._stop.is_set():
            self._runtime.store.series(SeriesQuery(instance, "cpu", FLOOR - HOUR_MS, MIDNIGHT + HOUR_MS, 60_000))


def fill(runtime: Runtime) -> None:
    """The two days before: what is to go and what is to stay."""
    for sequence, first_ms in enumerate((FLOOR - 20 * HOUR_MS, FLOOR - 1000, FLOOR, FLOOR + 5 * HOUR_MS), start=1):
        tables = batch_document(first_ms=first_ms, samples=1 if first_ms == FLOOR - 1000 else 3000)
        columns = {name: tables[name] for name in ("cpu", "memory", "disk")}
        runtime.store.append([StoredBatch(str(uuid.UUID(int=99)), sequence, bytes(32), columns)])


def size_of(directory: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def test_midnight_under_load(tmp_path: Path) -> None:
    initialise(tmp_path / "server")
    clock = Clock(MIDNIGHT - 12 * HOUR_MS)
    with open_installation(tmp_path / "server", clock) as runtime:
        end_of_day.run_if_due(runtime.config, runtime.registry, runtime.store, clock())
        fill(runtime)
        before = size_of(tmp_path / "server" / "store")
        clock.now_ms = MIDNIGHT + 1
        with Load(runtime) as load:
            assert load.under_way.wait(timeout=60)
            done = end_of_day.run_if_due(runtime.config, runtime.registry, runtime.store, clock())
        assert not load.failures
        assert done is not None and done.rows["memory"] == 3001
        assert size_of(tmp_path / "server" / "store") < before
        old = [row["time"] for _, row in runtime.store.rows(str(uuid.UUID(int=99)))]
        assert min(int(str(time)) for time in old) == FLOOR, "a sample of exactly the limit stays"
        for instance, times in load.acknowledged.items():
            there = sorted(int(str(row["time"])) for table, row in runtime.store.rows(instance) if table == "memory")
            assert there == sorted(times), "what was acknowledged during the midnight is there, once"
