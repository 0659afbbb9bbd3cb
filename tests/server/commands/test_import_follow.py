"""``sysmetric-server import --follow`` as a process: growth, rotation, truncation, new files, the end."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import until
from tests.server.command_line import BIN, CommandLine, environment
from tests.server.commands.test_import import COLLECTD, exported
from tests.server.commands.test_verbs import now_ms

Rows = Callable[[], int]


@pytest.fixture
def start() -> int:
    """The first of a few dozen times, a second apart, all of them past."""
    return now_ms() // 1000 * 1000 - 60_000


@contextmanager
def following(cli: CommandLine, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """The command while it runs."""
    process = subprocess.Popen(
        [str(BIN), "import", *arguments, "--follow", "--source", "web1"],
        env=environment(cli.data_dir),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def wait_for(cli: CommandLine, process: "subprocess.Popen[str]", rows: int) -> None:
    """Until so many rows of memory are in the store."""

    def there() -> bool:
        assert process.poll() is None, process.communicate()
        said = cli("stats", "--json")  # which has to wait while the other holds the lock
        return said.code == 0 and int(said.json["rows"].get("memory", 0)) == rows

    until(f"{rows} rows are stored", there, 60)


def ended(process: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> tuple[int, str, str]:
    """Code, stdout and stderr after a signal."""
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(content)


def lines(*times: int) -> bytes:
    """Rows without the header."""
    return exported(*times).partition(b"\r\n")[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_file_that_grows_until_it_is_told_to_stop(cli: CommandLine, tmp_path: Path, start: int, number: int) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(exported(start))
    with following(cli, str(path)) as process:
        wait_for(cli, process, 1)
        append(path, lines(start + 1000))
        wait_for(cli, process, 2)
        half = lines(start + 2000)
        append(path, half[:20])
        append(path, half[20:] + lines(start + 3000) + b"nonsense\n")
        wait_for(cli, process, 4)
        code, out, err = ended(process, number)
    assert (code, out) == (0, "imported: 4 memory\n")
    assert f"{path}: line 6: " in err and "Machines: web1." in err


def test_a_file_that_is_rotated_in_every_way(cli: CommandLine, tmp_path: Path, start: int) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(exported(start, start + 1000))
    with following(cli, str(path)) as process:
        wait_for(cli, process, 2)
        # renamed, with a line that came after the last look, and made anew
        append(path, lines(start + 2000))
        path.rename(tmp_path / "a.csv.1")
        path.write_bytes(exported(start + 3000))
        wait_for(cli, process, 4)
        # copied away and cut off
        shutil.copy(path, tmp_path / "a.csv.2")
        os.truncate(path, 0)
        append(path, exported(start + 4000)[:70])
        append(path, exported(start + 4000)[70:])
        # gone for a while
        wait_for(cli, process, 5)
        path.unlink()
        (tmp_path / "new").write_bytes(exported(start + 5000))
        (tmp_path / "new").rename(path)
        wait_for(cli, process, 6)
        code, out, _ = ended(process)
    assert (code, out) == (0, "imported: 6 memory\n")


def test_a_directory_with_new_files(cli: CommandLine, tmp_path: Path, start: int) -> None:
    top = tmp_path / "logs"
    top.mkdir()
    (top / "1.csv").write_bytes(exported(start))
    (top / "notes").write_text("nothing of the kind\n")
    with following(cli, str(top)) as process:
        wait_for(cli, process, 1)
        (top / "2.csv").write_bytes(exported(start + 1000))
        wait_for(cli, process, 2)
        append(top / "1.csv", lines(start + 2000))
        wait_for(cli, process, 3)
        code, out, err = ended(process)
    assert (code, out) == (0, "imported: 3 memory\n")
    assert err.count(str(top / "notes")) == 1


def test_a_tree_of_collectd_that_grows(cli: CommandLine, tmp_path: Path) -> None:
    shutil.copytree(COLLECTD / "raw", tmp_path / "raw")
    metrics = [path for path in (tmp_path / "raw").rglob("*") if path.parent.name in ("memory", "swap")]
    now = now_ms() / 1000
    for path in metrics:  # its recording is older than what is kept
        path.write_text("epoch,value\n" + "".join(f"{now - 60 + 2 * index:.3f},1000.0\n" for index in range(4)))
    with following(cli, str(tmp_path / "raw")) as process:
        wait_for(cli, process, 3)  # the fourth is complete when the fifth begins
        for path in metrics:
            append(path, f"{now - 30:.3f},1000.0\n".encode())
        wait_for(cli, process, 4)
        code, out, _ = ended(process)
    assert code == 0 and "5 memory" in out


def test_strict_ends_with_code_1(cli: CommandLine, tmp_path: Path, start: int) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(exported(start))
    with following(cli, str(path), "--strict") as process:
        wait_for(cli, process, 1)
        append(path, b"nonsense\n" + lines(start + 1000))
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (1, "imported: 1 memory\n")
        assert "line 3" in err
