"""The real programs as processes of their own: ``sysmetric-server run`` and ``sysmetric run``, on loopback only.

Every process that is started here is ended here, by its PID.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.processes import BIN, clean_environment, free_port, healthy, running

TABLES = ("cpu", "memory", "disk")


class BenchmarkFailed(Exception):
    """A program did not do its part; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and its children have used: CPU seconds since it began; resident bytes now."""

    cpu_seconds: float
    resident_bytes: int

    @classmethod
    def of(cls, pid: int) -> "Usage":
        """Of ``pid`` and everything below it, now."""
        process = psutil.Process(pid)
        cpu, resident = 0.0, 0
        for each in (process, *process.children(recursive=True)):
            times = each.cpu_times()
            cpu += times.user + times.system
            resident += each.memory_info().rss
        return cls(cpu, resident)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs. ``enrolment_url`` takes any number of volunteers."""

    url: str
    pid: int
    enrolment_url: str
    environment: dict[str, str]

    @property
    def usage(self) -> Usage:
        """CPU and memory until now."""
        return Usage.of(self.pid)

    def call(self, *arguments: str) -> Any:
        """What ``sysmetric-server ... --json`` prints."""
        return call("sysmetric-server", self.environment, *arguments)


@contextmanager
def running_server(directory: Path) -> Iterator[Server]:
    """A fresh installation in ``directory``, running the production command with open enrolment."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = clean_environment(
        SYSMETRIC_SERVER_DATA_DIR=str(directory / "server"), SYSMETRIC_SERVER_ENROLMENT="open"
    )
    who = ("--name", "Benchmark", "--address", "this machine", "--contact", "nobody@example.org")
    where = ("--origin", url, "--listen", f"127.0.0.1:{port}")
    made = call("sysmetric-server", environment, "init", "--no-input", *who, *where)
    log = directory / "sysmetric-server.log"
    with running("sysmetric-server", "run", env=environment, log=log) as process:
        _until(lambda: healthy(url), process, log)
        yield Server(url, process.pid, made["enrolment_url"], environment)


def enrol(directory: Path, server: Server) -> dict[str, str]:
    """Enrol a volunteer whose files are below ``directory``; the environment to run its agent in."""
    environment = clean_environment(
        SYSMETRIC_DATA_DIR=str(directory / "agent"),
        SYSMETRIC_CONFIG_DIR=str(directory / "config"),
        SYSMETRIC_RUNTIME_DIR=str(directory / "runtime"),
    )
    directory.mkdir(parents=True)
    link = server.enrolment_url
    sha256 = call("sysmetric", environment, "consent", "notice", link)["sha256"]
    grants = [flag for table in TABLES for flag in ("--grant", table)]
    _run("sysmetric", environment, "consent", "give", link, "--accept-notice", sha256, *grants)
    return environment


def call(program: str, environment: dict[str, str], *arguments: str) -> Any:
    """What ``program ... --json`` prints. Raises BenchmarkFailed."""
    return json.loads(_run(program, environment, *arguments, "--json"))


def _run(program: str, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [BIN / program, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise BenchmarkFailed(f"{program} {' '.join(arguments[:2])}: {done.stderr.strip()[-500:]}")
    return done.stdout


def _until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkFailed(f"the server did not start: {log.read_text('utf-8', 'replace')[-500:]}")
        time.sleep(0.05)
