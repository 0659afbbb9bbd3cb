"""Midnights in the operator's zone, also on the days that have 23 or 25 hours."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from server.config import Config, config_of
from server.days import (
    LONGEST_DAY_HOURS,
    last_midnight_ms,
    longest_life_hours,
    next_midnight_ms,
    retention_floor_ms,
)
from server.settings import SETTINGS

HOUR_MS = 3_600_000
WARSAW = ZoneInfo("Europe/Warsaw")


def ms(text: str) -> int:
    """A UTC time as ms since the epoch."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def config(zone: str = "Europe/Warsaw", hours: int = 24) -> Config:
    """Settings with this zone and retention."""
    values = {setting.name: setting.default for setting in SETTINGS}
    return config_of(Path("/nowhere"), {**values, "timezone": zone, "retention_hours": hours})


@pytest.mark.parametrize(
    ("now", "midnight", "following", "hours"),
    [
        ("2026-06-10T12:00", "2026-06-09T22:00", "2026-06-10T22:00", 24),
        ("2026-06-09T22:00", "2026-06-09T22:00", "2026-06-10T22:00", 24),  # midnight itself begins the day
        ("2026-06-09T21:59:59.999", "2026-06-08T22:00", "2026-06-09T22:00", 24),
        ("2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00", 23),  # clocks go forward at 02:00
        ("2026-10-25T12:00", "2026-10-24T22:00", "2026-10-25T23:00", 25),  # clocks go back at 03:00
        ("2028-02-29T12:00", "2028-02-28T23:00", "2028-02-29T23:00", 24),  # leap day
    ],
)
def test_days_of_23_24_and_25_hours(now: str, midnight: str, following: str, hours: int) -> None:
    assert last_midnight_ms(ms(now), WARSAW) == ms(midnight)
    assert next_midnight_ms(ms(now), WARSAW) == ms(following)
    assert next_midnight_ms(ms(now), WARSAW) - last_midnight_ms(ms(now), WARSAW) == hours * HOUR_MS


def test_a_day_without_a_midnight_begins_with_the_jump() -> None:
    cairo = ZoneInfo("Africa/Cairo")  # 24 April 2026: 23:59:59 is followed by 01:00
    assert last_midnight_ms(ms("2026-04-24T10:00"), cairo) == ms("2026-04-23T22:00")
    assert next_midnight_ms(ms("2026-04-23T21:00"), cairo) == ms("2026-04-23T22:00")


def test_a_midnight_that_comes_twice_counts_once() -> None:
    havana = ZoneInfo("America/Havana")  # 1 November 2026: 01:00 is followed by 00:00
    assert last_midnight_ms(ms("2026-11-01T12:00"), havana) == ms("2026-11-01T04:00")
    assert next_midnight_ms(ms("2026-11-01T05:30"), havana) == ms("2026-11-02T05:00")


@pytest.mark.parametrize(
    ("now", "floor"),
    [
        ("2026-06-10T12:00", "2026-06-08T22:00"),
        ("2026-03-29T12:00", "2026-03-27T23:00"),
        ("2026-03-30T12:00", "2026-03-28T22:00"),  # 24 hours before midnight is 23:00 of the day before the short one
        ("2026-10-26T12:00", "2026-10-24T23:00"),
    ],
)
def test_the_floor_is_midnight_minus_the_retention(now: str, floor: str) -> None:
    assert retention_floor_ms(ms(now), config()) == ms(floor)


ZONES = ["Europe/Warsaw", "UTC", "America/Havana", "Africa/Cairo", "Asia/Kathmandu", "Australia/Lord_Howe"]
MOMENTS = st.integers(ms("2020-01-01T00:00"), ms("2040-01-01T00:00"))


@given(now=MOMENTS, zone=st.sampled_from(ZONES), hours=st.integers(1, 100))
def test_no_sample_outlives_the_promise(now: int, zone: str, hours: int) -> None:
    settings = config(zone, hours)
    # The last moment at which a sample taken now is still there: the first midnight whose floor is above it.
    midnight = now
    while retention_floor_ms(midnight, settings) <= now:
        midnight = next_midnight_ms(midnight, settings.zone)
    assert midnight - now <= longest_life_hours(settings) * HOUR_MS
    assert midnight - now > hours * HOUR_MS


@given(now=MOMENTS, zone=st.sampled_from(ZONES))
def test_now_lies_within_its_day(now: int, zone: str) -> None:
    start, end = last_midnight_ms(now, ZoneInfo(zone)), next_midnight_ms(now, ZoneInfo(zone))
    assert start <= now < end
    assert end - start <= LONGEST_DAY_HOURS * HOUR_MS
    assert next_midnight_ms(start, ZoneInfo(zone)) == end


@given(now=MOMENTS, later=st.integers(0, 10 * 86_400_000), zone=st.sampled_from(ZONES))
def test_the_floor_never_goes_back(now: int, later: int, zone: str) -> None:
    assert retention_floor_ms(now, config(zone)) <= retention_floor_ms(now + later, config(zone))


def test_each_midnight_of_a_year_follows_the_one_before() -> None:
    now, seen = ms("2026-01-01T12:00"), []
    for _ in range(365):
        now = next_midnight_ms(now, WARSAW)
        seen.append(datetime.fromtimestamp(now / 1000, WARSAW).date())
    assert all(after - before == timedelta(days=1) for before, after in zip(seen, seen[1:], strict=False))
