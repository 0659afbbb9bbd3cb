"""``sysmetric-server import``: files, directories, standard input; what cannot be read; killed and begun again."""

import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from consent.alias import alias_of
from consent.catalogue import TABLES
from server import row_formats
from tests.processes import until
from tests.server.command_line import BIN, CommandLine, environment
from tests.server.commands.test_verbs import now_ms, recording

COLLECTD = Path(__file__).parent.parent / "imports" / "golden" / "collectd"


def exported(*times_ms: int) -> bytes:
    """Our own export of memory."""
    names = [column.name for column in TABLES["memory"].columns]
    return b"".join(
        row_formats.csv_rows(TABLES["memory"], [{"time": time, **dict.fromkeys(names, 1024)} for time in times_ms])
    )


def steps(count: int) -> list[int]:
    """Times of the last minutes, a second apart, the oldest first."""
    end = now_ms() // 1000 * 1000
    return [end - 1000 * index for index in range(count, 0, -1)]


def stored(cli: CommandLine) -> int:
    """Rows of memory in the store."""
    return int(cli("stats", "--json").json["rows"].get("memory", 0))


def test_a_file_that_grew_stores_its_new_rows(cli: CommandLine, tmp_path: Path) -> None:
    times = steps(1500)
    path = tmp_path / "a.csv"
    path.write_bytes(exported(*times[:700]))
    assert cli("import", str(path), "--source", "web1", "--json").json["rows"] == {"memory": 700}
    path.write_bytes(exported(*times))
    again = cli("import", str(path), "--source", "web1", "--json").json
    assert (again["rows"], again["already"]) == ({"memory": 800}, {"memory": 700})
    assert stored(cli) == 1500


def test_a_directory_is_read_in_order_and_what_is_left_out_is_named(cli: CommandLine, tmp_path: Path) -> None:
    top = tmp_path / "logs"
    (top / "b").mkdir(parents=True)
    now = now_ms()
    recording(top / "b" / "2.json", now - 2000, instance="two")
    (top / "1.json.gz").write_bytes(
        gzip.compress(Path(recording(tmp_path / "x", now - 1000, instance="one")).read_bytes())
    )
    recording(top / ".hidden.json", now - 3000, instance="three")
    (top / "notes.txt").write_text("buy milk\n")
    os.mkfifo(top / "pipe")
    said = cli("import", str(top))
    assert said.code == 0 and "imported: 2 memory" in said.out
    for name, reason in ((".hidden.json", "hidden"), ("pipe", "no regular file"), ("notes.txt", "no known kind")):
        assert any(name in line and reason in line for line in said.err.splitlines()), said.err
    value = cli("import", str(top), "--json").json
    assert [Path(file["path"]).name for file in value["files"]] == ["1.json.gz", "notes.txt", "2.json"]
    assert value["sources"] == ["one", "two"]


def test_a_tree_of_collectd_is_one_file(cli: CommandLine) -> None:
    value = cli("import", str(COLLECTD / "raw"), "--shift-to-now", "--json").json
    assert value["rows"] == {"cpu": 18, "memory": 11, "disk": 9}
    assert (value["sources"], len(value["files"])) == (["web1.example"], 1)


def test_standard_input(cli: CommandLine, tmp_path: Path) -> None:
    done = subprocess.run(
        [BIN, "import", "-", "--source", "piped"],
        env=environment(cli.data_dir),
        input=exported(*steps(5)),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, b"imported: 5 memory\n")
    assert cli("import", "-", "--shift-to-now").code == 2


def damaged() -> tuple[bytes, int]:
    """Two thousand rows, of which line 1501 is damaged, and how many can be read."""
    lines = exported(*steps(2000)).splitlines(keepends=True)
    lines[1500] = b"2026-13-99,1,2,3,4,5\r\n"
    return b"".join(lines), 1999


