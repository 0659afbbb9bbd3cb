"""The kdb+ client in bad weather: lost replies, kdb+ away and back, logins, TLS, and what it does not load.

The other side is ``q_server``, which executes no q; the client and PyKX are the real ones.
"""

import importlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import numpy as np
import pytest

from numpy._core.multiarray import get_handler_name

from consent.wire import Ack, AckStatus
from server.errors import ConfigError, StorageFull, StoreError, StoreUnavailable
from server.store import kdb_columns, open_store
from server.store.kdb import KdbStore
from server.store.kdb_client import READERS
from server.store.kdb_connection import Backoff, Connection, Login, address_of
from server.store.protocol import SeriesQuery
from tests.certificates import certificate
from tests.server.installation import Clock as ServerClock
from tests.server.installation import Volunteer, initialise, open_installation
from tests.store.q_server import QServer
from tests.store.samples import NOON, WARSAW, Clock, batch, cpu, disk, memory, new_instance


class Seconds:
    """A monotonic clock that stands still until told otherwise."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="server")
def _server() -> Iterator[QServer]:
    with QServer() as server:
        yield server


@pytest.fixture(name="seconds")
def _seconds() -> Seconds:
    return Seconds()


@pytest.fixture(name="store")
def _store(server: QServer, seconds: Seconds, tmp_path: Path) -> Iterator[KdbStore]:
    login = Login(tmp_path / "kdb-credentials")
    backoff = Backoff(seconds, Random(1))
    store = KdbStore(address_of(server.url), login, Clock(), quick_seconds=2.0, backoff=backoff)
    server.data.calls.clear()
    yield store
    store.close()


def write_login(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def status(results: list[Ack | StoreError]) -> AckStatus:
    (result,) = results
    assert isinstance(result, Ack)
    return result.status


@pytest.mark.parametrize(
    ("fate", "wanted"),
    [("lose", AckStatus.DUPLICATE), ("halve", AckStatus.DUPLICATE), ("drop", AckStatus.STORED)],
)
def test_after_a_lost_reply_the_batch_is_there_once(
    store: KdbStore, server: QServer, fate: str, wanted: AckStatus
) -> None:
    one = batch(new_instance(), 1, cpu=cpu([NOON], 4))
    server.next_reply = [fate]
    assert status(store.append([one])) is wanted
    assert store.counts()["cpu"] == 4


def test_a_reply_that_is_lost_twice_is_for_the_agent_to_send_again(store: KdbStore, server: QServer) -> None:
    one = batch(new_instance(), 1, cpu=cpu([NOON]))
    server.next_reply = ["lose", "lose"]
    with pytest.raises(StoreUnavailable, match="ended the connection"):
        store.append([one])
    assert server.data.calls == ["upd", "upd"]
    assert status(store.append([one])) is AckStatus.DUPLICATE


def test_a_reply_that_does_not_come_is_waited_for_so_long_and_nothing_is_sent_again(
    server: QServer, tmp_path: Path
) -> None:
    store = KdbStore(address_of(server.url), Login(tmp_path / "none"), Clock(), quick_seconds=0.2)
    one = batch(new_instance(), 1, cpu=cpu([NOON]))
    server.next_reply = ["hang"]
    with pytest.raises(StoreUnavailable, match="did not reply within 0.2 s"):
        store.append([one])
    assert server.data.calls.count("upd") == 1
    assert status(store.append([one])) is AckStatus.DUPLICATE
    store.close()


@pytest.mark.parametrize("name", ["erase", "expire"])
def test_counts_of_an_erasure_are_never_those_of_a_second_time(store: KdbStore, server: QServer, name: str) -> None:
    instance = new_instance()
    store.append([batch(instance, 1, cpu=cpu([NOON]))])
    server.next_reply = ["lose"]
    with pytest.raises(StoreUnavailable):
        _ = store.erase(instance, final=True) if name == "erase" else store.expire(NOON + 1)
    assert server.data.calls.count(name) == 1
    assert sum(store.counts().values()) == 0


@pytest.mark.parametrize(
    ("fate", "words"),
    [("ask", "does not speak as kdb"), ("garbage", "cannot be read"), ("error:smp.type", "refuses: smp.type")],
)
def test_what_is_no_answer_is_refused(store: KdbStore, server: QServer, fate: str, words: str) -> None:
    server.next_reply = [fate]
    with pytest.raises(StoreUnavailable, match=words):
        store.counts()
    assert store.counts() == {"cpu": 0, "memory": 0, "disk": 0}


def test_a_message_nobody_asked_for_is_left_out(store: KdbStore, server: QServer) -> None:
    server.next_reply = ["async"]
    assert store.counts() == {"cpu": 0, "memory": 0, "disk": 0}


def test_a_compressed_answer_is_read(store: KdbStore, server: QServer) -> None:
    instance = new_instance()
    store.append([batch(instance, 1, memory=memory(range(NOON, NOON + 3000)))])
    server.next_reply = ["answer", "compress"]  # cpu has no rows; memory is next
    assert sum(1 for _ in store.rows(instance)) == 3000


@pytest.mark.parametrize("text", ["wsfull", "/data/5.log. OS reports: No space left on device"])
def test_a_full_kdb_is_a_full_storage(store: KdbStore, server: QServer, text: str) -> None:
    server.next_reply = [f"error:{text}"]
    with pytest.raises(StorageFull):
        store.append([batch(new_instance(), 1, cpu=cpu([NOON]))])


def test_a_user_without_rights_is_sent_to_the_check(store: KdbStore, server: QServer) -> None:
    server.next_reply = ["error:smp.access"]
    with pytest.raises(StoreUnavailable, match="sysmetric-server kdb check"):
        store.latest()


def test_kdb_goes_away_and_comes_back(store: KdbStore, server: QServer, seconds: Seconds) -> None:
    first, second = (batch(new_instance(), n, cpu=cpu([NOON])) for n in (1, 2))
    store.append([first])
    server.stop()
    with pytest.raises(StoreUnavailable, match="does not answer: Connection refused; start kdb"):
        store.append([second])
    with pytest.raises(StoreUnavailable, match="next attempt in"):
        store.append([second])
    server.start()
    with pytest.raises(StoreUnavailable, match="next attempt in"):
        store.counts()
    seconds.now += 15
    assert status(store.append([second])) is AckStatus.STORED
    assert status(store.append([first])) is AckStatus.DUPLICATE
    assert store.counts()["cpu"] == 2


def test_a_restart_between_two_calls_is_not_noticed(store: KdbStore, server: QServer) -> None:
    instance = new_instance()
    store.append([batch(instance, 1, cpu=cpu([NOON]))])
    server.restart()
    assert store.erase(instance, final=False)["cpu"] == 1


def test_the_attempts_come_further_apart(seconds: Seconds) -> None:
    backoff, waits = Backoff(seconds, Random(1)), []
    for _ in range(12):
        backoff.check()
        backoff.failed("away")
        begun = seconds.now
        while True:
            seconds.now += 0.01
            try:
                backoff.check()
            except StoreUnavailable:
                continue
            break
        waits.append(seconds.now - begun)
    assert 0.1 < waits[0] <= 0.26 and 7.5 <= waits[-1] <= 15.02
    backoff.worked()
    backoff.check()


def test_whatever_waits_goes_out_in_one_call(store: KdbStore, server: QServer) -> None:
    free = threading.Event()
    with ThreadPoolExecutor(9) as pool:
        blocked = pool.submit(store._client.change, free.wait)
        appends = [pool.submit(store.append, [batch(new_instance(), 1, cpu=cpu([NOON]))]) for _ in range(8)]
        while len(store._waiting) < 8:
            assert not blocked.done()
        free.set()
        assert [status(append.result()) for append in appends] == [AckStatus.STORED] * 8
    assert server.data.calls == ["upd"]


def test_the_connections_are_few_however_many_ask(store: KdbStore, server: QServer) -> None:
    with ThreadPoolExecutor(24) as pool:
        list(pool.map(lambda _: store.counts(), range(200)))
        list(pool.map(lambda n: store.append([batch(new_instance(), n, cpu=cpu([NOON]))]), range(100)))
    assert len(server.connections) <= READERS + 1


def test_other_threads_go_on_while_one_connects(tmp_path: Path) -> None:
    """PyKX's own connection would hold the GIL until its time is over, and nobody could let it go."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = address_of(f"kdb://127.0.0.1:{listener.getsockname()[1]}")
    with listener, ThreadPoolExecutor(1) as pool:
        connecting = pool.submit(Connection, address, Login(tmp_path / "none"), 20.0)
        silent, _ = listener.accept()
        silent.close()
        with pytest.raises(StoreUnavailable, match="refuses us without a login"):
            connecting.result(10)


