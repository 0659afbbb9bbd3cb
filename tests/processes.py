"""The real programs as processes of their own, on loopback only.

Every process that is started here is ended here, by its id.
"""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

BIN = Path(sys.executable).parent
#: What ``sysmetric-server init`` has to know about the operator.
WHO = ("--name", "Test operator", "--address", "Street 1, Warsaw", "--contact", "privacy@example.org")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(**names: str) -> dict[str, str]:
    """This process's environment without anything that our programs heed, and with ``names``."""
    ours = ("SYSMETRIC", "DO_NOT_TRACK", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, **names}


def until(what: str, ready: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The first true answer of ``ready``; fails naming ``what`` when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ready()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def healthy(url: str, verify: ssl.SSLContext | bool = True) -> bool:
    """Whether a server answers there."""
    try:
        return httpx.get(f"{url}/healthz", timeout=2, trust_env=False, verify=verify).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def running(program: str, *arguments: str, env: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """``program`` in the background, its words in ``log``; SIGTERM at the end, SIGKILL if it does not heed it."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [BIN / program, *arguments], env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
