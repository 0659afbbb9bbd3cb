"""What sadf -d prints, to rows worked out by hand."""

import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.errors import ImportFailed
from server.imports import Content, Report, sadf_csv
from tests.server.imports.reading import Read, read_bytes

GOLDEN = Path(__file__).parent / "golden" / "sysstat"
HEAD = "# hostname;interval;timestamp;"
CPU = HEAD + "CPU;%usr;%nice;%sys;%iowait;%steal;%irq;%soft;%guest;%gnice;%idle"
PLAIN = HEAD + "CPU;%user;%nice;%system;%iowait;%steal;%idle"
IO = HEAD + "tps;rtps;wtps;dtps;bread/s;bwrtn/s;bdscd/s"
MEMORY = HEAD + "kbmemfree;kbavail;kbmemused;%memused;kbbuffers;kbcached;kbslab"
SWAP = HEAD + "kbswpfree;kbswpused;%swpused;kbswpcad;%swpcad"
DISK = HEAD + "DEV;tps;rkB/s;wkB/s;dkB/s;areq-sz;aqu-sz;await;%util"
BUSY = "30.00;0.00;10.00;0.00;0.00;60.00"
T0 = 1_795_563_435_000  # 2026-11-24 23:37:15 UTC


def read(*lines: str, zone: str = "UTC", source: str | None = None, strict: bool = False) -> Read:
    return read_bytes("\n".join(lines).encode() + b"\n", zone=zone, source=source, strict=strict)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def cpu(time: str, core: str = "0", values: str = BUSY, host: str = "m") -> str:
    return f"{host};1;{time};{core};{values}"


def times(result: Read) -> list[int]:
    return [row[0] for row in result.rows("cpu")]  # type: ignore[misc]


def test_the_recording_in_numbers() -> None:
    result = read_bytes((GOLDEN / "restart.csv").read_bytes())
    first, second = ms("2026-11-24 23:40:23"), ms("2026-11-24 23:40:24")
    assert result.rows("cpu") == [
        (first, 0, 0.9505, 0.0396, 0.0, 0.0099, 0.0, 0.0, 0.0),
        (first, 1, 0.8416, 0.1485, 0.0, 0.0099, 0.0, 0.0, 0.0),
        (second, 0, 0.92, 0.08, 0.0, 0.0, 0.0, 0.0, 0.0),
        (second, 1, 0.9596, 0.0404, 0.0, 0.0, 0.0, 0.0, 0.0),
    ]
    total = (23567840 + 431612 + 7560 + 395672 + 281400) * 1024
    available = 23886480 * 1024
    assert result.rows("memory")[0] == (first, total, available, total - available, 0, 0)
    # vda did 378 operations, of which -b says 302 read, 72 wrote, 4 discarded
    assert result.rows("disk")[0] == (first, "vda", 2432.0 * 1024, 352.0 * 1024, 302.0, 72.0, 0.016)
    assert (result.report.faults, len(result.rows("disk"))) == (0, 2)


def test_guests_are_in_user_and_nice_and_both_interrupts_in_one() -> None:
    line = "m;1;2026-11-24 23:37:15 UTC;3;10.00;2.00;5.00;1.00;4.00;0.50;0.25;6.00;3.00;68.25"
    assert read(CPU, line).rows("cpu") == [(T0, 3, 0.16, 0.05, 0.05, 0.01, 0.0075, 0.04, 0.6825)]


def test_all_cores_together_are_core_0_only_where_there_are_no_others() -> None:
    both = read(PLAIN, cpu("2026-11-24 23:37:15 UTC", "-1"), cpu("2026-11-24 23:37:15 UTC", "1"))
    assert [row[1] for row in both.rows("cpu")] == [1]
    alone = read(PLAIN, cpu("2026-11-24 23:37:15 UTC", "-1"))
    assert alone.rows("cpu") == [(T0, 0, 0.3, 0.1, 0.0, 0.0, None, 0.0, 0.6)]


