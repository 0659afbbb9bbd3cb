"""What vmstat -t prints, to rows worked out by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.errors import ImportFailed
from tests.server.imports.reading import Read, read_bytes

GOLDEN = Path(__file__).parent / "golden" / "procps"
TITLE = "procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu----- -----timestamp-----"
NAMES = " r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st"


def header(zone: str = "UTC", names: str = NAMES) -> str:
    return f"{TITLE}\n{names} {zone:>19}\n"


def line(time: str, shares: str = "30 10 55  3  2", date: str = "2026-11-25") -> str:
    return f" 2  0      0 228914   2269 154922    0    0  1229  1652  409 1282 {shares} {date} {time}\n"


def read(text: str, zone: str = "UTC", source: str | None = "m") -> Read:
    return read_bytes(text.encode(), zone=zone, source=source)


def times(result: Read) -> list[str]:
    return [datetime.fromtimestamp(row[0] / 1000, UTC).strftime("%H:%M:%S") for row in result.rows("cpu")]  # type: ignore


def test_the_recording_in_numbers_without_the_line_since_boot() -> None:
    result = read((GOLDEN / "vmstat.txt").read_text())
    start = 1_795_565_641_000  # 2026-11-25 00:14:01 UTC
    assert result.rows("cpu") == [
        (start, 0, 0.01, 0.0, None, 0.0, None, 0.0, 1.0),
        (start + 1000, 0, 0.0, 0.01, None, 0.0, None, 0.0, 0.99),
        (start + 2000, 0, 0.0, 0.0, None, 0.0, None, 0.0, 1.0),
    ]
    assert [set(chunk.tables) for chunk in result.chunks] == [{"cpu"}]


def test_the_time_of_virtual_machines_is_in_user() -> None:
    wide = header(names=NAMES + " gu")
    result = read(wide + line("10:00:00", "0 0 0 0 0 0") + line("10:00:01", "30 10 40  3  2 15"))
    assert result.rows("cpu")[0][2:] == (0.45, 0.1, None, 0.03, None, 0.02, 0.4)


def test_units_of_memory_do_not_matter() -> None:
    plain = header() + line("10:00:00") + line("10:00:01")
    assert read(plain.replace("228914", "234").replace("154922", "158")).rows("cpu") == read(plain).rows("cpu")


def screen(start: datetime, lines: int) -> str:
    steps = (start + timedelta(seconds=at) for at in range(lines))
    return header() + "".join(line(f"{step:%H:%M:%S}") for step in steps)


def test_a_header_repeated_after_a_screen_begins_no_new_run() -> None:
    start = datetime(2026, 11, 25, 10)
    result = read(screen(start, 21) + screen(start + timedelta(seconds=21), 21))
    assert times(result) == [f"10:00:{at:02}" for at in range(1, 42)]


def test_a_header_elsewhere_begins_a_run_whose_first_line_is_since_boot() -> None:
    start = datetime(2026, 11, 25, 10)
    assert times(read(screen(start, 3) + screen(start + timedelta(seconds=3), 3))) == [
        "10:00:01",
        "10:00:02",
        "10:00:04",
        "10:00:05",
    ]
    far = read(screen(start, 21) + screen(start + timedelta(hours=1), 2))
    assert times(far)[20:] == ["11:00:01"]
    earlier = read(screen(start, 3) + screen(start - timedelta(hours=1), 2))
    assert sorted(times(earlier))[0] == "09:00:01"
    assert earlier.report.faults == 0


@pytest.mark.parametrize(
    ("abbreviation", "zone", "expected"),
    [
        ("UTC", "Europe/Warsaw", "10:00:01"),
        ("CET", "Europe/Warsaw", "09:00:01"),
        ("EST", "America/New_York", "15:00:01"),
        ("+03", "UTC", "07:00:01"),
        ("-0330", "UTC", "13:30:01"),
    ],
)
def test_times_are_of_the_zone_in_the_header(abbreviation: str, zone: str, expected: str) -> None:
    assert times(read(header(abbreviation) + line("10:00:00") + line("10:00:01"), zone)) == [expected]


def test_a_zone_that_does_not_agree_is_no_guess() -> None:
    with pytest.raises(ImportFailed, match="CET, which UTC does not have; add --timezone"):
        read(header("CET") + line("10:00:00"))


def test_the_repeated_hour_under_a_header_that_is_older() -> None:
    texts = ["01:59:59", "02:59:58", "02:59:59", "02:00:00", "02:00:01", "02:59:59", "03:00:00", "03:00:01"]
    text = header("CEST") + "".join(line(each, date="2026-10-25") for each in texts)
    expected = ["00:59:58", "00:59:59", "01:00:00", "01:00:01", "01:59:59", "02:00:00", "02:00:01"]
    result = read(text, "Europe/Warsaw")
    assert (times(result), result.report.faults) == (expected, 0)


def test_a_header_within_the_repeated_hour_says_which_it_is() -> None:
    early, late = (
        read(header(zone) + line("02:10:00", date="2026-10-25") + line("02:10:01", date="2026-10-25"), "Europe/Warsaw")
        for zone in ("CEST", "CET")
    )
    assert times(early) == ["00:10:01"]
    assert times(late)[:1] == ["01:10:01"]


def test_a_step_of_the_clock_backwards_and_a_time_said_twice() -> None:
    result = read(header() + "".join(line(f"10:00:0{at}") for at in (1, 3, 2, 4, 4)))
    assert times(result) == ["10:00:03", "10:00:04"]
    assert result.report.first == ["file: line 5: cpu: the time is before that of the sample above; left out"]


@pytest.mark.parametrize("bad", ["-", "nan", "-1", "x"])
def test_a_number_that_is_none_costs_its_line_only(bad: str) -> None:
    result = read(header() + line("10:00:00") + line("10:00:01", f"{bad} 10 55 3 2") + line("10:00:02"))
    assert times(result) == ["10:00:02"]
    assert (result.report.faults, result.report.first[0][:13]) == (1, "file: line 4:")


@pytest.mark.parametrize("lost", [2, 3, 7, 10])
def test_a_file_that_is_cut_off_counts_as_far_as_it_goes(lost: int) -> None:
    result = read(header() + line("10:00:00") + line("10:00:01") + line("10:01:05")[:-lost])
    assert times(result) == ["10:00:01"]
    assert result.report.first == ["file: line 5: the line is cut off or not of vmstat -t"]


def test_without_times_or_a_name_the_file_is_of_no_use() -> None:
    with pytest.raises(ImportFailed, match="no times in it; run vmstat -t"):
        read(f"{TITLE}\n{NAMES}\n 2  0      0 228914   2269 154922    0    0  1229  1652  409 1282 1 1 98 0 0\n")
    with pytest.raises(ImportFailed, match="does not say which machine it is of; add --source"):
        read(header() + line("10:00:00") + line("10:00:01"), source=None)
