"""Rows of open servers: each once, in the window, under no volunteer's name."""

from collections.abc import Callable
from typing import Any

import pytest

from consent.alias import alias_of
from consent.wire import Columns
from server.administration.importing import sequence_of
from server.errors import InvalidRequest
from server.runtime import Runtime
from tests.server.installation import Clock, Volunteer

Do = Callable[..., dict[str, Any]]
HOUR_MS = 3_600_000
NAME = "server.example:9100"


def memory(*times: int) -> dict[str, Columns]:
    """A row of memory at each time."""
    columns = ("total_bytes", "available_bytes", "used_bytes", "swap_total_bytes", "swap_used_bytes")
    return {"memory": {"time": list(times), **{name: [1 << 30] * len(times) for name in columns}}}


def cpu(*rows: tuple[int, int]) -> dict[str, Columns]:
    """A row of cpu at each (time, core)."""
    shares = ("user", "system", "nice", "iowait", "interrupt", "steal", "idle")
    return {
        "cpu": {
            "time": [time for time, _ in rows],
            "core": [core for _, core in rows],
            **{name: [0.125] * len(rows) for name in shares},
        }
    }


def test_rows_are_stored_under_their_machine_which_is_public(do: Do, clock: Clock) -> None:
    done = do("import-rows", source=NAME, tables=memory(clock.now_ms - 2000, clock.now_ms - 1000))
    assert (done["rows"], done["already"]) == ({"memory": 2}, {})
    (machine,) = do("instances-list")["instances"]
    assert (machine["source"], machine["name"], machine["last_seen"]) == ("open-server", NAME, clock.now_ms - 1000)


def test_twice_is_once(do: Do, clock: Clock, runtime: Runtime) -> None:
    for expected in ({"rows": {"memory": 1}, "already": {}}, {"rows": {}, "already": {"memory": 1}}):
        done = do("import-rows", source=NAME, tables=memory(clock.now_ms - 1000))
        assert {name: done[name] for name in expected} == expected
    assert runtime.store.counts()["memory"] == 1


def test_what_overlaps_stores_its_new_rows_only(do: Do, clock: Clock, runtime: Runtime) -> None:
    now = clock.now_ms
    do("import-rows", source=NAME, tables={**memory(now - 3000, now - 2000), **cpu((now - 3000, 0), (now - 3000, 1))})
    grown = {**memory(now - 2000, now - 1000), **cpu((now - 3000, 1), (now - 3000, 2), (now - 2000, 0))}
    done = do("import-rows", source=NAME, tables=grown)
    assert done["rows"] == {"memory": 1, "cpu": 2}
    assert done["already"] == {"memory": 1, "cpu": 1}
    counts = runtime.store.counts()
    assert (counts["memory"], counts["cpu"]) == (3, 4)


def test_twice_under_another_shift_is_once(do: Do, clock: Clock, runtime: Runtime) -> None:
    tables = memory(clock.now_ms - 1000)
    do("import-rows", source=NAME, tables=tables, shift_ms=0)
    assert do("import-rows", source=NAME, tables=tables, shift_ms=-500)["already"] == {"memory": 1}
    assert runtime.store.counts()["memory"] == 1


def test_two_machines_may_say_the_same(do: Do, clock: Clock) -> None:
    tables = memory(clock.now_ms - 1000)
    for name in ("one", "two"):
        assert do("import-rows", source=name, tables=tables)["rows"] == {"memory": 1}


def test_what_retention_would_not_keep_is_counted_and_left_out(do: Do, clock: Clock, runtime: Runtime) -> None:
    now = clock.now_ms
    times = (now - 100 * HOUR_MS, now - 99 * HOUR_MS, now, now + HOUR_MS)
    done = do("import-rows", source=NAME, tables=memory(*times))
    assert done["rows"] == {"memory": 1}
    assert (done["too_old"], done["in_the_future"]) == ({"memory": 2}, {"memory": 1})
    assert runtime.store.counts()["memory"] == 1


def test_what_was_from_the_future_is_stored_when_its_time_has_come(do: Do, clock: Clock) -> None:
    tables = memory(clock.now_ms, clock.now_ms + HOUR_MS)
    do("import-rows", source=NAME, tables=tables)
    clock.now_ms += HOUR_MS
    assert do("import-rows", source=NAME, tables=tables)["rows"] == {"memory": 1}


