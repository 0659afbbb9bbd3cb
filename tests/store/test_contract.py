"""What every store promises. A further store joins by one more entry in ``OPENERS``.

``kdb-double`` is the real client, PyKX included, against ``q_server``, which executes no q. ``kdb-engine`` is the same
client against a q engine with the q files of ``server/kdb``; it is skipped where none is found, with the reason.
"""

import math
import statistics
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from threading import Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent.wire import Ack, AckStatus
from server.errors import ConfigError, InstanceErased, SequenceReused, StoreError, StoreUnavailable
from server.store import open_store
from server.store.protocol import (
    MAX_BUCKETS,
    STATISTICS,
    InstanceSummary,
    LedgerEntry,
    Row,
    Series,
    SeriesQuery,
    Spark,
    Statistics,
    Store,
)
from tests.store.q_engine import engine_opener
from tests.store.q_server import QServer
from tests.store.samples import NOON, WARSAW, Clock, at, batch, cpu, disk, memory, new_instance, seconds

Opener = Callable[[Path, Clock], Store]


def _duckdb(_: ExitStack) -> Opener:
    return lambda directory, clock: open_store("duckdb", directory, WARSAW, clock)


def _kdb_double(running: ExitStack) -> Opener:
    """The second time the same directory is opened, its server is started anew."""
    servers: dict[Path, QServer] = {}

    def opener(directory: Path, clock: Clock) -> Store:
        if directory in servers:
            servers[directory].restart()
        else:
            servers[directory] = running.enter_context(QServer())
        return open_store(servers[directory].url, directory, WARSAW, clock)

    return opener


#: By name, how to open each store; the same directory twice is the same store.
OPENERS: dict[str, Callable[[ExitStack], Opener]] = {
    "duckdb": _duckdb,
    "kdb-double": _kdb_double,
    "kdb-engine": engine_opener,
}


@pytest.fixture(name="opener", params=list(OPENERS))
def _opener(request: pytest.FixtureRequest) -> Iterator[Opener]:
    with ExitStack() as running:
        yield OPENERS[request.param](running)


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="store")
def _store(opener: Opener, clock: Clock, tmp_path: Path) -> Iterator[Store]:
    store = opener(tmp_path / "store", clock)
    yield store
    store.close()


def status(result: Ack | StoreError) -> AckStatus:
    """The status of an ack; the error itself is raised."""
    if isinstance(result, StoreError):
        raise result
    return result.status


def time_of(row: Row) -> int:
    """The time of a row, in milliseconds."""
    time = row["time"]
    assert isinstance(time, int)
    return time


def test_an_ack_counts_the_rows_and_carries_the_time(store: Store, clock: Clock) -> None:
    instance = new_instance()
    (ack,) = store.append([batch(instance, 1, cpu=cpu(seconds(NOON, 3), 2), memory=memory(seconds(NOON, 3)))])
    assert ack == Ack(instance, 1, AckStatus.STORED, {"cpu": 6, "memory": 3}, clock.now)
    assert store.counts() == {"cpu": 6, "memory": 3, "disk": 0}


def test_the_same_batch_again_is_a_duplicate(store: Store, opener: Opener, clock: Clock, tmp_path: Path) -> None:
    one = batch(new_instance(), 1, cpu=cpu([NOON]))
    assert [status(result) for result in store.append([one, one])] == [AckStatus.STORED, AckStatus.DUPLICATE]
    assert status(store.append([one])[0]) is AckStatus.DUPLICATE
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.append([one])
    again = opener(tmp_path / "store", clock)
    assert status(again.append([one])[0]) is AckStatus.DUPLICATE
    assert again.counts()["cpu"] == 1
    again.close()


def test_a_sequence_with_other_samples_is_refused(store: Store) -> None:
    instance = new_instance()
    store.append([batch(instance, 7, cpu=cpu([NOON]))])
    other = batch(instance, 7, cpu=cpu([NOON + 1000]))
    with pytest.raises(SequenceReused) as caught:
        store.append([other])
    assert (caught.value.instance, caught.value.sequence) == (instance, 7)
    good = batch(instance, 8, cpu=cpu([NOON + 2000]))
    refused, stored = store.append([other, good])
    assert isinstance(refused, SequenceReused)
    assert status(stored) is AckStatus.STORED
    assert store.counts()["cpu"] == 2


