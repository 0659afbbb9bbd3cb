"""Real processes for the end-to-end tests: an operator's server and a volunteer's agent, each in its own directory.

Everything listens on loopback, on a free port, and every process that a test starts is ended by its PID.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

BIN = Path(sys.executable).parent
SCREENSHOTS = Path(__file__).parent.parent.parent / "screenshots"
CHROMIUM = "/usr/bin/chromium"
#: Chromium as root in a closed network: nothing may be fetched in the background.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def until(what: str, ready: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The first true answer of ``ready``; fails naming ``what`` when the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ready()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


@dataclass
class Operator:
    """A server with its data directory; ``run`` starts the production command."""

    directory: Path
    port: int
    environment: dict[str, str]
    enrolment_url: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data_dir(self) -> Path:
        return self.directory / "server"

    def call(self, *arguments: str, check: bool = True) -> Any:
        """What ``sysmetric-server ... --json`` prints."""
        done = subprocess.run(
            [BIN / "sysmetric-server", *arguments, "--json"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def init(self) -> None:
        made = self.call(
            *(
                "init",
                "--no-input",
                "--name",
                "Test operator",
                "--address",
                "Street 1, Warsaw",
                "--contact",
                "privacy@example.org",
            ),
            *("--origin", self.url, "--listen", f"127.0.0.1:{self.port}"),
        )
        self.enrolment_url = made["enrolment_url"]

    def run(self) -> None:
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with  # stop() ends it
                [BIN / "sysmetric-server", "run"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        until("the server answers", self.healthy)

    def healthy(self) -> bool:
        assert self.process is None or self.process.poll() is None, (self.directory / "server.log").read_text()
        try:
            return httpx.get(f"{self.url}/healthz", timeout=1, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)
        self.process = None


@dataclass
class Volunteer:
    """An agent with its directories."""

    directory: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def data_dir(self) -> Path:
        return self.directory / "agent"

    def sysmetric(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "sysmetric", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def call(self, *arguments: str) -> Any:
        done = self.sysmetric(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def enrol(self, url: str, *tables: str) -> None:
        """The unattended path, for tests that are about something else."""
        sha256 = self.call("consent", "notice", url)["sha256"]
        grants = [flag for table in tables or ("cpu", "memory", "disk") for flag in ("--grant", table)]
        done = self.sysmetric("consent", "give", url, "--accept-notice", sha256, *grants)
        assert done.returncode == 0, done.stderr

    def run(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.directory / "agent.log").open("ab") as log:
            process = subprocess.Popen(  # pylint: disable=consider-using-with  # the fixture ends it
                [BIN / "sysmetric", "run", *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def files(self) -> list[Path]:
        """Every file the agent has made anywhere."""
        return [
            path
            for name in ("agent", "config", "runtime")
            for path in (self.directory / name).rglob("*")
            if path.is_file()
        ]


def _environment(**names: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYSMETRIC", "DO_NOT_TRACK"))}
    return {**kept, "LANG": "C.UTF-8", "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", **names}


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """A server that is set up and running."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    directory = tmp_path / "operator"
    directory.mkdir()
    made = Operator(directory, port, _environment(SYSMETRIC_SERVER_DATA_DIR=str(directory / "server")))
    made.init()
    made.run()
    yield made
    made.stop()


@pytest.fixture
def volunteer(tmp_path: Path) -> Iterator[Volunteer]:
    """An agent that has not been asked yet."""
    directory = tmp_path / "volunteer"
    directory.mkdir()
    environment = _environment(
        HOME=str(directory),
        SYSMETRIC_DATA_DIR=str(directory / "agent"),
        SYSMETRIC_CONFIG_DIR=str(directory / "config"),
        SYSMETRIC_RUNTIME_DIR=str(directory / "runtime"),
    )
    made = Volunteer(directory, environment)
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