@pytest.mark.parametrize(
    ("text", "zone", "shift_hours"),
    [
        ("1795563435", "Europe/Warsaw", 0),  # -U
        ("2026-11-24 23:37:15 UTC", "Europe/Warsaw", 0),
        ("2026-11-24 23:37:15", "Europe/Warsaw", -1),  # -t and -T
        ("2026-11-24 23:37:15", "America/New_York", 5),
        ("2026-11-24 23:37:15 CET", "Europe/Warsaw", -1),
        ("2026-11-24 23:37:15 +03", "UTC", -3),
    ],
)
def test_times(text: str, zone: str, shift_hours: int) -> None:
    assert times(read(PLAIN, cpu(text), zone=zone)) == [T0 + shift_hours * 3_600_000]


def test_an_abbreviation_of_another_zone_says_what_to_add() -> None:
    with pytest.raises(ImportFailed, match="CET, which UTC does not have; add --timezone"):
        read(PLAIN, cpu("2026-11-24 23:37:15 CET"))


def test_the_repeated_hour_is_told_by_the_order_of_lines_in_each_block() -> None:
    texts = ["01:50:00", "02:20:00", "02:50:00", "02:20:00", "02:50:00", "03:20:00"]
    stamps = [f"2026-10-25 {text}" for text in texts]
    loads = [cpu(stamp, core) for stamp in stamps for core in ("-1", "0", "1")]
    memory = [f"m;1;{stamp};100;150;50;25.00;20;20;10" for stamp in stamps]
    swap = [f"m;1;{stamp};8;2;20.00;0;0.00" for stamp in stamps]
    result = read(PLAIN, *loads, MEMORY, *memory, SWAP, *swap, zone="Europe/Warsaw")
    expected = [ms("2026-10-24 23:50:00") + step * 1_800_000 for step in range(6)]
    assert times(result) == [time for time in expected for _ in range(2)]
    assert [row[0] for row in result.rows("memory")] == expected
    assert result.report.faults == 0


def test_a_step_of_the_clock_backwards_is_left_out_and_a_restart_begins_anew() -> None:
    lines = [cpu(f"2026-11-24 {text} UTC") for text in ("10:00:02", "10:00:01", "10:00:03")]
    result = read(PLAIN, *lines)
    assert times(result) == [ms("2026-11-24 10:00:02"), ms("2026-11-24 10:00:03")]
    assert result.report.first == ["file: line 3: cpu: the time is before that of the sample above; left out"]
    restarted = read(PLAIN, lines[0], "m;-1;2026-11-24 10:00:00 UTC;LINUX-RESTART\t(2 CPU)", PLAIN, lines[1])
    assert sorted(times(restarted)) == [ms("2026-11-24 10:00:01"), ms("2026-11-24 10:00:02")]
    assert restarted.report.faults == 0


def test_a_file_may_begin_with_a_restart_and_hold_comments() -> None:
    result = read(
        "m;-1;2026-11-24 10:00:00 UTC;LINUX-RESTART\t(2 CPU)",
        PLAIN,
        "m;-1;2026-11-24 10:00:00 UTC;COM a remark",
        cpu("2026-11-24 23:37:15 UTC"),
    )
    assert (times(result), result.report.faults) == ([T0], 0)


def test_a_moment_said_twice_counts_once_and_the_first_where_they_differ() -> None:
    time = "2026-11-24 23:37:15 UTC"
    same = read(PLAIN, cpu(time), cpu(time))
    assert (times(same), same.report.faults) == ([T0], 0)
    other = read(PLAIN, cpu(time), cpu(time, values="0.00;0.00;0.00;0.00;0.00;100.00"))
    assert [row[8] for row in other.rows("cpu")] == [0.6]
    assert "a second row of cpu at the same time" in other.report.first[0]


def test_memory_said_twice_joins_the_first_of_both_halves() -> None:
    memory = ["m;1;1795563435;100;150;50;25.00;20;20;10", "m;0;1795563435;90;140;60;30.00;20;20;10"]
    swap = ["m;1;1795563435;8;2;20.00;0;0.00", "m;0;1795563435;7;3;30.00;0;0.00"]
    result = read(MEMORY, *memory, SWAP, *swap)
    assert result.rows("memory") == [(T0, 200 * 1024, 150 * 1024, 50 * 1024, 10 * 1024, 2 * 1024)]


