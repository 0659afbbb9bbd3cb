"""Bytes of a batch to a ``Batch``, or the path of what is wrong in them.

Rules:

* The decoder is built from ``consent.catalogue``: a table or column that is not there cannot come through.
* Strict: no unknown key, no missing column, no key twice, no number in a string, no bool for a number, no NaN or
  infinity, nothing out of the catalogue's range, no list of another length than ``time``, no row twice.
* Times lie in the admitted window: not before what retention still keeps, not more than ``MAX_AHEAD_MS`` ahead.
* All or nothing: the first thing that is wrong refuses the whole batch, with its path (``cpu.user[3]``). A path holds
  names of ours only, never text from the batch.
* What comes out is canonical: columns in the catalogue's order and types, so that one content has one digest.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, NoReturn

import msgspec

from consent.catalogue import MAX_SAFE_INTEGER, TABLES, TIME, Column, Kind, Table
from consent.record import UUID_PATTERN
from consent.wire import FORMAT, MAX_AHEAD_MS, Batch, Columns
from server.errors import DecodeError

_AT = re.compile(r" - at `\$\.?([a-z_.\[\]0-9]*)`$")
_HEAD = ("format", "instance", "record", "sequence")


def decode(raw: bytes, *, now_ms: int, floor_ms: int) -> Batch:
    """The batch in ``raw``. ``floor_ms`` is the oldest time that retention keeps. Raises DecodeError."""
    try:
        document = _DECODER.decode(raw)
    except (ValueError, RecursionError) as error:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        _refuse(raw, error)
    present = {name: getattr(document, name) for name in TABLES if getattr(document, name) is not msgspec.UNSET}
    if not present:
        raise DecodeError("batch", "holds no table")
    _refuse_repeated_keys(raw, len(_HEAD) + sum(1 + len(TABLES[name].wire_columns) for name in present))
    tables: dict[str, Columns] = {}
    for name, body in present.items():
        columns = {column.name: getattr(body, column.name) for column in TABLES[name].wire_columns}
        _check_table(TABLES[name], columns, floor_ms, now_ms + MAX_AHEAD_MS)
        tables[name] = columns
    return Batch(document.instance, document.record, document.sequence, tables)


def checked_tables(document: object) -> dict[str, Columns]:
    """Tables alone, as a JSON object of columns, of any time: the rows of an import. Raises DecodeError."""
    try:
        bodies = msgspec.convert(document, _TABLES)
    except msgspec.ValidationError as error:
        _refuse(b"", error)
    tables: dict[str, Columns] = {}
    for name, body in ((name, getattr(bodies, name)) for name in TABLES):
        if body is not msgspec.UNSET:
            columns = {column.name: getattr(body, column.name) for column in TABLES[name].wire_columns}
            _check_table(TABLES[name], columns, 0, MAX_SAFE_INTEGER)
            tables[name] = columns
    if not tables:
        raise DecodeError("tables", "holds no table")
    return tables


def canonical(tables: Mapping[str, Columns]) -> bytes:
    """The bytes that stand for the content of decoded tables: what a digest is taken of."""
    return msgspec.json.encode(tables)


def _check_table(table: Table, columns: Columns, floor_ms: int, ceiling_ms: int) -> None:
    times = columns["time"]
    if not times:
        raise DecodeError(f"{table.name}.time", "is empty; leave the table out")
    for name, values in columns.items():
        if len(values) != len(times):
            raise DecodeError(f"{table.name}.{name}", f"has {len(values)} values where time has {len(times)}")
    for index, time in enumerate(times):
        if not floor_ms <= time <= ceiling_ms:  # type: ignore[operator]  # decoded as integers
            reason = "is older than what is kept" if time < floor_ms else "is in the future"  # type: ignore[operator]
            raise DecodeError(f"{table.name}.time[{index}]", reason)
    parts: Iterable[object] = columns[table.part.name] if table.part else [None] * len(times)
    if table.part and table.part.kind is Kind.SYMBOL:
        for index, part in enumerate(parts):
            if not str(part).isprintable():
                raise DecodeError(f"{table.name}.{table.part.name}[{index}]", "holds unprintable characters")
    seen: set[tuple[object, object]] = set()
    for index, row in enumerate(zip(times, parts, strict=True)):
        if row in seen:
            raise DecodeError(f"{table.name}.time[{index}]", "is there twice for the same part of the machine")
        seen.add(row)


def _refuse_repeated_keys(raw: bytes, keys: int) -> None:
    """msgspec keeps the last of two equal keys; which one a signer meant cannot be known, so neither is taken.

    Every key of an object is followed by one colon outside of strings. So a document with just as many colons as it
    has known keys repeats none; one with more has colons in strings or keys twice, and is parsed again to see.
    """
    if raw.count(b":") == keys:
        return
    try:
        json.loads(raw, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise DecodeError("batch", "is not valid JSON") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise DecodeError(name if name in _NAMES else "batch", "is there twice")
        result[name] = value
    return result


def _refuse(raw: bytes, error: Exception) -> NoReturn:
    message = str(error)
    if isinstance(error, msgspec.ValidationError):
        at = _AT.search(message)
        path = at[1] if at and at[1] else "batch"
        if "unknown field" in message:
            raise DecodeError(path, "holds a field that is not in the catalogue") from None
        missing = re.match(r"Object missing required field `([a-z_]+)`", message)
        if missing:
            raise DecodeError(missing[1] if path == "batch" else f"{path}.{missing[1]}", "is missing") from None
        reason = message[: at.start()] if at else message
        raise DecodeError(path, "does not fit: " + reason[0].lower() + reason[1:].replace("`", "")) from None
    raise DecodeError(_not_finite(raw) or "batch", "is not valid JSON (RFC 8259: no NaN, no infinity)") from None


def _not_finite(raw: bytes) -> str | None:
    """The path of the first NaN or infinity, which JSON does not have but many writers emit."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    bodies = document if isinstance(document, dict) else {}
    for name, table in TABLES.items():
        columns = bodies[name] if isinstance(bodies.get(name), dict) else {}
        for column in table.wire_columns:
            values = columns.get(column.name)
            for index, value in enumerate(values if isinstance(values, list) else ()):
                if isinstance(value, float) and not math.isfinite(value):
                    return f"{name}.{column.name}[{index}]"
    return None


