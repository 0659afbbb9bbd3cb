"""Bars and graphs keep their width, a gap is not a zero, and numbers are in people's units."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import gauges

ratios = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 1)
series = st.lists(st.none() | st.floats(0, 1e12), max_size=60)


@given(ratios, st.integers(0, 40))
def test_a_level_has_its_width(ratio: float, width: int) -> None:
    assert len(gauges.level(ratio, width).plain) == width


@given(st.lists(st.tuples(st.floats(-1, 2), st.just("red")), max_size=6), st.integers(0, 40))
def test_a_stacked_bar_has_its_width(parts: list[tuple[float, str]], width: int) -> None:
    assert len(gauges.stacked_bar(parts, width).plain) == width


@given(series, st.integers(0, 40), st.integers(1, 8), st.floats(0, 1e12))
def test_a_graph_has_its_size(values: list[float | None], width: int, height: int, maximum: float) -> None:
    rows = gauges.graph(values, width, height, maximum)
    assert len(rows) == height and all(len(row.plain) == width for row in rows)


def test_a_gap_is_blank_and_a_zero_is_a_line() -> None:
    assert gauges.sparkline([None, 0.0, 0.5, 1.0], 6, 1.0).plain == "   ▁▄█"
    assert gauges.sparkline([1.0, 2.0, 3.0], 2, 3.0).plain == "▅█"
    assert [row.plain for row in gauges.graph([0.25, 1.0], 2, 2, 1.0)] == [" █", "▄█"]


def test_parts_of_a_bar_share_it() -> None:
    drawn = gauges.stacked_bar([(0.5, "green"), (0.25, "red")], 8)
    assert drawn.plain == "━━━━━━──"
    assert [(span.start, span.end, span.style) for span in drawn.spans[:2]] == [(0, 4, "green"), (4, 6, "red")]


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536 * 1024, "1.5 MiB"), (31.2 * 1024**3, "31.2 GiB")]
    + [(200 * 1024**3, "200 GiB"), (5 * 1024**4, "5.0 TiB"), (5000 * 1024**4, "5000 TiB")],
)
def test_sizes(count: float, said: str) -> None:
    assert gauges.size(count) == said


@pytest.mark.parametrize(
    ("per_second", "said"), [(None, "–"), (0.0, "0 B/s"), (999.4, "999 B/s"), (1500, "1.5 kB/s"), (2.5e9, "2.5 GB/s")]
)
def test_rates(per_second: float | None, said: str) -> None:
    assert gauges.rate(per_second) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (3660, "1 h 1 min"), (90_000, "1 d 1 h")]
)
def test_spans(seconds: float, said: str) -> None:
    assert gauges.span(seconds) == said


def test_percent_keeps_its_width() -> None:
    assert {len(gauges.percent(ratio)) for ratio in (None, 0.0, 0.5, 1.0)} == {5}
    assert gauges.percent(0.424) == " 42 %"


@given(st.floats(allow_nan=False))
def test_heat_is_always_a_colour(ratio: float) -> None:
    colour = gauges.heat(ratio if math.isfinite(ratio) else 1.0).color
    assert colour is not None and colour.triplet is not None
