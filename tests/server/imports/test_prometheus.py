"""The import of Prometheus answers: real recordings against Prometheus's own rates, then every rule, then bad files."""

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.catalogue import TABLES
from server.errors import ImportFailed
from server.imports import Imported, prometheus, recording
from tests.server.imports.answers import A, cpu, disk, disks, imported, matrix, memory, rows, series, vector
from tests.server.imports.reading import read_bytes

GOLDEN = Path(__file__).parent / "golden"
NODE, QUICK = "open-server-1.example:9100", "open-server-2.example:9100"
MEMORY = [memory(name, [(10, 800)]) for name in ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree")]


def golden(name: str) -> list[Imported]:
    return imported((GOLDEN / name).read_bytes())


def by_time(chunks: list[Imported], table: str, source: str) -> dict[tuple[int, str], dict[str, Any]]:
    """Rows of a table by (ms, core or device)."""
    part = TABLES[table].part
    assert part
    return {(row["time"], str(row[part.name])): row for row in rows(chunks, table, source)}


def expected(name: str) -> Iterator[tuple[str, str, str, int, float]]:
    """(column, machine, part, ms, value) of Prometheus's own rates."""
    for column, found in json.loads((GOLDEN / name).read_bytes()).items():
        for key, values in found.items():
            source, part = key.split()
            for time, value in values:
                yield column, source, part, round(time * 1000), float(value)


@pytest.mark.parametrize(("name", "source"), [("scraped", QUICK), ("range", NODE)])
def test_disk_rates_are_those_of_promql(name: str, source: str) -> None:
    found = by_time(golden(f"{name}.json"), "disk", source)
    compared = 0
    for column, machine, part, time, value in expected(f"{name}.expected.json"):
        if part != "vda" or column.startswith("cpu"):
            continue
        assert machine == source
        assert found[time, part][column] == pytest.approx(value, rel=1e-3, abs=0.05), (column, time)
        compared += 1
    assert compared == 5 * len(found) > 50


@pytest.mark.parametrize(("name", "source"), [("scraped", QUICK), ("range", NODE)])
def test_cpu_shares_are_those_of_promql(name: str, source: str) -> None:
    found = by_time(golden(f"{name}.json"), "cpu", source)
    sums: dict[tuple[int, str, str], float] = {}
    for column, _, core, time, value in expected(f"{name}.expected.json"):
        if column.startswith("cpu"):
            mode = column.removeprefix("cpu ").replace("softirq", "interrupt").replace("irq", "interrupt")
            sums[time, core, mode] = sums.get((time, core, mode), 0.0) + value
    for (time, core, mode), value in sums.items():
        assert found[time, core][mode] == pytest.approx(value, abs=2e-4), (core, mode, time)
    assert len(sums) == 7 * len(found) > 200


def test_memory_used_is_total_less_available() -> None:
    answer = json.loads((GOLDEN / "range.json").read_bytes())
    available = {
        round(time * 1000): int(value)
        for entry in answer["data"]["result"]
        if entry["metric"]["__name__"] == "node_memory_MemAvailable_bytes" and entry["metric"]["instance"] == NODE
        for time, value in entry["values"]
    }
    found = rows(golden("range.json"), "memory", NODE)
    assert {row["time"]: row["available_bytes"] for row in found} == available
    assert all(row["used_bytes"] == row["total_bytes"] - row["available_bytes"] for row in found)


def test_steps_shorter_than_the_scrape_give_the_scrapes_own_rates() -> None:
    """Every scrape is repeated five times; neither idleness nor peaks may come of it."""
    stepped, scraped = golden("repeats.json"), golden("repeats.expected.json")
    for table in ("cpu", "disk"):
        pairs = list(zip(rows(stepped, table, NODE), rows(scraped, table, NODE), strict=True))
        assert len(pairs) > 10
        for step, scrape in pairs:
            assert 0 <= step.pop("time") - scrape.pop("time") <= 2000
            part = step.pop("core", None), step.pop("device", None)
            assert part == (scrape.pop("core", None), scrape.pop("device", None))
            assert step == pytest.approx(scrape, rel=1e-2)  # scrapes come some milliseconds early or late


def test_vectors_one_after_another_give_rates_between_them() -> None:
    chunks = golden("vectors.json")
    assert [len(rows(chunks, table, QUICK)) for table in ("cpu", "memory", "disk")] == [8, 5, 4]
    documents = (GOLDEN / "vectors.json").read_bytes().replace(b"}{", b"}\n{").splitlines()
    assert imported(b"\n".join(reversed(documents))) == chunks


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 20))
def test_neither_order_nor_repetition_of_samples_matters(shuffle: random.Random, repeated: int) -> None:
    answer = json.loads((GOLDEN / "range.json").read_bytes())
    result = answer["data"]["result"]
    for entry in result:
        entry["values"] += entry["values"][:repeated]
        shuffle.shuffle(entry["values"])
    shuffle.shuffle(result)
    assert imported(json.dumps(answer).encode()) == golden("range.json")


