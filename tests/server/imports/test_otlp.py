"""OpenTelemetry's host metrics, from recorded and from made up requests to rows."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

# pylint: disable-next=no-name-in-module  # generated: makes its names as it is loaded
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from server.imports.otlp import hosts
from server.imports.otlp_rows import MOST_SOURCES
from server.imports.values import misfit
from tests.server.imports.otlp_requests import GOLDEN, NOW_MS, Receiver, cpu, golden, message, metric

LATER_MS = NOW_MS + 10_000


def disk(read: float, at_ms: int, **options: Any) -> tuple[dict[str, Any], ...]:
    """One disk of which only the bytes read move."""
    directions = [({"device": "sda", "direction": way}, way) for way in ("read", "write")]
    return (
        metric(
            "system.disk.io", "By", [(read if w == "read" else 0, a) for a, w in directions], at_ms=at_ms, **options
        ),
        metric("system.disk.operations", "{operations}", [(5, a) for a, _ in directions], at_ms=at_ms, **options),
    )


def memory(states: Mapping[str, float], *more: dict[str, Any], at_ms: int = NOW_MS) -> ExportMetricsServiceRequest:
    """Memory by state, on a machine without swap."""
    usage = metric("system.memory.usage", "By", [(value, {"state": s}) for s, value in states.items()], at_ms=at_ms)
    return message(usage, *more, metric("system.paging.faults", "{faults}", [(1, {})], at_ms=at_ms))


def counters(name: str) -> dict[tuple[str, str], dict[str, float]]:
    """The counters of a golden request as its metrics have them: (metric, core or device) -> mode or direction."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for one in golden(name).resource_metrics[0].scope_metrics[0].metrics:
        for point in getattr(one, one.WhichOneof("data")).data_points:
            said = {each.key: each.value for each in point.attributes}
            part = said["cpu"].int_value if "cpu" in said else said["device"].string_value if "device" in said else ""
            mode = said.get("state") or said["direction"]
            value = getattr(point, point.WhichOneof("value"))
            found.setdefault((one.name, str(part)), {})[mode.string_value] = float(value)
            found["time", ""] = {"": point.time_unix_nano / 1e9}
    return found


@pytest.mark.parametrize("kind", ["cumulative", "delta"])
def test_what_pythons_sdk_sends_becomes_rates_of_cores_from_0(kind: str) -> None:
    receiver = Receiver()
    first, second, third = (receiver.take(golden(f"{kind}-{number}")) for number in (1, 2, 3))
    assert set(first) == {"memory"} and not receiver.refusals.points
    for made in (second, third):
        assert [row[1] for row in made["cpu"]] == [0, 1] and [row[1] for row in made["disk"]] == ["vda"]
        assert all(sum(float(str(share)) for share in row[2:]) == pytest.approx(1, abs=0.001) for row in made["cpu"])
        for table, found in made.items():
            assert all(misfit(table, row) == "" for row in found)


def test_the_rates_are_those_of_the_recorded_counters() -> None:
    receiver = Receiver()
    receiver.take(golden("cumulative-2"))
    made = receiver.take(golden("cumulative-3"))
    before, after = counters("cumulative-2"), counters("cumulative-3")
    spent = {mode: after["system.cpu.time", "1"][mode] - of for mode, of in before["system.cpu.time", "1"].items()}
    whole = sum(spent.values())
    (row,) = (row for row in made["cpu"] if row[1] == 0)
    expected = [spent[mode] / whole for mode in ("user", "system", "nice", "iowait")]
    assert row[2:6] == pytest.approx(expected, abs=0.0001)
    seconds = after["time", ""][""] - before["time", ""][""]
    written = after["system.disk.io", "vda"]["write"] - before["system.disk.io", "vda"]["write"]
    assert made["disk"][0][3] == pytest.approx(written / seconds, rel=0.001)  # times are whole milliseconds


def test_the_default_modes_of_the_sdk_are_shares_of_the_clock() -> None:
    receiver = Receiver()
    for number in (1, 2):
        receiver.take(golden(f"default-{number}"))
    made = receiver.take(golden("default-3"))
    before, after = counters("default-2"), counters("default-3")
    idle = after["system.cpu.time", "2"]["idle"] - before["system.cpu.time", "2"]["idle"]
    (row,) = (row for row in made["cpu"] if row[1] == 1)
    assert row[8] == pytest.approx(min(1, idle / (after["time", ""][""] - before["time", ""][""])), abs=0.002)
    assert row[4] is None and row[5] is None  # nice, iowait: not told


def test_the_sdks_memory_has_its_size_from_usage_by_utilization() -> None:
    (row,) = Receiver().take(golden("cumulative-1"))["memory"]
    said = counters("cumulative-1")
    used, share = said["system.memory.usage", ""]["used"], said["system.memory.utilization", ""]["used"]
    assert (
        row[1] == pytest.approx(used / share) and int(str(row[1])) % 1024 == 0 and row[3] == used and row[4:] == (0, 0)
    )


