"""The server is told when a pause begins and ends, and nothing waits for that."""

import time
from collections.abc import Callable, Iterator

import pytest

from agent.clock import clock_ms
from agent.pause_teller import PauseTeller
from consent.wire import Problem
from tests.agent.ingest import Ingest
from tests.consents import SignedConsent
from tests.processes import until


@pytest.fixture
def teller(signed_consent: Callable[..., SignedConsent], ingest: Ingest) -> Iterator[PauseTeller]:
    consent = signed_consent(origin=ingest.url, now_ms=clock_ms())
    ingest.keys[consent.instance] = consent.key.public_key()
    made = PauseTeller(consent.active, clock_ms, lambda _low, _high: 0.05)
    yield made
    made.halt()


def test_beginning_end_and_a_changed_end_are_told_in_order(teller: PauseTeller, ingest: Ingest) -> None:
    teller.begin(1000, None)
    teller.begin(2000, 9000)
    teller.end(5000)
    teller.end(6000)  # nothing was paused
    teller.begin(7000, None)
    until("all is told", lambda: len(ingest.pauses) == 4)
    assert [(report["from"], report["until"]) for report in ingest.pauses] == [
        (1000, None),
        (1000, 9000),
        (1000, 5000),
        (7000, None),
    ]
    assert all(set(report) == {"format", "from", "until"} for report in ingest.pauses) and not ingest.refused


def test_a_server_that_is_away_is_asked_again_and_one_that_refuses_is_not(teller: PauseTeller, ingest: Ingest) -> None:
    ingest.pause_troubles += [Problem.UNAVAILABLE, Problem.SLOW_DOWN, Problem.INVALID_REQUEST]
    teller.begin(1000, None)
    teller.end(2000)
    until("the end is told", lambda: len(ingest.pauses) == 1)
    assert ingest.pauses[0]["until"] == 2000 and not ingest.pause_troubles


def test_nobody_waits_for_a_server_that_cannot_be_reached(signed_consent: Callable[..., SignedConsent]) -> None:
    consent = signed_consent(origin="http://127.0.0.1:9", now_ms=clock_ms())
    teller = PauseTeller(consent.active, clock_ms)
    began = time.monotonic()
    for _ in range(100):
        teller.begin(1000, None)
        teller.end(2000)
    teller.halt()
    assert time.monotonic() - began < 0.5
