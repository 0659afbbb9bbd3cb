"""``flask --app server.app run`` finds the installation, or says in one sentence what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.app import create_app, room_for_batches
from server.config import DATA_DIR_VARIABLE
from tests.server.installation import Clock, initialise, open_installation


def flask(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "server.app", *arguments],
        env={**os.environ, DATA_DIR_VARIABLE: str(data_dir)},
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_batches_never_take_every_thread() -> None:
    assert [room_for_batches(threads) for threads in (1, 2, 16, 256)] == [1, 1, 14, 224]


def test_without_an_installation_it_says_how_to_make_one(tmp_path: Path) -> None:
    done = flask(tmp_path / "nothing", "run")
    assert done.returncode == 1
    assert "sysmetric-server init" in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_with_one_it_opens_it(tmp_path: Path) -> None:
    initialise(tmp_path / "server")
    open_installation(tmp_path / "server", Clock()).close()
    done = flask(tmp_path / "server", "routes")
    assert done.returncode == 0, done.stderr
    assert "/api/v1/batches" in done.stdout


def test_a_data_directory_in_use_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    initialise(tmp_path / "server")
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path / "server"))
    with open_installation(tmp_path / "server", Clock()):
        with pytest.raises(SystemExit) as caught:
            create_app()
    assert "in use" in str(caught.value)
