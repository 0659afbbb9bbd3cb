"""Values to kdb+ bytes and back, with PyKX. Everything that knows q's types is here.

Rules:

* PyKX is imported when a kdb+ store is opened and never otherwise: it brings pandas and PyArrow and takes seconds.
  ``PYKX_UNLICENSED`` is set before, so that it neither looks for a licence nor asks for one; a client needs none.
* ``PYKX_NO_ALLOCATOR`` is set as well. Else PyKX 4.2.0 makes NumPy take every array of the process from q's memory,
  which belongs to one thread; an array that another thread frees then ends the process (seen: aborted).
* Without a licence ``kx.toq`` of arrays, ``.pd()`` and ``.py()`` work, ``kx.Table`` and column access do not.
* ``.pd()`` of a table leaves a null long as the number that q uses for it, so that ``NULL_LONG`` is looked for here;
  a null float and timestamp are NaN and NaT.
* kdb+ has no text with a NUL in it, an empty symbol is its null, and a timestamp ends in 2262: what does not fit is
  refused here with its path, before anything is sent.
"""

import importlib
import os
import struct
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isnan
from typing import Any
from uuid import UUID

import numpy as np

from consent.catalogue import TABLES, Kind, Table
from server.errors import ConfigError, StoreError, StoreUnavailable
from server.store.incoming import Block, checked_blocks
from server.store.kdb_connection import CAPABILITY, HEADER, SYNCHRONOUS
from server.store.protocol import DIGEST_BYTES, STATISTICS, LedgerEntry, Row, StoredBatch

NULL_LONG = -(2**63)
#: q's type letter of each kind of column; ``sym`` is a guid.
LETTERS = {Kind.TIME: "p", Kind.SYMBOL: "s", Kind.INT16: "h", Kind.INT64: "j", Kind.FLOAT: "f"}
#: The last whole millisecond that 64-bit nanoseconds since 1970 reach.
LAST_MS = (2**63 - 1) // 1_000_000