@pytest.mark.parametrize("bad", ["-", "nan", "", "inf", "-1.00", "x"])
def test_a_number_that_is_none_costs_its_line_only(bad: str) -> None:
    wrong = cpu("2026-11-24 23:37:15 UTC", "0", f"{bad};0.00;10.00;0.00;0.00;60.00")
    result = read(PLAIN, wrong, cpu("2026-11-24 23:37:16 UTC"))
    assert times(result) == [T0 + 1000]
    assert result.report.faults == 1
    assert result.report.first[0].startswith("file: line 2: cpu: user: ")


def test_a_decimal_comma_is_read() -> None:
    assert read(PLAIN, cpu("1795563435", values=BUSY.replace(".", ","))).rows("cpu")[0][2] == 0.3


def test_memory_without_swap_is_one_fault_a_file() -> None:
    memory = [f"m;1;{1795563435 + at};100;150;50;25.00;20;20;10" for at in range(5)]
    result = read(MEMORY, *memory)
    assert result.rows("memory") == []
    assert result.report.first == ["file: line 2: memory without swap space; add -S"]


def test_memory_without_kbavail_or_kbslab_is_one_fault_a_file() -> None:
    swap = [SWAP, *(f"m;1;{1795563435 + at};8;2;20.00;0;0.00" for at in range(5))]
    old = [HEAD + "kbmemfree;kbmemused;%memused", *(f"m;1;{1795563435 + at};100;100;50.00" for at in range(5))]
    assert "without kbavail" in read(*old, *swap).report.first[0]
    assert read(*old, *swap).report.faults == 1
    bare = HEAD + "kbmemfree;kbavail;kbmemused;%memused;kbbuffers;kbcached"
    short = [bare, *(f"m;1;{1795563435 + at};100;150;50;25.00;20;20" for at in range(5))]
    assert "without kbslab" in read(*short, *swap).report.first[0]
    assert (read(*short, *swap).report.faults, read(*short, *swap).rows("memory")) == (1, [])


def test_memory_of_versions_before_12_where_used_is_all_but_free() -> None:
    line = "m;1;1795563435;100;150;300;75.00;20;20;10"
    result = read(MEMORY, line, SWAP, "m;1;1795563435;8;2;20.00;0;0.00")
    assert result.rows("memory") == [(T0, 400 * 1024, 150 * 1024, 250 * 1024, 10 * 1024, 2 * 1024)]


def disk(*lines: str, io: str | None = None) -> Read:
    transfers = [IO, f"m;1;1795563435;{io}"] if io else []
    return read(*transfers, DISK, *(f"m;1;1795563435;{line};0.00;0.00;0.00;0.00;10.00" for line in lines))


def test_a_disk_that_only_read_or_only_wrote_needs_no_other_numbers() -> None:
    result = disk("sda;5.00;8.00;0.00", "sdb;7.00;0.00;2.00", "sdc;0.00;0.00;0.00")
    assert result.rows("disk") == [
        (T0, "sda", 8192.0, 0.0, 5.0, 0.0, 0.1),
        (T0, "sdb", 0.0, 2048.0, 0.0, 7.0, 0.1),
        (T0, "sdc", 0.0, 0.0, 0.0, 0.0, 0.1),
    ]


def test_transfer_rates_split_the_one_disk_that_did_both() -> None:
    result = disk("sda;5.00;8.00;0.00", "sdb;9.00;4.00;4.00", io="14.00;8.00;6.00;0.00;24.00;8.00;0.00")
    assert [row[4:6] for row in result.rows("disk")] == [(5.0, 0.0), (3.0, 6.0)]


@pytest.mark.parametrize(
    ("lines", "io"),
    [
        (["sda;5.00;8.00;1.00"], None),
        (["sda;5.00;8.00;1.00"], "9.00;5.00;4.00;0.00;16.00;2.00;0.00"),  # a disk is missing: the sums differ
        (["sda;5.00;8.00;1.00", "sdb;5.00;8.00;1.00"], "10.00;6.00;4.00;0.00;32.00;4.00;0.00"),
    ],
)
def test_operations_that_cannot_be_told_apart_are_not_guessed(lines: list[str], io: str | None) -> None:
    result = disk(*lines, io=io)
    assert result.rows("disk") == []
    assert result.report.faults == 1
    assert "not told apart for each disk; add -b" in result.report.first[0]


