"""Frozen dataclasses to JSON objects and back, strictly.

Rules: every field is required and no other key is allowed; an integer is no bool and a float is never an integer;
the error names the path (``processing[1].granted``). Types understood: str, int, bool, ``X | None``, StrEnum,
``tuple[X, ...]``, ``dict[str, X]`` and nested dataclasses.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

from consent.errors import RecordError

T = TypeVar("T")


def to_payload(value: Any) -> Any:
    """The JSON form of a document, in field order."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_payload(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [to_payload(item) for item in value]
    if isinstance(value, Mapping):
        return {name: to_payload(item) for name, item in value.items()}
    return value


def from_payload(cls: type[T], payload: object, path: str = "") -> T:
    """Build ``cls`` from verified JSON. Raises RecordError with the path of the first thing that is wrong."""
    if not isinstance(payload, dict):
        raise RecordError(path or "document", "expected an object")
    hints = typing.get_type_hints(cls)
    prefix = f"{path}." if path else ""
    for name in payload:
        if name not in hints:
            raise RecordError(f"{prefix}{str(name)[:40]}", "unknown field")
    for name in hints:
        if name not in payload:
            raise RecordError(f"{prefix}{name}", "missing")
    return cls(**{name: _convert(hint, payload[name], prefix + name) for name, hint in hints.items()})


def _convert(hint: Any, value: object, path: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is types.UnionType or origin is typing.Union:
        if value is None:
            return None
        return _convert(next(arm for arm in typing.get_args(hint) if arm is not types.NoneType), value, path)
    if origin is tuple:
        if not isinstance(value, list):
            raise RecordError(path, "expected a list")
        item = typing.get_args(hint)[0]
        return tuple(_convert(item, entry, f"{path}[{index}]") for index, entry in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise RecordError(path, "expected an object")
        item = typing.get_args(hint)[1]
        return {name: _convert(item, entry, f"{path}.{name}") for name, entry in value.items()}
    if dataclasses.is_dataclass(hint):
        return from_payload(typing.cast("type[Any]", hint), value, path)
    return _scalar(hint, value, path)


def _scalar(hint: Any, value: object, path: str) -> Any:
    if issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError as error:
            raise RecordError(path, f"expected one of {', '.join(str(member.value) for member in hint)}") from error
    if type(value) is not hint:  # pylint: disable=unidiomatic-typecheck  # exact: True is an int to isinstance
        raise RecordError(path, f"expected {hint.__name__}")
    return value
