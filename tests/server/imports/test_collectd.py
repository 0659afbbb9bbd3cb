"""collectd's csv plugin: a tree of counters and a tree of rates, written at the same time by the real collectd."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from server.imports.collectd import FORMAT, MAGIC, Tree
from server.imports.finding import find
from tests.server.imports.reading import Read, read_bytes

GOLDEN = Path(__file__).parent / "golden" / "collectd"
#: What /proc/meminfo said as MemTotal.
TOTAL = 24_684_084 * 1024


def tree(path: Path) -> Read:
    """A directory as the command line reads it."""
    [source] = find([str(path)], lambda name, reason: pytest.fail(f"{name}: {reason}"))
    return read_bytes(source.open().read())


def test_counters_and_rates_of_the_same_time_say_the_same() -> None:
    counters, rates = tree(GOLDEN / "raw"), tree(GOLDEN / "rates")
    assert (counters.sources, rates.sources) == ({"web1.example"}, {"web2.example"})
    assert counters.report.faults == rates.report.faults == 0
    for table, columns in (("cpu", slice(2, None)), ("disk", slice(2, 6))):
        # of rates the first is there already
        pairs = [
            (one, other)
            for one in counters.rows(table)
            for other in rates.rows(table)
            if one[1] == other[1] and abs(int(one[0] or 0) - int(other[0] or 0)) <= 5
        ]
        assert len(pairs) == len(counters.rows(table)) >= 8
        for one, other in pairs:
            for value, expected in zip(one[columns], other[columns], strict=True):
                assert value == pytest.approx(expected, rel=5e-3, abs=0.02)


def test_the_times_of_all_cores_are_one_and_memory_is_the_whole() -> None:
    found = tree(GOLDEN / "raw")
    cores: dict[object, set[object]] = {}
    for row in found.rows("cpu"):
        cores.setdefault(row[0], set()).add(row[1])
        assert sum(float(share or 0) for share in row[2:]) == pytest.approx(1, abs=1e-3)
    assert set(map(frozenset, cores.values())) == {frozenset({0, 1})}
    assert {row[1] for row in found.rows("memory")} == {TOTAL}
    assert {row[1] for row in found.rows("disk")} == {"vda"}


def lines(*entries: str) -> bytes:
    return MAGIC + "\n".join(entries).encode() + b"\n"


def test_a_counter_that_went_back_and_an_old_sample() -> None:
    jiffies = [(0, 100), (10, 200), (20, 50), (30, 150), (25, 160), (40, 250)]
    entries = [f"h/cpu-0/cpu-{mode}\t{1000 + time}.000,{value}" for time, value in jiffies for mode in ("user", "idle")]
    found = read_bytes(lines(*entries))
    assert [row[0] for row in found.rows("cpu")] == [1_010_000, 1_030_000, 1_040_000]
    assert found.report.faults == 1 and "older" in found.report.first[0]


def test_memory_needs_swap_and_cpu_its_cores_and_each_is_said_once() -> None:
    entries = [f"h/memory/memory-{name}\t{time}.5,100.0" for time in (10, 20, 30) for name in ("used", "free")]
    entries += [f"h/cpu/percent-idle\t{time}.5,90.0" for time in (40, 50, 60)]
    found = read_bytes(lines(*entries))
    assert found.chunks == []
    assert ["swap" in line or "ReportByCpu" in line for line in found.report.first] == [True, True]


def test_lines_that_are_none_are_named_and_the_rest_read() -> None:
    good = [f"h/cpu-0/cpu-{mode}\t{time}.000,{time}" for time in (10, 20) for mode in ("user", "idle", "system")]
    bad = ["nonsense", "h/cpu-0/cpu-user\tx,1", "h/cpu-0/cpu-user\t15.000", "h/cpu-0/cpu-user\t1e99,1"]
    found = read_bytes(lines(*good[:3], *bad, *good[3:]))
    assert len(found.rows("cpu")) == 1
    assert [line.split()[2].strip(":") for line in found.report.first] == ["5", "6", "7", "8"]


def test_one_file_of_a_tree_asks_for_the_directory() -> None:
    path = next((GOLDEN / "raw").rglob("cpu-user-*"))
    found = read_bytes(path.read_bytes())
    assert found.chunks == [] and "give the directory" in found.report.first[0]


def test_a_tree_that_grows_is_read_on_whole_lines_at_a_time(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "raw", tmp_path / "raw")
    path = next((tmp_path / "raw").rglob("cpu-0/cpu-user-*"))
    files = sorted(path for path in (tmp_path / "raw").rglob("*") if path.is_file())

    def append(text: str) -> list[Path]:
        with path.open("a") as stream:
            stream.write(text)
        return files

    steps: tuple[Callable[[], list[Path]], ...] = (
        lambda: files,
        lambda: append("1795569999.000,5"),
        lambda: append("0\n"),
    )
    stream = Tree((step() for step in steps))
    whole = stream.read()
    assert whole.startswith(MAGIC) and whole.count(b"\n") > 100
    assert stream.read() == b"web1.example/cpu-0/cpu-user\t1795569999.000,50\n"
    assert stream.read() == b""


def test_the_format_is_told_from_one_file_and_from_a_tree() -> None:
    assert FORMAT.matches(b"epoch,value\n1,2\n") and FORMAT.matches(MAGIC)
    assert not FORMAT.matches(b"epoch\n")
