"""The whole way from this machine to a server: the loop in this process, and as the process a volunteer runs."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.clock import clock_ms
from agent.config import Config, load_config
from agent.documents import active_consent
from agent.errors import NoConsent, Refused
from agent.lock import running_pid
from agent.loop import Loop, deliver_until_answered
from agent.paths import AgentPaths
from agent.pause import end_pause, start_pause
from agent.private_files import replace_private
from agent.sent_log import read_sent
from agent.status import read_status
from agent.stop_switch import StopSwitch
from consent.wire import Problem
from tests.agent.ingest import BODY, Ingest, Received, ack, problem
from tests.consents import SignedConsent
from tests.processes import clean_environment, until

ROOT = Path(__file__).parents[2]
DAY_MS = 86_400_000


@pytest.fixture
def consent(
    signed_consent: Callable[..., SignedConsent], install: Callable[[SignedConsent], SignedConsent], ingest: Ingest
) -> SignedConsent:
    """In force, installed, known to the server."""
    made = install(signed_consent(origin=ingest.url, now_ms=clock_ms() - 1000))
    ingest.keys[made.instance] = made.key.public_key()
    return made


def config(**flags: float) -> Config:
    return load_config(Path("/nonexistent"), {}, {"batch_seconds": 1.0, **flags})


class Running:
    """The loop in a thread of this process."""

    def __init__(self, paths: AgentPaths, **flags: float) -> None:
        self.stop = StopSwitch()
        self.told: list[str] = []
        self.error: Exception | None = None
        self.loop = Loop(paths, active_consent(paths, clock_ms()), config(**flags), self.stop, tell=self.told.append)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.loop.run()
        except (NoConsent, Refused) as error:
            self.error = error

    def join(self) -> None:
        self.thread.join(15)
        assert not self.thread.is_alive()


@contextmanager
def running(paths: AgentPaths, **flags: float) -> Iterator[Running]:
    made = Running(paths, **flags)
    try:
        yield made
    finally:
        made.stop.throw()
        made.join()


@pytest.mark.usefixtures("consent")
def test_this_machines_samples_arrive_and_the_disk_is_left_alone(ingest: Ingest, paths: AgentPaths) -> None:
    with running(paths) as agent:
        ingest.wait_for(1)
        before = {path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths.data_dir.iterdir()}
        received = ingest.wait_for(4)
        after = {path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths.data_dir.iterdir()}
    assert before == after, "a steady state writes nothing to the volunteer's disk"
    assert not ingest.refused and not agent.told
    tables = [set(request.document) - {"format", "instance", "record", "sequence"} for request in received]
    assert tables[0] == {"memory"}, "the first reading of a counter says nothing"
    assert {"cpu", "memory"} <= tables[2]
    times = [time for request in received for time in request.document["memory"]["time"]]
    assert times == sorted(set(times)) and all(abs(time - clock_ms()) < 60_000 for time in times)
    sequences = [request.document["sequence"] for request in received]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    status = read_status(paths.status)
    assert status is not None and status.state == "stopped" and status.batches_sent >= 4 and status.samples_taken >= 4
    assert [json.loads(sent.body)["sequence"] for sent in read_sent(paths.sent_log)][: len(sequences)] == sequences


@pytest.mark.usefixtures("consent")
def test_a_stop_sends_what_was_gathered_and_the_next_start_uses_the_next_number(
    ingest: Ingest, paths: AgentPaths
) -> None:
    for _ in range(2):
        with running(paths, batch_seconds=300.0) as agent:
            _sampled(agent)
    assert len(ingest.requests) == 2
    first, second = ingest.sequences
    assert second == first + 1


@pytest.mark.usefixtures("consent")
def test_a_stop_while_the_server_is_away_keeps_everything_for_the_next_start(ingest: Ingest, paths: AgentPaths) -> None:
    ingest.answer = lambda _received: problem(Problem.UNAVAILABLE, {"Retry-After": "3000"})
    with running(paths) as agent:
        until("two batches wait", lambda: agent.loop._spool.batches >= 2)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    tried = len(ingest.requests)
    ingest.answer = None
    with running(paths):
        ingest.wait_for(tried + 4)
    stored = ingest.sequences[tried:]
    assert stored == sorted(stored) and stored[0] == ingest.sequences[0], "in order, from the first on"


@pytest.mark.usefixtures("consent")
def test_a_pause_is_an_honest_gap_and_is_noticed_within_a_second(ingest: Ingest, paths: AgentPaths) -> None:
    with running(paths) as agent:
        ingest.wait_for(2)
        start_pause(paths, None)
        began = time.monotonic()
        until("the pause", lambda: (status := read_status(paths.status)) is not None and status.state == "paused")
        assert time.monotonic() - began < 2
        paused, taken = clock_ms(), agent.loop._sampler.taken
        time.sleep(1.2)  # nothing can be waited for: the point is that nothing happens
        assert agent.loop._sampler.taken == taken
        resumed = clock_ms()
        end_pause(paths)
        until("the end is told", lambda: bool(ingest.pauses) and ingest.pauses[-1]["until"] is not None)
        until("sampling again", lambda: any(_times(request)[-1] >= resumed - 10 for request in ingest.requests))
    assert not [time for request in ingest.requests for time in _times(request) if paused < time < resumed - 10]
    first_after = next(request for request in ingest.requests if _times(request)[-1] >= resumed - 10)
    assert "cpu" not in first_after.document, "the first reading after a pause says nothing about the pause"
    assert any("paused" in words for words in agent.told) and "sampling again" in agent.told
    first, last = ingest.pauses
    assert first["until"] is None and first["from"] == last["from"] and not ingest.refused
    assert abs(first["from"] - paused) < 2000 and abs(last["until"] - resumed) < 2000


def _sampled(agent: Running) -> None:
    until("a sample", lambda: agent.loop._sampler.taken >= 1)


def _times(request: Received) -> list[int]:
    times = request.document["memory"]["time"]
    assert isinstance(times, list)
    return times


def test_the_end_of_the_consent_ends_the_sampling(
    signed_consent: Callable[..., SignedConsent],
    install: Callable[[SignedConsent], SignedConsent],
    ingest: Ingest,
    paths: AgentPaths,
) -> None:
    consent = install(signed_consent(origin=ingest.url, now_ms=clock_ms() - DAY_MS + 1500, term_days=1))
    ingest.keys[consent.instance] = consent.key.public_key()
    agent = Running(paths)
    agent.join()
    assert isinstance(agent.error, NoConsent) and "expired" in str(agent.error)
    assert ingest.requests, "what was sampled before the end is sent"
    ends = consent.active.valid_until_ms
    assert all(time < ends for request in ingest.requests for time in request.document["memory"]["time"])


@pytest.mark.usefixtures("consent")
@pytest.mark.parametrize("kind", [Problem.CONSENT_EXPIRED, Problem.NOT_CONSENTED])
def test_without_consent_at_the_server_everything_stops_and_what_waits_is_dropped(
    ingest: Ingest, paths: AgentPaths, kind: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.sender.delay_seconds", lambda _failures, _after, _uniform: 0.05)
    replies: list[BODY] = [problem(kind), problem(Problem.UNAVAILABLE)]
    ingest.answer = lambda _received: replies.pop()
    agent = Running(paths)
    agent.join()
    assert isinstance(agent.error, Refused) and agent.error.problem == kind
    assert "sysmetric consent give URL" in str(agent.error)
    assert agent.loop._spool.batches == 0 and paths.spool.exists(), "dropped, but the numbers stay"
    assert len(ingest.requests) == 2


@pytest.mark.usefixtures("consent")
def test_a_reused_number_stops_the_agent_and_keeps_what_waits(ingest: Ingest, paths: AgentPaths) -> None:
    ingest.answer = lambda _received: problem(Problem.SEQUENCE_REUSED)
    agent = Running(paths)
    agent.join()
    assert isinstance(agent.error, Refused) and "second machine" in str(agent.error)
    assert agent.loop._spool.batches >= 1


@pytest.mark.usefixtures("consent")
def test_a_consent_that_is_over_at_the_server_is_over_here_for_good(ingest: Ingest, paths: AgentPaths) -> None:
    ingest.answer = lambda _received: problem(Problem.CONSENT_WITHDRAWN)
    agent = Running(paths)
    agent.join()
    assert isinstance(agent.error, Refused) and agent.error.problem == "consent-withdrawn"
    assert not paths.spool.exists() and not paths.sent_log.exists()
    with pytest.raises(NoConsent, match="the server ended this consent"):
        active_consent(paths, clock_ms())


def test_a_withdrawal_stops_at_once_purges_and_is_delivered_until_the_server_answers(
    consent: SignedConsent,
    ingest: Ingest,
    paths: AgentPaths,
    signed_withdrawal: Callable[..., str],
    signed_erasure: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    withdrawal = signed_withdrawal(consent, clock_ms())
    ingest.answer = lambda _received: problem(Problem.UNAVAILABLE)
    ingest.unsigned = [
        problem(Problem.UNAVAILABLE),
        (
            200,
            {"Content-Type": "application/json"},
            json.dumps({"erasure_receipt": signed_erasure(consent, withdrawal, clock_ms())}).encode(),
        ),
    ]
    monkeypatch.setattr("agent.loop.delay_seconds", lambda _failures, _after, _uniform: 0.05)
    agent = Running(paths)
    until("something waits", lambda: agent.loop._spool.batches >= 1)
    replace_private(paths.withdrawal, withdrawal.encode(), durable=True)
    began = time.monotonic()
    agent.join()
    assert time.monotonic() - began < 10 and agent.error is None
    assert not ingest.unsigned, "asked again until it was answered"
    assert paths.erasure_receipt.exists() and not paths.key.exists()
    for path in (paths.spool, paths.sent_log, paths.status):
        assert not path.exists()
    assert any("withdrawn" in words for words in agent.told) and any("delivered" in words for words in agent.told)


def test_delivering_a_withdrawal_can_be_stopped(
    consent: SignedConsent, ingest: Ingest, paths: AgentPaths, signed_withdrawal: Callable[..., str]
) -> None:
    replace_private(paths.withdrawal, signed_withdrawal(consent, clock_ms()).encode(), durable=True)
    ingest.unsigned = [problem(Problem.UNAVAILABLE)] * 3
    stop = StopSwitch()
    stop.throw()
    told: list[str] = []
    deliver_until_answered(paths, stop, tell=told.append)
    assert "still to be delivered" in told[-1] and paths.withdrawal.exists()


def environment(paths: AgentPaths) -> dict[str, str]:
    """A volunteer's environment with these directories."""
    return clean_environment(
        PYTHONPATH=str(ROOT),
        SYSMETRIC_DATA_DIR=str(paths.data_dir),
        SYSMETRIC_CONFIG_DIR=str(paths.config_dir),
        SYSMETRIC_RUNTIME_DIR=str(paths.runtime_dir),
    )