def test_a_sequence_on_another_day_is_still_known(store: Store) -> None:
    instance = new_instance()
    store.append([batch(instance, 5, cpu=cpu([at("2026-06-09 12:00")]))])
    store.append([batch(instance, 6, cpu=cpu([NOON]))])
    with pytest.raises(SequenceReused):
        store.append([batch(instance, 5, cpu=cpu([NOON]))])


def test_an_earlier_sequence_that_was_never_sent_is_stored(store: Store) -> None:
    instance = new_instance()
    store.append([batch(instance, 9, cpu=cpu([NOON]))])
    assert status(store.append([batch(instance, 3, cpu=cpu([NOON - 1000]))])[0]) is AckStatus.STORED


def test_a_batch_without_rows_is_remembered(store: Store) -> None:
    empty = batch(new_instance(), 1, cpu=cpu([]))
    assert [status(result) for _ in range(2) for result in store.append([empty])] == ["stored", "duplicate"]
    assert store.latest() == []


@pytest.mark.parametrize(
    ("tables", "path"),
    [
        ({"network": {"time": [NOON]}}, "network"),
        ({"cpu": {"time": [NOON]}}, "cpu"),
        ({"memory": {**memory([NOON]), "used_bytes": []}}, "memory"),
        ({"memory": {**memory([NOON]), "used_bytes": [None]}}, "memory.used_bytes"),
        ({"memory": {**memory([NOON]), "used_bytes": [0.5]}}, "memory.used_bytes"),
        ({"cpu": {**cpu([NOON]), "core": [70_000]}}, "cpu.core"),
        ({"disk": {**disk([NOON]), "device": [7]}}, "disk.device"),
        ({"disk": {**disk([NOON]), "reads_per_second": [None]}}, "disk.reads_per_second"),
        ({"cpu": cpu([-1])}, "cpu.time"),
        ({"cpu": cpu([2**52])}, "time"),
    ],
)
def test_a_batch_that_fits_no_table_leaves_nothing(store: Store, tables: dict[str, object], path: str) -> None:
    instance = new_instance()
    with pytest.raises(StoreError, match=f"^{path}:"):
        store.append([batch(instance, 1, **{"memory": memory([NOON]), **tables})])  # type: ignore[arg-type]
    assert sum(store.counts().values()) == 0
    assert status(store.append([batch(instance, 1, cpu=cpu([NOON]))])[0]) is AckStatus.STORED


def test_the_ledger_is_told_and_taken_over(store: Store, opener: Opener, clock: Clock, tmp_path: Path) -> None:
    instance, other = new_instance(), new_instance()
    sent = batch(instance, 4, memory=memory([at("2026-06-09 23:59:59"), NOON]))
    assert store.remember(instance, []) == 0 and store.ledger(instance) == store.ledger("no uuid") == []
    old = LedgerEntry(1, bytes(range(16)), at("2026-06-08 12:00"))
    assert store.remember(instance, [old, LedgerEntry(4, sent.digest[:16], NOON)]) == 2
    assert store.remember(instance, [LedgerEntry(4, bytes(16), NOON)]) == 0, "what is known stays as it is"
    store.append([batch(other, 9, cpu=cpu([NOON]))])
    store.close()
    again = opener(tmp_path / "store", clock)
    assert status(again.append([sent])[0]) is AckStatus.DUPLICATE
    with pytest.raises(SequenceReused):
        again.append([batch(instance, 1, memory=memory([NOON]))])
    assert [(entry.sequence, entry.digest) for entry in again.ledger(instance)] == [
        (1, old.digest),
        (4, sent.digest[:16]),
    ]
    assert [entry.sequence for entry in again.ledger(other)] == [9] and again.ledger(other)[0].time_ms >= NOON
    again.expire(at("2026-06-10 00:00"))
    assert [entry.sequence for entry in again.ledger(instance)] == [4]
    assert again.counts() == {"cpu": 1, "memory": 0, "disk": 0}
    again.erase(instance, final=True)
    assert again.ledger(instance) == []
    with pytest.raises(InstanceErased):
        again.remember(instance, [old])
    again.close()