@settings(deadline=None)
@given(st.integers(1, 40))
def test_the_length_of_chunks_changes_no_row(steps: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prometheus, "STEPS", steps)
        cut = golden("scraped.json")
    assert all(len(set(chunk.tables["memory"]["time"])) <= steps for chunk in cut)
    whole = golden("scraped.json")
    assert len(whole) == 1
    for table in TABLES:
        assert rows(cut, table, QUICK) == rows(whole, table, QUICK)


def test_every_row_is_one_that_the_catalogue_admits() -> None:
    for name in ("scraped.json", "range.json", "repeats.json", "vectors.json"):
        for table, chunk in itertools.product(TABLES.values(), golden(name)):
            columns = chunk.tables[table.name]
            assert list(columns) == [column.name for column in table.wire_columns]
            assert list(columns["time"]) == sorted(columns["time"], key=int)  # type: ignore[arg-type]  # ints
            for column in table.columns:
                for value in columns[column.name]:
                    assert isinstance(value, int | float) and column.minimum <= value <= column.maximum


def test_a_counter_that_went_back_gives_no_row_for_that_interval() -> None:
    counts = [(0, 100.0), (10, 200.0), (20, 50.0), (30, 150.0)]
    found = rows(imported(matrix(*disks("sda", counts), *disks("sdb", [(t, t * 10) for t, _ in counts]))), "disk")
    assert [row["time"] for row in found if row["device"] == "sda"] == [10_000, 30_000]
    assert [row["time"] for row in found if row["device"] == "sdb"] == [10_000, 20_000, 30_000]
    assert {row["read_bytes_per_second"] for row in found} == {10.0}


def test_modes_that_the_file_lacks_are_none_and_the_others_shares_of_the_clock() -> None:
    assert rows(imported(matrix(cpu(3, "idle", [(0, 100), (10, 107.5)]))), "cpu") == [
        {"time": 10_000, "core": 3, "idle": 0.75}
        | dict.fromkeys(("user", "system", "nice", "iowait", "interrupt", "steal"))
    ]


def test_guest_time_is_not_counted_twice_and_both_interrupts_are_one() -> None:
    spent = {"user": 4, "nice": 1, "system": 1, "idle": 2, "irq": 0.5, "softirq": 1.5, "guest": 4, "guest_nice": 1}
    found = rows(imported(matrix(*(cpu(0, mode, [(0, 5), (10, 5 + value)]) for mode, value in spent.items()))), "cpu")
    assert [(row["user"], row["interrupt"], row["idle"]) for row in found] == [(0.4, 0.2, 0.2)]


def test_whole_disks_only() -> None:
    whole = ["sda", "nvme0n1", "mmcblk0", "xvda", "vdb", "sdaa", "disk0"]
    others = [
        "sda1",
        "nvme0n1p1",
        "mmcblk0p2",
        "mmcblk0boot0",
        "xvda1",
        "loop0",
        "ram3",
        "zram0",
        "dm-0",
        "md127",
        "sr0",
    ]
    found = rows(
        imported(matrix(*(entry for name in whole + others for entry in disks(name, [(0, 0), (1, 5)])))), "disk"
    )
    assert [row["device"] for row in found] == sorted(whole)
    assert {row["busy"] for row in found} == {None}


def test_a_kernel_without_available_memory_has_free_buffers_and_cached() -> None:
    sizes = {"MemTotal": 1000, "MemFree": 100, "Buffers": 50, "Cached": 250, "SwapTotal": 80, "SwapFree": 30}
    found = rows(imported(vector(*(memory(name, [(1.0019, size)]) for name, size in sizes.items()))), "memory")
    assert [tuple(row.values()) for row in found] == [(1002, 1000, 400, 600, 80, 50)]


def test_one_vector_gives_memory_only() -> None:
    [chunk] = imported(vector(*MEMORY, cpu(0, "idle", [(10, 5)])))
    assert chunk.rows == {"memory": 1}