def test_one_that_takes_the_connection_and_says_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = address_of(f"kdb://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(StoreUnavailable, match="does not answer: kdb. is busy, or something else"):
            Connection(address, Login(tmp_path / "none"), 0.2)


def test_nulls_and_numbers_come_back_as_they_were(store: KdbStore) -> None:
    instance, times = new_instance(), [NOON, NOON + 1]
    sent = {
        "cpu": {**cpu(times), "user": [None, 1e-300], "idle": [1.0, None]},
        "memory": {**memory(times), "swap_used_bytes": [2**53 - 1, 0], "available_bytes": [-1, -(2**40)]},
        "disk": {**disk([NOON], ["dysk główny", "a`b"]), "busy": [None, 1.0]},
    }
    store.append([batch(instance, 2**53 - 1, **sent)])
    found: dict[str, dict[str, list[object]]] = {}
    for name, row in store.rows(instance):
        for column, value in row.items():
            found.setdefault(name, {}).setdefault(column, []).append(value)
    sent["disk"] = {name: values[::-1] for name, values in sent["disk"].items()}  # in the order of their names
    assert found == sent
    series = store.series(SeriesQuery(instance, "disk", NOON, NOON + 1, 1, by_part=True))
    assert [(group.part, group.summary["busy"].mean) for group in series.groups] == [
        ("a`b", 1.0),
        ("dysk główny", None),
    ]


@pytest.mark.parametrize(
    ("tables", "path"),
    [
        ({"disk": disk([NOON], ["a\0b"])}, "disk.device"),
        ({"disk": disk([NOON], [""])}, "disk.device"),
        ({"disk": disk([NOON], ["\ud800"])}, "disk.device"),
        ({"memory": {**memory([NOON]), "used_bytes": [-(2**63)]}}, "memory.used_bytes"),
        ({"memory": memory([2**53 - 1])}, "time"),
    ],
)
def test_what_kdb_cannot_hold_is_refused_before_it_is_sent(
    store: KdbStore, server: QServer, tables: dict[str, object], path: str
) -> None:
    with pytest.raises(StoreError, match=f"^{path}: "):
        store.append([batch(new_instance(), 1, **tables)])  # type: ignore[arg-type]
    assert not server.data.calls


def test_other_tables_than_ours_are_refused_when_opening(server: QServer, tmp_path: Path) -> None:
    server.columns = [row for row in server.columns if row[1] != "busy"] + [
        ("disk", "colour", "s"),
        ("trade", "px", "f"),
    ]
    with pytest.raises(ConfigError, match=r"disk.busy, disk.colour\).* kdb scripts --to"):
        open_store(server.url, tmp_path / "store", WARSAW, Clock())


def test_opening_where_nobody_listens_names_the_next_step(server: QServer, tmp_path: Path) -> None:
    server.stop()
    with pytest.raises(StoreUnavailable, match=f"{server.url} does not answer: Connection refused; start kdb"):
        open_store(server.url, tmp_path / "store", WARSAW, Clock())


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("me:wrong", 0o600, "refuses the login in"),
        (None, 0o600, "refuses us without a login; put one in"),
        ("me:secret", 0o644, "chmod 600"),
        ("secret", 0o600, "one line, user:password"),
        ("me:secret\nyou:secret", 0o600, "one line, user:password"),
    ],
)
def test_a_login_that_does_not_work(tmp_path: Path, text: str | None, mode: int, words: str) -> None:
    path = tmp_path / "kdb-credentials"
    if text is not None:
        write_login(path, text, mode)
    with QServer("secret") as server, pytest.raises((StoreUnavailable, ConfigError), match=words) as caught:
        open_store(server.url, tmp_path / "store", WARSAW, Clock())
    assert "secret" not in str(caught.value) and "wrong" not in str(caught.value)


