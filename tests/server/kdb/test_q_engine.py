"""The real .q files on a real engine, where there is one: what may be called, what is data, what a crash leaves.

What a store does is asked of the engine by ``tests/store/test_contract.py``; here is what only an engine can show.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from consent.catalogue import TABLES, Kind
from server.store.kdb_columns import LAST_MS, counts_of, encode_call, guids, plain_columns, pykx, timestamp
from server.store.protocol import StoredBatch
from tests.server.kdb.engine import RunningQ, find_q, running_q, why_not
from tests.store.samples import NOON, batch, cpu, disk, memory, seconds

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "an engine was found")

Q = Any
#: What a person might try, as text. Each would leave a file behind, end the process or answer with 42 if it were run.
HOSTILE = [
    'system"touch pwned"',
    '`:pwned 0: enlist "x"',
    "`;`:pwned set 1;`",
    '"; system "touch pwned"; "',
    "{`:pwned set x}1",
    "\\touch pwned",
    "exit 1",
    ".z.pg:{42}",
    "') OR 1=1 --",
    "hdel`:users",
    "sda\n\\\\",
    ".smp.upd",
    "żółw 🐢",
]


@contextmanager
def connected(engine: RunningQ, password: str | None = None) -> Iterator[Q]:
    """A connection of PyKX's own, so that anything at all can be sent."""
    secret = engine.password if password is None else password
    settings = {"username": engine.username, "password": secret, "no_ctx": True, "timeout": 20.0}
    connection = pykx().SyncQConnection(engine.host, engine.port, **settings)
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture(name="engine")
def _engine(tmp_path: Path) -> Iterator[RunningQ]:
    with running_q(tmp_path / "q") as engine:
        yield engine


@pytest.fixture(name="q")
def _q(engine: RunningQ) -> Iterator[Q]:
    with connected(engine) as connection:
        yield connection


def batch_argument(one: StoredBatch) -> dict[str, object]:
    """A batch as ``.smp.upd`` takes it, by way of pandas: another way than that of the server's own client."""
    import pandas as pd  # pylint: disable=import-outside-toplevel  # comes with the kdb extra only

    dtypes = {Kind.INT16: np.int16, Kind.INT64: np.int64, Kind.FLOAT: np.float64, Kind.SYMBOL: "str"}
    argument: dict[str, object] = {"instance": UUID(one.instance), "sequence": one.sequence, "digest": one.digest}
    for name, columns in one.tables.items():
        argument[name] = pd.DataFrame(
            {
                column.name: (
                    np.array(columns[column.name], dtype="datetime64[ms]").astype("datetime64[ns]")
                    if column.kind is Kind.TIME
                    else pd.Series(columns[column.name], dtype=dtypes[column.kind])
                )
                for column in TABLES[name].wire_columns
            }
        )
    return argument


def upload(q: Q, *batches: StoredBatch) -> list[str]:
    """Send batches; the status of each."""
    reply = plain_columns(q(".smp.upd", [batch_argument(one) for one in batches]))
    return reply["status"]


def files_with(directory: Path, needle: bytes) -> list[str]:
    """Files below ``directory`` that hold these bytes."""
    return [path.name for path in directory.rglob("*") if path.is_file() and needle in path.read_bytes()]


def test_which_engine_this_is(q: Q, capsys: pytest.CaptureFixture[str]) -> None:
    check = q(".smp.check", None).py()
    whose = "KX's" if check["release"] >= 3 else "not KX's: the files marked so were not executed"
    with capsys.disabled():
        print(f"\nq engine: {find_q()}, .z.K {check['release']} of {check['build']}, {whose}")
    assert check["user"] == "sysmetric" and ".smp.upd" in check["functions"]


@pytest.mark.parametrize("call", [*HOSTILE, "1+1", ".smp.counts[]", "cpu", "\\l smp.q"])
def test_text_is_never_run(q: Q, engine: RunningQ, tmp_path: Path, call: str) -> None:
    kx = pykx()
    # Alone, as the name of a function in text and as a symbol, and as what a listed name might be given to run.
    for message in ((call,), (call, None), (kx.toq(call), None), (".smp.counts", call), (".smp.counts", call.encode())):
        with pytest.raises(kx.QError, match="smp.(access|type)"):
            q(*message)
    q(call.encode(), None, wait=False)
    assert counts_of(q(".smp.counts", None)) == {"cpu": 0, "memory": 0, "disk": 0}
    assert not list(tmp_path.rglob("pwned*")) and not Path("pwned").exists()
    with connected(engine) as again:
        assert counts_of(again(".smp.counts", None))["cpu"] == 0


