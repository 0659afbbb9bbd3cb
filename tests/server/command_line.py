"""``sysmetric-server`` as a person runs it: in this process, or as one of its own."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.cli import main

BIN = Path(sys.executable).parent / "sysmetric-server"
WHO = ("--name", "Test operator", "--address", "Street 1, Warsaw", "--contact", "privacy@example.org")


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


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """That of a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYSMETRIC")}
    return {**kept, "SYSMETRIC_SERVER_DATA_DIR": str(data_dir), **more}


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
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            if httpx.get(f"{url}/healthz", timeout=2, trust_env=False, verify=verify).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server did not answer within a minute")


@contextmanager
def running(data_dir: Path, url: str, *arguments: str, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """``sysmetric-server run`` until the block ends; its words are in ``run.log`` beside the data directory."""
    with (data_dir.parent / "run.log").open("ab") as log:
        process = subprocess.Popen(
            [BIN, "run", *arguments],
            env=environment(data_dir, **more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        until_healthy(url, process)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
