"""What is DuckDB's own: the files, the bytes in them, and what is left when a process or a disk gives up."""

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import duckdb
import pytest

from consent.wire import Ack, AckStatus
from server.errors import StoreError, StoreUnavailable
from server.store import reading, series
from server.store.duckdb import DuckDBStore
from server.store.protocol import SeriesQuery, StoredBatch
from tests.store.samples import NOON, WARSAW, Clock, at, batch, cpu, disk, memory, new_instance, seconds

ROOT = Path(__file__).parents[2]
MIDNIGHT = at("2026-06-10 00:00")


def opened(directory: Path, clock: Clock | None = None) -> DuckDBStore:
    """The store in ``directory``, with little memory."""
    return DuckDBStore(directory, WARSAW, clock or Clock(), memory_limit="128MB")


@pytest.fixture(name="directory")
def _directory(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture(name="store")
def _store(directory: Path) -> Iterator[DuckDBStore]:
    store = opened(directory)
    yield store
    store.close()


def partitions(directory: Path) -> list[str]:
    """The names of all files that hold samples, logs left out."""
    return sorted(path.name for path in directory.glob("*.duckdb*") if ".wal" not in path.name)


def traces(directory: Path, instance: str) -> list[str]:
    """Files in which the bytes of an instance id are: as text, as 16 bytes, and in the forms DuckDB keeps a UUID in."""
    raw = UUID(instance).bytes
    flipped = bytes([raw[0] ^ 0x80]) + raw[1:]  # DuckDB flips the top bit, for order
    forms = [instance.encode(), instance.replace("-", "").encode(), raw, raw[::-1], flipped, flipped[::-1]]
    # As the statistics of a column: the lower half in base 128.
    forms.append(base_128(int.from_bytes(raw[8:])))
    files = [path for path in directory.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if any(form in path.read_bytes() for form in forms))


def base_128(number: int) -> bytes:
    """Seven bits a byte, the lowest first (LEB128)."""
    groups = [number >> shift & 0x7F for shift in range(0, number.bit_length(), 7)]
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])


def many(instance: str, sequence: int, start_ms: int, count: int = 1500) -> StoredBatch:
    """A batch in all three tables."""
    times = seconds(start_ms, count)
    return batch(instance, sequence, cpu=cpu(times, 4), memory=memory(times), disk=disk(times, ["sda", "sdb"]))


def test_a_day_is_a_file(directory: Path, store: DuckDBStore) -> None:
    store.append([many(new_instance(), 1, MIDNIGHT - 5000, 10)])
    assert partitions(directory) == ["2026-06-09.1.duckdb", "2026-06-10.1.duckdb"]
    store.expire(MIDNIGHT)
    assert partitions(directory) == ["2026-06-10.1.duckdb"]
    store.expire(MIDNIGHT + 2000)
    assert partitions(directory) == ["2026-06-10.2.duckdb"]


def test_closing_leaves_no_log_behind(directory: Path, store: DuckDBStore) -> None:
    store.append([many(new_instance(), 1, NOON, 10)])
    assert list(directory.glob("*.wal"))
    store.close()
    store.close()
    assert not list(directory.glob("*.wal"))
    with pytest.raises(StoreUnavailable, match="closed"):
        store.counts()


@pytest.mark.parametrize("reopened", [False, True])
def test_an_erased_instance_is_in_no_byte_of_any_file(directory: Path, reopened: bool) -> None:
    clock, store = Clock(MIDNIGHT + 1), opened(directory)
    gone, stays = new_instance(), new_instance()
    for sequence, start in enumerate((MIDNIGHT - 86_400_000, MIDNIGHT - 5000, NOON)):
        store.append([many(gone, sequence, start), many(stays, sequence, start)])
    store.append([batch(gone, 3, cpu=cpu([NOON]))])  # in a log, not yet in a file
    assert traces(directory, gone)
    if reopened:
        store.close()
        store = opened(directory, clock)
        store.expire(MIDNIGHT - 86_400_000 + 1000)
    assert len(traces(directory, gone)) == len(traces(directory, stays)) == 2
    assert store.erase(gone, final=True)["cpu"] > 10_000
    assert traces(directory, gone) == []
    assert traces(directory, stays)
    store.close()
    assert traces(directory, gone) == []


