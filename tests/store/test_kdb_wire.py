"""The bytes of every call and reply: golden, and read and written alike by a second client, kola.

Neither side here executes q. kola reads a char vector as UTF-8 and writes no guid atom, so the digest is left out
and guid atoms are compared as text; tables come back from it byte for byte.
"""

import math
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import kola as kola_without_types
import numpy as np
import polars as pl
import pytest
from aiokdb import MessageType, TypeEnum, b9
from aiokdb.extras import ktns

from consent.catalogue import TABLES
from server.store import kdb_columns
from server.store.kdb_columns import batch_argument, decode_reply, encode_call, plain_columns, records, rows_of
from server.store.kdb_connection import RESPONSE, SYNCHRONOUS, error_of
from tests.store import wire_samples
from tests.store.player import playing
from tests.store.q_server import table, vector
from tests.store.samples import NOON, batch, cpu, new_instance
from tests.store.wire_samples import DEVICES, DIGEST, INSTANCE, NS, OTHER, golden

GOLDEN = golden()
#: kola says that it is typed, and is not.
kola: Any = kola_without_types
#: What a person would call the same value, whichever client read it.
Normal = Any


def normal(value: Any) -> Normal:
    """Values as both clients can be compared by: guids as text, NaN as None, times without a zone."""
    if isinstance(value, dict):
        return {str(key): normal(one) for key, one in value.items() if key != "digest"}
    if isinstance(value, (list, tuple)):
        return [normal(one) for one in value]
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return str(value) if isinstance(value, UUID) or type(value).__name__ in ("NAType", "NaTType") else value


def by_pykx(raw: bytes) -> Normal:
    return normal(decode_reply(bytearray(raw)).py())


def by_kola(raw: bytes) -> Any:
    """What kola makes of these bytes, as a reply."""
    reply = raw[:1] + bytes([RESPONSE]) + raw[2:]
    with playing(reply) as player:
        client = kola.Q("127.0.0.1", player.port, user="x")
        client.connect()
        try:
            return client.sync("anything", None)
        finally:
            client.disconnect()