def test_a_login_file_that_was_named_has_to_be_there(server: QServer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="named is missing"):
        open_store(server.url, tmp_path, WARSAW, Clock(), tmp_path / "named", credentials_required=True)


def test_a_new_password_needs_no_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_login(tmp_path / "kdb-credentials", "me:first\n")
    with QServer("first") as server:
        store = open_store(server.url, tmp_path / "store", WARSAW, Clock())
        server.stop()
        server.context.password = "second"
        write_login(path, "me:second")
        server.start()
        assert store.counts()["cpu"] == 0
        store.close()
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("sysmetric")]
    assert not [line for line in ours if "first" in line or "second" in line]


@pytest.mark.parametrize(
    "url",
    ["kdb://me:secret@host:5010", "kdb://host", "kdb://host:99999", "kdb://host:5010/x", "kdb://host:5010?x", "kdb:"],
)
def test_an_address_is_a_host_and_a_port(url: str) -> None:
    with pytest.raises(ConfigError, match="kdb://host:port") as caught:
        address_of(url)
    assert "secret" not in str(caught.value)


def test_an_address_is_shown_as_it_is_written() -> None:
    assert [str(address_of(url)) for url in ("kdb://host:5010", "kdbs://[::1]:5010")] == [
        "kdb://host:5010",
        "kdbs://[::1]:5010",
    ]


