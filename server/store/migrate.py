"""Moves samples from one store to another; the source stays as it is.

Rules:

* The rows of an instance go over in slices of ten minutes. A slice is a batch whose sequence is made of its time, far
  above what an agent counts to, and whose digest is made of its rows. So a second run makes the same batches.
* Before anything is written, everything the target holds of an instance is compared: a slice of it is the source's, row
  for row, or the instance is refused. Afterwards both are read again and compared whole.
* Both stores stand still meanwhile: whoever calls this holds the lock of the installation.
* The ledger goes over last, once the rows were verified: so a batch that was stored before the move and not
  acknowledged is a duplicate after it, and one whose rows are not there is never taken for stored.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from consent.catalogue import TABLES
from consent.wire import Value
from server.errors import StoreError
from server.store.protocol import Row, Store, StoredBatch

SLICE_MS = 600_000
#: Agents count from 1; MAX_SAFE_INTEGER is 2**53 - 1.
FIRST_SEQUENCE = 2**52

#: Called with the number of rows that are done since the last call.
Progress = Callable[[int], object]
#: Digest and rows per table of a slice, by its sequence.
Slices = dict[int, tuple[bytes, dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows per table written, and found there already; ``checksum`` is of all rows, the same in both stores.

    ``batches`` is how many the target remembers now and did not before.
    """

    instances: int
    batches: int
    rows: dict[str, int]
    already: dict[str, int]
    checksum: str


def migrate(source: Store, target: Store, progress: Progress) -> Moved:
    """Move everything. Raises StoreError when the target holds something else, or ends up with something else.

    ``progress`` counts every row of the source three times: compared, written, verified.
    """
    wanted = {summary.instance: slices_of(source, summary.instance, progress) for summary in source.latest()}
    there = wanted.keys() & {summary.instance for summary in target.latest()}
    present = {instance: slices_of(target, instance) for instance in there}
    for instance, found in present.items():
        _refuse_others(instance, found, wanted[instance])
    rows, already = dict.fromkeys(TABLES, 0), dict.fromkeys(TABLES, 0)
    for instance in wanted:
        for batch in batches_of(source, instance):
            counts = already if batch.sequence in present.get(instance, {}) else rows
            if counts is rows:
                target.append([batch])
            for name, count in batch.rows.items():
                counts[name] += count
            progress(sum(batch.rows.values()))
    checksum = _verified(target, wanted, progress)
    return Moved(len(wanted), _move_ledgers(source, target, wanted), rows, already, checksum)


def _move_ledgers(source: Store, target: Store, instances: Iterable[str]) -> int:
    """What agents sent, so that it is known there; slices of an earlier move stay behind."""
    moved = 0
    for instance in instances:
        sent = [entry for entry in source.ledger(instance) if entry.sequence < FIRST_SEQUENCE]
        moved += target.remember(instance, sent)
    return moved


def _verified(target: Store, wanted: dict[str, Slices], progress: Progress) -> str:
    """The checksum of everything, once the target was read again. Raises StoreError."""
    total = hashlib.sha256()
    for instance, slices in wanted.items():
        if slices_of(target, instance, progress) != slices:
            raise StoreError(
                f"the target has other rows of {instance} than the source; erase it there and run this again"
            )
        for sequence, (digest, _) in slices.items():
            total.update(f"{instance} {sequence} ".encode() + digest)
    return total.hexdigest()


def batches_of(store: Store, instance: str) -> Iterator[StoredBatch]:
    """Everything of an instance, slice by slice, in order of time."""
    for number, rows in groupby(store.rows(instance), key=_slice):
        tables: dict[str, dict[str, list[Value]]] = {}
        for name, row in rows:
            columns = tables.setdefault(name, {column: [] for column in row})
            for column, value in row.items():
                columns[column].append(value)
        tables = {name: tables[name] for name in TABLES if name in tables}
        yield StoredBatch(instance, FIRST_SEQUENCE + number, _digest(tables), tables)


def slices_of(store: Store, instance: str, progress: Progress = lambda _: None) -> Slices:
    """What a store holds of an instance."""
    slices: Slices = {}
    for batch in batches_of(store, instance):
        slices[batch.sequence] = batch.digest, batch.rows
        progress(sum(batch.rows.values()))
    return slices


def _slice(entry: tuple[str, Row]) -> int:
    time = entry[1]["time"]
    assert isinstance(time, int)
    return time // SLICE_MS


def _digest(tables: dict[str, dict[str, list[Value]]]) -> bytes:
    return hashlib.sha256(json.dumps(tables, separators=(",", ":"), sort_keys=True).encode()).digest()


def _refuse_others(instance: str, found: Slices, wanted: Slices) -> None:
    others = [sequence for sequence, what in found.items() if wanted.get(sequence) != what]
    if others:
        raise StoreError(
            f"the target has rows of {instance} that the source has not, or has otherwise; nothing was moved. "
            "Start with a target that is empty, or erase the instance there"
        )
