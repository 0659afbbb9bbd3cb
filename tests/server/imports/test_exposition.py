"""What node_exporter's /metrics leaves in a file."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import ImportFailed
from server.imports import Report, detect
from server.imports.exposition import FORMAT, parse_scrape
from tests.server.imports.reading import read_bytes

GOLDEN = Path(__file__).parent / "golden" / "exposition"
CPU = 'node_cpu_seconds_total{{cpu="0",mode="{mode}"}} {value}{stamp}\n'


def scrape(user: float, idle: float, stamp: str = "") -> str:
    """One core and no more, of whole scrapes that say a little."""
    values = {"idle": idle, "system": 0, "user": user}
    return "".join(CPU.format(mode=mode, value=value, stamp=stamp) for mode, value in values.items())


@pytest.mark.parametrize("name", ["loop.txt", "dated.txt"])
def test_a_loop_of_curl_is_read_scrape_by_scrape(name: str) -> None:
    content = (GOLDEN / name).read_bytes()
    assert detect(content[:65536]) is FORMAT
    read = read_bytes(content)
    assert read.sources == {"open1"} and not read.report.faults
    assert [len(read.rows(table)) for table in ("cpu", "memory", "disk")] == [4, 3, 2]
    times = [row[0] for row in read.rows("memory")]
    assert all(900 <= int(str(late)) - int(str(early)) <= 2100 for early, late in zip(times, times[1:], strict=False))
    for row in read.rows("cpu"):
        assert sum(float(str(share)) for share in row[2:]) == pytest.approx(1, abs=0.001)


def test_times_come_from_the_lines_of_date() -> None:
    content = (GOLDEN / "dated.txt").read_text()
    said = [int(line.split()[2]) * 1000 for line in content.splitlines() if line.startswith("# scraped")]
    assert [row[0] for row in read_bytes(content.encode()).rows("memory")] == said


@pytest.mark.parametrize(
    ("before", "after"), [("# scraped {}\n", ""), ("", "# scraped {}\n")], ids=["times before", "times after"]
)
def test_the_time_of_a_scrape_stands_before_or_after_it(before: str, after: str) -> None:
    times = ("2026-11-24T10:00:00Z", "1795514410")
    text = "".join(
        before.format(time) + scrape(user, idle) + after.format(time)
        for time, user, idle in zip(times, (1, 4), (10, 17), strict=True)
    )
    assert read_bytes(text.encode(), source="web1").rows("cpu") == [
        (1795514410000, 0, 0.3, 0.0, None, None, None, None, 0.7)
    ]


def test_times_of_samples_scrape_by_scrape_and_series_by_series() -> None:
    text = scrape(1, 10, " 1795514400000") + scrape(4, 17, " 1795514410000")
    by_series = "".join(sorted(text.splitlines(keepends=True), key=lambda line: line.split()[0]))
    for each in (text, by_series, by_series.replace("000\n", "\n") + "# EOF\n"):
        assert read_bytes(each.encode(), source="web1").rows("cpu") == [
            (1795514410000, 0, 0.3, 0.0, None, None, None, None, 0.7)
        ]


def test_a_reset_gives_no_rate_and_the_next_scrape_does() -> None:
    parts = [scrape(50, 50), scrape(1, 1), scrape(2, 4)]
    text = "".join(f"{part}# scraped {1795514400 + 10 * at}\n" for at, part in enumerate(parts))
    assert [row[0] for row in read_bytes(text.encode(), source="w").rows("cpu")] == [1795514420000]


def test_a_damaged_line_is_named_and_the_rest_is_imported() -> None:
    lines = (GOLDEN / "loop.txt").read_text().splitlines()
    broken = next(at for at, line in enumerate(lines) if line.startswith("node_memory_MemTotal"))
    lines[broken] = 'node_memory_MemTotal_bytes{a="b" 12'
    read = read_bytes("\n".join(lines).encode())
    assert f"line {broken + 1}" in read.report.first[0]
    assert [len(read.rows(table)) for table in ("cpu", "memory", "disk")] == [4, 2, 2]
    with pytest.raises(ImportFailed, match=f"line {broken + 1}"):
        read_bytes("\n".join(lines).encode(), strict=True)


def test_without_any_time_nothing_is_made_up() -> None:
    read = read_bytes(scrape(1, 2).encode(), source="web1")
    assert not read.chunks and "# scraped" in read.report.first[0]


def test_one_moment_has_no_rates_and_says_so() -> None:
    content = (GOLDEN / "dated.txt").read_text()
    read = read_bytes(content[: content.index("# scraped")].encode())
    assert [len(read.rows(table)) for table in ("cpu", "memory", "disk")] == [0, 1, 0]
    assert "memory only" in read.report.first[0]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["node_cpu_seconds_total", "{", "}", 'cpu="0"', ",", " ", "1", "\n", "# EOF", "NaN", "é"]))
)
def test_no_text_raises(pieces: list[str]) -> None:
    parse_scrape("".join(pieces), "web1", 1, Report("web1"))
    read_bytes("".join(pieces).encode(), FORMAT, source="web1")