@pytest.mark.parametrize(
    ("host", "trusted", "words"),
    [("127.0.0.1", True, ""), ("127.0.0.1", False, "not trusted"), ("other.example", True, "not trusted")],
)
def test_tls_checks_the_authority_and_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool, words: str
) -> None:
    context, authority = certificate(tmp_path, host)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    write_login(tmp_path / "kdb-credentials", "me:secret")
    with QServer("secret", tls=context) as server:
        url = server.url.replace("kdb:", "kdbs:")
        if words:
            with pytest.raises(StoreUnavailable, match=words):
                open_store(url, tmp_path / "store", WARSAW, Clock())
            return
        store = open_store(url, tmp_path / "store", WARSAW, Clock())
        assert status(store.append([batch(new_instance(), 1, cpu=cpu([NOON]))])) is AckStatus.STORED
        store.close()


def test_without_the_extra_one_sentence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigError, match=r"pip install 'sys-metric-pipeline\[kdb\]'"):
        kdb_columns.pykx.__wrapped__()


def test_each_store_loads_only_what_it_needs() -> None:
    asked = "import sys, server.store.{}; print([n for n in ('duckdb', 'pykx', 'pandas') if n in sys.modules])"
    for module, wanted in (("duckdb", "['duckdb']"), ("kdb", "[]")):
        command = [sys.executable, "-c", asked.format(module)]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == wanted


def test_numpy_keeps_its_own_memory() -> None:
    """PyKX would replace NumPy's allocator with one for a single thread; arrays here go from thread to thread."""
    kdb_columns.pykx()
    assert get_handler_name(np.zeros(8)) == get_handler_name() == "default_allocator"


def test_over_http_kdb_away_is_503_and_nothing_is_lost(tmp_path: Path, server: QServer) -> None:
    from server.app import create_app  # pylint: disable=import-outside-toplevel  # loads the whole server

    initialise(tmp_path / "data", store=server.url, enrolment="open")
    clock = ServerClock()
    with open_installation(tmp_path / "data", clock) as runtime:
        getattr(runtime.store, "_client")._backoff._longest = 0.0  # try again at once
        volunteer = Volunteer(create_app(runtime).test_client(), clock, runtime.thumbprint)
        volunteer.enrol(None)
        assert volunteer.send(volunteer.batch(1)).status_code == 201
        server.stop()
        lost = volunteer.batch(2)
        answer = volunteer.send(lost)
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
        assert answer.get_json()["type"] == "unavailable"
        server.start()
        assert volunteer.send(lost).status_code == 201
        server.next_reply = ["lose"]
        assert volunteer.send(volunteer.batch(3)).status_code == 200
        assert volunteer.send(volunteer.batch(3)).status_code == 200
        assert volunteer.http.get("/readyz").status_code in (200, 503)
        rows = [row for _, row in runtime.store.rows(volunteer.instance)]
        assert len(rows) == sum(runtime.store.counts().values()) > 0
        assert volunteer.check_erasure(volunteer.post_withdrawal().get_json()["erasure_receipt"])
        assert sum(runtime.store.counts().values()) == 0
