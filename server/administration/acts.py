"""What an operator's act is, and how one is called by name with JSON values.

Rules:

* An act is a function that takes a ``Desk`` and keyword arguments and returns a JSON value. Its type hints are the
  contract: arguments from outside are checked against them, and an unknown, missing or ill-typed one is refused with
  its name before the act begins.
* Each act leaves an audit entry: who (a token's name, or ``local``), which act, the id of what it was about. Never a
  value, never an instance id. The registry writes the entries of its own acts (invites, tokens, notices, endings) in
  the transaction of the act; all others are written here with ``Desk.note``.
* The command line and the HTTP API call acts through ``perform`` only, so both ways do the same.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

import msgspec

from server.config import Config
from server.errors import InvalidRequest, NotFound
from server.registry import Registry
from server.runtime import Runtime
from server.store.protocol import Store

Json = dict[str, Any]
P = ParamSpec("P")

LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an operator acts: what is open, who acts, and through which token (None on the machine itself)."""

    runtime: Runtime
    actor: str = LOCAL
    token_id: str | None = None

    @property
    def config(self) -> Config:
        """The settings."""
        return self.runtime.config

    @property
    def registry(self) -> Registry:
        """The open registry."""
        return self.runtime.registry

    @property
    def store(self) -> Store:
        """The open store."""
        return self.runtime.store

    @property
    def now_ms(self) -> int:
        """The clock, read now."""
        return self.runtime.now_ms()

    def note(self, what: str, subject: str) -> None:
        """Leave an audit entry."""
        self.registry.audit(self.actor, what, subject, self.now_ms)


@dataclass(frozen=True, slots=True)
class Act:
    """A function and the structure its arguments are checked against."""

    function: Callable[..., Json]
    arguments: type[msgspec.Struct]


ACTS: dict[str, Act] = {}


def act(verb: str) -> Callable[[Callable[Concatenate[Desk, P], Json]], Callable[Concatenate[Desk, P], Json]]:
    """Make a function known under ``verb``; it stays callable as it is."""

    def register(function: Callable[Concatenate[Desk, P], Json]) -> Callable[Concatenate[Desk, P], Json]:
        hints = inspect.get_annotations(function, eval_str=True)
        fields: list[Any] = []
        for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
            plain = parameter.default is inspect.Parameter.empty
            fields.append((name, hints[name]) if plain else (name, hints[name], parameter.default))
        ACTS[verb] = Act(function, msgspec.defstruct(verb, fields, forbid_unknown_fields=True, kw_only=True))
        return function

    return register


def perform(desk: Desk, verb: str, arguments: Mapping[str, Any]) -> Json:
    """Do an act by name. Raises NotFound for an unknown verb, InvalidRequest for arguments that do not fit, and what
    the act itself raises."""
    known = ACTS.get(verb)
    if known is None:
        raise NotFound(f"there is no act {verb[:40]!r}; there are: {', '.join(ACTS)}")
    try:
        checked = msgspec.convert(dict(arguments), known.arguments)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{verb}: {str(error).replace(' - at `$.', ' - at `')}") from error
    return known.function(desk, **{name: getattr(checked, name) for name in known.arguments.__struct_fields__})
