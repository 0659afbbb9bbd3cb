"""Scrapes to rows: resets, missing modes, clock steps, duplicates, what comes late."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from server.imports.counters import LONGEST_GAP_MS, Counters, Scrape, memory_row
from server.imports.format import Report
from server.imports.values import Row, misfit


def cpu(second: float, user: float, idle: float, source: str = "a", **more: float) -> Scrape:
    """A core that has spent so many seconds; ``system`` and ``nice`` stand still."""
    return Scrape(
        source, round(second * 1000), cpu={0: {"user": user, "idle": idle, "system": 1.0, "nice": 1.0, **more}}
    )


def disk(second: float, count: float) -> Scrape:
    """A disk all of whose counters are the same."""
    names = ("read_bytes", "write_bytes", "reads", "writes", "io_time")
    return Scrape("a", round(second * 1000), disk={"sda": dict.fromkeys(names, count)})


def run(*scrapes: Scrape) -> tuple[dict[str, list[Row]], Report]:
    """All rows by table, and the report."""
    report = Report("file")
    counters = Counters(report)
    found: dict[str, list[Row]] = {}
    for number, scrape in enumerate(scrapes, start=1):
        for table, rows in counters.add(scrape, f"line {number}").items():
            found.setdefault(table, []).extend(rows)
    return found, report


def user_at(rows: Mapping[str, list[Row]]) -> list[tuple[object, object]]:
    return [(row[0], row[2]) for row in rows.get("cpu", [])]


def test_a_rate_takes_two_and_stands_at_the_later_one() -> None:
    rows, report = run(cpu(0, 0, 0), cpu(10, 4, 6), cpu(20, 5, 15))
    assert user_at(rows) == [(10_000, 0.4), (20_000, 0.1)]
    assert report.faults == 0


def test_a_counter_that_went_back_gives_no_row_and_never_a_negative_rate() -> None:
    rows, _ = run(cpu(0, 50, 50), cpu(10, 1, 2), cpu(20, 5, 8))
    assert user_at(rows) == [(20_000, 0.4)]
    rows, _ = run(disk(0, 9), disk(10, 5), disk(20, 10))
    assert [(row[0], row[2]) for row in rows["disk"]] == [(20_000, 0.5)]


def test_missing_modes_are_none_and_without_a_main_one_shares_are_of_the_clock() -> None:
    rows, _ = run(Scrape("a", 0, cpu={3: {"idle": 0.0}}), Scrape("a", 10_000, cpu={3: {"idle": 7.5}}))
    assert rows["cpu"] == [(10_000, 3, None, None, None, None, None, None, 0.75)]


def test_both_interrupts_are_one() -> None:
    rows, _ = run(cpu(0, 0, 0, irq=0, softirq=0), cpu(10, 4, 4, irq=0.5, softirq=1.5))
    assert rows["cpu"][0][6] == 0.2


def test_after_a_long_gap_there_is_no_rate_over_it() -> None:
    gap = LONGEST_GAP_MS / 1000
    rows, _ = run(cpu(0, 0, 0), cpu(gap, 1, 1), cpu(2 * gap + 1, 2, 2), cpu(2 * gap + 11, 4, 3))
    assert [time for time, _ in user_at(rows)] == [gap * 1000, (2 * gap + 11) * 1000]


def test_a_clock_that_is_set_back_loses_only_what_it_says_twice() -> None:
    rows, report = run(cpu(100, 0, 0), cpu(110, 5, 5), cpu(105, 10, 10), cpu(115, 15, 15))
    assert [time for time, _ in user_at(rows)] == [110_000, 115_000]
    assert report.first == ["file: line 3: a sample of a is older than the one before; left out"]


def test_a_clock_that_is_set_forward_makes_no_share_above_one() -> None:
    rows, report = run(cpu(0, 0, 0), cpu(500, 5, 5), cpu(510, 10, 10))
    assert user_at(rows) == [(500_000, 0.5), (510_000, 0.5)]
    assert report.faults == 0


def test_what_is_said_twice_counts_once_and_a_contradiction_is_named() -> None:
    rows, report = run(cpu(0, 0, 0), cpu(10, 5, 5), cpu(10, 5, 5), cpu(20, 10, 10))
    assert (user_at(rows), report.faults) == ([(10_000, 0.5), (20_000, 0.5)], 0)
    rows, report = run(cpu(0, 0, 0), cpu(10, 5, 5), cpu(10, 9, 1), cpu(20, 10, 10))
    assert user_at(rows) == [(10_000, 0.5), (20_000, 0.5)]
    assert len(report.first) == 1 and "line 3" in report.first[0] and "same time" in report.first[0]


def test_a_scrape_that_repeats_the_one_before_is_no_idleness() -> None:
    rows, _ = run(cpu(0, 0, 0), cpu(10, 5, 5), cpu(15, 5, 5), cpu(20, 10, 10))
    assert user_at(rows) == [(10_000, 0.5), (20_000, 0.5)]


def test_machines_are_kept_apart() -> None:
    rows, report = run(cpu(0, 0, 0), cpu(5, 100, 0, "b"), cpu(10, 5, 5), cpu(4, 90, 0, "c"), cpu(15, 105, 5, "b"))
    assert user_at(rows) == [(10_000, 0.5), (15_000, 0.5)]
    assert report.faults == 0


def test_memory_without_available_is_free_buffers_and_cached_and_lacks_nothing() -> None:
    sizes = {"total": 1000.0, "free": 100.0, "buffers": 50.0, "cached": 250.0, "swap_total": 80.0, "swap_free": 30.0}
    assert memory_row(5, sizes) == (5, 1000, 400, 600, 80, 50)
    for name in sizes:
        assert memory_row(5, {key: value for key, value in sizes.items() if key != name}) is None
    assert memory_row(5, {**sizes, "total": -1.0}) is None
    assert memory_row(5, {**sizes, "free": float("nan")}) is None


numbers = st.floats() | st.floats(0, 2.0**64)
scrapes = st.builds(
    Scrape,
    st.sampled_from("ab"),
    st.integers(0, 2_000_000),
    st.dictionaries(st.integers(0, 2), st.dictionaries(st.sampled_from(["user", "system", "idle", "irq"]), numbers)),
    st.dictionaries(st.sampled_from(["total", "available", "free", "swap_total", "swap_free"]), numbers),
    st.dictionaries(
        st.sampled_from(["sda", "sdb"]),
        st.dictionaries(st.sampled_from(["read_bytes", "write_bytes", "reads", "writes", "io_time"]), numbers),
    ),
)


@settings(deadline=None)
@given(st.lists(scrapes, max_size=12))
def test_whatever_counters_say_what_comes_fits_the_catalogue(made: list[Scrape]) -> None:
    rows, _ = run(*made)
    for table, found in rows.items():
        assert [misfit(table, row) for row in found if misfit(table, row)] == []
