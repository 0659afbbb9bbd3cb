"""What the tools themselves print of a recording made here, and what is stored of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.imports.devices import is_whole_disk
from tests.server.imports.reading import Read, read_bytes

pytestmark = pytest.mark.e2e

ENVIRONMENT = {"LC_ALL": "C", "S_TIME_FORMAT": "ISO", "TZ": "UTC", "PATH": os.environ.get("PATH", "/usr/bin:/bin")}
EXPORT = ("-u", "ALL", "-P", "ALL", "-r", "ALL", "-S", "-b", "-d", "-p")
SECONDS = 4
ROUNDED = 0.0051
#: Writes a little at a time to a real disk, so that there is something to tell apart.
WORK = (
    "import os, sys\nf = open(sys.argv[1], 'wb')\nwhile True:\n    f.write(b'x' * 4096)\n    f.flush()\n    os.fsync(f)"
)


def run(*command: str) -> str:
    """What a tool prints; skips where it is not installed."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True, timeout=30).stdout


@dataclass(frozen=True, slots=True)
class Recording:
    path: str
    day: str

    def sar(self, *options: str) -> list[dict[str, str]]:
        """The lines that sar prints, without averages, by the names of its columns; ``time`` in milliseconds."""
        found: list[dict[str, str]] = []
        names: list[str] = []
        for line in run("sar", *options, "-f", self.path).splitlines():
            fields = line.split()
            if not fields or fields[0] in ("Linux", "Average:"):
                continue
            if any(name.startswith(("%", "kb", "tps")) for name in fields[1:]):
                names = fields[1:]
                continue
            moment = datetime.fromisoformat(f"{self.day}T{fields[0]}").replace(tzinfo=UTC)
            found.append({"time": str(int(moment.timestamp() * 1000)), **dict(zip(names, fields[1:], strict=True))})
        return found


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    folder = tmp_path_factory.mktemp("sysstat")
    path = str(folder / "recording")
    with subprocess.Popen([sys.executable, "-c", WORK, str(folder / "work")]) as work:
        try:
            run("sar", "-o", path, "1", str(SECONDS))
        finally:
            work.kill()
    first = read_bytes(run("sadf", "-d", path).encode()).rows("cpu")[0][0]
    assert isinstance(first, int)
    if datetime.fromtimestamp(first / 1000, UTC).hour == 23:
        pytest.skip("sar prints times without the day, which may be another one")
    yield Recording(path, datetime.fromtimestamp(first / 1000, UTC).date().isoformat())


@pytest.fixture(scope="module", params=["-d", "-j"])
def stored(request: pytest.FixtureRequest, recording: Recording) -> Read:
    result = read_bytes(run("sadf", str(request.param), recording.path, "--", *EXPORT).encode(), zone="Europe/Warsaw")
    assert result.report.faults <= 1  # that a disk's operations could not be told apart
    return result


