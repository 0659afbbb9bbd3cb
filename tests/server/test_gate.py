"""What may be stored, and what a refused machine is told."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from consent.notice import Version
from consent.state import State
from consent.wire import Batch, Problem
from server.decode import decode
from server.errors import ProblemError
from server.gate import JITTER_MS, admit
from server.registry import ConsentStatus
from tests.server.batches import FLOOR_MS, INSTANCE, NOW_MS, RECORD, batch_document, encoded

KEY = Ed25519PrivateKey.generate().public_key()
V1 = Version(1, 0, 0)


def consent(
    state: State = State.GIVEN,
    granted: dict[str, int] | None = None,
    record: str = RECORD,
    valid_until_ms: int = NOW_MS + 1,
) -> ConsentStatus:
    return ConsentStatus(record, state, granted or {"cpu": 1, "memory": 1, "disk": 1}, valid_until_ms, V1, KEY)


def batch(*tables: str, **options: int) -> Batch:
    document = batch_document(tables or ("cpu", "memory", "disk"), **options)  # type: ignore[arg-type]
    return decode(encoded(document), now_ms=NOW_MS, floor_ms=FLOOR_MS)


def memory_at(*times: int) -> Batch:
    columns = {name: [1024] * len(times) for name in batch("memory").tables["memory"]}
    return Batch(INSTANCE, RECORD, 1, {"memory": {**columns, "time": list(times)}})


def answer(sent: Batch, status: ConsentStatus | None, current: Version = V1, now_ms: int = NOW_MS) -> Problem | None:
    try:
        admit(sent, status, current, now_ms)
    except ProblemError as error:
        return error.problem
    return None


def test_a_batch_that_the_consent_covers_is_admitted() -> None:
    assert answer(batch(), consent()) is None


def test_a_stranger_learns_no_more_than_from_a_bad_signature() -> None:
    assert answer(batch(), None) is Problem.SIGNATURE_INVALID


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        (State.WITHDRAWN, Problem.CONSENT_WITHDRAWN),
        (State.EXPIRED, Problem.CONSENT_EXPIRED),
        (State.SUPERSEDED, Problem.NOTICE_SUPERSEDED),
        (State.TERMINATED, Problem.CONSENT_EXPIRED),
    ],
)
def test_a_consent_that_has_ended_admits_nothing(state: State, problem: Problem) -> None:
    assert answer(batch(), consent(state)) is problem


def test_expiry_and_a_new_major_notice_need_nobody_to_run() -> None:
    assert answer(batch(), consent(valid_until_ms=NOW_MS)) is Problem.CONSENT_EXPIRED
    assert answer(batch(), consent(), current=Version(2, 0, 0)) is Problem.NOTICE_SUPERSEDED
    assert answer(batch(), consent(), current=Version(1, 9, 9)) is None


def test_the_batch_names_the_record_in_force() -> None:
    assert answer(batch(), consent(record="another")) is Problem.CONSENT_REQUIRED


def test_a_table_that_was_refused_is_not_stored() -> None:
    assert answer(batch("cpu", "disk"), consent(granted={"cpu": 1})) is Problem.NOT_CONSENTED
    assert answer(batch("cpu"), consent(granted={"cpu": 1})) is None


def test_sampling_faster_than_consented_is_refused() -> None:
    assert answer(batch(samples=10, step_ms=1000), consent()) is None
    assert answer(batch(samples=10, step_ms=500), consent()) is Problem.NOT_CONSENTED
    assert answer(batch(samples=3, step_ms=1000), consent(granted={"cpu": 5, "memory": 5, "disk": 5})) is (
        Problem.NOT_CONSENTED
    )


def test_a_late_beat_is_no_faster_sampling() -> None:
    start = NOW_MS - 20_000
    assert answer(memory_at(start, start + 1700, start + 2000, start + 3000), consent()) is None


def test_a_burst_does_not_hide_behind_a_pause() -> None:
    start = NOW_MS - 100_000
    assert answer(memory_at(start, start + 90_000, start + 90_100, start + 90_200), consent()) is Problem.NOT_CONSENTED


def test_one_step_back_of_the_clock_is_forgiven_and_two_are_not() -> None:
    start = NOW_MS - 20_000
    assert answer(memory_at(start, start + 1000, start + 700, start + 1700), consent()) is None
    twice = memory_at(start, start + 1000, start + 700, start + 1700, start + 1400)
    assert answer(twice, consent()) is Problem.NOT_CONSENTED


@given(
    st.integers(1, 60),
    st.lists(st.integers(0, JITTER_MS // 2), min_size=2, max_size=50),
    st.integers(0, 10**6),
)
def test_an_honest_sampler_is_never_refused(period: int, lateness: list[int], offset: int) -> None:
    """Beats are due every period and come up to JITTER_MS / 2 late."""
    times = [offset + index * period * 1000 + late for index, late in enumerate(lateness)]
    assert answer(memory_at(*times), consent(granted={"memory": period})) is None


@given(st.integers(1, 60), st.integers(4, 50))
def test_twice_the_rate_is_always_refused(period: int, samples: int) -> None:
    times = [NOW_MS + index * period * 500 for index in range(samples)]
    assert answer(memory_at(*times), consent(granted={"memory": period})) is Problem.NOT_CONSENTED
