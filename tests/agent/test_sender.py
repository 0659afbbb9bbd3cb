"""The sender against a real server that answers everything there is to answer."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent.clock import clock_ms
from agent.delivery import Delivery
from agent.outbox import Outbox
from agent.packer import Packer
from agent.paths import AgentPaths
from agent.sender import Ending, Records, Sender
from agent.sent_log import SentLog, read_sent
from agent.server_clock import ServerClock
from agent.spool import Packed, Spool
from agent.status import Status, StatusBoard, read_status
from agent.verdict import Move
from consent.wire import CLOCK_SKEW_SECONDS, Problem
from tests.agent.ingest import BODY, Ingest, Received, ack, ingest_server, problem
from tests.consents import SignedConsent

TABLES = {"memory": {name: [1] for name in ("total_bytes", "available_bytes", "used_bytes")}}


@dataclass
class Agent:
    """A sender with its surroundings; the test plays the sampler."""

    consent: SignedConsent
    paths: AgentPaths
    local_ms: Callable[[], int] = clock_ms
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        active = self.consent.active
        self.clock = ServerClock(self.local_ms)
        self.spool = Spool(active, self.paths.spool, max_bytes=10**6, now_ms=self.clock.now_ms)
        self.packer = Packer(active, self.spool)
        self.outbox = Outbox(self.spool)
        status = Status(1, "running", active.instance_id, active.record_id, active.origin, 0, 0, {})
        self.records = Records(
            StatusBoard(self.paths.status, status, clock_ms), SentLog(self.paths.sent_log), self.told.append
        )
        delivery = Delivery(active, self.clock.now_ms, timeout_seconds=5)
        self.sender = Sender(delivery, self.outbox, self.records, self.clock, lambda _low, _high: 0.02)
        self.thread = threading.Thread(target=self.sender.run, daemon=True)

    def put(self) -> Packed:
        packed = self.packer.pack({"memory": {"time": [self.clock.now_ms()], **TABLES["memory"]}})
        self.outbox.put(packed)
        return packed

    def finish(self) -> None:
        """As at an orderly end."""
        self.sender.halt()
        self.outbox.close()
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.outbox.spill()

    @property
    def status(self) -> Status:
        status = read_status(self.paths.status)
        assert status is not None
        return status


@pytest.fixture
def agent(signed_consent: Callable[..., SignedConsent], ingest: Ingest, paths: AgentPaths) -> Iterator[Agent]:
    consent = signed_consent(granted=["memory"], origin=ingest.url, now_ms=clock_ms())
    ingest.keys[consent.instance] = consent.key.public_key()
    made = Agent(consent, paths)
    made.thread.start()
    yield made
    made.finish()


def answering(*replies: BODY | None) -> Callable[[Received], BODY]:
    """Each reply once, in order; None and all that follows: stored."""
    left = list(replies)

    def answer(received: Received) -> BODY:
        reply = left.pop(0) if left else None
        return ack(received) if reply is None else reply

    return answer


def test_batches_are_signed_zipped_acknowledged_and_written_down(agent: Agent, ingest: Ingest) -> None:
    packed = [agent.put() for _ in range(3)]
    received = ingest.wait_for(3)
    agent.finish()
    assert not ingest.refused
    assert [request.raw for request in received] == [batch.body for batch in packed]
    assert {request.path for request in received} == {"/api/v1/batches"}
    assert {request.headers["content-encoding"] for request in received} == {"gzip"}
    assert len({request.connection for request in received}) == 1, "one kept-alive connection"
    assert len({request.nonce for request in received}) == 3
    status = agent.status
    assert (status.batches_sent, status.rows_sent, status.spool_batches) == (3, {"memory": 3}, 0)
    assert status.bytes_sent == sum(len(batch.body) for batch in packed)
    assert status.last_ack_ms is not None and status.last_latency_ms is not None and status.last_latency_ms > 0
    assert status.skew_ms is not None and abs(status.skew_ms) < 5000
    logged = list(read_sent(agent.paths.sent_log))
    assert [(sent.sequence, sent.answer) for sent in logged] == [(batch.sequence, "201") for batch in packed]
    assert [sent.body for sent in logged] == [gzip.decompress(batch.body) for batch in packed]
    assert agent.sender.ending is None and not agent.told
    assert agent.sender.over and not agent.sender.failed


def test_a_duplicate_is_as_good_as_stored(agent: Agent, ingest: Ingest) -> None:
    ingest.answer = lambda received: ack(received, "duplicate")
    agent.put()
    ingest.wait_for(1)
    agent.finish()
    assert agent.status.batches_sent == 1


@pytest.mark.parametrize(
    "reply",
    [
        problem(Problem.UNAVAILABLE, {"Retry-After": "0"}),
        problem(Problem.SLOW_DOWN),
        problem(Problem.STORAGE_FULL),
        problem(Problem.INTERNAL),
        (502, {"Content-Type": "text/html"}, b"<html>bad gateway"),
        (302, {"Location": "http://127.0.0.1:9/login"}, b""),
        (200, {"Content-Type": "text/html"}, b"<html>please sign in to this network"),
        (201, {}, b""),
        (403, {"Content-Type": "text/html"}, b"<html>blocked"),
        (410, {}, b"gone, says a proxy"),
        (404, {"Content-Type": "application/problem+json"}, b'{"type": "not-found"}'),
    ],
    ids=["unavailable", "slow", "full", "internal", "502", "302", "portal", "empty", "proxy403", "proxy410", "404"],
)
def test_later_means_spooled_and_then_sent_in_order(agent: Agent, ingest: Ingest, reply: BODY) -> None:
    ingest.answer = answering(reply, reply)
    packed = [agent.put() for _ in range(3)]
    ingest.wait_for(5)
    agent.finish()
    assert sorted(set(ingest.sequences)) == [batch.sequence for batch in packed]
    assert ingest.sequences[2:] == [batch.sequence for batch in packed], "in order"
    assert len({request.nonce for request in ingest.requests}) == 5, "signed anew each time"
    assert (agent.status.batches_sent, agent.status.spool_batches, agent.spool.batches) == (3, 0, 0)
    assert agent.sender.ending is None
    assert len(agent.told) == 2 and "wait in the spool" in agent.told[0] and "answers again" in agent.told[1]


def test_an_ack_for_another_batch_is_not_believed(agent: Agent, ingest: Ingest) -> None:
    def wrong(received: Received) -> BODY:
        status, headers, body = ack(received)
        return status, headers, body.replace(b'"sequence": ', b'"sequence": 9')

    replies: list[Callable[[Received], BODY]] = [wrong]
    ingest.answer = lambda received: replies.pop()(received) if replies else ack(received)
    agent.put()
    ingest.wait_for(2)
    agent.finish()
    assert agent.status.batches_sent == 1


def test_retry_after_is_respected_and_told(agent: Agent, ingest: Ingest) -> None:
    ingest.answer = answering(problem(Problem.SLOW_DOWN, {"Retry-After": "1"}))
    agent.put()
    ingest.wait_for(1)
    began = time.monotonic()
    ingest.wait_for(2)
    assert time.monotonic() - began > 0.9


def test_a_server_that_is_gone_and_comes_back(signed_consent: Callable[..., SignedConsent], paths: AgentPaths) -> None:
    with ingest_server() as first:
        consent = signed_consent(granted=["memory"], origin=first.url, now_ms=clock_ms())
        first.keys[consent.instance] = consent.key.public_key()
        agent = Agent(consent, paths)
        agent.thread.start()
        packed = [agent.put()]
        first.wait_for(1)
    packed += [agent.put() for _ in range(4)]
    deadline = time.monotonic() + 10
    while agent.status.spool_batches < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert agent.spool.batches == 4, "on disk as long as the server is away"
    assert agent.status.next_try_ms is not None and agent.status.problem == "unavailable"
    with ingest_server(int(first.url.rsplit(":", 1)[1])) as second:
        second.keys[consent.instance] = consent.key.public_key()
        second.wait_for(4)
        agent.finish()
    assert second.sequences == [batch.sequence for batch in packed[1:]]
    assert agent.status.batches_sent == 5
    assert agent.status.next_try_ms is None and agent.status.problem is None
    answers = [sent.answer for sent in read_sent(paths.sent_log)]
    assert answers.count("201") == 5, "what never left this machine is not in the log as sent"


@pytest.mark.parametrize(
    ("kind", "move"),
    [
        (Problem.CONSENT_REQUIRED, Move.STOP_AND_DROP),
        (Problem.CONSENT_EXPIRED, Move.STOP_AND_DROP),
        (Problem.NOTICE_SUPERSEDED, Move.STOP_AND_DROP),
        (Problem.NOT_CONSENTED, Move.STOP_AND_DROP),
        (Problem.CONSENT_WITHDRAWN, Move.STOP_FOR_GOOD),
        (Problem.SEQUENCE_REUSED, Move.STOP),
        (Problem.SIGNATURE_INVALID, Move.STOP),
        (Problem.REPLAYED, Move.STOP),
    ],
)
def test_a_word_that_ends_it_ends_it_at_once(agent: Agent, ingest: Ingest, kind: Problem, move: Move) -> None:
    ingest.answer = answering(problem(kind))
    agent.put()
    agent.thread.join(10)
    assert agent.sender.over
    agent.put()
    agent.finish()
    assert agent.sender.ending == Ending(move, kind, f"because {kind.value}")
    assert len(ingest.requests) == 1, "nothing more is sent"
    assert (agent.status.problem, agent.status.problem_detail) == (kind.value, f"because {kind.value}")


@pytest.mark.parametrize(
    "reply",
    [
        problem(Problem.INVALID_BATCH),
        problem(Problem.TOO_LARGE),
        problem(Problem.UNSUPPORTED),
        (413, {"Content-Type": "text/html"}, b"<html>nginx"),
    ],
    ids=["invalid", "too large", "unsupported", "proxy"],
)
def test_a_batch_that_is_never_taken_is_dropped_and_the_others_go_on(agent: Agent, ingest: Ingest, reply: BODY) -> None:
    ingest.answer = answering(None, reply)
    packed = [agent.put() for _ in range(3)]
    ingest.wait_for(3)
    agent.finish()
    assert ingest.sequences == [batch.sequence for batch in packed]
    assert agent.status.batches_sent == 2
    assert len(agent.told) == 1 and f"batch {packed[1].sequence} was refused" in agent.told[0]


def test_a_wrong_clock_is_corrected_once_and_the_batch_sent_again(
    signed_consent: Callable[..., SignedConsent], ingest: Ingest, paths: AgentPaths
) -> None:
    behind = 3_600_000
    consent = signed_consent(granted=["memory"], origin=ingest.url, now_ms=clock_ms() - behind)
    ingest.keys[consent.instance] = consent.key.public_key()

    def as_the_server_does(received: Received) -> BODY:
        if abs(received.created - clock_ms() // 1000) > CLOCK_SKEW_SECONDS:
            return problem(Problem.CLOCK_SKEW, server_time=clock_ms())
        return ack(received)

    ingest.answer = as_the_server_does
    agent = Agent(consent, paths, local_ms=lambda: clock_ms() - behind)
    agent.thread.start()
    agent.put()
    agent.put()
    ingest.wait_for(3)
    agent.finish()
    assert (len(ingest.requests), agent.status.batches_sent) == (3, 2), "corrected once for both"
    assert agent.status.skew_ms is not None and abs(agent.status.skew_ms - behind) < 5000
    assert abs(agent.clock.now_ms() - clock_ms()) < 5000, "new samples carry the right time too"


@pytest.mark.parametrize("extra", [{"server_time": 1_000_000_000_000}, {"server_time": "broken"}])
def test_a_clock_that_stays_wrong_stops_the_agent_instead_of_looping(
    agent: Agent, ingest: Ingest, extra: dict[str, Any]
) -> None:
    ingest.answer = lambda _received: problem(Problem.CLOCK_SKEW, **extra)
    agent.put()
    agent.thread.join(10)
    assert agent.sender.over
    agent.finish()
    assert len(ingest.requests) == 2, "Date will do where server_time is broken"
    assert agent.sender.ending is not None and agent.sender.ending.move is Move.STOP
    assert "set this machine's clock" in agent.sender.ending.detail


def test_an_end_while_the_server_is_away_does_not_wait_for_it(agent: Agent, ingest: Ingest) -> None:
    ingest.answer = lambda _received: problem(Problem.UNAVAILABLE, {"Retry-After": "3000"})
    packed = [agent.put(), agent.put()]
    ingest.wait_for(1)
    began = time.monotonic()
    agent.finish()
    assert time.monotonic() - began < 5
    assert agent.spool.batches == 2 and not agent.sender.failed
    kept = agent.spool.oldest()
    assert kept is not None and kept.sequence == packed[0].sequence
