"""The midnights that were run."""

from server.registry import EndOfDay, Registry
from tests.consents import NOW_MS


def test_the_latest_day_is_remembered_whatever_the_order(registry: Registry) -> None:
    assert registry.last_end_of_day() is None
    registry.record_end_of_day("2026-03-29", {"cpu": 5}, NOW_MS)
    registry.record_end_of_day("2026-03-28", {"cpu": 7}, NOW_MS + 1)
    assert registry.last_end_of_day() == EndOfDay("2026-03-29", {"cpu": 5}, NOW_MS)


def test_a_day_that_is_run_again_adds_up(registry: Registry) -> None:
    registry.record_end_of_day("2026-03-29", {"cpu": 5, "disk": 1}, NOW_MS)
    registry.record_end_of_day("2026-03-29", {"cpu": 2, "memory": 3}, NOW_MS + 1)
    assert registry.last_end_of_day() == EndOfDay("2026-03-29", {"cpu": 7, "disk": 1, "memory": 3}, NOW_MS + 1)
