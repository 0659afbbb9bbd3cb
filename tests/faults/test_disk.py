"""A disk that is full, read-only, missing or somebody else's: clear words, nothing corrupted, and it goes on by itself
once there is room again. The disks are small tmpfs mounts, which only root may make."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from server.clock import clock_ms
from server.config import load_config
from server.runtime import open_runtime
from tests.e2e.conftest import Operator, Volunteer
from tests.faults.installation import site
from tests.processes import BIN, clean_environment, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None,
        reason="mounting a small disk needs root",
    ),
]


@contextmanager
def small_disk(directory: Path, mebibytes: float) -> Iterator[Path]:
    """A file system of this size."""
    directory.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={int(mebibytes * 1024)}k,mode=0700", "tmpfs", directory],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


@contextmanager
def filled(directory: Path) -> Iterator[None]:
    """For the block, not a byte is free there."""
    path = directory / "filler"
    with path.open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(64 * 1024))
    with path.open("ab", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"\0")
    try:
        yield
    finally:
        path.unlink()


def test_a_server_whose_disk_fills_says_507_and_recovers_by_itself(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 48) as disk, site(disk, 1) as (server, (volunteer,)):
        server.start()
        server.await_ready()
        began = clock_ms()
        with httpx.Client(base_url=server.url, timeout=20, trust_env=False) as http:

            def post(sequence: int) -> httpx.Response:
                body = volunteer.batch(sequence, first_ms=began - 60_000 * sequence, samples=50)
                headers = volunteer.headers(body, authority=f"127.0.0.1:{server.port}")
                return http.post("/api/v1/batches", content=body, headers=headers)

            assert post(1).status_code == 201
            with filled(disk):
                refused = [post(sequence) for sequence in (2, 3)]
                assert {answer.status_code for answer in refused} <= {507, 503}, [answer.text for answer in refused]
                assert refused[-1].status_code == 507 and "retry-after" in refused[-1].headers
                assert refused[-1].json()["type"] == "storage-full"
                assert http.get("/healthz").status_code == 200
                assert http.get("/readyz").status_code == 503
                assert http.get("/").status_code == 200, "what is there can be looked at"
            until("a batch is taken again", lambda: post(2).status_code == 201, 30)
            assert post(3).status_code == 201
            assert post(1).status_code == 200, "what was stored before is known"
        assert server.stop() == 0
        assert "Traceback" not in server.log.read_text()
        with open_runtime(load_config(server.data_dir, {}), now_ms=clock_ms) as runtime:
            assert runtime.store.counts()["memory"] == 3 * 50


def test_an_agent_whose_disk_is_full_says_so_and_goes_on(
    operator: Operator, volunteer: Volunteer, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "agent-disk", 1) as disk:
        volunteer.environment["SYSMETRIC_DATA_DIR"] = str(disk / "agent")
        volunteer.enrol(operator.enrolment_url)
        with filled(disk):
            agent = volunteer.run()
            assert agent.wait(timeout=30) == 1, "without a number that is safe on disk nothing may be sent"
            assert "full" in volunteer.log() and len(volunteer.log().strip().splitlines()) == 1
        agent = volunteer.run("--batch", "1")
        until("batches arrive", lambda: (volunteer.call("status").get("batches_sent") or 0) >= 1, 60)
        operator.stop()
        with filled(disk):
            until("it tells", lambda: volunteer.log().count("full") >= 2 or agent.poll() is not None, 60)
            assert agent.poll() is None and "Traceback" not in volunteer.log(), volunteer.log()
        operator.run()
        until("batches arrive again", lambda: (volunteer.call("status").get("batches_sent") or 0) >= 4, 90)
        agent.terminate()
        assert agent.wait(timeout=30) == 0


def run_server(data_dir: Path) -> subprocess.CompletedProcess[str]:
    """``sysmetric-server run``, which is expected to refuse."""
    return subprocess.run(
        [BIN / "sysmetric-server", "run", "--listen", "127.0.0.1:1"],
        env=clean_environment(SYSMETRIC_SERVER_DATA_DIR=str(data_dir)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit 1 and one line that has these words."""
    assert done.returncode == 1, done
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_a_directory_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    one_sentence(run_server(tmp_path / "nowhere"), str(tmp_path / "nowhere"), "init")


def test_a_read_only_directory_is_one_sentence(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 48) as disk, site(disk, 1) as (server, _):
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        one_sentence(run_server(server.data_dir), str(server.data_dir))


def test_a_directory_of_somebody_else_is_one_sentence(tmp_path: Path) -> None:
    with site(tmp_path / "site", 1) as (server, _):
        os.chown(server.data_dir, 65534, 65534)
        one_sentence(run_server(server.data_dir), str(server.data_dir), "belongs to another user", "sudo -u")