def test_what_was_spilled_is_gone_with_the_query(directory: Path) -> None:
    store = DuckDBStore(directory, WARSAW, Clock(NOON + 86_400_000), memory_limit="32MB")
    gone = new_instance()
    for sequence in range(4):
        times = seconds(MIDNIGHT + sequence * 4_000_000, 4000)
        store.append([batch(gone, sequence, cpu=cpu(times, 12)), batch(new_instance(), 1, cpu=cpu(times, 12))])
    store.expire(MIDNIGHT)  # sorts in less memory than the rows take
    assert store.counts()["cpu"] == 384_000
    store.erase(gone, final=True)
    assert traces(directory, gone) == []
    store.close()


def test_a_second_process_is_told(directory: Path, store: DuckDBStore) -> None:
    store.append([many(new_instance(), 1, NOON, 10)])
    with pytest.raises(StoreUnavailable, match="in use by another process"):
        opened(directory)
    ran = child(directory, "print(store.counts())", check=False)
    assert "StoreUnavailable" in ran.stderr and "in use by another process" in ran.stderr
    assert store.counts()["memory"] == 10


def test_a_file_that_is_not_duckdbs_is_named(directory: Path) -> None:
    directory.mkdir()
    (directory / "2026-06-10.1.duckdb").write_bytes(b"something else" * 1000)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="2026-06-10.1.duckdb cannot be opened"):
            opened(directory)


def test_duckdb_has_no_way_out(store: DuckDBStore) -> None:
    connection = store._connection.cursor()
    for statement in ("SELECT * FROM read_text('/etc/hostname')", "ATTACH '/tmp/elsewhere.duckdb'", "LOAD httpfs"):
        with pytest.raises(duckdb.PermissionException):
            connection.execute(statement)
    with pytest.raises(duckdb.InvalidInputException, match="locked"):
        connection.execute("SET enable_external_access = true")


