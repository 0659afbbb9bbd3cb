"""Answers of Prometheus's HTTP API with node_exporter's metrics: ``/api/v1/query_range`` and ``/api/v1/query``.

Rules:

* Understood: a matrix, or several vectors one after another in one file. One vector is one moment: memory only.
* Any number of documents stream one after another; one of them is bounded, see ``content``.
* A sample that is no plain number, a time after 2100 (milliseconds, most likely), a series or a document that cannot be
  used is a fault with its place, and the rest is read. A file that gives no row at all is refused with its first fault.
"""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from server.errors import ImportFailed
from server.imports.content import check_looks_like_json, documents
from server.imports.format import Content, Format, Report
from server.imports.recording import QUERY, Known, Recording
from server.imports.values import Imported

STEPS = 600
_YEAR_2100 = 4_102_444_800


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: msgspec.Raw


class _Answer(msgspec.Struct):
    status: str
    data: _Data | msgspec.UnsetType = msgspec.UNSET
    error: str = ""


#: What decoding raises; msgspec's own errors are ValueErrors.
_UNREADABLE = (ValueError, RecursionError)
_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_result = msgspec.json.Decoder(list[_Series]).decode
_decode_samples = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_value = msgspec.json.Decoder(tuple[float, str]).decode


def _read(content: Content, report: Report) -> Iterator[Imported]:
    problems = _Problems(report)
    recording = Recording(problems.add)
    check_looks_like_json(content.head.lstrip(), content.name)
    any_rows = False

    def rows() -> Iterator[Imported]:
        nonlocal any_rows
        for source, tables in recording.rows(STEPS):
            any_rows = True
            yield Imported(content.machine(source), tables)

    for number, document in enumerate(documents(content.stream, content.name), start=1):
        _read_document(document, recording, "" if number == 1 else f"document {number}: ", problems.add)
        if recording.is_full or not content.steps:
            yield from rows()
    yield from rows()
    if not any_rows:
        place, reason = problems.first or ("data.result", _nothing(recording))
        raise ImportFailed(content.name, place, reason)


class _Problems:  # pylint: disable=too-few-public-methods  # the first of them and where they go
    """What cannot be used: a fault, and the reason given when nothing can."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.first: tuple[str, str] | None = None

    def add(self, place: str, reason: str) -> None:
        """One more. Raises ImportFailed under ``--strict``."""
        self.first = self.first or (place, reason)
        self._report.fault(place, reason)


def _nothing(recording: Recording) -> str:
    if recording.is_of_interest:
        return "the counters are those of one scrape, and a rate takes two; save an answer of /api/v1/query_range"
    return f"there is nothing of CPU, memory or whole disks in it; widen the time range or query {QUERY}"


def _matches(head: bytes) -> bool:
    return re.match(rb"\s*\{.{0,2000}?\"resultType\"", head, re.DOTALL) is not None or b'"status":"error"' in head[:200]


FORMAT = Format("prometheus", "answers of Prometheus's HTTP API (JSON)", _matches, _read)


def _read_document(document: bytes, recording: Recording, prefix: str, problem: Callable[[str, str], None]) -> None:
    """The samples of one document into the recording; what is wrong with it is told."""
    try:
        answer = _decode_answer(document)
    except msgspec.ValidationError as error:
        reason, path = _place(error)
        problem(f"{prefix}{path.removeprefix('.')}", f"not an answer of Prometheus's HTTP API: {reason}")
        return
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "is cut off" if "truncated" in str(error) else f"is damaged ({str(error)[:80]})"
        problem(prefix.removesuffix(": "), f"the JSON {reason}; export the file again")
        return
    if answer.status != "success" or answer.data is msgspec.UNSET:
        said = "".join(letter if letter.isprintable() else " " for letter in answer.error)[:200]
        problem(f"{prefix}status", f"Prometheus answered with an error: {said or answer.status[:40]}")
        return
    if answer.data.result_type not in ("matrix", "vector"):
        problem(f"{prefix}data.resultType", f"expected matrix or vector, found {answer.data.result_type[:40]!r}")
        return
    place = f"{prefix}data.result"
    try:
        result = _decode_result(answer.data.result)
    except _UNREADABLE as error:
        reason, path = _place(error)
        problem(place + path, reason)
        return
    for index, series in enumerate(result):
        known = recording.find(series.metric, f"{place}[{index}]")
        if known is not None:
            _read_series(series, known, f"{place}[{index}]", problem)


def _read_series(series: _Series, known: Known, entry: str, problem: Callable[[str, str], None]) -> None:
    if series.values is not msgspec.UNSET:
        try:
            samples: list[Any] = _decode_samples(series.values)
        except _UNREADABLE as error:
            reason, path = _place(error)
            problem(f"{entry}.values{path}", reason)
            return
        for index, sample in enumerate(samples):
            _read_sample(sample, known, f"{entry}.values[{index}]", problem)
    elif series.value is not msgspec.UNSET:
        _read_sample(series.value, known, f"{entry}.value", problem)
    else:
        problem(entry, "there are neither values nor a value")


def _read_sample(sample: msgspec.Raw, known: Known, entry: str, problem: Callable[[str, str], None]) -> None:
    try:
        time, text = _decode_value(sample)
        moment, amount = _milliseconds(time), _amount(text, known.largest)
    except _UNREADABLE as error:
        reason, path = _place(error)
        problem(entry + path, reason)
        return
    known.track.add(moment, amount)


def _milliseconds(seconds: float) -> int:
    if not 0 <= seconds <= _YEAR_2100:
        raise ValueError("the time is not in seconds between 1970 and 2100")
    return round(seconds * 1000)


def _amount(text: str, largest: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"expected a number, found {text[:40]!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]!r} is no amount; a sample must be a plain number")
    if not 0 <= value <= largest:
        raise ValueError(f"{text[:40]!r} is below zero or more than any machine has")
    return value


def _place(error: Exception) -> tuple[str, str]:
    """msgspec's message as (reason, path below ``$``)."""
    reason, _, path = str(error)[:200].partition(" - at `$")
    return reason, path.rstrip("`")