def test_old_rows_only_store_nothing_and_make_no_machine(do: Do, clock: Clock, runtime: Runtime) -> None:
    done = do("import-rows", source=NAME, tables=memory(clock.now_ms - 1000 * HOUR_MS))
    assert (done["rows"], done["too_old"]) == ({}, {"memory": 1})
    assert runtime.registry.sources() == {}


def test_an_old_recording_moved_to_now_ends_now(do: Do, clock: Clock) -> None:
    start = clock.now_ms - 10_000 * HOUR_MS
    done = do("import-rows", source=NAME, tables=memory(start, start + 5000), shift_ms=10_000 * HOUR_MS - 5000)
    assert done["rows"] == {"memory": 2}
    assert do("instances-list")["instances"][0]["last_seen"] == clock.now_ms


def test_an_erased_machine_can_be_imported_again(do: Do, clock: Clock) -> None:
    tables = memory(clock.now_ms - 1000)
    do("import-rows", source=NAME, tables=tables)
    assert do("instances-erase", instance=NAME)["rows"]["memory"] == 1
    assert do("import-rows", source=NAME, tables=tables)["rows"] == {"memory": 1}


def test_nothing_is_stored_under_a_volunteers_instance_or_alias(
    do: Do, volunteer: Volunteer, clock: Clock, runtime: Runtime
) -> None:
    before = runtime.store.counts()
    for name in (volunteer.instance, volunteer.instance.upper(), alias_of(volunteer.instance)):
        with pytest.raises(InvalidRequest, match="--source NAME"):
            do("import-rows", source=name, tables=memory(clock.now_ms))
    assert runtime.store.counts() == before
    assert runtime.registry.sources() == {}


@pytest.mark.parametrize(
    "name",
    [
        "0b9e7a53-5a8f-4d57-8d43-b2c2f6b9b3a7",
        "0b9e7a535a8f4d578d43b2c2f6b9b3a7",
        "{0b9e7a53-5a8f-4d57-8d43-b2c2f6b9b3a7}",
        "urn:uuid:0b9e7a53-5a8f-4d57-8d43-b2c2f6b9b3a7",
        "Amber-Otter-42",
        " web1",
        "web1\n",
        "web\x1b[2J",
        "\u0430mber-otter-42",
        "amber\u2010otter-42",
        "amber-otter-42\ufe0f",
        "\uff41mber-otter-42",
        "\u3164",
        "",
        "x" * 256,
    ],
)
def test_names_that_no_open_server_may_have(do: Do, name: str, clock: Clock) -> None:
    with pytest.raises(InvalidRequest):
        do("import-rows", source=name, tables=memory(clock.now_ms))


@pytest.mark.parametrize("name", ["web1", "amber-otter", "web-otter-42", "amber-otter-420", "10.0.0.7:9100", "zolw"])
def test_names_that_an_open_server_may_have(do: Do, name: str, clock: Clock) -> None:
    assert do("import-rows", source=name, tables=memory(clock.now_ms))["rows"] == {"memory": 1}


@pytest.mark.parametrize(
    "change, place",
    [
        ({"cpu": {"time": [1]}}, "cpu"),
        ({"gpu": {"time": [1]}}, "gpu|catalogue"),
        ({}, "no table"),
        ({**memory(1, 1)}, "twice"),
        ({"memory": {**memory(1)["memory"], "total_bytes": [-1]}}, "memory.total_bytes"),
        ({"memory": {**memory(1)["memory"], "total_bytes": ["8"]}}, "memory.total_bytes"),
    ],
)
def test_rows_that_do_not_fit_the_catalogue(do: Do, change: dict[str, Any], place: str, runtime: Runtime) -> None:
    with pytest.raises(InvalidRequest, match=place):
        do("import-rows", source=NAME, tables=change)
    assert sum(runtime.store.counts().values()) == 0


def test_the_audit_has_it_once_an_hour(do: Do, clock: Clock, runtime: Runtime) -> None:
    def entries() -> int:
        return sum(entry["act"] == "import.rows" for entry in do("audit-list")["entries"])

    for second in range(5):
        do("import-rows", source=NAME, tables=memory(clock.now_ms - second * 1000))
    assert entries() == 1
    clock.now_ms += HOUR_MS
    do("import-rows", source=NAME, tables=memory(clock.now_ms))
    assert entries() == 2


def test_a_sequence_has_53_bits_and_follows_the_content() -> None:
    one, two = {"memory": {"time": [1]}}, {"memory": {"time": [2]}}
    assert 0 <= sequence_of(one) < 2**53
    assert sequence_of(one) == sequence_of({"memory": {"time": [1]}}) != sequence_of(two)