@pytest.mark.parametrize("limit", [20, 500])
def test_a_long_range_is_asked_for_in_pieces(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    instance = new_instance()
    store.append([many(instance, 1, MIDNIGHT - 10_000, 30)])
    queries = [
        SeriesQuery(instance, table, MIDNIGHT - 5000, MIDNIGHT + 20_000, 10_000, by_part)
        for table in ("cpu", "memory", "disk")
        for by_part in (False, True)
    ]
    whole = [store.series(query) for query in queries]
    monkeypatch.setattr(reading, "SHORT_MS", 0)
    monkeypatch.setattr(series, "PIECE_NUMBERS", limit)
    assert [store.series(query) for query in queries] == whole
    assert len(list(series.pieces(queries[1], [(0, 25), (1, 25)]))) == {20: 16, 500: 1}[limit]


def test_the_overview_from_files_is_the_one_from_batches(directory: Path, store: DuckDBStore) -> None:
    instance = new_instance()
    columns = {**cpu(seconds(NOON, 2), 3), "idle": [0.1, None, 0.2, 0.3, None, 0.7]}
    store.append([batch(instance, 1, cpu=columns, disk=disk([NOON], ["sda", "sdb"]), memory=memory([NOON]))])
    before = store.latest()
    assert before[0].cpu_busy == pytest.approx(0.5)
    store.close()
    again = opened(directory)
    assert again.latest() == before
    again.close()


def test_leftovers_are_removed_and_strangers_are_not(directory: Path, store: DuckDBStore) -> None:
    store.append([many(new_instance(), 1, NOON, 10)])
    store.close()
    whole = directory / "2026-06-10.1.duckdb"
    (directory / "2026-06-10.2.duckdb").write_bytes(whole.read_bytes())
    leftovers = ["2026-06-10.3.duckdb.new", "2026-06-10.3.duckdb.new.wal", "2026-06-11.1.duckdb.wal"]
    for name in (*leftovers, "notes.txt"):
        (directory / name).write_bytes(b"x")
    (directory / "spill").mkdir(exist_ok=True)
    (directory / "spill" / "duckdb_temp_1.tmp").write_bytes(b"x")
    again = opened(directory)
    assert again.counts()["memory"] == 10
    assert sorted(path.name for path in directory.rglob("*")) == ["2026-06-10.2.duckdb", "notes.txt", "store.lock"]
    again.close()


def test_a_day_that_cannot_be_written_takes_the_other_back(
    directory: Path, store: DuckDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = new_instance()
    store.append([many(instance, 1, MIDNIGHT - 60_000, 30), many(instance, 2, MIDNIGHT + 60_000, 30)])
    before = store.counts()
    insert = store._commit._insert

    def full(partition: object, shares: object) -> None:
        if "2026-06-10" in str(partition):
            raise duckdb.IOException("IO Error: No space left on device")
        insert(partition, shares)  # type: ignore[arg-type]

    crossing = many(instance, 3, MIDNIGHT - 5000, 10)
    with monkeypatch.context() as patch:
        patch.setattr(store._commit, "_insert", full)
        with pytest.raises(StoreError, match="full"):
            store.append([crossing])
    assert store.counts() == before
    assert store.append([crossing])[0].status is AckStatus.STORED  # type: ignore[union-attr]
    assert store.counts()["cpu"] == before["cpu"] + 40
    store.erase(instance, final=True)
    assert traces(directory, instance) == []


@pytest.mark.parametrize("given_up", [False, True])
def test_a_commit_that_failed_after_it_was_durable_counts(
    store: DuckDBStore, monkeypatch: pytest.MonkeyPatch, given_up: bool
) -> None:
    insert = store._commit._insert

    def late(partition: object, shares: object) -> None:
        insert(partition, shares)  # type: ignore[arg-type]
        raise duckdb.IOException("Checkpoint failed: No space left on device")

    one = many(new_instance(), 1, NOON, 10)
    with monkeypatch.context() as patch:
        patch.setattr(store._commit, "_insert", late)
        if given_up:
            patch.setattr(store._files, "is_usable", lambda partition: False)
        assert store.append([one])[0].status is AckStatus.STORED  # type: ignore[union-attr]
    assert store.append([one])[0].status is AckStatus.DUPLICATE  # type: ignore[union-attr]
    assert store.counts()["memory"] == 10


CHILD = """
import os, resource, signal, sys
from pathlib import Path
from tests.store.samples import NOON, WARSAW, Clock, at, batch, cpu, disk, memory, new_instance, seconds
from tests.store.test_duckdb import MIDNIGHT, many, opened
from server.errors import StorageFull
from server.store.partition import PartitionFiles

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

store = opened(Path(sys.argv[1]), Clock(NOON + 86_400_000))
"""


def child(directory: Path, script: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a script on the store in a process of its own."""
    command = [sys.executable, "-c", CHILD + textwrap.dedent(script), str(directory)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert not check or ran.returncode in (0, -signal.SIGKILL), ran.stderr
    return ran


GONE, STAYS = "11111111-2222-4333-8444-555555555555", "99999999-8888-4777-a666-555555555555"

#: Where to die while partitions are rewritten.
MOMENTS = {
    "when the copy is complete but not closed": """
fill = PartitionFiles._fill
PartitionFiles._fill = lambda *arguments: (fill(*arguments), die())
""",
    "before the rename": "os.replace = die",
    "after the rename": "PartitionFiles._sync_directory = die",
    "with both files open": "PartitionFiles.remove = die",
    "when the old file is gone and its log is not": """
unlink = Path.unlink
Path.unlink = lambda path, **rest: (unlink(path, **rest), die())
""",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_while_erasing(directory: Path, moment: str) -> None:
    stored = ", ".join(f'many("{instance}", 1, MIDNIGHT - 100_000, 200)' for instance in (GONE, STAYS))
    ran = child(directory, f'store.append([{stored}])\n{MOMENTS[moment]}\nstore.erase("{GONE}", final=True)')
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    store = opened(directory)
    assert store.counts() == {"cpu": 800, "memory": 200, "disk": 400}
    assert [summary.instance for summary in store.latest()] == [STAYS]
    assert store.erase(GONE, final=True) == {"cpu": 0, "memory": 0, "disk": 0}
    assert traces(directory, GONE) == []
    (again,) = store.append([many(STAYS, 1, MIDNIGHT - 100_000, 200)])
    assert isinstance(again, Ack) and again.status is AckStatus.DUPLICATE
    assert len(partitions(directory)) == 2
    store.close()


def test_killed_between_two_days(directory: Path) -> None:
    ran = child(
        directory,
        f"""
        write, days = store._commit._write_day, []
        store._commit._write_day = lambda day, shares: die() if days else (days.append(day), write(day, shares))
        store.append([many("{STAYS}", 1, MIDNIGHT - 5000, 10)])
        """,
    )
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    store = opened(directory)
    assert store.counts()["memory"] == 5
    one = many(STAYS, 1, MIDNIGHT - 5000, 10)
    for status in (AckStatus.STORED, AckStatus.DUPLICATE):
        assert store.append([one])[0].status is status  # type: ignore[union-attr]
        assert store.counts() == {"cpu": 40, "memory": 10, "disk": 20}
    store.close()


def test_killed_at_any_moment_nothing_acknowledged_is_lost(directory: Path) -> None:
    script = CHILD + textwrap.dedent(f"""
        for sequence in range(int(sys.argv[2]), 10_000):
            store.append([batch("{STAYS}", sequence, memory=memory([MIDNIGHT - 9000 + sequence * 10]))])
            print(sequence, flush=True)
            if sequence % 5 == 0:
                store.append([batch("{GONE}", sequence, memory=memory([MIDNIGHT]))])
                store.erase("{GONE}", final=False)
        """)
    acknowledged = -1
    for acks in (3, 17, 8):
        arguments = [sys.executable, "-c", script, str(directory), str(acknowledged + 1)]
        with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(acks):
                acknowledged = int(process.stdout.readline())
            process.kill()
            acknowledged = int(([str(acknowledged)] + process.stdout.read().split())[-1])
        store = opened(directory)
        rows = [row["time"] for name, row in store.rows(STAYS)]
        wanted = [MIDNIGHT - 9000 + sequence * 10 for sequence in range(acknowledged + 1)]
        assert rows[: len(wanted)] == wanted and len(rows) <= len(wanted) + 1  # one may be stored and not acknowledged
        store.erase(GONE, final=False)
        assert traces(directory, GONE) == []
        store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of file sizes to stand in for a full disk")
def test_a_full_disk_stores_all_or_nothing(directory: Path) -> None:
    ran = child(
        directory,
        f"""
        store.append([many("{STAYS}", 0, MIDNIGHT - 5000, 10)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
        stored, refused = 0, []
        for sequence in range(1, 30):
            try:
                store.append([many("{STAYS}", sequence, MIDNIGHT - 5000, 10)])
                stored += 1
            except StorageFull:
                refused.append(sequence)
        assert stored and refused, (stored, refused)
        assert store.counts()["memory"] == 10 * (stored + 1), (store.counts(), stored)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        statuses = [str(store.append([many("{STAYS}", n, MIDNIGHT - 5000, 10)])[0].status) for n in range(30)]
        assert statuses.count("stored") == len(refused), statuses
        assert store.counts()["memory"] == 300
        store.close()
        """,
    )
    assert ran.returncode == 0, ran.stderr
    store = opened(directory)
    assert store.counts()["memory"] == 300
    store.close()