#: Type and attribute of a table, in front of its dictionary, and of a vector of guids, in front of its length.
TABLE, GUIDS = b"\x62\x00", b"\x02\x00"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table on their way out: NumPy arrays, and lists of symbols."""

    by_name: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Guids:
    """A vector of guids on its way out; ``kx.toq`` makes a general list of them."""

    values: tuple[UUID, ...]


@cache
def pykx() -> Any:
    """The PyKX module. Raises ConfigError naming the extra when it is not installed."""
    os.environ |= {"PYKX_UNLICENSED": "1", "PYKX_NO_ALLOCATOR": "1"}
    try:
        with warnings.catch_warnings():
            # Of other libraries that PyKX loads, about themselves; nothing here can be done about them.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            return importlib.import_module("pykx")
    except ImportError as error:
        raise ConfigError("a kdb+ store needs its client: pip install 'sys-metric-pipeline[kdb]'") from error


def encode_call(name: str, *arguments: object) -> bytes:
    """The bytes of a synchronous call; one without arguments carries the generic null."""
    call: list[object] = [name.encode(), *(arguments or (None,))]
    kx = pykx()
    return bytes(kx.serialize(kx.toq(_k(call)), mode=CAPABILITY[0], wait=SYNCHRONOUS).copy())


def decode_reply(reply: bytearray) -> Any:
    """The K value in a reply, compressed or not. Raises StoreUnavailable for bytes that are none."""
    kx = pykx()
    try:
        return kx.deserialize(bytes(reply))
    except kx.QError as error:
        raise StoreUnavailable("kdb+ sent a reply that cannot be read") from error


def guid(instance: str) -> UUID:
    """An instance id as kdb+ holds it."""
    return UUID(instance)


def guids(instances: Sequence[str]) -> Guids:
    """Instance ids as a vector."""
    return Guids(tuple(UUID(instance) for instance in instances))


def timestamp(milliseconds: int) -> np.datetime64:
    """A time as kdb+ holds it; one beyond its range is the end of that range."""
    return np.datetime64(min(max(milliseconds, 0), LAST_MS) * 1_000_000, "ns")


def batch_argument(batch: StoredBatch) -> dict[str, object]:
    """A batch as ``.smp.upd`` takes it, tables included. Raises StoreError naming what fits no table."""
    blocks = checked_blocks(batch)
    argument: dict[str, object] = {
        "instance": guid(batch.instance),
        "sequence": batch.sequence,
        "digest": bytes(batch.digest),
    }
    for name, block in blocks.items():
        argument[name] = _columns(TABLES[name], block)
    return argument


def _columns(table: Table, block: Block) -> Columns:
    columns: dict[str, Any] = {}
    for column in table.wire_columns:
        values, path = block[column.name], f"{table.name}.{column.name}"
        if column.kind is Kind.TIME:
            if len(values) and values.max() > LAST_MS:
                raise StoreError("time: beyond any calendar")
            columns[column.name] = values.astype("datetime64[ms]").astype("datetime64[ns]")
        elif column.kind is Kind.SYMBOL:
            columns[column.name] = _symbols(path, values.tolist())
        else:
            if column.kind is Kind.INT64 and len(values) and values.min() == NULL_LONG:
                raise StoreError(f"{path}: expected integers above {NULL_LONG}")
            columns[column.name] = values
    return Columns(columns)


def _table(columns: Columns) -> Any:
    """The K table of these columns: its bytes are those of the dictionary of its columns with two in front.

    ``kx.Table`` needs a licence, and by way of a pandas frame it takes six times as long.
    """
    kx = pykx()
    values = {
        name: kx.SymbolVector(values) if isinstance(values, list) else kx.toq(values)
        for name, values in columns.by_name.items()
    }
    return _value(TABLE + bytes(kx.serialize(kx.toq(values), mode=CAPABILITY[0]).copy())[HEADER.size :])


def _value(body: bytes) -> Any:
    """The K value of these bytes, which PyKX makes no other way without a licence."""
    return pykx().deserialize(HEADER.pack(1, 0, 0, 0, HEADER.size + len(body)) + body)


def _k(value: object) -> Any:
    """What ``kx.toq`` takes for a value."""
    if isinstance(value, Columns):
        return _table(value)
    if isinstance(value, Guids):
        return _value(GUIDS + struct.pack("<i", len(value.values)) + b"".join(one.bytes for one in value.values))
    if isinstance(value, dict):
        return {name: _k(one) for name, one in value.items()}
    return [_k(one) for one in value] if isinstance(value, list) else value


def _symbols(path: str, texts: list[str]) -> list[str]:
    for text in set(texts):
        if not text or "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise StoreError(f"{path}: expected text that is not empty, without NUL or halves of a character")
    return texts


def records(reply: Any) -> Iterator[dict[str, Any]]:
    """The rows of a table, nulls as None, times in milliseconds, guids as text."""
    columns = plain_columns(reply)
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def plain_columns(reply: Any) -> dict[str, list[Any]]:
    """The columns of a table as plain values: nulls are None, times milliseconds, guids and symbols text."""
    frame = reply.pd()
    return {str(name): _plain(frame[name]) for name in frame.columns}


def _plain(series: Any) -> list[Any]:
    array = series.to_numpy()
    if array.dtype.kind == "M":
        whole = array.astype("datetime64[ns]").astype(np.int64)
        return [None if value == NULL_LONG else value // 1_000_000 for value in whole.tolist()]
    if array.dtype.kind == "f":
        return [None if isnan(value) else value for value in array.tolist()]
    if array.dtype == np.int64:
        return [None if value == NULL_LONG else value for value in array.tolist()]
    return [_text(value) for value in array.tolist()]


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, UUID) else value


def counts_of(reply: Any) -> dict[str, int]:
    """A dictionary of counts per table."""
    found: Mapping[str, Any] = reply.py()
    return {name: int(found[name]) for name in TABLES}


def check_of(reply: Any) -> dict[str, Any]:
    """What ``.smp.check`` says: ``columns`` as (table, column, type letter), everything else as Python has it."""
    found: dict[str, Any] = reply.py()
    columns = found["columns"]
    found["columns"] = list(zip(columns["table"], columns["column"], columns["type"], strict=True))
    return found


def rows_of(table: Table, reply: Any) -> list[Row]:
    """Rows as a volunteer gets them."""
    columns = plain_columns(reply)
    names = [column.name for column in table.wire_columns]
    if sorted(columns) != sorted(names):
        raise StoreUnavailable(f"kdb+ answered {table.name} with other columns; see: sysmetric-server kdb check")
    return [dict(zip(names, values, strict=True)) for values in zip(*(columns[name] for name in names), strict=True)]


def series_answer(reply: Any, bucket_ms: int) -> list[tuple[Any, ...]]:
    """What ``.smp.series`` says, as ``answer.series_of`` takes it."""
    columns = plain_columns(reply)
    named = [{"min": "minimum", "max": "maximum"}.get(name, name) for name in STATISTICS]
    heads = zip(columns["part"], columns["name"], columns["bucket"], strict=True)
    numbers = zip(*(columns[name] for name in named), strict=True)
    return [
        (part or None, bucket is None, None if bucket is None else bucket // bucket_ms, name, *statistics)
        for (part, name, bucket), statistics in zip(heads, numbers, strict=True)
    ]


def ledger_of(reply: Any) -> list[LedgerEntry]:
    """What ``.smp.ledger`` says, by sequence."""
    entries = [LedgerEntry(one["sequence"], UUID(one["digest"]).bytes, one["time"]) for one in records(reply)]
    return sorted(entries, key=lambda entry: entry.sequence)


def ledger_columns(entries: Sequence[LedgerEntry]) -> tuple[object, ...]:
    """Sequences, times and digests as ``.smp.remember`` takes them."""
    return (
        np.array([entry.sequence for entry in entries], dtype=np.int64),
        np.array([entry.time_ms for entry in entries], dtype="datetime64[ms]").astype("datetime64[ns]"),
        Guids(tuple(UUID(bytes=entry.digest[:DIGEST_BYTES]) for entry in entries)),
    )


def expected_columns() -> dict[tuple[str, str], str]:
    """(table, column) to q's type letter, for every column that a kdb+ store must have."""
    expected: dict[tuple[str, str], str] = {}
    for table in TABLES.values():
        expected |= {(table.name, column.name): LETTERS[column.kind] for column in table.wire_columns}
        expected[table.name, "sym"] = "g"
    return expected


def differing_columns(columns: Sequence[tuple[str, str, str]]) -> list[str]:
    """``table.column`` of everything that ``.smp.check`` reports otherwise than expected; empty when all is well."""
    found = {(table, column): letter for table, column, letter in columns if table in TABLES}
    expected = expected_columns()
    return sorted(
        f"{table}.{column}"
        for table, column in found.keys() | expected.keys()
        if found.get((table, column)) != expected.get((table, column))
    )


assert HEADER.size == 8  # what PyKX writes in front of a value
