"""What iostat -t prints, to rows worked out by hand."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.errors import ImportFailed
from tests.server.imports.reading import Read, read_bytes

GOLDEN = Path(__file__).parent / "golden" / "sysstat"
LINUX = "Linux 6.1.0 (m) \t11/25/26 \t_x86_64_\t(2 CPU)\n\n"
CPU = "avg-cpu:  %user   %nice %system %iowait  %steal   %idle\n"
LOAD = "          30.00    5.00   10.00    1.00    4.00   50.00\n\n"
EXTENDED = "Device            r/s     rkB/s     w/s     wkB/s     d/s     dkB/s  aqu-sz  %util\n"
PLAIN = "Device             tps    kB_read/s    kB_wrtn/s    kB_dscd/s    kB_read    kB_wrtn    kB_dscd\n"


def cpu(time: str, load: str = LOAD) -> str:
    return f"{time}\n{CPU}{load}\n"


def disks(time: str, *lines: str, title: str = EXTENDED) -> str:
    return f"{time}\n{title}" + "".join(f"{line}\n" for line in lines) + "\n\n"


def iso(seconds: int) -> str:
    return f"2026-11-25T10:00:{seconds:02}+0000"


def read(*reports: str, zone: str = "UTC", source: str | None = None, linux: str = LINUX) -> Read:
    return read_bytes((linux + "".join(reports)).encode(), zone=zone, source=source)


def times(result: Read, table: str = "cpu") -> list[str]:
    return [datetime.fromtimestamp(row[0] / 1000, UTC).strftime("%H:%M:%S") for row in result.rows(table)]  # type: ignore


def test_the_recording_in_numbers_without_the_report_since_boot() -> None:
    result = read_bytes((GOLDEN / "iostat-x.txt").read_bytes())
    start = 1_795_565_640_000  # 2026-11-25 00:14:00 UTC
    assert result.rows("cpu") == [
        (start, 0, 0.005, 0.0, 0.0, 0.0, None, 0.0, 0.995),
        (start + 1000, 0, 0.0, 0.01, 0.0, 0.0, None, 0.0, 0.99),
    ]
    assert result.rows("disk") == [
        (start, "vda", 40960.0, 0.0, 9.0, 0.0, 0.0),
        (start + 1000, "vda", 0.0, 0.0, 0.0, 0.0, 0.0),
    ]
    assert result.report.faults == 0


def test_the_mean_of_all_cores_is_core_0_and_interrupts_are_not_told_apart() -> None:
    assert read(cpu(iso(0)), cpu(iso(1))).rows("cpu")[0][1:] == (0, 0.3, 0.1, 0.05, 0.01, None, 0.04, 0.5)


@pytest.mark.parametrize(
    ("title", "line"),
    [
        (EXTENDED, "sda 3.00 1536.00 6.00 3072.00 0.00 0.00 0.01 10.00"),
        (EXTENDED.replace("kB", "MB"), "sda 3.00 1.50 6.00 3.00 0.00 0.00 0.01 10.00"),
        (EXTENDED.replace("rkB", "rsec").replace("wkB", "wsec"), "sda 3.00 3072.00 6.00 6144.00 0.00 0.00 0.01 10.00"),
        (EXTENDED.replace("Device ", "Device:"), "sda 3.00 1536.00 6.00 3072.00 0.00 0.00 0.01 10.00"),
    ],
)
def test_units_of_extended_reports(title: str, line: str) -> None:
    result = read(disks(iso(0), line, title=title), disks(iso(1), line, title=title))
    assert [row[1:] for row in result.rows("disk")] == [("sda", 1536.0 * 1024, 3072.0 * 1024, 3.0, 6.0, 0.1)]


def test_numbers_for_people_over_several_tables() -> None:
    groups = [
        ("r/s rkB/s rrqm/s %rrqm", "3.00 1.5M 0.00 0.0%", "0.00 0.0k 0.00 0.0%"),
        ("w/s wkB/s wrqm/s %wrqm", "6.00 512.0k 0.00 0.0%", "1.00 1.0G 0.00 0.0%"),
        ("f/s f_await aqu-sz %util", "0.00 0.00 0.20 10.0%", "0.00 0.00 0.20 2.4%"),
    ]
    report = "".join(f"  {names} Device\n  {sda} sda\n  {sdb} sdb\n\n" for names, sda, sdb in groups)
    load = "          30.0%    5.0%   10.0%    1.0%    4.0%   50.0%\n\n"
    result = read(*(f"{iso(at)}\n{CPU}{load}{report}" for at in range(3)))
    first = [row for row in result.rows("disk") if row[0] == result.rows("disk")[0][0]]
    assert [row[1:] for row in first] == [
        ("sda", 1536.0 * 1024, 512.0 * 1024, 3.0, 6.0, 0.1),
        ("sdb", 0.0, 1024.0**3, 0.0, 1.0, 0.024),
    ]
    assert times(result, "disk") == ["10:00:01"] * 2 + ["10:00:02"] * 2
    assert (times(result), result.report.faults) == (["10:00:01", "10:00:02"], 0)
    assert result.rows("cpu")[0][1:] == (0, 0.3, 0.1, 0.05, 0.01, None, 0.04, 0.5)


def test_plain_reports_have_no_busy_time_and_tell_reads_from_writes_where_there_was_one_of_both() -> None:
    lines = ["sda 5.00 8.00 0.00 0.00 8 0 0", "sdb 7.00 0.00 2.00 0.00 0 2 0", "sdc 7.00 1.00 2.00 0.00 1 2 0"]
    result = read(*(disks(iso(at), *lines, title=PLAIN) for at in range(3)))
    assert [row[1:] for row in result.rows("disk")[:2]] == [
        ("sda", 8192.0, 0.0, 5.0, 0.0, None),
        ("sdb", 0.0, 2048.0, 0.0, 7.0, None),
    ]
    assert (len(result.rows("disk")), result.report.faults) == (4, 1)
    assert "not told apart for each disk" in result.report.first[0]
    megabytes = [disks(iso(at), lines[0], title=PLAIN.replace("kB", "MB")) for at in range(2)]
    assert read(*megabytes).rows("disk") == []  # 0.00 MB written may be several writes


def test_whole_disks_only() -> None:
    names = "sda sda1 nvme0n1 nvme0n1p2 loop0 dm-0 md0 sr0 zram0".split()
    lines = [f"{name} 3.00 8.00 6.00 8.00 0.00 0.00 0.01 10.00" for name in names]
    result = read(disks(iso(0), *lines), disks(iso(1), *lines))
    assert [row[1] for row in result.rows("disk")] == ["nvme0n1", "sda"]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-11-25T10:00:01+0100", "UTC", "09:00:01"),
        ("2026-11-25T10:00:01Z", "Europe/Warsaw", "10:00:01"),
        ("2026-11-25T10:00:01", "Europe/Warsaw", "09:00:01"),
        ("11/25/26 10:00:01", "Europe/Warsaw", "09:00:01"),
        ("11/25/2026 10:00:01 PM", "UTC", "22:00:01"),
        ("11/25/2026 12:00:01 AM", "UTC", "00:00:01"),
        ("25.11.2026 10:00:01", "America/New_York", "15:00:01"),
        ("2026-11-25 10:00:01", "UTC", "10:00:01"),
    ],
)
def test_times(text: str, zone: str, expected: str) -> None:
    assert times(read(cpu("2026-11-24T00:00:00Z"), cpu(text), zone=zone)) == [expected]


def test_the_repeated_hour_by_order_and_by_offset() -> None:
    clock = ["01:50:00", "02:20:00", "02:50:00", "02:20:00", "02:50:00", "03:20:00"]
    expected = ["00:20:00", "00:50:00", "01:20:00", "01:50:00", "02:20:00"]
    by_order = read(*(cpu(f"10/25/26 {text}") for text in clock), zone="Europe/Warsaw")
    assert (times(by_order), by_order.report.faults) == (expected, 0)
    offsets = ["+0200"] * 3 + ["+0100"] * 3
    by_offset = read(*(cpu(f"2026-10-25T{text}{offset}") for text, offset in zip(clock, offsets, strict=True)))
    assert times(by_offset) == expected


def test_each_run_begins_with_a_report_since_boot_and_anew_in_time() -> None:
    result = read(cpu(iso(10)), cpu(iso(11)), LINUX, cpu(iso(5)), cpu(iso(6)))
    assert sorted(times(result)) == ["10:00:06", "10:00:11"]
    assert result.report.faults == 0


def test_a_step_of_the_clock_backwards_and_a_time_said_twice() -> None:
    result = read(*(cpu(iso(at)) for at in (1, 3, 2, 4, 4)))
    assert times(result) == ["10:00:03", "10:00:04"]
    assert [each.partition(": cpu")[2] for each in result.report.first] == [
        ": the time is before that of the sample above; left out"
    ]


@pytest.mark.parametrize("bad", ["-", "nan", "-1.00", "x"])
def test_a_number_that_is_none_costs_its_line_only(bad: str) -> None:
    line = "sda 3.00 8.00 6.00 8.00 0.00 0.00 0.01 10.00"
    wrong = cpu(iso(1), LOAD.replace("30.00", bad)) + EXTENDED + f"{line}\n{line.replace('sda 3.00', 'sdb ' + bad)}\n\n"
    result = read(cpu(iso(0)), wrong, cpu(iso(2)))
    assert (times(result), [row[1] for row in result.rows("disk")]) == (["10:00:02"], ["sda"])
    assert result.report.faults == 2


@pytest.mark.parametrize("lost", [1, 2, 4, 8])
def test_a_file_that_is_cut_off_counts_as_far_as_it_goes(lost: int) -> None:
    result = read(cpu(iso(0)), cpu(iso(1)), cpu(iso(2)).rstrip("\n")[:-lost])
    assert times(result) == ["10:00:01"]
    assert result.report.faults == 1
    assert "the line is cut off" in result.report.first[0]


def test_a_column_that_is_not_there_is_one_fault_a_file() -> None:
    short = "Device             tps      kB/s    rqm/s   await  areq-sz  aqu-sz  %util\n"
    result = read(*(disks(iso(at), "sda 1.00 1.00 1.00 1.00 1.00 1.00 1.00", title=short) for at in range(4)))
    assert result.report.faults == 1
    assert "disk: the column rd_sec is missing; run S_TIME_FORMAT=ISO iostat -t -x" in result.report.first[0]


def test_without_times_the_file_is_of_no_use() -> None:
    with pytest.raises(ImportFailed, match="no times in it; run S_TIME_FORMAT=ISO iostat -t -x 1"):
        read(f"{CPU}{LOAD}")


def test_names_of_machines() -> None:
    reports = cpu(iso(0)), cpu(iso(1))
    assert read(*reports).sources == {"m"}
    assert read(*reports, source="other").sources == {"other"}
    second = LINUX.replace("(m)", "(n)")
    assert read(*reports, second, *reports).sources == {"m", "n"}
    with pytest.raises(ImportFailed, match="more than one machine; leave out --source"):
        read(*reports, second, *reports, source="other")
