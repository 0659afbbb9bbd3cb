"""``sysmetric-server kdb`` and ``migrate``, against a double that executes no q."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import server
from server.clock import clock_ms
from server.config import load_config
from server.runtime import open_runtime
from server.store.kdb_connection import Address
from server.store.kdb_check import _transport
from tests.server.command_line import CommandLine
from tests.store.q_server import QServer
from tests.store.samples import batch, cpu, new_instance


@pytest.fixture(name="q")
def _q() -> Iterator[QServer]:
    with QServer("secret") as double:
        double.now_ms = clock_ms
        yield double


@pytest.fixture(name="login")
def _login(cli: CommandLine) -> Path:
    path = cli.data_dir / "kdb-credentials"
    path.write_text("ingest:secret\n")
    path.chmod(0o600)
    return path


def findings(said: object) -> dict[str, tuple[bool, str, str]]:
    found: dict[str, tuple[bool, str, str]] = {}
    for one in said["findings"]:  # type: ignore[index]  # JSON
        found[one["name"]] = one["ok"], one["found"], one["next_step"]
    return found


def test_the_check_tells_everything(cli: CommandLine, q: QServer, login: Path) -> None:
    said = cli("kdb", "check", "--store", q.url, "--json")
    assert said.code == 0 and said.json["ok"] is True
    found = findings(said.json)
    assert list(found) == [
        "client",
        "login",
        "transport",
        "connection",
        "engine",
        "tables",
        "permissions",
        "clock",
        "round trip",
        "log",
        "memory",
    ]
    assert found["engine"][1] == "4.1 of 2025-02-18 on l64; KX's engine"
    assert found["tables"][1] == "cpu pghfffffff, memory pgjjjjj, disk pgsfffff"
    assert found["log"][1].endswith("1 days on disk, 2026-06-09 to 2026-06-09")
    assert "secret" not in said.out + said.err and str(login) in found["login"][1]


def test_the_check_reads_well_and_takes_the_store_of_the_settings(
    cli: CommandLine, q: QServer, login: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSMETRIC_SERVER_STORE", q.url)
    said = cli("kdb", "check")
    assert (said.code, said.err) == (0, "") and login.exists()
    assert f"ok  connection   {q.url}" in said.out


def test_an_interpreter_is_not_said_to_be_kx(cli: CommandLine, q: QServer, login: Path) -> None:
    q.release = 0.78
    found = findings(cli("kdb", "check", "--store", q.url, "--json").json)
    assert found["engine"][1].endswith("not KX's engine: an interpreter of somebody else") and login.exists()


@pytest.mark.parametrize(
    ("trouble", "name", "words", "step"),
    [
        ("columns", "tables", "cpu.core is j, not h", "kdb scripts --to"),
        ("clock", "clock", "ms against this machine", "NTP"),
        ("functions", "permissions", "may not call .smp.erase", "access.q"),
        ("code", "kdb+", "refuses: nyi", "kdb scripts --to"),
        ("login", "kdb+", "refuses the login in", "kdb check again"),
    ],
)
def test_each_failure_names_the_next_step(
    cli: CommandLine, q: QServer, login: Path, trouble: str, name: str, words: str, step: str
) -> None:
    if trouble == "columns":
        q.columns = [(*row[:2], "j") if row[1] == "core" else row for row in q.columns]
    elif trouble == "clock":
        q.now_ms = lambda: clock_ms() - 60_000
    elif trouble == "functions":
        q.allowed.remove(".smp.erase")
    elif trouble == "code":
        q.next_reply = ["error:nyi"]
    else:
        login.write_text("ingest:wrong")
    said = cli("kdb", "check", "--store", q.url)
    assert said.code == 1
    assert f"NO  {name} " in said.out and words in said.out
    assert step in said.err and said.err.startswith(f"{name}: ")


def test_nobody_there_and_no_kdb_at_all(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    said = cli("kdb", "check", "--store", f"kdb://127.0.0.1:{port}")
    assert said.code == 1 and "does not answer: Connection refused; start kdb+ there" in said.out
    said = cli("kdb", "check")
    assert (said.code, said.out) == (1, "") and "--store kdb://host:port" in said.err


def test_an_open_transport_is_a_warning_and_the_rest_is_checked(
    cli: CommandLine, q: QServer, login: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not _transport(Address("10.0.0.5", 5010, True)).next_step
    assert not _transport(Address("localhost", 5010, False)).next_step
    monkeypatch.setattr("server.store.kdb_check.is_loopback", lambda _: False)
    said = cli("kdb", "check", "--store", q.url)
    assert said.code == 0 and login.exists()
    assert "!   transport    not encrypted" in said.out and "ok  tables " in said.out
    assert said.err.startswith("transport: use kdbs://")


def test_the_scripts_are_those_of_the_package(cli: CommandLine, tmp_path: Path) -> None:
    to = tmp_path / "q"
    said = cli("kdb", "scripts", "--to", str(to), "--json")
    packaged = {path.name: path.read_bytes() for path in (Path(server.__file__).parent / "kdb").iterdir()}
    written = {path.name: path.read_bytes() for path in to.iterdir()}
    assert said.json["files"] == sorted(written) and {"smp.q", "schema.q", "README.md"} <= set(written)
    assert all(packaged[name] == content for name, content in written.items())
    assert cli("kdb", "scripts", "--to", str(to)).code == 0
    (to / "schema.q").write_text("mine")
    said = cli("kdb", "scripts", "--to", str(to))
    assert said.code == 1 and "other versions of schema.q; replace them with --force" in said.err
    assert (to / "schema.q").read_text() == "mine"
    assert cli("kdb", "scripts", "--to", str(to), "--force").code == 0
    assert (to / "schema.q").read_bytes() == packaged["schema.q"]


def test_samples_move_and_the_next_step_is_told(cli: CommandLine, q: QServer, login: Path) -> None:
    with open_runtime(load_config(cli.data_dir, {})) as runtime:
        runtime.store.append([batch(new_instance(), 1, cpu=cpu([clock_ms()], 4))])
    said = cli("migrate", "--from", "duckdb", "--to", q.url)
    assert (said.code, said.out) == (0, "moved: 4 cpu\n") and login.exists()
    assert f'store = "{q.url}" in {cli.data_dir / "config.toml"}' in said.err
    again = cli("migrate", "--from", "duckdb", "--to", q.url, "--json")
    assert again.json["already"]["cpu"] == 4 and again.json["rows"]["cpu"] == 0
    assert q.data.counts()["cpu"] == 4
    assert "store.migrated" in cli("audit", "list").out


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("duckdb", "duckdb", "name the same store"),
        ("duckdb", "kdb", "name the kdb+ as kdb://host:port"),
        ("sqlite", "duckdb", "'sqlite' must be duckdb or kdb://host:port"),
    ],
)
def test_stores_that_make_no_sense(cli: CommandLine, source: str, target: str, words: str) -> None:
    said = cli("migrate", "--from", source, "--to", target)
    assert said.code == 1 and words in said.err


def test_nothing_moves_while_a_server_runs(
    served: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], q: QServer
) -> None:
    said = CommandLine(served, monkeypatch, capsys)("migrate", "--from", "duckdb", "--to", q.url)
    assert said.code == 1 and "stop it first" in said.err
    assert not q.data.calls