def written_by_kola(value: Any, kind: str = "response", *, compress: bool = False) -> bytes:
    """The bytes that kola makes of a value it read; it reads lists as tuples and writes lists only."""

    def again(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [again(one) for one in value] if value else None  # () is how it reads the generic null
        return {key: again(one) for key, one in value.items()} if isinstance(value, dict) else value

    return bytes(kola.serialize_as_ipc_bytes6(kind, compress, again(value)))


@pytest.mark.parametrize(("kind", "made"), [("calls", wire_samples.calls), ("replies", wire_samples.replies)])
def test_the_bytes_are_the_golden_ones(kind: str, made: Callable[[], dict[str, bytes]]) -> None:
    assert {name: raw.hex() for name, raw in made().items()} == {name: raw.hex() for name, raw in GOLDEN[kind].items()}


@pytest.mark.parametrize("name", list(GOLDEN["calls"]))
def test_a_call_is_a_synchronous_list_that_begins_with_the_name_as_text(name: str) -> None:
    raw = GOLDEN["calls"][name]
    assert (raw[0], raw[1], raw[2], int.from_bytes(raw[4:8], "little")) == (1, SYNCHRONOUS, 0, len(raw))
    function = b".smp." + name.encode()
    assert raw[8:10] == b"\x00\x00" and raw[14:16] == b"\x0a\x00"
    assert raw[16 : 20 + len(function)] == len(function).to_bytes(4, "little") + function


@pytest.mark.parametrize("name", list(GOLDEN["calls"]))
def test_a_second_client_reads_and_writes_each_call_to_the_same_values(name: str) -> None:
    raw = GOLDEN["calls"][name]
    read = by_kola(raw)
    for one in read[1] if name == "upd" else []:
        del one["digest"]
    assert by_pykx(written_by_kola(read, "sync")) == by_pykx(raw)


@pytest.mark.parametrize("name", [name for name in GOLDEN["replies"] if name != "error"])
def test_a_second_client_reads_and_writes_each_reply_to_the_same_values(name: str) -> None:
    raw = GOLDEN["replies"][name]
    read = by_kola(raw)
    # A list of lists holds guids as kola's own series, which it writes as the vector they are.
    assert by_pykx(written_by_kola(read)) == by_pykx(raw)
    if isinstance(read, pl.DataFrame):
        assert written_by_kola(read) == raw


def test_what_a_batch_carries() -> None:
    name, sent = decode_reply(bytearray(GOLDEN["calls"]["upd"])).py()
    full, empty = sent
    assert name == b".smp.upd"
    assert (full["instance"], full["sequence"], full["digest"]) == (UUID(INSTANCE), 7, DIGEST)
    assert full["disk"]["device"] == DEVICES
    assert full["memory"]["swap_used_bytes"] == [-1] and full["memory"]["swap_total_bytes"] == [2**53 - 1]
    assert [math.isnan(value) for value in full["cpu"]["steal"]] == [True, False, False, False]
    assert list(full["cpu"]) == [column.name for column in TABLES["cpu"].wire_columns]
    assert empty["cpu"]["time"] == [] and list(empty) == ["instance", "sequence", "digest", "cpu", "disk"]


def test_what_replies_mean() -> None:
    acks = list(records(decode_reply(bytearray(GOLDEN["replies"]["upd"]))))
    assert [(ack["instance"], ack["status"], ack["reason"]) for ack in acks] == [
        (INSTANCE, "stored", ""),
        (OTHER, "reused", ""),
        (OTHER, "refused", "cpu.user"),
    ]
    first, second = records(decode_reply(bytearray(GOLDEN["replies"]["latest"])))
    assert (first["last_time"], first["cores"], first["memory_total_bytes"]) == (NOON, 2, None)
    assert (second["cpu_busy"], second["cores"], second["memory_total_bytes"]) == (None, None, 2**53 - 1)
    assert plain_columns(decode_reply(bytearray(GOLDEN["replies"]["series"])))["bucket"] == [NOON, None, NOON]
    rows = rows_of(TABLES["disk"], decode_reply(bytearray(GOLDEN["replies"]["rows"])))
    assert [(row["device"], row["busy"]) for row in rows] == [(device, None) for device in DEVICES]


def test_an_error_is_its_text() -> None:
    raw = GOLDEN["replies"]["error"]
    assert error_of(bytearray(raw)) == "smp.type"
    with pytest.raises(kola.KolaError, match="smp.type"):
        by_kola(raw)
    assert error_of(bytearray(GOLDEN["replies"]["counts"])) is None


def test_100_000_rows_both_ways() -> None:
    count = 100_000
    times = list(range(NOON, NOON + count))
    columns = {**cpu(times), "user": [None, *np.linspace(0, 1, count - 1).tolist()]}
    call = encode_call(".smp.upd", [batch_argument(batch(new_instance(), 1, cpu=columns))])
    ((_, (read,)),) = [by_kola(call)]
    frame = read["cpu"]
    assert frame.height == count and frame["user"].null_count() == 1
    assert frame["time"].dt.epoch("ms").to_list() == times
    rows = rows_of(TABLES["cpu"], decode_reply(bytearray(written_by_kola(frame))))
    assert len(rows) == count and rows[0]["user"] is None
    assert [row["time"] for row in rows] == times
    assert [row["user"] for row in rows[1:]] == columns["user"][1:]


@pytest.mark.parametrize("count", [300, 100_000])
def test_a_compressed_reply_is_read(count: int) -> None:
    devices = [DEVICES[row % len(DEVICES)] for row in range(count)]
    frame = pl.DataFrame(
        {
            "time": pl.Series(range(NOON, NOON + count), dtype=pl.Int64)
            .cast(pl.Datetime("ms"))
            .cast(pl.Datetime("ns")),
            "device": pl.Series(devices, dtype=pl.Categorical),
            **{column.name: pl.Series([0.5] * count) for column in TABLES["disk"].columns},
        }
    )
    plain, packed = (written_by_kola(frame, compress=compress) for compress in (False, True))
    assert packed[2] == 1 and len(packed) < len(plain) / 2
    rows = rows_of(TABLES["disk"], decode_reply(bytearray(packed)))
    assert [row["device"] for row in rows] == devices
    assert rows == rows_of(TABLES["disk"], decode_reply(bytearray(plain)))


@pytest.mark.parametrize("number", [0, -1, 1, 2**63 - 1, -(2**63) + 1])
def test_longs_keep_their_sign(number: int) -> None:
    raw = b9(table({"cpu": vector(TypeEnum.KJ, [number, None])}), MessageType.RESPONSE)
    assert plain_columns(decode_reply(bytearray(raw)))["cpu"] == [number, None]


def test_times_are_whole_milliseconds_and_null() -> None:
    raw = b9(table({"time": vector(TypeEnum.KP, [0, NOON * NS, None])}), MessageType.RESPONSE)
    assert plain_columns(decode_reply(bytearray(raw)))["time"] == [0, NOON, None]
    assert kdb_columns.timestamp(2**60) == kdb_columns.timestamp(kdb_columns.LAST_MS)


def test_symbols_of_any_letters() -> None:
    raw = b9(table({"device": ktns(*DEVICES, "")}), MessageType.RESPONSE)
    assert plain_columns(decode_reply(bytearray(raw)))["device"] == [*DEVICES, ""]


_OWN_CONNECTION = """
import os, sys
os.environ["PYKX_UNLICENSED"] = "1"
import pykx
with pykx.SyncQConnection("127.0.0.1", int(sys.argv[1]), timeout=20.0, no_ctx=True) as connection:
    print(connection(".smp.changed", -5).py())
"""


def test_our_socket_carries_what_pykx_itself_would_send() -> None:
    """In a process of its own: while PyKX connects, nothing else in its process runs, this player least of all."""
    with playing(GOLDEN["replies"]["cursor"]) as player:
        command = [sys.executable, "-c", _OWN_CONNECTION, str(player.port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == "-1"
    assert player.received == [GOLDEN["calls"]["changed"]]
