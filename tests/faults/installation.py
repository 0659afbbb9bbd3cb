"""A real server process that can be killed without a warning, and volunteers who send signed batches to it."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from server.app import create_app
from server.clock import clock_ms
from tests.processes import BIN, clean_environment, free_port, healthy, until
from tests.server.installation import Clock, Volunteer, initialise, open_installation


class Now(Clock):
    """The real clock, where tests of one process have one that stands still."""

    def __call__(self) -> int:
        return clock_ms()


@dataclass
class Site:
    """An installation on disk and the process that serves it; the process leads a group of its own."""

    directory: Path
    port: int
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data_dir(self) -> Path:
        return self.directory / "server"

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    def start(self) -> None:
        """Start; does not wait."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with  # kill() or stop() ends it
                [BIN / "sysmetric-server", "run", "--listen", f"127.0.0.1:{self.port}"],
                env={**self.environment, **self.variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_ready(self, seconds: float = 60) -> None:
        """Wait until it answers; fails with the server's own words when it ended instead."""

        def ready() -> bool:
            assert self.process is not None and self.process.poll() is None, self.log.read_text()[-3000:]
            return healthy(self.url)

        until("the server answers", ready, seconds)

    def kill(self) -> None:
        """SIGKILL to the main process and its worker at once: nothing is finished, nothing is said."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        self.process = None
        return code


@contextmanager
def site(directory: Path, volunteers: int, **settings: object) -> Iterator[tuple[Site, list[Volunteer]]]:
    """An installation with enrolled volunteers; its server is not started yet, and is ended after the block."""
    directory.mkdir(exist_ok=True)
    made = Site(
        directory, free_port(), clean_environment(LANG="C.UTF-8", SYSMETRIC_SERVER_DATA_DIR=str(directory / "server"))
    )
    initialise(made.data_dir, **{"origin": made.url, "enrolment": "open", **settings})
    people = []
    with open_installation(made.data_dir, clock_ms) as runtime:
        http = create_app(runtime).test_client()
        for _ in range(volunteers):
            person = Volunteer(http, Now(), runtime.thumbprint)
            person.enrol(None)
            people.append(person)
    try:
        yield made, people
    finally:
        if made.process is not None and made.process.poll() is None:
            made.kill()


@dataclass
class Sender:
    """Sends the batches of one volunteer one after another until told to stop, as an agent does: the next number only
    after the one before was acknowledged, and the same batch again, freshly signed, after anything else."""

    site: Site
    volunteer: Volunteer
    first_ms: int
    acknowledged: dict[int, int] = field(default_factory=dict)  # sequence -> status
    refused: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    SAMPLES = 3

    def body(self, sequence: int) -> bytes:
        """The batch with this number: three moments that no other batch of this volunteer has."""
        first_ms = self.first_ms + sequence * self.SAMPLES * 1000
        return self.volunteer.batch(sequence, first_ms=first_ms, samples=self.SAMPLES)

    def start(self) -> None:
        """Send in a thread."""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def finish(self) -> None:
        """No more new batches; waits for the one under way."""
        self.stop.set()
        assert self._thread is not None
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with httpx.Client(base_url=self.site.url, timeout=10, trust_env=False) as http:
            sequence = 1
            while not self.stop.is_set():
                if self._send(http, sequence):
                    sequence += 1
                elif self.refused:
                    return
                else:
                    time.sleep(0.05)  # the server is away; how long does not matter to the outcome

    def _send(self, http: httpx.Client, sequence: int) -> bool:
        body = self.body(sequence)
        headers = self.volunteer.headers(body, authority=f"127.0.0.1:{self.site.port}")
        try:
            answer = http.post("/api/v1/batches", content=body, headers=headers)
        except httpx.TransportError:
            return False
        if answer.status_code in (200, 201):
            self.acknowledged[sequence] = answer.status_code
            return True
        if answer.status_code not in (429, 503):
            self.refused.append(f"{sequence}: {answer.status_code} {answer.text[:300]}")
        return False
