"""Log files of open servers: from files on the server's machine to rows of the store.

Rules:

* Importing twice is the same as once: the sequence number of a chunk is the first 53 bits of the SHA-256 of its
  content as the file has it, before any shift. Chunks that were there already are counted, not stored again.
* Rows that retention would not keep and rows from the future are counted and left out, never stored.
* A file that cannot be read is refused before its first row. When the store fails half way, the same command again
  finishes.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeVar, cast

from msgspec import Meta

from consent.wire import MAX_AHEAD_MS, Ack, AckStatus, Columns
from server.administration.acts import Desk, Json, act
from server.days import retention_floor_ms
from server.decode import canonical
from server.errors import ImportFailed, SequenceReused, StoreError
from server.imports import Imported, shift
from server.imports.prometheus import read
from server.store.protocol import Store, StoredBatch

#: Chunks that are appended together: enough for one group commit, few enough to stay small in memory.
TOGETHER = 16
_SEQUENCE_BITS = 53
_ACT = "import"
T = TypeVar("T")
File = Annotated[str, Meta(min_length=1, max_length=4096, pattern="^[^\\x00]*$")]


@dataclass(slots=True)
class Tally:
    """What became of the rows of one file, each a count per table; ``sources`` are the machines it is about."""

    stored: Counter[str] = field(default_factory=Counter)
    already: Counter[str] = field(default_factory=Counter)
    too_old: Counter[str] = field(default_factory=Counter)
    in_the_future: Counter[str] = field(default_factory=Counter)
    sources: set[str] = field(default_factory=set)

    def to_json(self, path: str) -> Json:
        """As the act answers it."""
        return {
            "path": path,
            "rows": dict(self.stored),
            "already": dict(self.already),
            "too_old": dict(self.too_old),
            "in_the_future": dict(self.in_the_future),
            "sources": sorted(self.sources),
        }


@act("import-preview")
def preview(desk: Desk, *, path: File) -> Json:
    """What a file holds, without importing: machines, rows per table, first and last time (ms; None without rows)."""
    rows: Counter[str] = Counter()
    sources: set[str] = set()
    times: list[int] = []
    for chunk in _chunks(path):
        rows.update(chunk.rows)
        sources.add(chunk.source)
        ends = [cast(int, columns["time"][end]) for columns in chunk.tables.values() for end in (0, -1)]
        times = [min(times[:1] + ends), max(times[1:] + ends)]
    desk.note("import.previewed", "file")
    first, last = times or (None, None)
    return {"path": path, "rows": dict(rows), "sources": sorted(sources), "first": first, "last": last}


@act(_ACT)
def import_file(desk: Desk, *, path: File, shift_ms: int = 0) -> Json:
    """Store the rows of one file, every time moved by ``shift_ms`` (a demo's old recording is moved to now)."""
    tally = Tally()
    window = (retention_floor_ms(desk.now_ms, desk.config), desk.now_ms + MAX_AHEAD_MS)
    batches = _batches(desk, _chunks(path), shift_ms, window, tally)
    while together := list(islice(batches, TOGETHER)):
        _append(desk.store, path, together, tally)
    for source in sorted(tally.sources):
        desk.note("import.done", f"source/{source}")
    return tally.to_json(path)


def _chunks(path: str) -> Iterator[Imported]:
    """The chunks of a file. Raises ImportFailed, also where there is no such file."""
    try:
        with Path(path).open("rb") as stream:
            yield from read(stream, path)
    except OSError as error:
        raise ImportFailed(path, "", f"cannot be read by the server: {error.strerror}") from error


def _batches(
    desk: Desk, chunks: Iterable[Imported], shift_ms: int, window: tuple[int, int], tally: Tally
) -> Iterator[StoredBatch]:
    for chunk in chunks:
        tally.sources.add(chunk.source)
        sequence = sequence_of(chunk.tables)
        kept = _within(shift(chunk, shift_ms).tables, window, tally)
        if kept:
            instance = desk.registry.source_instance(chunk.source)
            yield StoredBatch(instance, sequence, hashlib.sha256(canonical(kept)).digest(), kept)


def sequence_of(tables: Mapping[str, Columns]) -> int:
    """A number of 53 bits that stands for the content, so that the same content is never stored twice."""
    digest = hashlib.sha256(canonical(tables)).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _SEQUENCE_BITS)


def _within(tables: Mapping[str, Columns], window: tuple[int, int], tally: Tally) -> dict[str, Columns]:
    kept: dict[str, Columns] = {}
    for name, columns in tables.items():
        times = cast(list[int], columns["time"])
        chosen = [index for index, time in enumerate(times) if window[0] <= time <= window[1]]
        tally.too_old[name] += sum(time < window[0] for time in times)
        tally.in_the_future[name] += sum(time > window[1] for time in times)
        if len(chosen) == len(times):
            kept[name] = columns
        elif chosen:
            kept[name] = {column: [values[index] for index in chosen] for column, values in columns.items()}
    return kept


def _append(store: Store, path: str, batches: list[StoredBatch], tally: Tally) -> None:
    results: list[Ack | StoreError]
    try:
        results = store.append(batches)
    except SequenceReused as error:  # raised, not returned, when there is one batch only
        results = [error]
    for batch, result in zip(batches, results, strict=True):
        if isinstance(result, Ack) and result.status is AckStatus.STORED:
            tally.stored.update(batch.rows)
        # The same chunk under another shift, or cut at another floor: it was imported before.
        elif isinstance(result, (Ack, SequenceReused)):
            tally.already.update(batch.rows)
        else:
            raise ImportFailed(path, "", str(result)) from result
