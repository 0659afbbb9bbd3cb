"""Rows of open servers' log files: from the command line, which reads the files, to the store.

Rules:

* Importing twice is the same as once, row by row: what the store has of a machine at a time and part stays as it is.
  So an overlapping or a grown file stores its new rows only, and an import that was killed is finished by another.
* The sequence number of what is stored is the first 53 bits of the SHA-256 of its content before any shift: a recording
  that was moved to now is not stored again when it is moved to a later now.
* Rows that retention would not keep and rows from the future are counted and left out, never stored.
* Open servers are public. Nothing is stored under a name that is an instance id or that a volunteer's machine may be
  shown as, so that an import can neither add to a volunteer's data nor pass for it.
* The audit has who imported to which machine, once an hour while it goes on.
"""

import hashlib
import re
from collections.abc import Mapping
from threading import Lock
from typing import Annotated, cast
from weakref import WeakKeyDictionary

from msgspec import Meta

from consent.alias import is_alias
from consent.catalogue import TABLES
from consent.wire import MAX_AHEAD_MS, AckStatus, Columns
from server.administration.acts import Desk, Json, act
from server.days import retention_floor_ms
from server.decode import canonical, checked_tables
from server.errors import DecodeError, InvalidRequest, SequenceReused
from server.imports import Imported, shift
from server.registry import Registry
from server.store.protocol import Store, StoredBatch

_SEQUENCE_BITS = 53
_AUDIT_EVERY_MS = 3_600_000
#: Wider than the canonical form: whatever a person or a program would take for an instance id.
_LIKE_A_UUID = re.compile(r"(urn:uuid:)?\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.IGNORECASE)

Source = Annotated[str, Meta(min_length=1, max_length=255)]
Body = dict[str, dict[str, list[int | float | str | None]]]


@act("import-rows")
def import_rows(desk: Desk, *, source: Source, tables: Body, shift_ms: int = 0) -> Json:
    """Store rows of one open server, columns by table as on the wire, every time moved by ``shift_ms``.

    The answer counts rows per table: ``rows`` stored, ``already`` there, ``too_old``, ``in_the_future``. Raises
    InvalidRequest for rows that do not fit the catalogue and for a name that may be a volunteer's.
    """
    refuse_volunteers(source)
    try:
        decoded = checked_tables(tables)
    except DecodeError as error:
        raise InvalidRequest(f"import-rows: {error}") from error
    answer: dict[str, dict[str, int]] = {name: {} for name in ("rows", "already", "too_old", "in_the_future")}
    window = (retention_floor_ms(desk.now_ms, desk.config), desk.now_ms + MAX_AHEAD_MS)
    kept = _within(decoded, (window[0] - shift_ms, window[1] - shift_ms), answer)
    if kept:
        instance = desk.registry.source_instance(source)
        _note(desk, source)
        kept = _without_stored(desk.store, instance, kept, shift_ms, answer)
        if kept:
            _append(desk.store, instance, Imported(source, kept), shift_ms, answer)
    return {**answer, "source": source}


def sequence_of(tables: Mapping[str, Columns]) -> int:
    """A number of 53 bits that stands for the content, so that the same content is never stored twice."""
    digest = hashlib.sha256(canonical(tables)).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _SEQUENCE_BITS)


def refuse_volunteers(source: str) -> None:
    """Raises InvalidRequest for a name that is an instance id or that a volunteer's machine may be shown as.

    Host names are ASCII, and only so does no other letter pass for one: a Cyrillic а, a hyphen of another kind, a mark
    that nobody sees.
    """
    if source != source.strip() or not source.isprintable() or not source.isascii():
        raise InvalidRequest(f"{source[:40]!r} is no usable name of a machine; name it in ASCII with --source NAME")
    if _LIKE_A_UUID.fullmatch(source):
        raise InvalidRequest("the name of the machine looks like an instance id; name it with --source NAME")
    if is_alias(source):
        raise InvalidRequest(f"{source!r} may be a volunteer's machine; name the open server with --source NAME")


def _within(
    tables: Mapping[str, Columns], window: tuple[int, int], answer: dict[str, dict[str, int]]
) -> dict[str, Columns]:
    kept: dict[str, Columns] = {}
    for name, columns in tables.items():
        times = cast(list[int], columns["time"])
        _count(answer["too_old"], name, sum(time < window[0] for time in times))
        _count(answer["in_the_future"], name, sum(time > window[1] for time in times))
        chosen = _chosen(columns, [index for index, time in enumerate(times) if window[0] <= time <= window[1]])
        if chosen:
            kept[name] = chosen
    return kept


def _without_stored(
    store: Store, instance: str, tables: Mapping[str, Columns], shift_ms: int, answer: dict[str, dict[str, int]]
) -> dict[str, Columns]:
    kept: dict[str, Columns] = {}
    for name, columns in tables.items():
        times = [cast(int, time) + shift_ms for time in columns["time"]]
        part = TABLES[name].part
        parts = columns[part.name] if part else [None] * len(times)
        known = set(store.times(instance, name, min(times), max(times) + 1))
        new = [index for index, row in enumerate(zip(times, parts, strict=True)) if row not in known]
        _count(answer["already"], name, len(times) - len(new))
        chosen = _chosen(columns, new)
        if chosen:
            kept[name] = chosen
    return kept


def _append(store: Store, instance: str, new: Imported, shift_ms: int, answer: dict[str, dict[str, int]]) -> None:
    shifted = shift(new, shift_ms).tables
    batch = StoredBatch(instance, sequence_of(new.tables), hashlib.sha256(canonical(shifted)).digest(), shifted)
    try:
        (result,) = store.append([batch])  # of one batch, what is refused is raised
        stored = not isinstance(result, Exception) and result.status is AckStatus.STORED
    except SequenceReused:  # the same rows under another shift
        stored = False
    for name, rows in batch.rows.items():
        _count(answer["rows" if stored else "already"], name, rows)


def _chosen(columns: Columns, indexes: list[int]) -> Columns | None:
    """The rows at ``indexes``; None where there are none."""
    if len(indexes) == len(columns["time"]):
        return columns
    return {name: [values[index] for index in indexes] for name, values in columns.items()} if indexes else None


def _count(counts: dict[str, int], table: str, rows: int) -> None:
    if rows:
        counts[table] = counts.get(table, 0) + rows


_noted: WeakKeyDictionary[Registry, dict[tuple[str, str], int]] = WeakKeyDictionary()
_noting = Lock()


def _note(desk: Desk, source: str) -> None:
    with _noting:
        noted = _noted.setdefault(desk.registry, {})
        last = noted.get((desk.actor, source))
        if last is not None and 0 <= desk.now_ms - last < _AUDIT_EVERY_MS:
            return
        noted[desk.actor, source] = desk.now_ms
    desk.note("import.rows", f"source/{source}")
