"""Starts whatever q there is with the real .q files, on a free port of loopback.

Rules:

* Which q: ``SYSMETRIC_TEST_Q`` (a path), else ``q`` in PATH, else ``$QHOME/*/q``. None found is told, never hidden.
* A q of KX is known by ``.z.K >= 3`` only; every other answer is another interpreter and is reported as such.
* The credential file holds a salted hash; the secret lives in the caller's memory.
"""

import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import server

Q_FILES = Path(server.__file__).parent / "kdb"
START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class RunningQ:
    """Where a q listens and who may log in."""

    host: str
    port: int
    username: str
    password: str

    @property
    def credentials(self) -> str:
        """``name:secret``, as hopen and the handshake have it."""
        return f"{self.username}:{self.password}"


def find_q() -> Path | None:
    """The q to test with, if there is one."""
    named = os.environ.get("SYSMETRIC_TEST_Q") or shutil.which("q")
    if named:
        return Path(named)
    home = os.environ.get("QHOME")
    return next(iter(sorted(Path(home).glob("*/q"))), None) if home else None


def why_not() -> str:
    """Why nothing was executed; empty when something can be."""
    q = find_q()
    if q is None:
        return "no q was found: set SYSMETRIC_TEST_Q=/path/to/q, or have q in PATH or in QHOME"
    return "" if os.access(q, os.X_OK) else f"{q} is not a program"


def write_users(path: Path, username: str, password: str) -> None:
    """One login, as server/kdb/README.md describes the file."""
    salt = secrets.token_hex(8)
    # MD5 is what every q has; the secret is random and long, so there is nothing to guess.
    digest = hashlib.md5((salt + password).encode(), usedforsecurity=False).hexdigest()
    path.write_text(f"/ name:salt:hash\n{username}:{salt}:{digest}\n", encoding="ascii")
    path.chmod(0o600)


@contextmanager
def running_q(directory: Path, *more: str) -> Iterator[RunningQ]:
    """A q on ``directory``; the same directory twice is the same store. It is ended, without notice, on leaving.

    ``more`` are further arguments of ``smp.q``.
    """
    q = find_q()
    assert q is not None, why_not()
    directory.mkdir(parents=True, exist_ok=True)
    running = RunningQ("127.0.0.1", _free_port(), "sysmetric", secrets.token_urlsafe(24))
    users, output = directory / "users", directory / "output.txt"
    write_users(users, running.username, running.password)
    arguments = ["-dir", str(directory / "data"), "-users", str(users), *more]
    with output.open("wb") as file:
        # Not every q takes an address to listen on; one that does not ends at once, and is given the port alone.
        for listen in (f"{running.host}:{running.port}", str(running.port)):
            # Standard input stays open: a q without one ends itself.
            process = subprocess.Popen(
                [str(q), str(Q_FILES / "smp.q"), "-p", listen, *arguments],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
            )
            if _answers(running, process):
                break
            process.communicate()
        else:
            raise AssertionError(f"q did not start: {output.read_text(encoding='utf-8', errors='replace')[-2000:]}")
    try:
        yield running
    finally:
        process.kill()
        process.communicate()


def _answers(running: RunningQ, process: "subprocess.Popen[bytes]") -> bool:
    """True once it answers a login; False when it ended, or was ended after ``START_SECONDS``."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection((running.host, running.port), 1) as connection:
                connection.settimeout(START_SECONDS)
                connection.sendall(running.credentials.encode() + b"\x03\x00")
                if connection.recv(1):
                    return True
        except OSError:
            time.sleep(0.02)  # nothing to wait on: the port is not there yet
    process.kill()
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
