"""What each answer means, for every status and every problem there is."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.verdict import STOPS, Move, decide, delay_seconds, retry_after_seconds
from consent.wire import STATUS, Problem

TABLE = {
    Problem.CLOCK_SKEW: Move.RESYNC,
    Problem.SIGNATURE_INVALID: Move.STOP,
    Problem.REPLAYED: Move.STOP,
    Problem.CONSENT_REQUIRED: Move.STOP_AND_DROP,
    Problem.CONSENT_EXPIRED: Move.STOP_AND_DROP,
    Problem.NOTICE_SUPERSEDED: Move.STOP_AND_DROP,
    Problem.NOT_CONSENTED: Move.STOP_AND_DROP,
    Problem.SEQUENCE_REUSED: Move.STOP,
    Problem.CONSENT_WITHDRAWN: Move.STOP_FOR_GOOD,
    Problem.TOO_LARGE: Move.DROP,
    Problem.UNSUPPORTED: Move.DROP,
    Problem.INVALID_BATCH: Move.DROP,
    Problem.SLOW_DOWN: Move.LATER,
    Problem.UNAVAILABLE: Move.LATER,
    Problem.STORAGE_FULL: Move.LATER,
    # not answers to a batch: a mistake on the way, so nothing is thrown away for them
    Problem.NOT_FOUND: Move.LATER,
    Problem.UNAUTHORIZED: Move.LATER,
    Problem.INVITE_REFUSED: Move.LATER,
    Problem.CONFLICT: Move.LATER,
    Problem.METHOD_NOT_ALLOWED: Move.LATER,
    Problem.INTERNAL: Move.LATER,
    Problem.INVALID_RECORD: Move.DROP,
    Problem.INVALID_REQUEST: Move.DROP,
}


def test_every_problem_that_the_server_may_answer() -> None:
    assert {kind: decide(STATUS[kind], kind) for kind in Problem} == TABLE


def test_every_status_without_a_word_of_our_server() -> None:
    """A proxy or a captive portal can delay, but neither end the consent nor lose more than one batch."""
    for status in range(100, 600):
        expected = Move.STORED if 200 <= status < 300 else Move.DROP if status in (413, 415, 422) else Move.LATER
        assert decide(status, None) is expected, status


@given(status=st.integers(100, 599), problem=st.one_of(st.none(), st.sampled_from(list(Problem)), st.text(max_size=20)))
def test_only_our_types_in_a_refusal_stop_the_agent(status: int, problem: str | None) -> None:
    move = decide(status, problem)
    if move in STOPS or move is Move.RESYNC:
        assert problem in set(Problem) and 400 <= status < 500


def test_the_delay_is_a_random_part_of_a_time_that_doubles() -> None:
    longest = [delay_seconds(failures, None, lambda _low, high: high) for failures in range(12)]
    assert longest == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert delay_seconds(10**9, None, lambda _low, high: high) == 300
    assert [delay_seconds(failures, None, lambda low, _high: low) for failures in (0, 9)] == [0, 0]
    drawn = [delay_seconds(5, 60.0, random.Random(1).uniform) for _ in range(50)]
    assert all(60 <= delay <= 92 for delay in drawn)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("0", 0.0),
        ("120", 120.0),
        ("99999999999999999999", 3600.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 60.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2099 00:00:00 GMT", 3600.0),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(text: str, seconds: float | None) -> None:
    assert retry_after_seconds(text, 60_000) == seconds


@given(st.text(max_size=40))
def test_any_retry_after_is_bounded(text: str) -> None:
    seconds = retry_after_seconds(text, 0)
    assert seconds is None or 0 <= seconds <= 3600