@pytest.mark.parametrize("number", [1, 2, 3])
def test_json_and_protobuf_say_the_same(number: int) -> None:
    text = (GOLDEN / f"cumulative-{number}.json").read_text()
    assert json.loads(text) and '"2"' not in text.split("aggregationTemporality")[1][:6]
    assert json_format.Parse(text, ExportMetricsServiceRequest()) == golden(f"cumulative-{number}")


def test_names_of_the_conventions_and_of_the_collector_mean_the_same() -> None:
    modes = {"user": 1.0, "system": 2.0, "nice": 0.0, "idle": 4.0, "wait": 2.0, "interrupt": 0.5, "softirq": 0.5}
    new = {"wait": "iowait"}
    spellings: tuple[Callable[[str], dict[str, str | int]], ...] = (
        lambda mode: {"cpu": "cpu3", "state": mode},
        lambda mode: {"cpu.logical_number": 3, "cpu.mode": new.get(mode, mode)},
    )
    for spell in spellings:
        receiver = Receiver()
        for factor, at in ((1, NOW_MS), (2, LATER_MS)):
            points = [(value * factor, spell(mode)) for mode, value in modes.items()]
            made = receiver.take(message(metric("system.cpu.time", "s", points, at_ms=at)))
        assert made == {"cpu": [(LATER_MS, 3, 0.1, 0.2, 0.0, 0.2, 0.1, None, 0.4)]}


def test_a_request_that_was_not_stored_makes_the_same_rows_again() -> None:
    receiver = Receiver()
    receiver.take(message(cpu(1, 1, NOW_MS)))
    again = message(cpu(4, 8, LATER_MS))
    assert (
        receiver.take(again, stored=False)
        == receiver.take(again)
        == {"cpu": [(LATER_MS, 3, 0.3, 0.0, 0.0, None, None, None, 0.7)]}
    )
    assert not receiver.take(again) and not receiver.refusals.points  # the answer was lost, and it is sent once more


def test_a_reset_and_a_later_start_give_no_rate_and_older_points_are_refused() -> None:
    receiver = Receiver()
    receiver.take(message(cpu(50, 50, NOW_MS)))
    assert not receiver.take(message(cpu(1, 1, LATER_MS)))  # went back
    assert not receiver.take(message(cpu(60, 60, LATER_MS + 10_000, start_ms=LATER_MS + 1)))  # has begun anew
    assert not receiver.take(message(cpu(0, 0, NOW_MS)))
    assert receiver.refusals.points == 4 and "not newer" in receiver.refusals.words[0]


def test_delta_counters_are_of_their_interval_and_the_first_is_left_out() -> None:
    receiver = Receiver()
    assert not receiver.take(message(*disk(1e12, NOW_MS, kind="delta", start_ms=NOW_MS - 50)))
    made = receiver.take(message(*disk(5000, LATER_MS, kind="delta", start_ms=NOW_MS)))
    assert made == {"disk": [(LATER_MS, "sda", 500.0, 0.0, 0.5, 0.5, None)]}
    receiver.take(message(*disk(5000, LATER_MS, kind="delta", start_ms=0)))
    assert receiver.refusals.points == 4 and "interval" in receiver.refusals.words[0]


def test_points_of_one_collection_that_differ_a_little_in_time_are_one_row() -> None:
    receiver = Receiver()
    for read, at in ((0, NOW_MS), (5000, LATER_MS)):
        io, operations = disk(read, at)
        for point in operations["sum"]["dataPoints"]:
            point["timeUnixNano"] = str((at + 700) * 1_000_000)
        made = receiver.take(message(io, operations))
    assert made == {"disk": [(LATER_MS, "sda", 500.0, 0.0, 0.0, 0.0, None)]}


def test_several_collections_in_one_request_are_all_kept() -> None:
    made = Receiver().take(message(*(cpu(step, step, NOW_MS + 500 * step) for step in range(4))))
    assert [row[0] for row in made["cpu"]] == [NOW_MS + 500, NOW_MS + 1000, NOW_MS + 1500]


def test_utilization_is_taken_where_there_are_no_times() -> None:
    shares = [(0.25, {"state": "user", "cpu": "cpu0"}), (0.75, {"state": "idle", "cpu": "cpu0"})]
    share = metric("system.cpu.utilization", "1", shares, kind="gauge")
    assert Receiver().take(message(share)) == {"cpu": [(NOW_MS, 0, 0.25, None, None, None, None, None, 0.75)]}
    assert not Receiver().take(message(share, cpu(1, 1, NOW_MS)))


@pytest.mark.parametrize(
    ("more", "total", "available"),
    [
        ((), 1000, 700),  # the sum of the states; what of the kernel's is in two of them counts once
        ((metric("system.memory.limit", "By", [(2000, {})]),), 2000, 1700),
        ((metric("system.linux.memory.available", "By", [(600, {})]),), 1000, 600),
        ((metric("system.memory.linux.available", "By", [(600, {})]),), 1000, 600),
    ],
)
def test_memory_by_state(more: tuple[dict[str, Any], ...], total: int, available: int) -> None:
    states = {"used": 300, "free": 400, "cached": 200, "buffered": 100, "slab_reclaimable": 50, "slab_unreclaimable": 9}
    made = Receiver().take(memory(states, *more))
    assert made == {"memory": [(NOW_MS, total, available, total - available, 0, 0)]}


