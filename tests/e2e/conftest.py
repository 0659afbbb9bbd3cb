"""Real processes for the end-to-end tests: an operator's server and a volunteer's agent, each in its own directory.

Everything listens on loopback, on a free port, and every process that a test starts is ended by its PID.
"""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.dashboards import Dashboard, Watched
from tests.processes import BIN, WHO, clean_environment, free_port, healthy, until

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

    def init(self, *arguments: str) -> None:
        made = self.call(
            *("init", "--no-input", *WHO),
            *("--origin", self.url, "--listen", f"127.0.0.1:{self.port}", *arguments),
        )
        self.enrolment_url = made["enrolment_url"]

    def invite(self) -> str:
        """Another enrolment link."""
        return str(self.call("invite", "create")["enrolment_url"])

    def run(self) -> None:
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with  # stop() ends it
                [BIN / "sysmetric-server", "run"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        until("the server answers", self.answers, 60)

    def answers(self) -> bool:
        assert self.process is None or self.process.poll() is None, (self.directory / "server.log").read_text()
        return healthy(self.url)

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

    def log(self) -> str:
        """What the agent said so far."""
        return (self.directory / "agent.log").read_text()

    def files(self) -> list[Path]:
        """Every file the agent has made anywhere."""
        return [
            path
            for name in ("agent", "config", "runtime")
            for path in (self.directory / name).rglob("*")
            if path.is_file()
        ]


def _on_a_terminal(**names: str) -> dict[str, str]:
    return clean_environment(LANG="C.UTF-8", TERM="xterm-256color", COLUMNS="100", LINES="40", **names)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; what a page keeps is its context's, so one serves all tests of a module."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield started
        started.close()


class Served(Protocol):
    """What the fixture ``served`` of a module gives: a server with machines that suit its tests."""

    dashboard: Dashboard


@pytest.fixture
def watched(browser: Browser, served: Served) -> Iterator[Watched]:
    """A page that must not complain and must not ask anybody else."""
    made = Watched(browser)
    yield made
    made.check(served.dashboard.url)


@contextmanager
def running_operator(directory: Path) -> Iterator[Operator]:
    """A server that is set up in ``directory`` and runs."""
    names = _on_a_terminal(SYSMETRIC_SERVER_DATA_DIR=str(directory / "server"))
    made = Operator(directory, free_port(), names)
    made.init()
    try:
        made.run()
        yield made
    finally:
        made.stop()


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """A server of the test's own."""
    (tmp_path / "operator").mkdir()
    with running_operator(tmp_path / "operator") as made:
        yield made


@pytest.fixture(scope="module")
def shared_operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """One server for the tests of a module that are about the agent; each enrols by an invite of its own."""
    with running_operator(tmp_path_factory.mktemp("operator")) as made:
        yield made


@pytest.fixture
def volunteer(tmp_path: Path) -> Iterator[Volunteer]:
    """An agent that has not been asked yet."""
    directory = tmp_path / "volunteer"
    directory.mkdir()
    names = _on_a_terminal(
        HOME=str(directory),
        SYSMETRIC_DATA_DIR=str(directory / "agent"),
        SYSMETRIC_CONFIG_DIR=str(directory / "config"),
        SYSMETRIC_RUNTIME_DIR=str(directory / "runtime"),
    )
    made = Volunteer(directory, names)
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