def start(paths: AgentPaths, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "agent.cli", "run", *arguments],
        env=environment(paths),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("consent")
@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_with_0_and_nothing_lost(ingest: Ingest, paths: AgentPaths, number: int) -> None:
    process = start(paths, "--batch", "2")
    ingest.wait_for(1, 30)
    assert running_pid(paths.lock) == process.pid
    second = start(paths)
    _, said = second.communicate(timeout=20)
    assert second.returncode == 1 and f"process {process.pid}" in said
    process.send_signal(number)
    out, said = process.communicate(timeout=15)
    assert (process.returncode, out) == (0, "") and "Traceback" not in said
    assert said.startswith("sampling cpu, memory, disk for")
    status = read_status(paths.status)
    assert status is not None and status.spool_batches == 0 and status.batches_sent == len(ingest.requests)


@pytest.mark.usefixtures("consent")
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_kill_while_the_server_is_away_loses_no_whole_batch_and_reuses_no_number(
    ingest: Ingest, paths: AgentPaths
) -> None:
    ingest.answer = lambda _received: problem(Problem.UNAVAILABLE, {"Retry-After": "3000"})
    process = start(paths, "--batch", "1")
    until("batches wait", lambda: (status := read_status(paths.status)) is not None and status.spool_batches >= 1, 30)
    process.kill()
    process.communicate(timeout=15)
    first = ingest.requests[0].document
    assert running_pid(paths.lock) is None

    stored: dict[int, object] = {}

    def store(received: Received) -> BODY:
        document = received.document
        assert stored.setdefault(document["sequence"], document) == document
        return ack(received)

    ingest.answer = store
    with running(paths):
        until("the old and a new batch", lambda: len(stored) >= 3)
    assert stored[first["sequence"]] == first


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.usefixtures("consent")
def test_a_second_ctrl_c_ends_at_once_with_130_and_what_was_sampled_is_in_the_spool(
    ingest: Ingest, paths: AgentPaths
) -> None:
    arrived, answered = threading.Event(), threading.Event()

    def hang(received: Received) -> BODY:
        arrived.set()
        answered.wait(30)
        return ack(received)

    ingest.answer = hang
    process = start(paths, "--batch", "1")
    assert arrived.wait(30)
    began = time.monotonic()
    while process.poll() is None:
        assert time.monotonic() - began < 4, "it does not wait for the server"
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)  # two signals that arrive together are one
    _, said = process.communicate(timeout=15)
    answered.set()
    assert process.returncode == 130 and "Traceback" not in said
    connection = sqlite3.connect(paths.spool)
    (waiting,) = connection.execute("SELECT count(*) FROM batch").fetchone()
    connection.close()
    assert waiting >= 1