def test_whole_disks_only() -> None:
    names = "sda sda1 nvme0n1 nvme0n1p2 loop0 dm-0 md0 sr0 zram0 dev8-0 dev8-1 dev7-3 vdb".split()
    result = disk(*(f"{name};1.00;1.00;0.00" for name in names))
    assert [row[1] for row in result.rows("disk")] == ["dev8-0", "nvme0n1", "sda", "vdb"]


def test_other_activities_are_skipped_without_a_word() -> None:
    result = read(HEAD + "IFACE;rxpck/s", "m;1;1795563435;eth0;1.00", PLAIN, cpu("1795563435"))
    assert (times(result), result.report.faults) == ([T0], 0)
    nothing = read(HEAD + "IFACE;rxpck/s", "m;1;1795563435;eth0;1.00")
    assert "nothing of CPU, memory or whole disks in it; export it by sadf" in nothing.report.first[0]


def test_a_column_that_is_not_there_is_one_fault_a_file() -> None:
    lines = [f"m;1;{1795563435 + at};0;30.00;60.00" for at in range(5)]
    result = read(HEAD + "CPU;%user;%idle", *lines)
    assert result.report.first == ["file: line 2: cpu: the column system is missing"]
    assert result.report.faults == 1


def test_a_file_that_is_cut_off_counts_as_far_as_it_goes() -> None:
    result = read(PLAIN, cpu("1795563435"), "m;1;1795563436;0;30.0")
    assert times(result) == [T0]
    assert "line 3: the line has 5 fields, not 10; it is cut off" in result.report.first[0]
    with pytest.raises(ImportFailed, match="line 3"):
        read(PLAIN, cpu("1795563435"), "m;1;1795563436;0;30.0", strict=True)


@pytest.mark.parametrize("lost", [1, 2, 3, 4])
def test_a_number_that_is_cut_off_is_not_read_as_a_smaller_one(lost: int) -> None:
    result = read(PLAIN, cpu("1795563435"), cpu("1795563436")[:-lost])
    assert times(result) == [T0]
    assert result.report.first == ["file: line 3: the line is cut off"]


def test_all_in_one_line_is_refused_with_what_to_do() -> None:
    with pytest.raises(ImportFailed, match="export it without -h"):
        read(PLAIN + "[...];tps", cpu("1795563435"))


def test_names_of_machines() -> None:
    two = [PLAIN, cpu("1795563435", host="a"), PLAIN, cpu("1795563435", host="b")]
    assert read(*two).sources == {"a", "b"}
    with pytest.raises(ImportFailed, match="more than one machine; leave out --source"):
        read(*two, source="other")
    assert read(*two[:2], source="other").sources == {"other"}
    with pytest.raises(ImportFailed, match="does not say which machine.*--source"):
        read(PLAIN, cpu("1795563435", host=""))


def recording(moments: int) -> bytes:
    stamps = range(1_795_563_435, 1_795_563_435 + moments)
    lines = [IO, *(f"m;1;{at};9.00;8.00;1.00;0.00;80.00;136.00;0.00" for at in stamps)]
    lines += [MEMORY, *(f"m;1;{at};100;150;50;25.00;20;20;10" for at in stamps)]
    lines += [SWAP, *(f"m;1;{at};8;2;20.00;0;0.00" for at in stamps)]
    lines += [DISK, *(f"m;1;{at};vda;9.00;40.00;68.00;0.00;0.00;0.00;0.00;0.10" for at in stamps)]
    return "\n".join(lines).encode()


class Bytes:
    """A stream whose own bytes were there before memory is measured."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = memoryview(content), 0

    def read(self, size: int) -> bytes:
        self._at += size
        return bytes(self._content[self._at - size : self._at])


def peak(moments: int) -> int:
    stream = Bytes(recording(moments))
    report, rows = Report("file"), {"memory": 0, "disk": 0}
    tracemalloc.start()
    try:
        content = Content(stream, "file", report, now_ms=T0, steps=20)  # type: ignore[arg-type]
        for chunk in sadf_csv.read(content, report):
            for table, count in chunk.rows.items():
                rows[table] += count
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (rows, report.faults) == ({"memory": moments, "disk": moments}, 0)
    return most


def test_memory_does_not_grow_with_what_waits_for_its_other_half() -> None:
    peak(100)
    few, many = peak(500), peak(2000)
    assert many < 2 * few  # kept in memory, four times as many take three times as much