def _type_of(column: Column) -> Any:
    """The msgspec type of one value of a column."""
    kind: Any
    if column.kind is Kind.SYMBOL:
        kind = Annotated[str, msgspec.Meta(min_length=int(column.minimum), max_length=int(column.maximum))]
    elif column.kind is Kind.FLOAT:
        kind = Annotated[float, msgspec.Meta(ge=column.minimum, le=column.maximum)]
    else:
        kind = Annotated[int, msgspec.Meta(ge=int(column.minimum), le=int(column.maximum))]
    return kind | None if column.nullable else kind


def _struct_of(table: Table) -> type[msgspec.Struct]:
    fields = [(column.name, list[_type_of(column)]) for column in table.wire_columns]  # type: ignore[misc]
    return msgspec.defstruct(table.name, fields, forbid_unknown_fields=True, gc=False)


def _batch_struct() -> type[msgspec.Struct]:
    identifier = Annotated[str, msgspec.Meta(pattern=f"^{UUID_PATTERN}$", max_length=36)]
    fields: list[Any] = [
        ("format", Annotated[int, msgspec.Meta(ge=FORMAT, le=FORMAT)]),
        ("instance", identifier),
        ("record", identifier),
        ("sequence", Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE_INTEGER)]),
    ]
    return msgspec.defstruct("batch", fields + _table_fields(), forbid_unknown_fields=True, gc=False)


def _table_fields() -> list[Any]:
    return [(table.name, _struct_of(table) | msgspec.UnsetType, msgspec.UNSET) for table in TABLES.values()]


_NAMES = {*_HEAD, *TABLES, TIME.name, *(column.name for table in TABLES.values() for column in table.wire_columns)}
_TABLES = msgspec.defstruct("tables", _table_fields(), forbid_unknown_fields=True, gc=False)
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_batch_struct(), strict=True)
