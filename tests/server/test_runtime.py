"""One process per data directory, and what opening one asks for."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from consent.catalogue import TABLES
from consent.wire import Columns
from server.config import load_config
from server.errors import AlreadyRunning, ConfigError, ServerError
from server.lock import Lock
from server.runtime import open_runtime
from server.store.protocol import StoredBatch
from tests.server.batches import INSTANCE, NOW_MS
from tests.server.installation import Clock, initialise, open_installation

HOLD = """
import sys, time
from pathlib import Path
from server.lock import Lock
lock = Lock.acquire(Path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An installation."""
    initialise(tmp_path / "server")
    return tmp_path / "server"


def test_the_second_process_is_told_where_the_first_answers(tmp_path: Path) -> None:
    path = tmp_path / "server.lock"
    command = [sys.executable, "-c", HOLD, str(path), "http://127.0.0.1:9"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == "held\n"
            with pytest.raises(AlreadyRunning, match="in use by a server on http://127.0.0.1:9") as caught:
                Lock.acquire(path)
            assert caught.value.base_url == "http://127.0.0.1:9"
        finally:
            holder.send_signal(signal.SIGKILL)
    Lock.acquire(path).release()  # the system let go of it


def test_what_an_earlier_holder_wrote_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "server.lock"
    Lock.acquire(path, "http://127.0.0.1:9").release()
    with Lock.acquire(path), pytest.raises(AlreadyRunning, match="another command") as caught:
        Lock.acquire(path)
    assert caught.value.base_url == ""


def test_the_lock_is_not_taken_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "server.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot be opened"):
        Lock.acquire(tmp_path / "server.lock")
    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_closing_twice_is_once_and_lets_go(data_dir: Path) -> None:
    runtime = open_installation(data_dir, Clock())
    with pytest.raises(AlreadyRunning):
        open_runtime(runtime.config)
    runtime.close()
    runtime.close()
    open_installation(data_dir, Clock()).close()


def test_what_was_to_stop_first_stops_first(data_dir: Path) -> None:
    runtime = open_installation(data_dir, Clock())
    seen: list[dict[str, int]] = []
    runtime.before_close(lambda: seen.append(dict(runtime.store.counts())))
    runtime.close()
    assert len(seen) == 1


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_key_that_others_can_read_is_refused_with_the_remedy(data_dir: Path) -> None:
    (data_dir / "operator-key.pem").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        open_runtime(load_config(data_dir, {}))


@pytest.mark.parametrize("name", ["operator-key.pem", "key-encryption.key"])
def test_a_missing_key_is_named_and_the_lock_is_free_again(data_dir: Path, name: str) -> None:
    content = (data_dir / name).read_bytes()
    (data_dir / name).unlink()
    with pytest.raises(ConfigError, match=f"{name} is missing"):
        open_runtime(load_config(data_dir, {}))
    (data_dir / name).write_bytes(content)
    (data_dir / name).chmod(0o600)
    open_runtime(load_config(data_dir, {})).close()


def test_a_damaged_key_encryption_key_is_refused(data_dir: Path) -> None:
    (data_dir / "key-encryption.key").write_bytes(b"short")
    with pytest.raises(ServerError, match="damaged"):
        open_runtime(load_config(data_dir, {}))


def test_leftovers_of_a_killed_process_are_gone(data_dir: Path) -> None:
    (data_dir / "config.toml.tmp").write_text("half")
    open_installation(data_dir, Clock()).close()
    assert not (data_dir / "config.toml.tmp").exists()


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
def test_a_directory_that_others_can_write_to_is_refused(data_dir: Path) -> None:
    data_dir.chmod(0o720)
    with pytest.raises(ConfigError, match="chmod go-w"):
        open_runtime(load_config(data_dir, {}))
    data_dir.chmod(0o700)
    open_runtime(load_config(data_dir, {})).close()


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
def test_no_file_can_be_read_by_others(data_dir: Path) -> None:
    columns: Columns = {name: [1] for name in ("time", *(column.name for column in TABLES["memory"].columns))}
    before = os.umask(0)
    try:
        with open_installation(data_dir, Clock()) as runtime:
            runtime.store.append([StoredBatch(INSTANCE, 1, b"digest", {"memory": {**columns, "time": [NOW_MS]}})])
            files = [path for path in data_dir.rglob("*") if path.is_file() and path.name != "config.toml"]
            assert any(path.suffix == ".duckdb" for path in files)
            assert not [path for path in files if path.stat().st_mode & 0o077]
    finally:
        os.umask(before)
