"""The midnight job on a real registry and a real store, with a clock that is passed in."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from consent.alias import alias_of
from server import end_of_day
from server.errors import StoreUnavailable
from server.runtime import Runtime
from server.store.protocol import StoredBatch
from tests.server.installation import Clock, initialise, open_installation

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
WARSAW = ZoneInfo("Europe/Warsaw")
INSTANCE = "5f0c3a52-3a0b-4d1e-9c1d-0a4b5c6d7e8f"


def ms(text: str) -> int:
    """A UTC time as ms since the epoch."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOON = ms("2026-06-10T10:00")  # 12:00 in Warsaw
MIDNIGHT = ms("2026-06-10T22:00")


@pytest.fixture
def clock() -> Clock:
    """Noon of a summer day."""
    return Clock(NOON)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An installation."""
    initialise(tmp_path / "server")
    return tmp_path / "server"


@pytest.fixture
def runtime(data_dir: Path, clock: Clock) -> Iterator[Runtime]:
    """It, open."""
    with open_installation(data_dir, clock) as opened:
        yield opened


def store_memory(runtime: Runtime, *times: int, sequence: int = 1) -> None:
    """One row of memory at each time."""
    columns = {"time": list(times)} | {
        name: [1024] * len(times)
        for name in ("total_bytes", "available_bytes", "used_bytes", "swap_total_bytes", "swap_used_bytes")
    }
    runtime.store.append([StoredBatch(INSTANCE, sequence, bytes(32), {"memory": columns})])


def run(runtime: Runtime) -> end_of_day.Done | None:
    """As the scheduler calls it."""
    return end_of_day.run_if_due(runtime.config, runtime.registry, runtime.store, runtime.now_ms())


def kept(runtime: Runtime) -> list[object]:
    """The times that are still stored."""
    return [row["time"] for _, row in runtime.store.rows(INSTANCE)]


def test_at_midnight_what_is_older_than_the_retention_goes(runtime: Runtime, clock: Clock) -> None:
    run(runtime)  # the midnight before noon
    old, young = MIDNIGHT - 24 * HOUR_MS - 1, MIDNIGHT - 24 * HOUR_MS
    store_memory(runtime, old, young, NOON)
    clock.now_ms = MIDNIGHT - 1
    assert run(runtime) is None
    clock.now_ms = MIDNIGHT
    done = run(runtime)
    assert done is not None and done.day == "2026-06-10"
    assert (done.rows.get("memory"), kept(runtime)) == (1, [young, NOON])


def test_twice_is_once(runtime: Runtime, clock: Clock) -> None:
    assert run(runtime) is not None
    clock.now_ms += HOUR_MS
    assert run(runtime) is None
    assert sum(entry.act == "day.ended" for entry in runtime.registry.audit_entries(100)) == 1


def test_a_server_that_was_down_at_midnight_catches_up_before_it_serves(data_dir: Path, clock: Clock) -> None:
    with open_installation(data_dir, clock) as runtime:
        run(runtime)
        store_memory(runtime, NOON)
    clock.now_ms = NOON + 3 * DAY_MS
    with open_installation(data_dir, clock) as runtime:
        end_of_day.schedule(runtime)
        assert kept(runtime) == []
        last = runtime.registry.last_end_of_day()
        assert last is not None and (last.day, last.counts.get("memory")) == ("2026-06-12", 1)


class DiesAfterDeleting:
    """A registry whose process is killed when the day is about to be recorded."""

    def __init__(self, runtime: Runtime) -> None:
        self._registry = runtime.registry

    def __getattr__(self, name: str) -> Callable[..., object]:
        return getattr(self._registry, name)  # type: ignore[no-any-return]

    def record_end_of_day(self, day: str, counts: Mapping[str, int], now_ms: int) -> None:
        """Never comes to it."""
        raise KeyboardInterrupt


def test_killed_in_the_middle_it_finishes_at_the_next_start(data_dir: Path, clock: Clock) -> None:
    with open_installation(data_dir, clock) as runtime:
        store_memory(runtime, NOON - 23 * HOUR_MS)
        clock.now_ms = MIDNIGHT
        with pytest.raises(KeyboardInterrupt):
            end_of_day.run(
                runtime.config,
                DiesAfterDeleting(runtime),  # type: ignore[arg-type]  # stands in for a registry that dies
                runtime.store,
                MIDNIGHT,
            )
        assert runtime.registry.last_end_of_day() is None
    with open_installation(data_dir, clock) as runtime:
        end_of_day.schedule(runtime)
        last = runtime.registry.last_end_of_day()
        assert last is not None and last.day == "2026-06-10"
        assert kept(runtime) == []


def test_a_store_that_fails_leaves_the_day_open_and_stops_the_start(runtime: Runtime) -> None:
    runtime.store.close()
    with pytest.raises(StoreUnavailable):
        end_of_day.schedule(runtime)
    assert runtime.registry.last_end_of_day() is None


def test_a_clock_that_once_ran_ahead_does_not_stop_deletion(runtime: Runtime, clock: Clock) -> None:
    clock.now_ms = NOON + 1000 * DAY_MS
    run(runtime)
    clock.now_ms = NOON
    assert run(runtime) is not None


@pytest.mark.parametrize(
    ("sample", "midnight"),
    [
        ("2026-03-28T22:30", "2026-03-29T22:00"),  # spring: the day has 23 hours
        ("2026-10-24T22:30", "2026-10-25T23:00"),  # autumn: 25 hours
        ("2028-02-28T23:30", "2028-02-29T23:00"),  # leap day
    ],
)
def test_a_sample_of_the_day_survives_its_own_midnight_and_not_the_next_but_one(
    runtime: Runtime, clock: Clock, sample: str, midnight: str
) -> None:
    clock.now_ms = ms(sample)
    store_memory(runtime, ms(sample))
    clock.now_ms = ms(midnight)
    run(runtime)
    assert len(kept(runtime)) == 1 - (ms(midnight) - ms(sample) > 24 * HOUR_MS)
    clock.now_ms = ms(midnight) + DAY_MS
    run(runtime)
    assert kept(runtime) == []


def test_the_trigger_fires_at_every_midnight_of_the_year() -> None:
    trigger = end_of_day.Midnight(WARSAW)
    fired = trigger.get_next_fire_time(None, datetime(2026, 1, 1, 12, tzinfo=UTC))
    days = set()
    for _ in range(365):
        days.add(fired.astimezone(WARSAW).date())
        assert fired.astimezone(WARSAW).hour == 0
        fired = trigger.get_next_fire_time(fired, fired)
    assert len(days) == 365  # APScheduler's CronTrigger leaves out 30 March here


def test_a_missed_midnight_is_not_skipped() -> None:
    trigger = end_of_day.Midnight(ZoneInfo("UTC"))
    late = datetime(2026, 1, 9, tzinfo=UTC)
    assert trigger.get_next_fire_time(datetime(2026, 1, 2, tzinfo=UTC), late) == datetime(2026, 1, 3, tzinfo=UTC)


def test_the_scheduler_runs_the_job_and_stops_with_the_runtime(runtime: Runtime) -> None:
    scheduler = end_of_day.schedule(runtime)
    assert {job.id for job in scheduler.get_jobs()} == {"midnight", "catch-up"}
    midnight = scheduler.get_job("midnight").next_run_time
    assert midnight > datetime.now(UTC)
    runtime.close()
    assert not scheduler.running


def test_nothing_of_an_instance_is_in_the_audit_trail(runtime: Runtime) -> None:
    store_memory(runtime, NOON)
    run(runtime)
    for entry in runtime.registry.audit_entries(100):
        assert INSTANCE not in entry.subject and alias_of(INSTANCE) not in entry.subject
