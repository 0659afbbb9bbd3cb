"""Recordings of open servers: once, in the window, moved to now."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.administration.importing import sequence_of
from server.errors import ImportFailed, InvalidRequest
from server.runtime import Runtime
from tests.server.imports.answers import matrix, memory
from tests.server.installation import Clock

Do = Callable[..., dict[str, Any]]
HOUR_MS = 3_600_000
GIB = float(1 << 30)


@pytest.fixture
def recording(tmp_path: Path) -> Callable[..., str]:
    """``recording(time_ms, ..)`` writes a file with one row of memory at each time."""

    def write(*times: int, name: str = "a.json", instance: str = "server.example:9100") -> str:
        values = {"MemTotal": 8 * GIB, "MemAvailable": 4 * GIB, "SwapTotal": GIB, "SwapFree": GIB}
        series = [memory(key, [(time / 1000, value) for time in times], instance) for key, value in values.items()]
        (tmp_path / name).write_bytes(matrix(*series))
        return str(tmp_path / name)

    return write


def test_rows_of_a_file_are_stored_under_its_machine(do: Do, recording: Callable[..., str], clock: Clock) -> None:
    done = do("import", path=recording(clock.now_ms - 2000, clock.now_ms - 1000))
    assert (done["rows"], done["sources"]) == ({"memory": 2}, ["server.example:9100"])
    (machine,) = do("instances-list")["instances"]
    assert (machine["source"], machine["name"], machine["last_seen"]) == (
        "open-server",
        "server.example:9100",
        clock.now_ms - 1000,
    )


def test_twice_is_once(do: Do, recording: Callable[..., str], clock: Clock, runtime: Runtime) -> None:
    path = recording(clock.now_ms - 1000)
    do("import", path=path)
    again = do("import", path=path)
    assert (sum(again["rows"].values()), again["already"]) == (0, {"memory": 1})
    assert runtime.store.counts()["memory"] == 1


def test_twice_under_another_shift_is_once(
    do: Do, recording: Callable[..., str], clock: Clock, runtime: Runtime
) -> None:
    path = recording(clock.now_ms - 1000)
    do("import", path=path, shift_ms=0)
    assert do("import", path=path, shift_ms=-500)["already"] == {"memory": 1}
    assert runtime.store.counts()["memory"] == 1


def test_what_retention_would_not_keep_is_counted_and_left_out(
    do: Do, recording: Callable[..., str], clock: Clock, runtime: Runtime
) -> None:
    now = clock.now_ms
    done = do("import", path=recording(now - 100 * HOUR_MS, now - 99 * HOUR_MS, now, now + HOUR_MS))
    assert done["rows"] == {"memory": 1}
    assert (done["too_old"], done["in_the_future"]) == ({"memory": 2}, {"memory": 1})
    assert runtime.store.counts()["memory"] == 1


def test_a_file_of_old_rows_only_stores_nothing_and_makes_no_machine(
    do: Do, recording: Callable[..., str], clock: Clock, runtime: Runtime
) -> None:
    done = do("import", path=recording(clock.now_ms - 1000 * HOUR_MS))
    assert (sum(done["rows"].values()), done["too_old"]) == (0, {"memory": 1})
    assert runtime.registry.sources() == {}


def test_an_old_recording_moved_to_now_ends_now(do: Do, recording: Callable[..., str], clock: Clock) -> None:
    start = clock.now_ms - 10_000 * HOUR_MS
    path = recording(start, start + 5000)
    preview = do("import-preview", path=path)
    assert (preview["first"], preview["last"], preview["rows"]) == (start, start + 5000, {"memory": 2})
    done = do("import", path=path, shift_ms=clock.now_ms - preview["last"])
    assert done["rows"] == {"memory": 2}
    assert do("instances-list")["instances"][0]["last_seen"] == clock.now_ms


def test_many_chunks_of_many_machines(do: Do, recording: Callable[..., str], clock: Clock, tmp_path: Path) -> None:
    times = [clock.now_ms - 1000 * index for index in range(1500)]
    first = do("import", path=recording(*times, name="one.json", instance="one"))
    second = do("import", path=recording(*times, name="two.json", instance="two"))
    assert first["rows"] == second["rows"] == {"memory": 1500}
    shutil.copy(tmp_path / "one.json", tmp_path / "copy.json")
    assert do("import", path=str(tmp_path / "copy.json"))["already"] == {"memory": 1500}


def test_an_erased_machine_can_be_imported_again(do: Do, recording: Callable[..., str], clock: Clock) -> None:
    path = recording(clock.now_ms - 1000)
    do("import", path=path)
    assert do("instances-erase", instance="server.example:9100")["rows"]["memory"] == 1
    assert do("import", path=path)["rows"] == {"memory": 1}


@pytest.mark.parametrize("path", ["", "a\x00b", "x" * 5000])
def test_a_path_that_is_none(do: Do, path: str) -> None:
    with pytest.raises(InvalidRequest, match="path"):
        do("import", path=path)


@pytest.mark.parametrize("content", [b"", b"[1]", b"\x00\xff", b"<html>"])
def test_what_is_no_recording_is_refused_by_name(do: Do, tmp_path: Path, content: bytes, runtime: Runtime) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ImportFailed, match=str(path)):
        do("import", path=str(path))
    assert sum(runtime.store.counts().values()) == 0


def test_a_missing_file_and_a_directory_are_one_sentence(do: Do, tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="No such file"):
        do("import", path=str(tmp_path / "nothing"))
    with pytest.raises(ImportFailed, match="Is a directory"):
        do("import", path=str(tmp_path))


def test_a_sequence_has_53_bits_and_follows_the_content() -> None:
    one, two = {"memory": {"time": [1]}}, {"memory": {"time": [2]}}
    assert 0 <= sequence_of(one) < 2**53
    assert sequence_of(one) == sequence_of({"memory": {"time": [1]}}) != sequence_of(two)