def test_midnight_within_a_batch(store: Store, opener: Opener, clock: Clock, tmp_path: Path) -> None:
    midnight = at("2026-06-10 00:00")
    times = seconds(midnight - 3000, 6)
    one = batch(new_instance(), 1, cpu=cpu(times, 2), memory=memory(times), disk=disk(times[:2]))
    assert status(store.append([one])[0]) is AckStatus.STORED
    assert status(store.append([one])[0]) is AckStatus.DUPLICATE
    assert store.counts() == {"cpu": 12, "memory": 6, "disk": 2}
    store.close()
    again = opener(tmp_path / "store", clock)
    assert status(again.append([one])[0]) is AckStatus.DUPLICATE
    series = again.series(SeriesQuery(one.instance, "memory", midnight - 3000, midnight + 3000, 1000))
    assert series.groups[0].buckets["used_bytes"]["mean"] == [4000.0] * 6
    assert again.expire(midnight) == {"cpu": 6, "memory": 3, "disk": 2}
    assert again.counts() == {"cpu": 6, "memory": 3, "disk": 0}
    again.close()


@pytest.mark.parametrize(
    ("day", "after", "hours"), [("2026-03-29", "2026-03-30", 23), ("2026-10-25", "2026-10-26", 25)]
)
def test_the_days_when_clocks_change(store: Store, clock: Clock, day: str, after: str, hours: int) -> None:
    start, end = at(f"{day} 00:00"), at(f"{after} 00:00")
    assert end - start == hours * 3_600_000
    clock.now = end + 1
    instance = new_instance()
    times = list(range(start - 600_000, end + 600_000, 600_000))
    store.append([batch(instance, 1, memory=memory(times))])
    series = store.series(SeriesQuery(instance, "memory", start, end, 3_600_000))
    assert len(series.time) == hours and series.time[0] == start
    assert series.groups[0].buckets["used_bytes"]["mean"] == [4000.0] * hours
    assert store.expiring(start) == {"cpu": 0, "memory": 1, "disk": 0} == store.expire(start)
    assert store.expire(end) == {"cpu": 0, "memory": hours * 6, "disk": 0}
    assert store.counts()["memory"] == 1


RATIOS = st.none() | st.floats(0, 1, allow_subnormal=False)
ROWS = st.lists(st.tuples(st.integers(0, 90_000), st.integers(0, 3), RATIOS, RATIOS), max_size=40)
Rows = list[tuple[int, int, float | None, float | None]]
Samples = list[tuple[int, float]]


def plain(samples: Samples) -> Statistics:
    """The statistics in plain Python."""
    numbers = [number for _, number in samples]
    if not numbers:
        return Statistics(None, None, None, None, None, None)
    twentieths = statistics.quantiles(numbers, n=20, method="inclusive") if len(numbers) > 1 else numbers
    ends = twentieths[0], twentieths[-1]
    return Statistics(statistics.fmean(numbers), statistics.median(numbers), min(numbers), max(numbers), *ends)


def same(found: Statistics, wanted: Statistics) -> bool:
    """Equal but for the last digits."""
    pairs = [(getattr(found, one.name), getattr(wanted, one.name)) for one in fields(Statistics)]
    return all(a is b is None or (None not in (a, b) and math.isclose(a, b, abs_tol=1e-12)) for a, b in pairs)


