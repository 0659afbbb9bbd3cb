"""A batch on its way in: checked, turned into NumPy columns and split by day. Pure; runs in the caller's thread.

Rules:

* A batch that passes here fits the tables: nothing that the writer does with it can fail because of its values.
* A missing value is NaN in a float column; no other column may miss one.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from consent.catalogue import MAX_SAFE_INTEGER, TABLES, Column, Kind, Table
from consent.wire import Columns
from server.errors import StoreError
from server.store.day import Day, day_of
from server.store.latest import Newest, newest_of
from server.store.protocol import DIGEST_BYTES, StoredBatch

Array = NDArray[Any]
#: Columns of one table by wire name, all of one length.
Block = dict[str, Array]
#: (instance, sequence): what identifies a batch.
Key = tuple[str, int]

_INTEGERS: dict[Kind, tuple[int, int]] = {
    Kind.TIME: (0, MAX_SAFE_INTEGER),
    Kind.INT16: (-(2**15), 2**15 - 1),
    Kind.INT64: (-(2**63), 2**63 - 1),
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A checked batch. ``digest`` is as long as a ledger keeps; ``shares`` has one entry per day with rows, in order;
    a batch without rows has today's."""

    instance: str
    sequence: int
    digest: bytes
    rows: dict[str, int]
    shares: dict[Day, dict[str, Block]]
    newest: list[Newest]

    @property
    def key(self) -> Key:
        """What identifies the batch."""
        return self.instance, self.sequence

    @property
    def last_day(self) -> Day:
        """The day that is written last."""
        return next(reversed(self.shares))


def canonical_instance(instance: str) -> str | None:
    """The id itself when it is a UUID in canonical form, else None."""
    try:
        return instance if str(UUID(instance)) == instance else None
    except ValueError:
        return None


def check(batch: StoredBatch, zone: ZoneInfo, now_ms: int) -> Incoming:
    """Check and convert a batch. Raises StoreError naming what fits no table."""
    blocks = checked_blocks(batch)
    newest = [newest_of(TABLES[name], block) for name, block in blocks.items() if len(block["time"])]
    try:
        shares = _by_day(blocks, zone) or {day_of(now_ms, zone): {}}
    except (ValueError, OverflowError, OSError) as error:
        raise StoreError("time: beyond any calendar") from error
    rows = {name: len(block["time"]) for name, block in blocks.items()}
    return Incoming(batch.instance, batch.sequence, bytes(batch.digest[:DIGEST_BYTES]), rows, shares, newest)


def checked_blocks(batch: StoredBatch) -> dict[str, Block]:
    """The columns of a batch by table, checked. Raises StoreError naming what fits no table."""
    if canonical_instance(batch.instance) is None:
        raise StoreError("the instance id is not a UUID in lower case with hyphens")
    if not 0 <= batch.sequence <= MAX_SAFE_INTEGER:
        raise StoreError(f"the sequence is not within 0..{MAX_SAFE_INTEGER}")
    return {name: _block(name, columns) for name, columns in batch.tables.items()}


def joined(table: Table, blocks: list[Block]) -> Block:
    """The blocks of several batches one after the other."""
    if len(blocks) == 1:
        return blocks[0]
    return {column.name: np.concatenate([block[column.name] for block in blocks]) for column in table.wire_columns}


def _block(name: str, columns: Columns) -> Block:
    table = TABLES.get(name)
    if table is None:
        raise StoreError(f"{name}: there is no such table")
    wanted = [column.name for column in table.wire_columns]
    if set(columns) != set(wanted):
        raise StoreError(f"{name}: expected the columns {', '.join(wanted)}")
    block = {column.name: _array(f"{name}.{column.name}", column, columns) for column in table.wire_columns}
    if len({len(array) for array in block.values()}) != 1:
        raise StoreError(f"{name}: the columns differ in length")
    return block


def _array(path: str, column: Column, columns: Columns) -> Array:
    values = columns[column.name]
    if column.kind is Kind.SYMBOL:
        if not all(isinstance(value, str) for value in values):
            raise StoreError(f"{path}: expected text")
        return np.array(values, dtype=np.object_)
    try:
        if column.kind is Kind.FLOAT:
            floats = np.array(values, dtype=np.float64)
            if not column.nullable and np.isnan(floats).any():
                raise StoreError(f"{path}: a value is missing")
            return floats
        whole = np.array(values) if len(values) else np.array([], dtype=np.int64)
    except (ValueError, TypeError, OverflowError) as error:
        raise StoreError(f"{path}: expected numbers") from error
    lowest, highest = _INTEGERS[column.kind]
    if whole.dtype.kind != "i" or (len(whole) and (whole.min() < lowest or whole.max() > highest)):
        raise StoreError(f"{path}: expected integers within {lowest}..{highest}")
    return whole.astype(np.int16 if column.kind is Kind.INT16 else np.int64)


def _by_day(blocks: dict[str, Block], zone: ZoneInfo) -> dict[Day, dict[str, Block]]:
    """The blocks cut at local midnight, days in order."""
    remaining = {name: block for name, block in blocks.items() if len(block["time"])}
    shares: dict[Day, dict[str, Block]] = {}
    while remaining:
        day = day_of(min(int(block["time"].min()) for block in remaining.values()), zone)
        within = {name: block["time"] < day.end_ms for name, block in remaining.items()}
        if all(mask.all() for mask in within.values()):
            shares[day] = remaining
            break
        shares[day] = {name: _where(block, within[name]) for name, block in remaining.items() if within[name].any()}
        remaining = {name: _where(block, ~within[name]) for name, block in remaining.items() if not within[name].all()}
    return shares


def _where(block: Block, mask: NDArray[np.bool_]) -> Block:
    return {name: array[mask] for name, array in block.items()}
