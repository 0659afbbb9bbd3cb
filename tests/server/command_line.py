"""``sysmetric-server`` as a person runs it: in this process, or as one of its own."""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.cli import main
from tests import processes

BIN = processes.BIN / "sysmetric-server"


@dataclass(frozen=True)
class Said:
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """Runs commands on one data directory, in this process."""

    data_dir: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Said:
        self.monkeypatch.setenv("SYSMETRIC_SERVER_DATA_DIR", str(self.data_dir))
        self.monkeypatch.setattr(sys, "argv", ["sysmetric-server", *arguments])
        self.capsys.readouterr()
        try:
            main()
            code: Any = 0
        except SystemExit as end:
            code = end.code or 0
        captured = self.capsys.readouterr()
        return Said(int(code), captured.out, captured.err)


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """That of a process of its own."""
    return processes.clean_environment(SYSMETRIC_SERVER_DATA_DIR=str(data_dir), **more)


def as_process(data_dir: Path, *arguments: str, **more: str) -> Said:
    """Run a command in a process of its own, without a terminal."""
    done = subprocess.run(
        [BIN, *arguments],
        env=environment(data_dir, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def until_healthy(url: str, process: "subprocess.Popen[bytes]", verify: ssl.SSLContext | bool = True) -> None:
    """Wait for the server to answer; fails when the process ends first or a minute is over."""

    def answers() -> bool:
        assert process.poll() is None, "the server ended"
        return processes.healthy(url, verify)

    processes.until("the server answers", answers, 60)


@contextmanager
def running(data_dir: Path, url: str, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """``sysmetric-server run`` until the block ends; its words are in ``run.log`` beside the data directory."""
    log = data_dir.parent / "run.log"
    with processes.running("sysmetric-server", "run", *arguments, env=environment(data_dir), log=log) as process:
        until_healthy(url, process)
        yield process
