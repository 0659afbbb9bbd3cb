"""Only a batch that is valid in every part comes through; anything else is refused with the place that is wrong."""

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.catalogue import MAX_SAFE_INTEGER, TABLES, Column, Kind
from consent.wire import MAX_AHEAD_MS, Batch
from server.decode import canonical, decode
from server.errors import DecodeError
from tests.server.batches import FLOOR_MS, INSTANCE, NOW_MS, RECORD, batch_document, encoded


def read(raw: bytes) -> Batch:
    return decode(raw, now_ms=NOW_MS, floor_ms=FLOOR_MS)


def refused(document: Any) -> DecodeError:
    raw = document if isinstance(document, bytes) else encoded(document)
    with pytest.raises(DecodeError) as caught:
        read(raw)
    return caught.value


def changed(path: str, value: Any) -> dict[str, Any]:
    """A valid document with one thing in it replaced; ``path`` as in ``cpu.user.0``."""
    document = batch_document()
    target: Any = document
    *parents, last = path.split(".")
    for step in parents:
        target = target[step]
    target[int(last) if isinstance(target, list) else last] = value
    return document


def test_a_valid_batch_comes_out_as_it_was_sent() -> None:
    document = batch_document()
    batch = read(encoded(document))
    assert (batch.instance, batch.record, batch.sequence) == (INSTANCE, RECORD, 1)
    assert {name: dict(columns) for name, columns in batch.tables.items()} == {name: document[name] for name in TABLES}
    assert batch.rows == {"cpu": 6, "memory": 3, "disk": 6}


def test_what_the_wire_module_writes_is_read_back() -> None:
    batch = read(encoded(batch_document(["memory"])))
    assert read(batch.to_json()) == batch


def test_nulls_are_for_what_the_system_does_not_have() -> None:
    assert read(encoded(changed("cpu.steal.0", None))).tables["cpu"]["steal"][0] is None
    assert refused(changed("memory.used_bytes.0", None)).path == "memory.used_bytes[0]"


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("cpu.user.3", 1.5, "cpu.user[3]"),
        ("cpu.user.3", -0.1, "cpu.user[3]"),
        ("cpu.user.3", True, "cpu.user[3]"),
        ("cpu.user.3", "0.5", "cpu.user[3]"),
        ("cpu.user.3", [0.5], "cpu.user[3]"),
        ("cpu.user.3", math.nan, "cpu.user[3]"),
        ("cpu.user.3", math.inf, "cpu.user[3]"),
        ("disk.busy.1", -math.inf, "disk.busy[1]"),
        ("cpu.user", [0.5], "cpu.user"),
        ("cpu.user", 0.5, "cpu.user"),
        ("cpu.core.0", -1, "cpu.core[0]"),
        ("cpu.core.0", 32768, "cpu.core[0]"),
        ("cpu.core.0", 1.5, "cpu.core[0]"),
        ("cpu.core.1", 0, "cpu.time[1]"),  # core 0 twice at the same time
        ("memory.total_bytes.2", MAX_SAFE_INTEGER + 1, "memory.total_bytes[2]"),
        ("memory.total_bytes.2", -1, "memory.total_bytes[2]"),
        ("memory.total_bytes.2", True, "memory.total_bytes[2]"),
        ("memory.time.1", NOW_MS - 10_000, "memory.time[1]"),
        ("memory.time.2", FLOOR_MS - 1, "memory.time[2]"),
        ("memory.time.2", NOW_MS + MAX_AHEAD_MS + 1, "memory.time[2]"),
        ("memory.time.2", str(NOW_MS), "memory.time[2]"),
        ("disk.device.0", "", "disk.device[0]"),
        ("disk.device.0", "d" * 65, "disk.device[0]"),
        ("disk.device.0", "s\nda", "disk.device[0]"),
        ("disk.device.0", "\u202eads", "disk.device[0]"),
        ("disk.device.0", 7, "disk.device[0]"),
        ("disk.reads_per_second.0", 1e16, "disk.reads_per_second[0]"),
        ("instance", INSTANCE.upper(), "instance"),
        ("instance", INSTANCE + "\n", "instance"),
        ("instance", "x", "instance"),
        ("record", None, "record"),
        ("sequence", -1, "sequence"),
        ("sequence", True, "sequence"),
        ("sequence", 1.0, "sequence"),
        ("sequence", MAX_SAFE_INTEGER + 1, "sequence"),
        ("format", 2, "format"),
        ("cpu", None, "cpu"),
        ("cpu", [], "cpu"),
        ("cpu", {}, "cpu.time"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(path: str, value: Any, where: str) -> None:
    assert refused(changed(path, value)).path == where


@pytest.mark.parametrize(
    ("document", "where"),
    [
        (b"", "batch"),
        (b"\xff", "batch"),
        (b"[" * 100_000, "batch"),
        (b'{"cpu":' * 100_000, "cpu"),
        (b'{"cpu":{"user":' + b"[" * 100_000, "cpu.user[0]"),
        (encoded(batch_document())[:-1], "batch"),
        (encoded(batch_document()) + b" x", "batch"),
        (b"\xef\xbb\xbf" + encoded(batch_document()), "batch"),
        (b'{"format":' + b"9" * 5000 + b"}", "format"),
        ([], "batch"),
        ("text", "batch"),
        (None, "batch"),
        ({}, "format"),
        ({**batch_document([]), "x": 1}, "batch"),
        (batch_document([]), "batch"),
        ({**batch_document(), "gpu": {"time": []}}, "batch"),
        ({**batch_document(), "cpu": {**batch_document()["cpu"], "host": ["h"]}}, "cpu"),
        (batch_document(["cpu"], samples=0), "cpu.time"),
    ],
)
def test_documents_of_another_shape_are_refused(document: Any, where: str) -> None:
    assert refused(document).path == where


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_the_catalogue_is_required(table: str) -> None:
    for column in TABLES[table].wire_columns:
        document = batch_document()
        del document[table][column.name]
        assert refused(document).path == f"{table}.{column.name}"


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        (b'"sequence":1', b'"sequence":1,"sequence":1', "sequence"),
        (b'"sequence":1', b'"sequence":1,"\\u0073equence":1', "sequence"),
        (b'"memory":', b'"memory":{"time":[]},"memory":', "memory.total_bytes"),
        (b'"core":', b'"core":[0],"core":', "core"),
        (b'"device":', b'"device":["a:b"],"device":', "device"),
    ],
)
def test_a_key_that_is_there_twice_is_refused(before: bytes, after: bytes, where: str) -> None:
    assert refused(encoded(batch_document()).replace(before, after, 1)).path == where


