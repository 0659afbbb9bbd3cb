"""Numbers as people read them. ``tests/e2e/test_frame.py`` checks that the scripts say the same."""

import pytest

from server.web.numbers import ago, iso, memory, percent, rate
from tests.server.web.spoken import AGO, MEMORY, PERCENT, RATE


@pytest.mark.parametrize(("age_ms", "words"), AGO)
def test_ages(age_ms: int, words: str) -> None:
    assert ago(1_790_000_000_000 - age_ms, 1_790_000_000_000) == words


@pytest.mark.parametrize(("ratio", "words"), PERCENT)
def test_shares(ratio: float | None, words: str) -> None:
    assert percent(ratio) == words


@pytest.mark.parametrize(("value", "words"), RATE)
def test_rates(value: float | None, words: str) -> None:
    assert rate(value) == words


@pytest.mark.parametrize(("value", "words"), MEMORY)
def test_sizes(value: int | None, words: str) -> None:
    assert memory(value) == words


def test_times_are_utc() -> None:
    assert iso(1_790_000_000_999) == "2026-09-21T14:13:20Z"