def check_group(series: Series, part: str | None, name: str, samples: Samples) -> None:
    """One column of one group against plain Python."""
    (group,) = [group for group in series.groups if group.part == part]
    assert same(group.summary[name], plain(samples))
    for index, begin in enumerate(series.time):
        lists = group.buckets[name]
        found = Statistics(*(lists[statistic][index] for statistic in STATISTICS))
        assert same(found, plain([sample for sample in samples if begin <= sample[0] < begin + series.bucket_ms]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, begin=st.integers(0, 60_000), length=st.integers(1, 40_000), bucket=st.sampled_from([700, 15_000]))
def test_a_series_is_what_plain_python_says(store: Store, rows: Rows, begin: int, length: int, bucket: int) -> None:
    instance, base = new_instance(), at("2026-06-10 00:00") - 45_000  # midnight is in the middle
    rows = [(base + time, core, user, idle) for time, core, user, idle in unique(rows)]
    begin, end = base + begin, base + begin + length
    times, cores, users, idles = zip(*rows, strict=True) if rows else ((), (), (), ())
    columns = {**cpu(times), "core": list(cores), "user": list(users), "idle": list(idles)}
    store.append([batch(instance, 1, cpu=columns)])
    whole, by_core = (store.series(SeriesQuery(instance, "cpu", begin, end, bucket, split)) for split in (False, True))
    assert whole.time == by_core.time == list(range(begin // bucket * bucket, end, bucket))
    for name in ("user", "busy"):
        known = known_values(rows, name, begin, end)
        moments = sorted({time for time, _, _ in known})
        joined = [(moment, statistics.fmean(v for time, _, v in known if time == moment)) for moment in moments]
        check_group(whole, None, name, joined)
        for group in by_core.groups:
            check_group(by_core, group.part, name, [(time, value) for time, core, value in known if core == group.part])
    assert {group.part for group in by_core.groups} == {str(core) for time, core, *_ in rows if begin <= time < end}


def unique(rows: Rows) -> Rows:
    """One row per time and core."""
    return list({row[:2]: row for row in rows}.values())


def known_values(rows: Rows, name: str, begin: int, end: int) -> list[tuple[int, str, float]]:
    """(time, part, value) of what is known of ``user`` or ``busy`` within the range."""
    values = []
    for time, core, user, idle in rows:
        value = user if name == "user" else None if idle is None else 1 - idle
        if value is not None and begin <= time < end:
            values.append((time, str(core), value))
    return values


def test_gaps_stay_gaps(store: Store) -> None:
    instance = new_instance()
    store.append([batch(instance, 1, memory=memory([NOON, NOON + 30_000]))])
    series = store.series(SeriesQuery(instance, "memory", NOON - 500, NOON + 35_000, 10_000))
    assert series.time == [NOON - 10_000, NOON, NOON + 10_000, NOON + 20_000, NOON + 30_000]
    assert series.groups[0].buckets["used_bytes"]["median"] == [None, 4000.0, None, None, 4000.0]


def test_sparks_of_many_machines(store: Store) -> None:
    full, idle, other = new_instance(), new_instance(), new_instance()
    tables = {"memory": memory([NOON, NOON + 30_000]), "disk": disk([NOON, NOON + 1000], ["sda", "sdb"])}
    store.append([batch(full, 1, cpu=cpu([NOON], 2, idle=0.25), **tables), batch(other, 1, cpu=cpu([NOON + 40_000]))])
    store.append([batch(idle, 1, memory=memory([NOON], total=0))])
    sparks = store.sparks([full, idle, other, new_instance(), "' OR 1=1 --"], NOON - 500, NOON + 40_000, 20_000)
    assert set(sparks) == {full, idle}, "a range is half open, and who has no rows in it is absent"
    assert sparks[full].cpu_busy == [None, 0.75, None]
    assert sparks[full].memory_used_ratio == [None, 0.25, 0.25]
    assert sparks[full].disk_bytes_per_second == [None, 60.0, None]
    assert sparks[idle] == Spark([None] * 3, [None] * 3, [None] * 3)
    store.erase(full, final=True)
    assert set(store.sparks([full, idle], NOON, NOON + 1, 1000)) == {idle}
    assert store.sparks([], NOON, NOON + 1, 1000) == store.sparks([idle], NOON, NOON, 1000) == {}
    with pytest.raises(ValueError, match="bucket"):
        store.sparks([idle], NOON, NOON + 1, 0)


def test_sparks_are_the_means_of_the_series_on_the_day_when_clocks_change(store: Store, clock: Clock) -> None:
    start, end, instance = at("2026-03-29 00:00"), at("2026-03-30 00:00"), new_instance()
    clock.now = end
    times = list(range(start, end, 600_000))
    store.append([batch(instance, 1, cpu=cpu(times, 2), memory=memory(times), disk=disk(times, ["sda", "sdb"]))])
    spark = store.sparks([instance], start, end, 3_600_000)[instance]
    assert len(spark.cpu_busy) == 23
    for found, table, column in (
        (spark.cpu_busy, "cpu", "busy"),
        (spark.disk_bytes_per_second, "disk", "read_bytes_per_second"),
    ):
        series = store.series(SeriesQuery(instance, table, start, end, 3_600_000)).groups[0].buckets[column]["mean"]
        assert found == [value * 3 for value in series if value] if table == "disk" else found == series


def test_sparks_of_a_thousand_machines_at_once(store: Store) -> None:
    instances = [new_instance() for _ in range(1000)]
    store.append([batch(one, 1, cpu=cpu([NOON + 1]), memory=memory([NOON + 1])) for one in instances])
    sparks = store.sparks(instances, NOON, NOON + 20_000, 10_000)
    assert len(sparks) == 1000
    assert all(sparks[one] == Spark([0.75, None], [0.25, None], [None, None]) for one in instances)


@pytest.mark.parametrize(
    ("table", "parts"), [("cpu", [0, 1]), ("memory", [None]), ("disk", ["a`b", "sda", "żółw; exit 1"])]
)
def test_times_that_are_there_already(store: Store, table: str, parts: list[str | int | None]) -> None:
    instance, midnight = new_instance(), at("2026-06-10 00:00")
    times = [midnight - 1000, midnight, midnight + 1000]
    disks = disk(times, [str(part) for part in parts])
    stored = batch(instance, 1, cpu=cpu(times, 2), memory=memory(times), disk=disks)
    again = batch(instance, 2, **{table: stored.tables[table]})  # a second row of the same time is the same time
    store.append([stored, again, batch(new_instance(), 1, memory=memory([midnight + 500]))])
    assert store.times(instance, table, midnight - 1000, midnight + 1000) == [
        (time, part) for time in times[:2] for part in parts
    ]
    assert store.times(new_instance(), table, 0, midnight * 2) == store.times("no uuid", table, 0, 1) == []
    with pytest.raises(ValueError, match="gpu"):
        store.times(instance, "gpu", 0, 1)


def test_rows_of_a_table_and_a_range(store: Store) -> None:
    instance, midnight = new_instance(), at("2026-06-10 00:00")
    times = seconds(midnight - 6_000_000, 12_000)
    store.append([batch(instance, 1, memory=memory(times), cpu=cpu(times[:3]))])
    rows = list(store.rows(instance, table="memory", start_ms=times[10], end_ms=times[11_000]))
    assert [time_of(row) for _, row in rows] == times[10:11_000]
    assert [name for name, _ in store.rows(instance, end_ms=times[2])] == ["cpu", "memory"] * 2
    assert not list(store.rows(instance, start_ms=times[5], end_ms=times[5]))
    with pytest.raises(ValueError, match="gpu"):
        store.rows(instance, table="gpu")


def test_parts_are_joined_as_the_catalogue_says(store: Store) -> None:
    instance = new_instance()
    columns = {**disk([NOON], ["sda", "sdb"]), "busy": [0.2, 0.6], "read_bytes_per_second": [1.0, 2.0]}
    store.append([batch(instance, 1, disk=columns)])
    query = SeriesQuery(instance, "disk", NOON, NOON + 1000, 1000)
    (group,) = store.series(query).groups
    assert group.buckets["busy"]["mean"] == [0.6]
    assert group.summary["read_bytes_per_second"].maximum == 3.0
    groups = store.series(SeriesQuery(instance, "disk", NOON, NOON + 1000, 1000, by_part=True)).groups
    assert [(one.part, one.summary["busy"].mean) for one in groups] == [("sda", 0.2), ("sdb", 0.6)]


def test_cores_come_in_their_order(store: Store) -> None:
    instance = new_instance()
    store.append([batch(instance, 1, cpu=cpu([NOON], 12))])
    groups = store.series(SeriesQuery(instance, "cpu", NOON, NOON + 1000, 1000, by_part=True)).groups
    assert [group.part for group in groups] == [str(core) for core in range(12)]


@pytest.mark.parametrize("instance", ["c37fa0fa-5900-48c7-98f5-95a5cf79eb61", "not a uuid", "' OR 1=1 --"])
def test_an_unknown_instance_has_empty_answers(store: Store, instance: str) -> None:
    store.append([batch(new_instance(), 1, cpu=cpu([NOON]))])
    series = store.series(SeriesQuery(instance, "cpu", NOON, NOON + 3000, 1000))
    assert series.groups[0].buckets["busy"]["mean"] == [None] * 3
    assert not store.series(SeriesQuery(instance, "cpu", NOON, NOON + 3000, 1000, by_part=True)).groups
    assert not list(store.rows(instance))
    assert store.erase(instance, final=False) == {"cpu": 0, "memory": 0, "disk": 0}
    assert store.counts()["cpu"] == 1


def test_an_instance_id_that_is_no_uuid_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="UUID"):
        store.append([batch("my-host", 1, cpu=cpu([NOON]))])


@pytest.mark.parametrize(("table", "start", "end", "bucket"), [("gpu", 0, 1, 1), ("cpu", 5, 1, 1), ("cpu", 0, 1, 0)])
def test_a_senseless_query_is_refused(table: str, start: int, end: int, bucket: int) -> None:
    with pytest.raises(ValueError):
        SeriesQuery(new_instance(), table, start, end, bucket)
    with pytest.raises(ValueError, match="wider bucket"):
        SeriesQuery(new_instance(), "cpu", 0, MAX_BUCKETS * 10 + 1, 10)


def test_the_overview_shows_the_newest(store: Store, opener: Opener, clock: Clock, tmp_path: Path) -> None:
    one, other = sorted([new_instance(), new_instance()])
    late, early = NOON + 5000, NOON
    tables = {"cpu": cpu([early, late], 4, idle=0.25), "memory": memory([late]), "disk": disk([late], ["sda", "sdb"])}
    store.append([batch(one, 2, **tables), batch(other, 1, memory=memory([early], total=0))])
    store.append([batch(one, 1, cpu=cpu([early], 1, idle=1.0), memory=memory([early], used=1))])
    wanted = [InstanceSummary(one, late, 0.75, 4, 0.25, 16_000, 20.0, 40.0), InstanceSummary(other, early, None)]
    wanted[1] = InstanceSummary(other, early, memory_total_bytes=0)
    assert store.latest() == wanted
    store.close()
    again = opener(tmp_path / "store", clock)
    assert again.latest() == wanted
    again.expire(late)
    assert [summary.instance for summary in again.latest()] == [one]
    again.erase(one, final=True)
    assert again.latest() == []
    again.close()


def test_a_column_the_machine_does_not_have_is_none(store: Store) -> None:
    instance = new_instance()
    store.append([batch(instance, 1, cpu=cpu([NOON], idle=None))])
    assert store.latest()[0].cpu_busy is None
    assert [row["steal"] for _, row in store.rows(instance)] == [None]


def test_rows_come_back_as_they_went_in_and_in_order(store: Store) -> None:
    instance = new_instance()
    times = [NOON + 2000, at("2026-06-09 23:59"), NOON, NOON + 1000]
    tables = {"cpu": cpu(times, 2), "memory": memory(times), "disk": disk(times, ["sda", "nvme0n1"])}
    store.append([batch(instance, 1, **tables), batch(new_instance(), 1, **tables)])
    rows = list(store.rows(instance))
    assert [row["time"] for _, row in rows] == sorted(time for time in times for _ in range(5))
    assert [row for name, row in rows if name == "disk"][:2] == [
        {
            "time": times[1],
            "device": device,
            "read_bytes_per_second": 10.0,
            "write_bytes_per_second": 20.0,
            "reads_per_second": 1.0,
            "writes_per_second": 2.0,
            "busy": None,
        }
        for device in ("nvme0n1", "sda")
    ]


def test_rows_take_bounded_memory(store: Store) -> None:
    instance, count = new_instance(), 40_000
    store.append([batch(instance, 1, memory=memory(seconds(at("2026-06-10 00:00"), count)))])
    tracemalloc.start()
    try:
        assert sum(1 for _ in store.rows(instance)) == count
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_many_rows_at_one_moment(store: Store) -> None:
    instance = new_instance()
    store.append([batch(instance, 1, cpu=cpu([NOON, NOON + 1], 12_000))])
    cores = [row["core"] for _, row in store.rows(instance)]
    assert cores == [*range(12_000), *range(12_000)]


def test_erase_takes_an_instance_out_of_every_answer(store: Store) -> None:
    gone, stays = new_instance(), new_instance()
    times = [at("2026-06-09 23:59:59"), NOON]
    tables = {"cpu": cpu(times, 2), "memory": memory(times)}
    store.append([batch(gone, 1, **tables), batch(stays, 1, **tables)])
    assert store.erase(gone, final=False) == {"cpu": 4, "memory": 2, "disk": 0}
    assert [summary.instance for summary in store.latest()] == [stays]
    assert not list(store.rows(gone))
    assert store.series(SeriesQuery(gone, "cpu", NOON, NOON + 1, 1)).groups[0].summary["user"].mean is None
    assert store.counts() == {"cpu": 4, "memory": 2, "disk": 0}
    assert status(store.append([batch(gone, 1, cpu=cpu([NOON]))])[0]) is AckStatus.STORED


def test_a_final_erasure_bars_the_instance(store: Store) -> None:
    gone = new_instance()
    store.append([batch(gone, 1, cpu=cpu([NOON]))])
    assert store.erase(gone, final=True)["cpu"] == 1
    with pytest.raises(InstanceErased):
        store.append([batch(gone, 2, cpu=cpu([NOON]))])
    refused, stored = store.append([batch(gone, 2, cpu=cpu([NOON])), batch(new_instance(), 1, cpu=cpu([NOON]))])
    assert isinstance(refused, InstanceErased) and status(stored) is AckStatus.STORED
    assert store.erase(gone, final=True) == {"cpu": 0, "memory": 0, "disk": 0}


def test_rows_end_when_their_instance_is_erased(store: Store) -> None:
    instance = new_instance()
    store.append([batch(instance, 1, memory=memory(seconds(NOON, 20_000)))])
    rows = store.rows(instance)
    next(rows)
    store.erase(instance, final=True)
    assert sum(1 for _ in rows) < 20_000


def test_midnight_deletes_what_the_dry_run_says(store: Store, clock: Clock) -> None:
    instance = new_instance()
    days = ["2026-06-08", "2026-06-09", "2026-06-10"]
    for sequence, day in enumerate(days):
        times = seconds(at(f"{day} 12:00"), 2000)
        store.append([batch(instance, sequence, cpu=cpu(times, 4, user=sequence / 7), memory=memory(times))])
    clock.now = at("2026-06-11 00:00")
    before, size = at("2026-06-09 12:00") + 500_000, store.bytes_on_disk()
    wanted = {"cpu": 4 * 2500, "memory": 2500, "disk": 0}
    assert store.expiring(before) == wanted
    assert store.expire(before) == wanted
    assert store.expiring(before) == {"cpu": 0, "memory": 0, "disk": 0}
    assert store.counts() == {"cpu": 4 * 3500, "memory": 3500, "disk": 0}
    assert store.bytes_on_disk() < size
    assert min(time_of(row) for _, row in store.rows(instance)) == before
    assert store.expire(clock.now)["memory"] == 3500
    assert store.latest() == []


def test_the_cursor_grows_and_says_who_changed(store: Store, opener: Opener, clock: Clock, tmp_path: Path) -> None:
    one, other = new_instance(), new_instance()
    start = store.cursor()
    assert store.changed_since(start) == set()
    store.append([batch(one, 1, cpu=cpu([NOON]))])
    between = store.cursor()
    store.append([batch(other, 1, cpu=cpu([NOON]))])
    assert start < between < store.cursor()
    assert store.changed_since(start) == {one, other}
    assert store.changed_since(between) == {other}
    assert store.changed_since(store.cursor() + 1) is None
    store.append([batch(other, 1, cpu=cpu([NOON]))])
    store.erase(one, final=False)
    assert store.changed_since(between) is None
    last = store.cursor()
    store.close()
    clock.now += 5000
    again = opener(tmp_path / "store", clock)
    assert again.cursor() > last and again.changed_since(last) is None
    again.close()


def test_threads_append_while_others_read_and_erase(store: Store) -> None:
    stays, gone = [new_instance() for _ in range(8)], new_instance()
    finished = Event()

    def append(instance: str) -> int:
        results = [
            store.append([batch(instance, n, cpu=cpu(seconds(NOON + n * 10_000, 10), 2), memory=memory([NOON + n]))])[0]
            for n in range(25)
        ]
        return sum(status(result) is AckStatus.STORED for result in results)

    def read() -> None:
        while not finished.is_set():
            for summary in store.latest():
                times = [time_of(row) for _, row in store.rows(summary.instance)]
                series = store.series(SeriesQuery(summary.instance, "cpu", NOON, NOON + 250_000, 10_000))
                assert times == sorted(times)
                assert set(series.groups[0].buckets["user"]["mean"]) <= {None, 0.25}

    def erase() -> int:
        erased = 0
        for n in range(6):
            store.append([batch(gone, n, cpu=cpu(seconds(NOON, 10)))])
            erased += store.erase(gone, final=n == 5)["cpu"]
        return erased

    with ThreadPoolExecutor(12) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        eraser, writers = pool.submit(erase), [pool.submit(append, instance) for instance in stays]
        try:
            assert [writer.result() for writer in writers] == [25] * 8
            assert eraser.result() == 60
        finally:
            finished.set()
        for reader in readers:
            reader.result()
    assert store.counts() == {"cpu": 8 * 25 * 20, "memory": 8 * 25, "disk": 0}
    assert [summary.instance for summary in store.latest()] == sorted(stays)


def test_an_unknown_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="duckdb"):
        open_store("sqlite", tmp_path, WARSAW, Clock())