def test_a_colon_in_a_device_name_hides_no_repeated_key() -> None:
    raw = encoded(batch_document(["disk"]))
    assert read(raw).tables["disk"]["device"][1] == "C:"
    hidden = raw.replace(b'"C:"', b'"C\\u003a"', 1).replace(b'"sequence":1', b'"sequence":1,"sequence":1')
    assert refused(hidden).path == "sequence"


def test_the_edges_of_the_admitted_window_are_inside() -> None:
    for edge in (FLOOR_MS, NOW_MS + MAX_AHEAD_MS):
        assert read(encoded(changed("memory.time.0", edge))).tables["memory"]["time"][0] == edge


def test_nothing_of_the_batch_is_echoed() -> None:
    marker = "z" * 50
    for document in (
        {**batch_document(), marker: 1},
        changed("disk.device.0", marker * 2),
        changed("instance", marker),
    ):
        assert marker not in str(refused(document))


def test_equal_content_has_equal_canonical_bytes() -> None:
    document = batch_document()
    shuffled = {name: document[name] for name in reversed(document)}
    shuffled["cpu"] = {name: document["cpu"][name] for name in reversed(document["cpu"])}
    pretty = json.dumps(shuffled, indent=2).replace("0.25", "25e-2").encode()
    assert canonical(read(pretty).tables) == canonical(read(encoded(document)).tables)
    assert canonical(read(encoded(changed("cpu.user.0", 0.5))).tables) != canonical(read(encoded(document)).tables)


def values_of(column: Column) -> st.SearchStrategy[Any]:
    if column.kind is Kind.SYMBOL:
        value: st.SearchStrategy[Any] = st.text(min_size=1, max_size=64).filter(str.isprintable)
    elif column.kind is Kind.FLOAT:
        value = st.floats(column.minimum, column.maximum, allow_nan=False) | st.integers(0, int(column.maximum))
    else:
        value = st.integers(int(column.minimum), int(column.maximum))
    return value | st.none() if column.nullable else value


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    document = batch_document([], sequence=draw(st.integers(0, MAX_SAFE_INTEGER)))
    for name in draw(st.sets(st.sampled_from(sorted(TABLES)), min_size=1)):
        table = TABLES[name]
        times = draw(st.lists(st.integers(FLOOR_MS, NOW_MS + MAX_AHEAD_MS), min_size=1, max_size=4, unique=True))
        document[name] = {"time": times}
        for column in table.wire_columns[1:]:
            document[name][column.name] = draw(st.lists(values_of(column), min_size=len(times), max_size=len(times)))
    return document


@given(documents())
def test_every_valid_document_comes_through(document: dict[str, Any]) -> None:
    batch = read(json.dumps(document, ensure_ascii=False).encode())
    assert {name: dict(columns) for name, columns in batch.tables.items()} == {
        name: document[name] for name in TABLES if name in document
    }
    assert read(batch.to_json()) == batch


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(documents(), JSON, st.data())
def test_a_mutated_document_is_refused_with_a_path_or_still_valid(
    document: dict[str, Any], value: Any, data: st.DataObject
) -> None:
    document = copy.deepcopy(document)
    name = data.draw(st.sampled_from(sorted(document)))
    if isinstance(document[name], dict) and data.draw(st.booleans()):
        column = data.draw(st.sampled_from(sorted(document[name])))
        document[name][column][0] = value
    else:
        document[name] = value
    raw = json.dumps(document).encode()
    try:
        batch = read(raw)
    except DecodeError as error:
        assert error.path and len(str(error)) < 200
    else:
        assert read(batch.to_json()) == batch


@given(st.binary(max_size=200))
def test_bytes_from_anywhere_are_refused(raw: bytes) -> None:
    assert refused(raw).path


@given(st.integers(min_value=0), st.integers(0, 255))
def test_one_flipped_byte_never_breaks_the_decoder(position: int, byte: int) -> None:
    raw = bytearray(encoded(batch_document()))
    raw[position % len(raw)] = byte
    try:
        read(bytes(raw))
    except DecodeError as error:
        assert error.path