def meminfo(name: str) -> int:
    """Bytes."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def test_cores_as_sar_prints_them(recording: Recording, stored: Read) -> None:
    printed = [line for line in recording.sar("-u", "ALL", "-P", "ALL") if line["CPU"] != "all"]
    rows = {row[:2]: row[2:] for row in stored.rows("cpu")}
    assert len(rows) == len(printed) == SECONDS * (os.cpu_count() or 1)
    for line in printed:
        share = {name.removeprefix("%"): float(text) / 100 for name, text in line.items() if name.startswith("%")}
        user, system, nice = share["usr"] + share["guest"], share["sys"], share["nice"] + share["gnice"]
        interrupt = share["irq"] + share["soft"]
        expected = (user, system, nice, share["iowait"], interrupt, share["steal"], share["idle"])
        assert rows[int(line["time"]), int(line["CPU"])] == pytest.approx(expected, abs=0.0001)
        assert sum(expected) == pytest.approx(1, abs=0.001)


def test_memory_as_sar_and_the_kernel_have_it(recording: Recording, stored: Read) -> None:
    memory = {line["time"]: line for line in recording.sar("-r", "ALL")}
    swap = {line["time"]: line for line in recording.sar("-S")}
    rows = stored.rows("memory")
    assert [str(row[0]) for row in rows] == list(memory)
    for time, *values in rows:
        available, swapped = int(memory[str(time)]["kbavail"]) * 1024, int(swap[str(time)]["kbswpused"]) * 1024
        total = meminfo("MemTotal")
        assert values == [total, available, total - available, meminfo("SwapTotal"), swapped]


def test_disks_as_sar_prints_them(recording: Recording, stored: Read) -> None:
    printed = [line for line in recording.sar("-d", "-p") if is_whole_disk(line["DEV"])]
    if not printed:
        pytest.skip("sar shows no whole disk here")
    rows = {row[:2]: [float(value or 0) for value in row[2:]] for row in stored.rows("disk")}
    known: dict[tuple[object, object], dict[str, float]] = {
        (int(line["time"]), line["DEV"]): {k: float(v) for k, v in line.items() if k != "DEV"} for line in printed
    }
    machine: dict[object, dict[str, float]] = {
        int(line["time"]): {k: float(v) for k, v in line.items()} for line in recording.sar("-b")
    }
    assert set(rows) <= set(known)
    assert rows or stored.report.faults
    for (time, name), (read, written, reads, writes, busy) in rows.items():
        line, whole = known[time, name], machine[time]
        # sar reads disks one after another and all of them together once more: under load its own figures differ.
        apart = abs(sum(load["tps"] for (at, _), load in known.items() if at == time) - whole["tps"])
        assert (read, written) == pytest.approx((line["rkB/s"] * 1024, line["wkB/s"] * 1024), abs=ROUNDED * 1024)
        assert reads <= whole["rtps"] + apart + ROUNDED and writes <= whole["wtps"] + apart + ROUNDED
        assert reads + writes == pytest.approx(line["tps"], abs=whole["dtps"] + 0.1)
        assert busy == pytest.approx(min(1.0, line["%util"] / 100), abs=0.0001)


def test_both_exports_of_one_recording_say_the_same(recording: Recording) -> None:
    text, tree = (read_bytes(run("sadf", way, recording.path, "--", *EXPORT).encode()) for way in ("-d", "-j"))
    for table in ("cpu", "memory", "disk"):
        assert sorted(text.rows(table), key=str) == sorted(tree.rows(table), key=str)


def test_times_of_the_export_options_are_those_of_the_recording(recording: Recording) -> None:
    plain = read_bytes(run("sadf", "-d", recording.path).encode()).rows("cpu")
    for option in ("-U", "-T", "-t"):
        assert read_bytes(run("sadf", "-d", option, recording.path).encode()).rows("cpu") == plain


def test_vmstat() -> None:
    output = run("vmstat", "-t", "1", "3")
    result = read_bytes(output.encode(), source="m")
    names, *lines = (line.split() for line in output.splitlines()[1:])
    assert result.report.faults == 0
    expected = []
    for fields in lines[1:]:
        share = {name: int(text) / 100 for name, text in zip(names[:-1], fields, strict=False)}
        moment = datetime.fromisoformat(f"{fields[-2]}T{fields[-1]}+00:00")
        user = share["us"] + share.get("gu", 0)
        shares = (user, share["sy"], None, share["wa"], None, share["st"], share["id"])
        expected.append((int(moment.timestamp() * 1000), 0, *shares))
    assert result.rows("cpu") == expected
    assert len(expected) == 2


@pytest.mark.parametrize("options", [("-x",), ("-x", "-m"), ("-x", "-h")])
def test_iostat(options: tuple[str, ...]) -> None:
    output = run("iostat", "-t", "-y", *options, "1", "2")
    result = read_bytes(output.encode())
    assert result.report.faults == 0
    (row,) = result.rows("cpu")
    user, nice, system, iowait, steal, idle = (float(text) / 100 for text in _last_average(output))
    assert row[2:] == pytest.approx((user, system, nice, iowait, None, steal, idle), abs=0.0001)
    names = {line.split()[-1 if "-h" in options else 0] for line in output.splitlines() if line.strip()}
    assert {disk[1] for disk in result.rows("disk")} == {name for name in names if _is_block(name)}


def test_atop() -> None:
    output = run("atop", "-P", "CPU,cpu,MEM,SWP,DSK", "1", "2")
    result = read_bytes(output.encode())
    assert result.report.faults == 0
    assert [row[1] for row in result.rows("cpu")] == list(range(os.cpu_count() or 1))
    for row in result.rows("cpu"):
        assert sum(float(value or 0) for value in row[2:]) == pytest.approx(1, abs=0.001)
    ((_, total, available, used, swap, _),) = result.rows("memory")
    assert (total, swap) == (meminfo("MemTotal"), meminfo("SwapTotal"))
    assert isinstance(available, int) and used == meminfo("MemTotal") - available
    printed = [line.split()[6] for line in output.split("SEP")[1].splitlines() if line.startswith("DSK")]
    assert [row[1] for row in result.rows("disk")] == sorted(name for name in printed if is_whole_disk(name))


def _last_average(output: str) -> list[str]:
    lines = output.splitlines()
    at = max(at for at, line in enumerate(lines) if line.startswith("avg-cpu"))
    return lines[at + 1].replace("%", "").split()


def _is_block(name: str) -> bool:
    return is_whole_disk(name) and Path("/sys/class/block", name).exists()
