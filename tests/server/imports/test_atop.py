"""What atop -P prints, to rows worked out by hand."""

from pathlib import Path

import pytest

from server.errors import ImportFailed
from tests.server.imports.reading import Read, read_bytes

GOLDEN = Path(__file__).parent / "golden" / "atop"
T0 = 1_795_563_450_000  # 2026-11-24 23:37:30 UTC
TICKS = "100 0 20 100 10 60 2 3 1 4"  # per second, core, sys, user, nice, idle, wait, irq, softirq, steal


def head(label: str, at: int = 0, interval: int = 10, host: str = "m") -> str:
    return f"{label} {host} {1_795_563_450 + at} 2026/11/24 23:37:30 {interval} "


def core(at: int = 0, ticks: str = TICKS, host: str = "m") -> str:
    return head("cpu", at, host=host) + ticks + " 0 2596 100 0 0"


def memory(at: int = 0) -> str:
    return head("MEM", at) + "4096 1000 300 200 50 70 0"


def swap(at: int = 0) -> str:
    return head("SWP", at) + "4096 100 90 0 88385 3085510 0 0 0"


def disk(name: str = "sda", at: int = 0, interval: int = 10) -> str:
    return head("DSK", at, interval) + f"{name} 2500 30 80 50 160 5 144 0 1.50"


def read(*lines: str, source: str | None = None) -> Read:
    return read_bytes("\n".join(lines).encode() + b"\n", source=source)


def times(result: Read, table: str = "cpu") -> list[int]:
    return [row[0] - T0 for row in result.rows(table)]  # type: ignore[misc, operator]


def test_the_recording_in_numbers_without_the_sample_since_boot() -> None:
    result = read_bytes((GOLDEN / "atop.txt").read_bytes())
    # core 0: 12 system, 82 user, 7 idle of 101 ticks; core 1: 4, 62, 31 of 97
    assert result.rows("cpu")[:2] == [
        (T0, 0, 0.8119, 0.1188, 0.0, 0.0, 0.0, 0.0, 0.0693),
        (T0, 1, 0.6392, 0.0412, 0.0, 0.0, 0.0, 0.0, 0.3196),
    ]
    total, available = 6171021 * 4096, (5887493 + 107036 + 3234) * 4096
    assert result.rows("memory")[0] == (T0, total, available, total - available, 0, 0)
    assert result.rows("disk")[0] == (T0, "vda", 736 * 512.0, 2752 * 512.0, 17.0, 27.0, 0.004)
    assert (times(result, "memory"), result.report.faults) == ([0, 1000], 0)


def test_shares_are_ticks_over_the_sum_of_all_modes() -> None:
    result = read(core(), "SEP")
    assert result.rows("cpu") == [(T0, 0, 0.5, 0.1, 0.05, 0.01, 0.02, 0.02, 0.3)]


def test_all_cores_together_are_core_0_only_where_there_are_no_others() -> None:
    whole = head("CPU") + TICKS.replace("100 0", "100 2", 1) + " 0 2596 100 0 0"
    assert read(whole, "SEP").rows("cpu") == [(T0, 0, 0.5, 0.1, 0.05, 0.01, 0.02, 0.02, 0.3)]
    other = core(ticks=TICKS.replace("100 0", "100 3", 1))
    assert [row[1] for row in read(whole, other, "SEP").rows("cpu")] == [3]


def test_a_core_without_a_tick_has_no_row() -> None:
    result = read(core(ticks="100 0 0 0 0 0 0 0 0 0"), "SEP", core(1), "SEP")
    assert (times(result), result.report.faults) == ([1000], 0)


def test_available_memory_is_free_cache_and_buffers() -> None:
    # pages of 4096: 1000 in all, 300 free, 200 cache, 50 buffers
    result = read(memory(), swap(), "SEP")
    assert result.rows("memory") == [(T0, 4096000, 550 * 4096, 450 * 4096, 100 * 4096, 10 * 4096)]


def test_memory_without_swap_is_one_fault_a_file() -> None:
    result = read(*(line for at in range(4) for line in (memory(at), "SEP")))
    assert (result.rows("memory"), result.report.faults) == ([], 1)
    assert "memory without swap space; add SWP to -P" in result.report.first[0]


def test_rates_of_disks_are_over_the_interval_of_the_line() -> None:
    assert read(disk(), "SEP").rows("disk") == [(T0, "sda", 4096.0, 8192.0, 3.0, 5.0, 0.25)]
    assert read(disk(interval=1), "SEP").rows("disk") == [(T0, "sda", 40960.0, 81920.0, 30.0, 50.0, 1.0)]
    none = read(disk(interval=0), core(), "SEP")
    assert (none.rows("disk"), none.report.faults, times(none)) == ([], 1, [0])


def test_whole_disks_only() -> None:
    names = "sda sda1 nvme0n1 nvme0n1p2 loop0 dm-0 md0 sr0 zram0".split()
    assert [row[1] for row in read(*(disk(name) for name in names), "SEP").rows("disk")] == ["nvme0n1", "sda"]


def test_what_follows_reset_is_since_boot_also_within_a_file() -> None:
    result = read("RESET", core(0), "SEP", core(1), "SEP", "RESET", core(-5), "SEP", core(-4), "SEP")
    assert (sorted(times(result)), result.report.faults) == ([-4000, 1000], 0)


def test_a_step_of_the_clock_backwards_and_a_time_said_twice() -> None:
    result = read(*(line for at in (2, 1, 3, 3) for line in (core(at), "SEP")))
    assert times(result) == [2000, 3000]
    assert result.report.first == ["file: line 3: cpu: the time is before that of the sample above; left out"]


@pytest.mark.parametrize("bad", ["-", "nan", "-1", "x"])
def test_a_number_that_is_none_costs_its_line_only(bad: str) -> None:
    result = read(core(ticks=TICKS.replace("60", bad)), memory(), swap(), "SEP", core(1), "SEP")
    assert (times(result), times(result, "memory"), result.report.faults) == ([1000], [0], 1)
    assert result.report.first[0].startswith("file: line 1: ")


def test_other_labels_are_skipped_and_other_lines_are_faults() -> None:
    result = read(head("NET") + "upper 1 2 3", core(), "SEP", "hello", core(1), "SEP")
    assert (times(result), result.report.first) == ([0, 1000], ["file: line 4: the line is not of atop -P"])
    nothing = read(head("NET") + "upper 1 2 3", "SEP")
    assert "nothing of CPU, memory or whole disks in it; run atop -P CPU,cpu,MEM,SWP,DSK" in nothing.report.first[0]


@pytest.mark.parametrize("lost", [0, 5, 20, 40])
def test_a_sample_that_is_cut_off_is_left_out(lost: int) -> None:
    whole = disk(at=1)
    result = read_bytes("\n".join([core(), "SEP", core(1), whole[: len(whole) - lost]]).encode())
    assert (times(result), result.rows("disk")) == ([0], [])
    assert "file: line 3: the sample that begins here is cut off; left out" in result.report.first


def test_names_of_machines() -> None:
    two = core(host="a"), "SEP", core(host="b"), "SEP"
    assert read(*two).sources == {"a", "b"}
    assert read(*two[:2], source="other").sources == {"other"}
    with pytest.raises(ImportFailed, match="more than one machine; leave out --source"):
        read(*two, source="other")
