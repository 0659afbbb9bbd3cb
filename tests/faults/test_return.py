"""Five hundred agents come back at once after an outage: those for whom there is no room are told to slow down, each
waits a random time of its own, and everything that waited is stored once."""

import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from agent.verdict import delay_seconds, retry_after_seconds
from server.clock import clock_ms
from server.config import load_config
from server.runtime import open_runtime
from tests.faults.installation import Site, site
from tests.server.installation import Volunteer

AGENTS = 500
WAITING = 2
PATIENCE_SECONDS = 150.0


@dataclass
class Returning:
    """What the agents saw: answers by status, seconds until each was rid of everything."""

    server: Site
    http: httpx.Client
    began: threading.Barrier = field(default_factory=lambda: threading.Barrier(AGENTS))
    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0
    drained: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def drain(self, volunteer: Volunteer) -> None:
        """Send what waits, in order, with the agent's own pauses."""
        bodies = [volunteer.batch(number, first_ms=clock_ms() - 60_000 * number) for number in (1, 2)]
        self.began.wait(timeout=60)
        started = time.monotonic()
        for body in bodies:
            failures = 0
            while not self._stored(volunteer, body, failures):
                failures += 1
                assert time.monotonic() - started < PATIENCE_SECONDS, self.statuses
        with self.lock:
            self.drained.append(time.monotonic() - started)

    def _stored(self, volunteer: Volunteer, body: bytes, failures: int) -> bool:
        headers = volunteer.headers(body, authority=f"127.0.0.1:{self.server.port}")
        try:
            answer = self.http.post("/api/v1/batches", content=body, headers=headers)
        except httpx.TransportError:
            time.sleep(delay_seconds(failures, None, random.uniform))
            return False
        with self.lock:
            self.statuses[answer.status_code] += 1
        if answer.status_code in (200, 201):
            return True
        assert answer.status_code in (429, 503), answer.text
        after = retry_after_seconds(answer.headers.get("retry-after", ""), clock_ms())
        with self.lock:
            self.without_retry_after += after is None
        time.sleep(delay_seconds(failures, after, random.uniform))
        return False


@pytest.mark.e2e
def test_all_are_drained_and_none_twice(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    with site(tmp_path / "site", AGENTS) as (server, volunteers):
        server.start()
        server.await_ready()
        limits = httpx.Limits(max_connections=AGENTS, max_keepalive_connections=AGENTS)
        with httpx.Client(base_url=server.url, timeout=60, limits=limits, trust_env=False) as http:
            returning = Returning(server, http)
            with ThreadPoolExecutor(AGENTS) as agents:
                for done in [agents.submit(returning.drain, volunteer) for volunteer in volunteers]:
                    done.result()
            assert http.get("/healthz").status_code == 200
        assert server.stop() == 0
        assert returning.statuses[201] + returning.statuses[200] == AGENTS * WAITING
        assert returning.without_retry_after == 0, "whoever is sent away is told when to come again"
        assert returning.statuses[429] > 0, "a crowd of this size does not fit in at once"
        seconds = statistics.quantiles(returning.drained, n=100)[98]
        record_property("p99_seconds_to_drain", round(seconds, 2))
        print(f"{AGENTS} agents with {WAITING} batches each: p99 {seconds:.1f} s; answers {dict(returning.statuses)}")
        with open_runtime(load_config(server.data_dir, {}), now_ms=clock_ms) as runtime:
            assert runtime.store.counts()["memory"] == AGENTS * WAITING * 3