def test_swap_is_the_sum_of_its_devices_and_unknown_swap_is_told() -> None:
    devices = [(100, {"device": d, "state": s}) for d in ("/dev/sda2", "/dev/sdb2") for s in ("used", "free", "used")]
    usage = metric("system.memory.usage", "By", [(1, {"state": "used"}), (3, {"state": "free"})])
    (row,) = Receiver().take(message(usage, metric("system.paging.usage", "By", devices)))["memory"]
    assert row == (NOW_MS, 4, 3, 1, 400, 200)
    receiver = Receiver()
    assert not receiver.take(message(usage))
    assert receiver.refusals.points == 2 and "system.paging.usage" in receiver.refusals.words[0]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (metric("system.cpu.time", "ms", [(1, {"cpu": "cpu0", "state": "user"})]), "unit"),
        (metric("system.cpu.time", "s", [(1, {"state": "user"})]), "core"),
        (metric("system.cpu.time", "s", [(1, {"cpu": "cpu99999", "state": "user"})]), "core"),
        (metric("system.cpu.time", "s", [(-1, {"cpu": "cpu0", "state": "user"})]), "cannot be"),
        (metric("system.cpu.time", "s", [(float("nan"), {"cpu": "cpu0", "state": "user"})]), "cannot be"),
        (metric("system.cpu.time", "s", [(1, {"cpu": "cpu0", "state": "user"})], kind="gauge"), "sum"),
        (metric("system.memory.usage", "By", [(1, {"state": "used"})], kind="delta"), "gauge"),
        (metric("system.disk.io", "By", [(1, {"device": "a b", "direction": "read"})]), "short name"),
        (metric("system.disk.io", "By", [(1, {"device": "sda", "direction": "up"})]), "direction"),
        (metric("system.disk.io", "By", [(1, {"device": "sda", "direction": "read"})]), "operations"),
        (metric("system.cpu.time", "s", [(1, {"cpu": "cpu0", "state": "user"})], at_ms=0), "no time"),
    ],
)
def test_what_cannot_be_used_is_counted_and_told(sent: dict[str, Any], words: str) -> None:
    receiver = Receiver()
    assert not receiver.take(message(sent))
    assert receiver.refusals.points == 1 and words in receiver.refusals.words[0]


def test_what_is_of_no_interest_is_left_out_without_a_word() -> None:
    receiver = Receiver()
    partitions = metric("system.disk.io", "By", [(1, {"device": "sda1", "direction": "read"})])
    network = metric("system.network.io", "By", [(1, {"device": "eth0", "direction": "receive"})])
    guest = metric("system.cpu.time", "s", [(1, {"cpu": "cpu0", "state": "guest"})])
    assert not receiver.take(message(partitions, network, guest)) and not receiver.refusals.points


def test_the_name_is_that_of_the_host_else_of_the_service() -> None:
    request = message(cpu(1, 1, NOW_MS), host=None)
    assert set(hosts(request, Receiver().refusals, (0, 2**52))) == {""}
    added = request.resource_metrics[0].resource.attributes.add(key="service.instance.id")
    added.value.string_value = "web7"
    assert set(hosts(request, Receiver().refusals, (0, 2**52))) == {"web7"}


def test_machines_that_are_remembered_are_bounded() -> None:
    receiver = Receiver()
    for number in range(MOST_SOURCES * 4 + 5):
        receiver.take(message(cpu(1, 1, NOW_MS), host=f"web{number}"))
    assert len(receiver.collections.known) == MOST_SOURCES * 4
    assert not receiver.take(message(cpu(2, 2, LATER_MS), host="web0"))  # forgotten, and so without a rate
    assert receiver.take(message(cpu(2, 2, LATER_MS), host=f"web{MOST_SOURCES * 4 + 4}"))


_ATTRIBUTE = st.sampled_from(["cpu0", "cpu1", 1, "user", "idle", "read", "write", "sda", "sda1", "used", "free", ""])
_POINT = st.tuples(
    st.floats() | st.integers(0, 2**62).map(float),
    st.dictionaries(st.sampled_from(["cpu", "state", "device", "direction", "cpu.mode"]), _ATTRIBUTE, max_size=3),
)
_NAMES = ["system.cpu.time", "system.cpu.utilization", "system.memory.usage", "system.memory.limit", "system.disk.io"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.builds(
            metric,
            st.sampled_from([*_NAMES, "system.disk.operations", "system.paging.usage", "system.memory.utilization"]),
            st.sampled_from(["s", "By", "1", ""]),
            st.lists(_POINT, max_size=4),
            at_ms=st.integers(0, 4_000_000_000_000),
            start_ms=st.integers(0, 4_000_000_000_000),
            kind=st.sampled_from(["cumulative", "delta", "gauge"]),
        ),
        max_size=5,
    )
)
def test_whatever_is_sent_what_comes_fits_the_catalogue(metrics: list[dict[str, Any]]) -> None:
    receiver = Receiver()
    for table, found in receiver.take(message(*metrics)).items():
        assert [misfit(table, row) for row in found] == [""] * len(found)