def test_machines_are_kept_apart() -> None:
    answer = matrix(*(cpu(0, "idle", [(0, 0), (10, spent)], name) for name, spent in ((A, 5), ("b.example:9100", 9))))
    assert [(chunk.source, chunk.tables["cpu"]["idle"]) for chunk in imported(answer)] == [
        (A, [0.5]),
        ("b.example:9100", [0.9]),
    ]


def test_a_rate_beyond_the_catalogue_gives_no_row() -> None:
    found = imported(matrix(*disks("sda", [(0, 0), (0.001, 1e15), (10, 2e15)])))
    assert [row["time"] for row in rows(found, "disk")] == [10_000]


GOOD = cpu(0, "idle", [(0, 1), (10, 2)])
BAD_FILES: dict[str, tuple[bytes, str, str]] = {
    "empty file": (b"  \n", "", "the file is empty"),
    "web page": (b"<!DOCTYPE html><p>", "", "web page"),
    "exporter text": (b"# HELP node_cpu_seconds_total Seconds\n", "", "query_range"),
    "utf-16": ('{"status"'.encode("utf-16"), "", "UTF-16"),
    "a list": (b"[]", "", "expected a JSON object"),
    "cut off": (matrix(GOOD)[:-30], "", "cut off"),
    "damaged": (matrix(GOOD).replace(b'"result"', b'result"'), "", "damaged"),
    "second cut off": (vector(GOOD) + vector(GOOD)[:40], "document 2", "cut off"),
    "not utf-8": (matrix(GOOD).replace(b"a.example", b"\xff.example"), "data.result", "utf-8"),
    "deep": (b'{"status":"success","data":{"resultType":"matrix","result":' + b"[" * 100_000, "", "damaged"),
    "other json": (b'{"metrics": []}', "", "not an answer of Prometheus's HTTP API"),
    "wrong type": (b'{"status": 1}', "status", "not an answer"),
    "error answer": (b'{"status":"error","error":"query\\ntimed out"}', "status", "query timed out"),
    "scalar": (b'{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}', "data.resultType", "scalar"),
    "empty result": (matrix(), "data.result", "widen the time range"),
    "other metrics": (matrix(series("up", [(0, 1)])), "data.result", "nothing of CPU"),
    "rates": (matrix({"metric": {}, "values": []}), "data.result[0].metric", "the counters themselves"),
    "no instance": (matrix(GOOD, cpu(1, "idle", [(0, 1)], "")), "data.result[1].metric", "instance"),
    "core": (matrix(series("node_cpu_seconds_total", [], cpu="all")), "data.result[0].metric.cpu", "core"),
    "device": (matrix(disk("read_bytes", "a b", [])), "data.result[0].metric.device", "disk"),
    "NaN": (matrix(GOOD, cpu(1, "idle", [(0, 1), (1, "NaN")])), "data.result[1].values[1]", "'NaN'"),
    "infinity": (matrix(GOOD, cpu(1, "idle", [(0, "+Inf")])), "data.result[1].values[0]", "'+Inf'"),
    "infinity in a vector": (vector(cpu(1, "idle", [(0, "+Inf")])), "data.result[0].value", "'+Inf'"),
    "word": (matrix(cpu(1, "idle", [(0, "many")])), "data.result[0].values[0]", "'many'"),
    "negative": (matrix(cpu(1, "idle", [(0, "-1")])), "data.result[0].values[0]", "below zero"),
    "absurd memory": (matrix(memory("MemTotal", [(0, 2.0**53)])), "data.result[0].values[0]", "any machine"),
    "absurd counter": (matrix(*disks("sda", [(0, 1e300)])), "data.result[0].values[0]", "any machine"),
    "milliseconds": (matrix(cpu(0, "idle", [(1.79e12, 1)])), "data.result[0].values[0]", "seconds"),
    "number for text": (matrix(GOOD).replace(b'"2"', b"2"), "data.result[0].values[1][1]", "Expected `str`"),
    "neither value": (matrix({"metric": GOOD["metric"]}), "data.result[0]", "neither"),
    "two jobs": (
        matrix(
            series("node_disk_io_time_seconds_total", [(0, 1)], device="sda", job="x"),
            disk("io_time_seconds", "sda", []),
        ),
        "data.result[1]",
        "job",
    ),
    "contradiction": (matrix(cpu(0, "idle", [(5, 1), (5, 2)])), "data.result[0]", "two different values"),
    "memory lacks swap": (matrix(*MEMORY[:2]), "data.result", "node_memory_SwapFree_bytes"),
    "disk lacks operations": (matrix(*disks("sda", [(0, 1)])[:2]), "data.result", "node_disk_reads_completed_total"),
    "one of two disks lacks operations": (
        matrix(*disks("sda", [(0, 1)])[:2], *disks("sdb", [(0, 1)])),
        "data.result",
        "node_disk_reads_completed_total",
    ),
    "one moment of counters": (vector(GOOD), "data.result", "query_range"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_what_is_bad_is_named_with_its_place_in_one_sentence(case: str) -> None:
    content, entry, reason = BAD_FILES[case]
    try:
        said = read_bytes(content, prometheus.FORMAT).report.first[0]
    except ImportFailed as refused:
        said = str(refused)
    assert said.startswith(f"file: {entry}: " if entry else "file: ") and reason in said
    assert "\n" not in said and len(said) < 420


@pytest.mark.parametrize(
    "case", [case for case, (content, _, _) in BAD_FILES.items() if content != b"" and b"resultType" in content]
)
def test_what_is_good_beside_it_is_read(case: str) -> None:
    content, entry, _ = BAD_FILES[case]
    found = read_bytes(matrix(*disks("sda", [(0, 0), (10, 5)], "good")) + b"\n" + content, prometheus.FORMAT)
    assert [row[:2] for row in found.rows("disk", "good")] == [(10_000, "sda")]
    if case != "one moment of counters" and "empty" not in case and case != "other metrics":
        assert any("document" in line or "data.result" in line for line in found.report.first), entry


def test_one_bad_sample_costs_its_own_interval_only() -> None:
    samples: list[tuple[float, float | str]] = [(0, 0), (10, 5), (20, "NaN"), (30, 15), (1e12, 9), (40, 20)]
    found = read_bytes(matrix(cpu(0, "idle", samples)), prometheus.FORMAT)
    assert [(row[0], row[-1]) for row in found.rows("cpu")] == [(10_000, 0.5), (30_000, 0.5), (40_000, 0.5)]
    assert [line.split(": ")[1] for line in found.report.first] == [
        "data.result[0].values[2]",
        "data.result[0].values[4]",
    ]


def test_of_two_series_and_of_two_samples_the_first_counts() -> None:
    one, other = ([(0, 0), (10, spent), (10, 9)] for spent in (5, 8))
    found = read_bytes(
        matrix(cpu(0, "idle", one), series("node_cpu_seconds_total", other, cpu="0", mode="idle", job="x")),
        prometheus.FORMAT,
    )
    assert [row[-1] for row in found.rows("cpu")] == [0.5]
    assert ["second series" in line or "two different" in line for line in found.report.first] == [True, True]


@pytest.mark.parametrize("steps", [0, 600])
def test_rows_do_not_depend_on_how_much_is_held(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (GOLDEN / "vectors.json").read_bytes()
    whole = read_bytes(content, prometheus.FORMAT)
    monkeypatch.setattr(recording, "MOST_SAMPLES", 1)
    cut = read_bytes(content, prometheus.FORMAT, steps=steps)
    assert len(cut.chunks) > len(whole.chunks)
    for table in TABLES:
        assert sorted(cut.rows(table)) == sorted(whole.rows(table))


def test_the_machine_can_be_named_unless_there_are_two() -> None:
    one = cpu(0, "idle", [(0, 0), (10, 5)])
    assert read_bytes(matrix(one), prometheus.FORMAT, source="web1").sources == {"web1"}
    with pytest.raises(ImportFailed, match="more than one machine"):
        read_bytes(matrix(one, cpu(0, "idle", [(0, 0), (10, 5)], "other")), prometheus.FORMAT, source="web1")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("error.json", "expected type range vector"),
        ("empty.json", "nothing of CPU"),
        ("rates.json", "the series has no name"),
        ("page.html", "web page"),
    ],
)
def test_what_prometheus_itself_answers_by_mistake(name: str, said: str) -> None:
    with pytest.raises(ImportFailed, match=said):
        golden(name)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_and_never_crash(content: bytes) -> None:
    with pytest.raises(ImportFailed):
        imported(content)


@given(st.integers(0, 1 << 15), st.binary(max_size=4))
def test_a_damaged_recording_is_read_or_refused_but_never_crashes(at: int, damage: bytes) -> None:
    content = (GOLDEN / "scraped.json").read_bytes()
    try:
        imported(content[:at] + damage + content[at + len(damage) :])
    except ImportFailed as error:
        assert error.path == "file"
