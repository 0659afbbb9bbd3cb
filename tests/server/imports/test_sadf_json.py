"""What sadf -j prints, to rows worked out by hand."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from server.errors import ImportFailed
from tests.server.imports.reading import Read, read_bytes

GOLDEN = Path(__file__).parent / "golden" / "sysstat"
T0 = 1_795_563_435_000  # 2026-11-24 23:37:15 UTC
LOAD = {"cpu": "0", "user": 30.0, "nice": 0.0, "system": 10.0, "iowait": 0.0, "steal": 0.0, "idle": 60.0}
MEMORY = {
    "memfree": 100,
    "avail": 150,
    "memused": 50,
    "memused-percent": 25.0,
    "buffers": 20,
    "cached": 20,
    "slab": 10,
    "swpfree": 8,
    "swpused": 2,
}


def stamp(time: str = "23:37:15", date: str = "2026-11-24", utc: int = 1) -> dict[str, Any]:
    return {"date": date, "time": time, "utc": utc, "interval": 1}


def moment(timestamp: Mapping[str, Any] | None = None, /, **activities: Any) -> dict[str, Any]:
    return {"timestamp": timestamp or stamp(), **activities}


def load(timestamp: dict[str, Any], *cores: str) -> dict[str, Any]:
    return moment(timestamp, **{"cpu-load": [{**LOAD, "cpu": core} for core in cores or ("0",)]})


def document(*moments: dict[str, Any], node: str = "m", restarts: bool = False) -> bytes:
    host = {"nodename": node, "file-date": "2026-11-24", "statistics": list(moments)}
    if restarts:
        host["restarts"] = [{"boot": {"date": "2026-11-24", "time": "10:00:00", "utc": 1, "cpu_count": 2}}]
    return json.dumps({"sysstat": {"hosts": [host]}}, indent=1).encode()


def read(*moments: dict[str, Any], zone: str = "UTC", **names: Any) -> Read:
    return read_bytes(document(*moments), zone=zone, **names)


def times(result: Read, table: str = "cpu") -> list[int]:
    return [row[0] for row in result.rows(table)]  # type: ignore[misc]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_the_recording_in_numbers() -> None:
    result = read_bytes((GOLDEN / "all.json").read_bytes())
    assert result.rows("cpu")[2:4] == [
        (T0 + 1000, 0, 0.0, 0.0099, 0.0, 0.0, 0.0, 0.0, 0.9901),
        (T0 + 1000, 1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    ]
    total = (23792624 + 184092 + 10548 + 415780 + 281040) * 1024
    available = 24134252 * 1024
    assert result.rows("memory")[0] == (T0, total, available, total - available, 0, 0)
    assert result.rows("disk")[0] == (T0, "vda", 40960.0, 69632.0, 8.0, 1.0, 0.0)


def test_guests_are_in_user_and_nice_and_both_interrupts_in_one() -> None:
    names = "usr nice sys iowait steal irq soft guest gnice idle".split()
    values = [10.0, 2.0, 5.0, 1.0, 4.0, 0.5, 0.25, 6.0, 3.0, 68.25]
    result = read(moment(**{"cpu-load-all": [{"cpu": "3", **dict(zip(names, values, strict=True))}]}))
    assert result.rows("cpu") == [(T0, 3, 0.16, 0.05, 0.05, 0.01, 0.0075, 0.04, 0.6825)]


def test_all_cores_together_are_core_0_only_where_there_are_no_others() -> None:
    assert [row[1] for row in read(load(stamp(), "all", "1")).rows("cpu")] == [1]
    assert read(load(stamp(), "all")).rows("cpu") == [(T0, 0, 0.3, 0.1, 0.0, 0.0, None, 0.0, 0.6)]


@pytest.mark.parametrize(
    ("timestamp", "zone", "shift_hours"),
    [
        (stamp(), "Europe/Warsaw", 0),
        (stamp(utc=0), "Europe/Warsaw", -1),  # -t and -T
        (stamp(utc=0), "America/New_York", 5),
        ({"sec": 1_795_563_435, "interval": 1}, "Europe/Warsaw", 0),
    ],
)
def test_times(timestamp: dict[str, Any], zone: str, shift_hours: int) -> None:
    assert times(read(load(timestamp), zone=zone)) == [T0 + shift_hours * 3_600_000]


def test_the_repeated_hour_is_told_by_the_order_of_moments() -> None:
    texts = ["01:50:00", "02:20:00", "02:50:00", "02:20:00", "02:50:00", "03:20:00"]
    result = read(*(load(stamp(text, "2026-10-25", 0), "0", "1") for text in texts), zone="Europe/Warsaw")
    expected = [ms("2026-10-24 23:50:00") + step * 1_800_000 for step in range(6)]
    assert times(result) == [time for time in expected for _ in range(2)]
    assert result.report.faults == 0


def test_a_step_of_the_clock_backwards_is_left_out_and_another_document_begins_anew() -> None:
    result = read(*(load(stamp(text)) for text in ("10:00:02", "10:00:01", "10:00:03")))
    assert times(result) == [ms("2026-11-24 10:00:02"), ms("2026-11-24 10:00:03")]
    assert result.report.first == ["file: statistics[1]: cpu: the time is before that of the sample above; left out"]
    later, earlier = (document(load(stamp(text))) for text in ("10:00:02", "10:00:01"))
    both = read_bytes(later + b"\n" + earlier)
    assert sorted(times(both)) == [ms("2026-11-24 10:00:01"), ms("2026-11-24 10:00:02")]
    assert both.report.faults == 0


def test_restarts_and_unknown_activities_are_skipped() -> None:
    other = moment(stamp("23:37:16"), network={"net-dev": [{"iface": "eth0", "rxpck": 1.0}]})
    result = read_bytes(document(load(stamp()), other, restarts=True))
    assert (times(result), result.report.faults) == ([T0], 0)
    assert "nothing of CPU, memory or whole disks" in read(other).report.first[0]


def test_a_moment_said_twice_counts_once_and_the_first_where_they_differ() -> None:
    same = read(load(stamp()), load(stamp()))
    assert (times(same), same.report.faults) == ([T0], 0)
    other = read(load(stamp()), moment(**{"cpu-load": [{**LOAD, "user": 0.0, "idle": 90.0}]}))
    assert [row[8] for row in other.rows("cpu")] == [0.6]
    assert "a second row of cpu at the same time" in other.report.first[0]


@pytest.mark.parametrize("bad", [None, "-", "nan", "", -1.0, True, [], 1e300])
def test_a_number_that_is_none_costs_its_table_of_its_moment_only(bad: object) -> None:
    wrong = moment(**{"cpu-load": [{**LOAD, "user": bad}]}, memory=MEMORY)
    result = read(wrong, load(stamp("23:37:16")))
    assert (times(result), times(result, "memory")) == ([T0 + 1000], [T0])
    assert result.report.faults == 1
    assert result.report.first[0].startswith("file: statistics[0]: cpu: ")


def test_memory_and_swap_are_in_kibibytes() -> None:
    result = read(moment(memory=MEMORY))
    assert result.rows("memory") == [(T0, 200 * 1024, 150 * 1024, 50 * 1024, 10 * 1024, 2 * 1024)]


@pytest.mark.parametrize(
    ("lacks", "words"), [("swpfree", "without swap space; add -S"), ("avail", "kbavail"), ("slab", "without kbslab")]
)
def test_what_memory_lacks_is_one_fault_a_file(lacks: str, words: str) -> None:
    memory = {name: value for name, value in MEMORY.items() if name != lacks}
    result = read(*(moment(stamp(f"23:37:{at}"), memory=memory) for at in range(15, 20)))
    assert (result.rows("memory"), result.report.faults) == ([], 1)
    assert words in result.report.first[0]


def test_a_value_of_the_cpu_that_is_not_there_is_one_fault_a_file() -> None:
    partly = {name: value for name, value in LOAD.items() if name != "steal"}
    result = read(*(moment(stamp(f"23:37:{at}"), **{"cpu-load": [partly]}) for at in range(15, 20)))
    assert result.report.first == ["file: statistics[0]: cpu: steal is missing"]
    assert result.report.faults == 1


def device(name: str, tps: float, read_kb: float, written_kb: float) -> dict[str, Any]:
    return {"disk-device": name, "tps": tps, "rkB": read_kb, "wkB": written_kb, "dkB": 0.0, "util-percent": 10.0}


def test_transfer_rates_split_the_one_disk_that_did_both() -> None:
    disks = [device("sda", 5.0, 8.0, 0.0), device("sda1", 5.0, 8.0, 0.0), device("sdb", 9.0, 4.0, 4.0)]
    rates = {"tps": 14.0, "io-reads": {"rtps": 8.0}, "io-writes": {"wtps": 6.0}, "io-discard": {"dtps": 0.0}}
    result = read(moment(disk=disks, io=rates))
    assert result.rows("disk") == [
        (T0, "sda", 8192.0, 0.0, 5.0, 0.0, 0.1),
        (T0, "sdb", 4096.0, 4096.0, 3.0, 6.0, 0.1),
    ]
    unsure = read(moment(disk=disks))
    assert [row[1] for row in unsure.rows("disk")] == ["sda"]
    assert "not told apart for each disk; add -b" in unsure.report.first[0]


def test_sectors_of_versions_before_12_are_512_bytes() -> None:
    old = {"disk-device": "sda", "tps": 5.0, "rd_sec": 16.0, "wr_sec": 0.0, "util-percent": 10.0}
    assert read(moment(disk=[old])).rows("disk") == [(T0, "sda", 8192.0, 0.0, 5.0, 0.0, 0.1)]


@pytest.mark.parametrize("where", ['"time": "23:37:16"', '"idle": 60.0'])
def test_a_file_that_is_cut_off_counts_as_far_as_it_goes(where: str) -> None:
    content = document(load(stamp()), load(stamp("23:37:16")))
    cut = content[: content.rindex(where.encode())]
    result = read_bytes(cut)
    assert times(result) == [T0]
    assert result.report.first == ["file: the JSON is cut off here; what came before it is imported"]


def test_a_time_that_cannot_be_read_costs_its_moment_only() -> None:
    result = read(load({"date": "yesterday", "time": "noon", "utc": 1}), load({"sec": 0}), load(stamp()))
    assert times(result) == [T0]
    assert result.report.faults == 2


def test_names_of_machines() -> None:
    two = document(load(stamp()), node="a") + document(load(stamp()), node="b")
    assert read_bytes(two).sources == {"a", "b"}
    with pytest.raises(ImportFailed, match="more than one machine; leave out --source"):
        read_bytes(two, source="other")
    assert read(load(stamp()), source="other").sources == {"other"}
    with pytest.raises(ImportFailed, match="does not say which machine.*--source"):
        read_bytes(document(load(stamp()), node=""))
