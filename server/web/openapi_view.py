"""``openapi.json`` as a page shows it: operations by tag, each with its parameters, body, answers and example.

Rules: what is written here is neutral of language (names, types, ranges); prose stays as the description has it. All of
it is worked out once, from the file that is served at ``/api/v1/openapi.json``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from server.api.openapi import document

Schema = Mapping[str, Any]

_NONE = object()


@dataclass(frozen=True, slots=True)
class Field:
    """One value: a parameter, or what stands at a place of a JSON document (``groups[].part``)."""

    name: str
    kind: str
    required: bool
    words: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One status: its media types, the fields of its JSON, or the types of problem that it stands for."""

    status: str
    words: str
    media: tuple[str, ...]
    fields: tuple[Field, ...]
    problems: tuple[str, ...]
    headers: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; ``anchor`` names it in the page. ``access`` is a key of the page's words."""

    anchor: str
    method: str
    path: str
    summary: str
    words: str
    access: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    body_words: str
    good: tuple[Answer, ...]
    bad: tuple[Answer, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A group of operations."""

    name: str
    words: str
    operations: tuple[Operation, ...]


@cache
def tags() -> tuple[Tag, ...]:
    """The whole description."""
    described = [
        (operation["tags"][0], _operation(path, method, operation))
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    ]
    return tuple(
        Tag(tag["name"], tag["description"], tuple(each for name, each in described if name == tag["name"]))
        for tag in document()["tags"]
    )


def _operation(path: str, method: str, operation: Schema) -> Operation:
    answers = [_answer(status, resolved(answer)) for status, answer in operation["responses"].items()]
    body = operation.get("requestBody", {})
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        words=operation.get("description", ""),
        access=_access(operation["security"]),
        parameters=tuple(_parameter(resolved(parameter)) for parameter in operation.get("parameters", ())),
        body=tuple(fields(schema)),
        body_words=body.get("description", ""),
        good=tuple(answer for answer in answers if int(answer.status) < 400),
        bad=tuple(answer for answer in answers if int(answer.status) >= 400),
        example=in_lines(operation["x-example"]),
    )


def _access(security: list[dict[str, Any]]) -> str:
    """Which words say who may ask: ``open``, ``some``, or the schemes."""
    if not security:
        return "open"
    names = [name for scheme in security for name in scheme]
    return "viewer" if {} in security and "session" in names else "-or-".join(names + ["nobody"] * ({} in security))


def _parameter(parameter: Schema) -> Field:
    schema = resolved(parameter["schema"])
    words = parameter.get("description") or schema.get("description", "")
    return Field(parameter["name"], kind_of(schema), parameter.get("required", False), words, place=parameter["in"])


def _answer(status: str, answer: Schema) -> Answer:
    content = answer.get("content", {})
    problem = content.get("application/problem+json")
    json = content.get("application/json", {}).get("schema", {})
    return Answer(
        status=status,
        words=answer["description"],
        media=tuple(content),
        fields=tuple(fields(json)),
        problems=tuple(problem["schema"]["allOf"][1]["properties"]["type"]["enum"]) if problem else (),
        headers=tuple(
            Field(name, "", header.get("required", False), header["description"])
            for name, header in answer.get("headers", {}).items()
        ),
    )


def resolved(part: Schema) -> Schema:
    """``part``, or what its ``$ref`` names."""
    while "$ref" in part:
        found: Any = document()
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def fields(schema: Schema, place: str = "") -> Iterator[Field]:
    """Every value that a JSON document of this schema may hold, outer ones first."""
    schema = resolved(schema)
    for name, inner in schema.get("properties", {}).items():
        inner_schema = resolved(inner)
        words = inner.get("description", inner_schema.get("description", ""))
        here = f"{place}{name}"
        yield Field(here, kind_of(inner_schema), name in schema.get("required", ()), words)
        yield from _inside(inner_schema, here)


def _inside(schema: Schema, here: str) -> Iterator[Field]:
    """The fields below one that has been named."""
    if "items" in schema:
        yield from fields(schema["items"], f"{here}[].")
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict) and resolved(rest).get("type") == "object":
        yield from _inside(resolved(rest), f"{here}.*")
        yield from fields(rest, f"{here}.*.")
    elif "properties" in schema:
        yield from fields(schema, f"{here}.")


def kind_of(schema: Schema) -> str:
    """The type of a value in a few signs: ``integer | null, 0 … 1``, ``"cpu" | "disk"``, ``integer[]``."""
    schema = resolved(schema)
    if "enum" in schema or "const" in schema:
        return " | ".join(f'"{value}"' if isinstance(value, str) else str(value).lower() for value in _values(schema))
    if "oneOf" in schema:
        return " | ".join(kind_of(each) for each in schema["oneOf"])
    if schema.get("type") == "array":
        inner = kind_of(schema["items"])
        return f"({inner})[]" if re.search(r"[ ,]", inner) else f"{inner}[]"
    types = schema.get("type", "any")
    kind = " | ".join([types] if isinstance(types, str) else types)
    return f"{kind}{_bounds(schema)}"


def _values(schema: Schema) -> list[Any]:
    return [value for value in schema.get("enum", [schema.get("const")]) if value != ""]


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    default = schema.get("default", _NONE)
    said = ""
    if high is not None and high < 10**12:  # the bound of every safe integer tells nobody anything
        said = f", {low} … {high}"
    elif low:
        said = f", ≥ {low}"
    return said if default is _NONE else f"{said}, default {default}"


def in_lines(example: str) -> str:
    """A command with each option in a line of its own; the shell reads it the same."""
    return re.sub(r" (?=-H |--data )", " \\\\\n  ", example)
