"""The beat and the batch, against clocks that the test moves."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collectors.protocol import Collector, Row
from agent.sampler import SMALL_STEP_MS, Beat, SampleClock, Sampler
from consent.catalogue import TABLES
from tests.consents import NOW_MS, SignedConsent, sign_consent


class Clocks:
    """Monotonic seconds and wall milliseconds that move together unless a test moves one alone."""

    def __init__(self) -> None:
        self.seconds = 50.0
        self.ms = NOW_MS

    def go(self, seconds: float) -> None:
        self.seconds += seconds
        self.ms += round(seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return self.ms


class Counting:
    """A memory-shaped source that counts how often it was read."""

    def __init__(self) -> None:
        self.reads = 0
        self.resets = 0
        self.error: Exception | None = None

    def collect(self) -> list[Row]:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return [(self.reads, 2, 3, 4, 5)]

    def reset(self) -> None:
        self.resets += 1


class Baseline(Counting):
    """A disk-shaped source whose first reading says nothing."""

    def collect(self) -> list[Row]:
        self.reads += 1
        return [] if self.reads == 1 else [("sda", 1.0, 2.0, 3.0, 4.0, None), ("sdb", 1.0, 2.0, 3.0, 4.0, 0.5)]


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def make_sampler(
    consent: SignedConsent,
    collectors: Mapping[str, Collector],
    clocks: Clocks,
    period_seconds: float = 1.0,
    batch_seconds: float = 10.0,
) -> Sampler:
    return Sampler(
        consent.active,
        collectors,
        period_seconds=period_seconds,
        batch_seconds=batch_seconds,
        monotonic=clocks.monotonic,
        now_ms=clocks.now_ms,
    )


def test_ten_beats_are_a_batch_in_the_catalogues_shape(
    signed_consent: Callable[..., SignedConsent], clocks: Clocks
) -> None:
    sampler = make_sampler(
        signed_consent(granted=["memory", "disk"]), {"memory": Counting(), "disk": Baseline()}, clocks
    )
    for beat in range(10):
        sampler.sample()
        assert sampler.full() == (beat == 9), beat
        clocks.go(1)
    assert sampler.taken == 10
    taken = sampler.take()
    assert taken is not None and list(taken) == ["memory", "disk"]
    times = [NOW_MS + 1000 * beat for beat in range(10)]
    assert taken["memory"]["time"] == times and taken["memory"]["total_bytes"] == list(range(1, 11))
    assert taken["disk"]["time"] == [time for time in times[1:] for _ in range(2)]
    assert taken["disk"]["device"] == ["sda", "sdb"] * 9 and taken["disk"]["busy"] == [None, 0.5] * 9
    for table, columns in taken.items():
        assert list(columns) == [column.name for column in TABLES[table].wire_columns]
        assert len({len(values) for values in columns.values()}) == 1
    assert sampler.take() is None and not sampler.full()


def test_the_consented_period_holds_and_settings_can_only_slow_it(
    signed_consent: Callable[..., SignedConsent], clocks: Clocks
) -> None:
    consent = signed_consent(granted=["memory"], period_seconds=5)
    assert make_sampler(consent, {"memory": Counting()}, clocks, period_seconds=1).periods == {"memory": 5.0}
    assert make_sampler(consent, {"memory": Counting()}, clocks, period_seconds=60).periods == {"memory": 60.0}
    source = Counting()
    sampler = make_sampler(consent, {"memory": source}, clocks)
    for _ in range(1000):
        sampler.sample()
        clocks.go(0.02)
    assert source.reads == 4


def test_only_granted_tables_are_read(signed_consent: Callable[..., SignedConsent], clocks: Clocks) -> None:
    disk = Baseline()
    sampler = make_sampler(signed_consent(granted=["memory"]), {"memory": Counting(), "disk": disk}, clocks)
    sampler.sample()
    assert disk.reads == 0 and list(sampler.take() or {}) == ["memory"]


def test_missed_beats_are_skipped_and_never_bunched(
    signed_consent: Callable[..., SignedConsent], clocks: Clocks
) -> None:
    source = Counting()
    sampler = make_sampler(signed_consent(granted=["memory"]), {"memory": source}, clocks)
    sampler.sample()
    clocks.go(100.3)
    sampler.sample()
    sampler.sample()
    assert source.reads == 2
    assert sampler.wait_seconds() == pytest.approx(0.7)


@given(period=st.floats(1, 100), late=st.lists(st.floats(0, 300), max_size=30))
def test_the_beat_does_not_drift(period: float, late: list[float]) -> None:
    """However late each look is, the next deadline is a whole number of periods from the start and not near."""
    beat, now = Beat(10.0, period), 10.0
    for delay in late:
        now = max(now, beat.deadline) + delay
        assert beat.due(now)
        assert now + 0.499 * period < beat.deadline <= now + 1.501 * period
        beats = (beat.deadline - 10.0) / period
        assert beats == pytest.approx(round(beats))


def test_an_expired_consent_reads_nothing(signed_consent: Callable[..., SignedConsent], clocks: Clocks) -> None:
    source = Counting()
    sampler = make_sampler(signed_consent(granted=["memory"], term_days=1), {"memory": source}, clocks)
    assert not sampler.expired()
    clocks.ms += 86_400_000
    assert sampler.expired()
    sampler.sample()
    assert source.reads == 0 and sampler.take() is None


def test_a_table_that_fails_is_a_gap_and_the_others_go_on(
    signed_consent: Callable[..., SignedConsent], clocks: Clocks
) -> None:
    disk = Baseline()
    memory = Counting()
    memory.error = PermissionError("no")
    sampler = make_sampler(signed_consent(granted=["memory", "disk"]), {"memory": memory, "disk": disk}, clocks)
    for _ in range(2):
        sampler.sample()
        clocks.go(1)
    assert list(sampler.take() or {}) == ["disk"]
    assert "memory cannot be read" in sampler.troubles["memory"] and memory.resets == 2
    memory.error = None
    sampler.sample()
    assert not sampler.troubles


def test_a_rest_forgets_the_last_reading(signed_consent: Callable[..., SignedConsent], clocks: Clocks) -> None:
    memory = Counting()
    make_sampler(signed_consent(granted=["memory"]), {"memory": memory}, clocks).rest()
    assert memory.resets == 1


def test_a_huge_machine_closes_its_batch_early(signed_consent: Callable[..., SignedConsent], clocks: Clocks) -> None:
    class Huge(Counting):
        """Many disks."""

        def collect(self) -> list[Row]:
            return [("sda", 1.0, 2.0, 3.0, 4.0, None)] * 20_000

    sampler = make_sampler(signed_consent(granted=["disk"]), {"disk": Huge()}, clocks, batch_seconds=3600)
    sampler.sample()
    assert not sampler.full()
    clocks.go(1)
    sampler.sample()
    assert sampler.full()


def test_a_small_step_back_leaves_samples_out_until_the_clock_has_caught_up(
    signed_consent: Callable[..., SignedConsent], clocks: Clocks
) -> None:
    sampler = make_sampler(signed_consent(granted=["memory"]), {"memory": Counting()}, clocks)
    for step in range(6):
        sampler.sample()
        clocks.go(1)
        if step == 1:
            clocks.ms -= 2500
    taken = sampler.take()
    assert taken is not None
    times = [int(str(time)) for time in taken["memory"]["time"]]
    assert times == sorted(set(times)) and len(times) == 4


@given(st.lists(st.integers(-10 * SMALL_STEP_MS, 10 * SMALL_STEP_MS), max_size=40))
def test_no_time_is_given_twice_whatever_the_clock_does(steps: list[int]) -> None:
    now = NOW_MS
    clock = SampleClock(lambda: now)
    given_out = []
    for step in steps:
        now += step
        time = clock.time()
        if time is not None:
            assert abs(time - now) < 20
            given_out.append(time)
    assert len(given_out) == len(set(given_out))


def test_after_a_large_step_back_sampling_goes_on_at_once() -> None:
    """A machine that started with its clock hours ahead."""
    now = NOW_MS + 2 * 3_600_000
    clock = SampleClock(lambda: now)
    assert clock.time() == now
    now = NOW_MS
    assert clock.time() == NOW_MS + 1


def test_the_sampler_needs_an_active_consent_by_type() -> None:
    assert Sampler.__init__.__annotations__["consent"].__name__ == type(sign_consent().active).__name__
