"""The wire format, pinned by a golden file, and acks as a hostile server might send them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.errors import WireError
from consent.wire import STATUS, Ack, AckStatus, Batch, Problem

GOLDEN = Path(__file__).parent / "golden"
INSTANCE, RECORD = "3f0c1f6e-8a58-4a9e-9c53-0d0a4f9b7c11", "0b7d0f0a-55a5-4a43-8d1c-1de0a7c9a0b2"


def test_a_batch_looks_exactly_like_the_golden_file() -> None:
    batch = Batch(
        INSTANCE,
        RECORD,
        42,
        {
            "cpu": {
                "time": [1790000000000, 1790000000000],
                "core": [0, 1],
                "user": [0.25, 0.5],
                "system": [0.05, 0.0],
                "nice": [0.0, 0.0],
                "iowait": [0.0, 0.01],
                "interrupt": [0.0, 0.0],
                "steal": [None, None],
                "idle": [0.7, 0.49],
            },
            "disk": {
                "time": [1790000000000],
                "device": ["sda"],
                "read_bytes_per_second": [4096.0],
                "write_bytes_per_second": [0.0],
                "reads_per_second": [1.0],
                "writes_per_second": [0.0],
                "busy": [0.02],
            },
        },
    )
    assert batch.to_json() == (GOLDEN / "batch.json").read_bytes().rstrip(b"\n")
    assert batch.rows == {"cpu": 2, "disk": 1}


def test_nan_and_infinity_never_leave() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError):
            Batch(INSTANCE, RECORD, 1, {"cpu": {"time": [1], "user": [value]}}).to_json()


@given(
    st.builds(
        Ack,
        st.uuids().map(str),
        st.integers(0, 2**53),
        st.sampled_from(AckStatus),
        st.dictionaries(st.sampled_from(["cpu", "memory", "disk"]), st.integers(0, 10**6)),
        st.integers(0, 2**53),
    )
)
def test_an_ack_comes_back(ack: Ack) -> None:
    assert Ack.from_json(ack.to_json()) == ack


GOOD: dict[str, Any] = {
    "format": 1,
    "instance": INSTANCE,
    "sequence": 1,
    "status": "stored",
    "rows": {"cpu": 1},
    "time": 1,
}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"format": 2}, "ack.format"),
        ({"sequence": "1"}, "ack.sequence"),
        ({"sequence": True}, "ack.sequence"),
        ({"status": "perhaps"}, "ack.status"),
        ({"rows": []}, "ack.rows"),
        ({"rows": {"cpu": -1}}, "ack.rows.cpu"),
        ({"time": None}, "ack.time"),
    ],
)
def test_a_malformed_ack_is_named(change: dict[str, Any], path: str) -> None:
    with pytest.raises(WireError) as caught:
        Ack.from_json(json.dumps({**GOOD, **change}).encode())
    assert caught.value.path == path


@given(st.binary(max_size=64))
def test_noise_is_no_ack(noise: bytes) -> None:
    with pytest.raises(WireError):
        Ack.from_json(noise)


def test_every_problem_has_a_status() -> None:
    assert set(STATUS) == set(Problem)