def test_a_bad_line_is_named_and_the_rest_imported(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    content, rows = damaged()
    path.write_bytes(content)
    said = cli("import", str(path), "--source", "web1")
    assert said.code == 0 and f"{rows:,} memory" in said.out
    assert f"  {path}: line 1501: " in said.err and "1 entries" in said.err


def test_strict_stops_there_and_says_how_much_was_stored(cli: CommandLine, tmp_path: Path) -> None:
    path, after = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_bytes(damaged()[0])
    after.write_bytes(exported(now_ms() - 5_000_000))
    said = cli("import", str(path), str(after), "--source", "web1", "--strict")
    assert said.code == 1 and "imported: 1,200 memory" in said.out
    assert f"{path}: line 1501: " in said.err and "--strict" in said.err
    assert stored(cli) == 1200


@pytest.mark.parametrize("names", [["nothing.csv"], ["page.html"], ["page.html", "nothing.csv"], ["empty"]])
def test_when_nothing_can_be_read_the_command_fails(cli: CommandLine, tmp_path: Path, names: list[str]) -> None:
    (tmp_path / "page.html").write_text("<html>")
    (tmp_path / "empty").write_bytes(b"")
    said = cli("import", *(str(tmp_path / name) for name in names))
    assert (said.code, said.out, len(said.err.splitlines())) == (1, "", len(names))
    for name, line in zip(names, said.err.splitlines(), strict=True):
        assert str(tmp_path / name) in line


def test_a_volunteers_name_is_refused_and_the_files_after_it_are_not(cli: CommandLine, tmp_path: Path) -> None:
    alias = alias_of("0b9e7a53-5a8f-4d57-8d43-b2c2f6b9b3a7")
    one = recording(tmp_path / "1.json", now_ms() - 1000, instance=alias)
    two = recording(tmp_path / "2.json", now_ms() - 1000, instance="web2")
    said = cli("import", one, two)
    assert said.code == 0 and "imported: 1 memory" in said.out
    assert one in said.err and "volunteer" in said.err
    assert alias not in cli("instances", "list").out


def test_a_format_and_a_time_zone_that_there_are_not(cli: CommandLine, tmp_path: Path) -> None:
    path = recording(tmp_path / "1.json", now_ms())
    assert "own-csv" in cli("import", path, "--format", "nothing").err
    assert cli("import", path, "--timezone", "Mars/Base").code == 2


def test_what_a_file_says_reaches_the_terminal_as_text(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(exported(now_ms() - 1000) + b"\x1b[2J\x1b]0;owned\x07,1,2,3,4,5\n")
    said = cli("import", str(path), "--source", "web1")
    assert said.code == 0 and "\x1b" not in said.err


def test_an_import_that_was_killed_goes_on(cli: CommandLine, tmp_path: Path) -> None:
    times = steps(60_000)
    path = tmp_path / "long.csv"
    path.write_bytes(exported(*times))
    arguments = [str(BIN), "import", str(path), "--source", "web1"]
    process = subprocess.Popen(  # pylint: disable=consider-using-with  # it is killed
        arguments, env=environment(cli.data_dir), stdout=subprocess.DEVNULL
    )
    try:
        wal = cli.data_dir / "store"
        until(
            "rows are being stored",
            lambda: sum(file.stat().st_size for file in wal.rglob("*") if file.is_file()) > 50_000,
        )
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    before = stored(cli)
    assert before < len(times), "it was killed too late to show anything"
    value = cli("import", str(path), "--source", "web1", "--json").json
    assert value["already"].get("memory", 0) == before
    assert stored(cli) == len(times)


_MEASURED = """
import re, sys
from pathlib import Path
from server.imports import Report
from server.imports.finding import find
from server.imports.reading import Reading
[source] = find([sys.argv[1]], print)
rows = sum(sum(chunk.rows.values()) for chunk in Reading(0, machine="web1").read(source, Report("a")))
print(rows, re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def measure(count: int) -> tuple[int, int]:
        path = tmp_path / f"{count}.csv"
        times = range(0, 1000 * count, 1000)
        header, _, rows = exported(*times).partition(b"\r\n")
        path.write_bytes(header + b"\n" + rows)
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, str(path)], capture_output=True, text=True, check=True, timeout=120
        )
        found, kib = done.stdout.split()
        return int(found), int(kib)

    small, large = measure(2_000), measure(100_000)
    assert (small[0], large[0]) == (2_000, 100_000)
    assert large[1] - small[1] < 16 * 1024, (small, large)  # KiB; the rows alone would be three times that


def test_a_directory_with_nothing_in_it_is_named(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    said = cli("import", str(tmp_path / "logs"))
    assert said.code == 1 and "logs: there is no file in it that could be imported" in said.err