def test_a_name_is_taken_as_text_and_as_symbol(q: Q) -> None:
    kx = pykx()
    for name in (b".smp.cursor", ".smp.cursor"):
        assert q(kx.toq(name), None).py() > 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (".smp.rows", (b"not a guid", "cpu", timestamp(0), timestamp(1), 10)),
        (".smp.rows", (uuid4(), b"cpu", timestamp(0), timestamp(1), 10)),
        (".smp.rows", (uuid4(), "cpu", 0, timestamp(1), 10)),
        (".smp.rows", (uuid4(), "cpu", timestamp(0), timestamp(1))),
        (".smp.sparks", (b"not a guid", timestamp(0), timestamp(1), 10)),
        (".smp.sparks", ([b"system", b"exit 1"], timestamp(0), timestamp(1), 10)),
        (".smp.ledger", (b"system",)),
        (".smp.remember", (uuid4(), [b"exit 1"], [b"exit 1"], [b"exit 1"])),
        (".smp.times", (uuid4(), b"cpu", timestamp(0), timestamp(1))),
        (".smp.times", (b"exit 1", "cpu", timestamp(0), timestamp(1))),
        (".smp.erase", (b"' OR 1=1 --", True)),
        (".smp.erase", ([uuid4(), uuid4()], True)),
        (".smp.expire", (b"2026.01.01",)),
        (".smp.upd", (b"system",)),
        (".smp.counts", (1,)),
    ],
)
def test_arguments_of_another_type_are_refused(q: Q, name: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(pykx().QError, match="smp.type"):
        q(name, *arguments)


@pytest.mark.parametrize("table", [*HOSTILE, "gpu", "batches", ".smp.users", "users"])
def test_a_table_is_one_of_three(q: Q, tmp_path: Path, table: str) -> None:
    with pytest.raises(pykx().QError, match="smp.range"):
        q(".smp.rows", uuid4(), table, timestamp(0), timestamp(1), 10)
    with pytest.raises(pykx().QError, match="smp.range"):
        q(".smp.times", uuid4(), table, timestamp(0), timestamp(1000))
    with pytest.raises(pykx().QError, match="smp.range"):
        q(".smp.series", uuid4(), table, timestamp(0), timestamp(1000), 100, False)
    assert not list(tmp_path.rglob("pwned*"))


def test_what_comes_from_outside_arrives_as_data(q: Q, tmp_path: Path) -> None:
    instance = str(uuid4())
    assert upload(q, batch(instance, 1, disk=disk([NOON], HOSTILE))) == ["stored"]
    for _ in range(2):  # from memory, then from a partition
        rows = plain_columns(q(".smp.rows", UUID(instance), "disk", timestamp(0), timestamp(LAST_MS), 1000))
        assert sorted(rows["device"]) == sorted(HOSTILE)
        start, end = timestamp(NOON), timestamp(NOON + 1000)
        times = plain_columns(q(".smp.times", UUID(instance), "disk", start, end))
        assert sorted(times["device"]) == sorted(HOSTILE)
        series = plain_columns(q(".smp.series", UUID(instance), "disk", start, end, 1000, True))
        assert set(series["part"]) == set(HOSTILE)
        q(".smp.expire", timestamp(1))
    assert not list(tmp_path.rglob("pwned*"))


@pytest.mark.parametrize("key", ["gpu", *HOSTILE])
def test_a_batch_with_another_key_is_refused_whole(q: Q, key: str) -> None:
    instance = str(uuid4())
    argument = {**batch_argument(batch(instance, 1, cpu=cpu([NOON]))), key: b"system"}
    reply = plain_columns(q(".smp.upd", [argument, b"text", batch_argument(batch(instance, 2, cpu=cpu([NOON])))]))
    assert reply["status"] == ["refused", "refused", "stored"]
    assert counts_of(q(".smp.counts", None))["cpu"] == 1


def test_what_is_no_batch_takes_nothing_down_with_it(q: Q) -> None:
    import pandas as pd  # pylint: disable=import-outside-toplevel  # comes with the kdb extra only

    keyed = pd.DataFrame({"instance": [1], "sequence": [2]}).set_index("instance")
    for sequence, wrong in enumerate((keyed, {1: 2}, b"system", None, {"instance": uuid4(), "sequence": [1, 2]})):
        good = batch_argument(batch(str(uuid4()), sequence, cpu=cpu([NOON])))
        assert plain_columns(q(".smp.upd", [good, wrong]))["status"] == ["stored", "refused"]
        assert counts_of(q(".smp.counts", None))["cpu"] == sequence + 1


def test_a_range_that_is_none_is_refused(q: Q) -> None:
    some, ranges = guids([str(uuid4())]), ((0, NOON, 1), (NOON, 0, 1), (0, 1, 0), (0, 1, -1))
    for start, end, bucket in ranges:
        bounds = (timestamp(start), timestamp(end), bucket)
        with pytest.raises(pykx().QError, match="smp.range"):
            q(".smp.series", uuid4(), "cpu", *bounds, False)
        sparks = encode_call(".smp.sparks", some, *bounds)
        with pytest.raises(pykx().QError, match="smp.range"):
            q(*pykx().deserialize(sparks))
    with pytest.raises(pykx().QError, match="smp.range"):
        q(".smp.remember", uuid4(), np.array([-1]), np.array([timestamp(0)]), pykx().toq([uuid4()]))


def test_a_login_needs_the_secret(engine: RunningQ) -> None:
    for password in ("", "wrong", engine.password + "x", engine.password[:-1], '";system"x', "0x"):
        with pytest.raises(pykx().PyKXException, match="Auth"), connected(engine, password):
            pass
    other = RunningQ(engine.host, engine.port, "nobody", engine.password)
    with pytest.raises(pykx().PyKXException, match="Auth"), connected(other):
        pass


def test_the_web_side_of_q_is_shut(engine: RunningQ) -> None:
    with socket.create_connection((engine.host, engine.port), 10) as connection:
        connection.sendall(b"GET /?.smp.counts[] HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        connection.settimeout(10)
        answer = connection.recv(65536)
    assert b" 200 " not in answer.split(b"\r\n")[0] and b"cpu" not in answer


def test_erased_bytes_are_in_no_file(q: Q, tmp_path: Path) -> None:
    gone, stays = uuid4(), uuid4()
    for one, device in ((gone, "gone-disk"), (stays, "stays-disk")):
        assert upload(q, batch(str(one), 1, disk=disk(seconds(NOON, 3), [device]), memory=memory([NOON]))) == ["stored"]
    data = tmp_path / "q" / "data"
    for _ in range(2):  # in the log, then in partitions
        assert files_with(data, gone.bytes) and files_with(data, b"gone-disk")
        q(".smp.expire", timestamp(1))
    assert counts_of(q(".smp.erase", gone, False)) == {"cpu": 0, "memory": 1, "disk": 3}
    assert not files_with(data, gone.bytes) and not files_with(data, b"gone-disk")
    assert files_with(data, stays.bytes) and files_with(data, b"stays-disk")


def test_what_a_crash_leaves_is_cleared_away(tmp_path: Path) -> None:
    directory, instance = tmp_path / "q", str(uuid4())
    with running_q(directory) as engine, connected(engine) as q:
        upload(q, batch(instance, 1, cpu=cpu(seconds(NOON, 5))))
    unfinished = directory / "data" / "2" / "2026.06.10" / "cpu"
    unfinished.mkdir(parents=True)
    (unfinished / "idle").write_bytes(b"half")
    (directory / "data" / "2.log").write_bytes(b"half")
    with running_q(directory) as engine, connected(engine) as q:
        assert counts_of(q(".smp.counts", None))["cpu"] == 5
        assert upload(q, batch(instance, 1, cpu=cpu(seconds(NOON, 5)))) == ["duplicate"]
    assert sorted(path.name for path in (directory / "data").iterdir()) == ["1", "1.done", "1.log"]


def test_days_are_spread_over_disks(tmp_path: Path) -> None:
    disks, instance = [tmp_path / "disk0", tmp_path / "disk1"], uuid4()
    more = ("-disks", *map(str, disks))
    noons = [NOON - day * 86_400_000 for day in range(4)]
    with running_q(tmp_path / "q", *more) as engine, connected(engine) as q:
        upload(q, batch(str(instance), 1, disk=disk(noons)))
        q(".smp.expire", timestamp(1))
        assert [len(list(one.glob("2/2026.06.*/disk"))) for one in disks] == [2, 2]
        assert (tmp_path / "q/data/2/par.txt").read_text(encoding="ascii").split() == [f"{one}/2" for one in disks]
    with running_q(tmp_path / "q", *more) as engine, connected(engine) as q:
        rows = plain_columns(q(".smp.rows", instance, "disk", timestamp(noons[-1]), timestamp(LAST_MS), 10))
        assert rows["time"] == noons[-1:]
        assert counts_of(q(".smp.erase", instance, False))["disk"] == 4
    assert not [path for one in (*disks, tmp_path / "q" / "data") for path in files_with(one, instance.bytes)]


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "q" / "data"
    (data / "2026").mkdir(parents=True)
    (data / "2026" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(AssertionError, match="not empty"), running_q(tmp_path / "q"):
        pass
    assert (data / "2026" / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_a_log_that_cannot_be_written_stores_nothing_and_is_replaced(tmp_path: Path) -> None:
    directory, one = tmp_path / "q", batch(str(uuid4()), 1, cpu=cpu([NOON]))
    with running_q(directory) as engine, connected(engine) as q:
        if q(".smp.check", None).py()["release"] >= 3:
            pytest.skip("KX's engine holds the log open, so that it cannot be taken away like this")
        log = directory / "data" / "1.log"
        log.unlink()
        log.mkdir()
        with pytest.raises(pykx().QError):
            upload(q, one)
        assert counts_of(q(".smp.counts", None))["cpu"] == 0
        assert upload(q, one, one) == ["stored", "duplicate"]
    with running_q(directory) as engine, connected(engine) as q:
        assert upload(q, one) == ["duplicate"]
        assert counts_of(q(".smp.counts", None))["cpu"] == 1
