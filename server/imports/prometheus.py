"""Answers of Prometheus's HTTP API with node_exporter's metrics: ``/api/v1/query_range`` and ``/api/v1/query``.

Rules:

* Understood: a matrix, or several vectors one after another in one file. One vector is one moment: memory only.
* Machines are told apart by the label ``instance``, which becomes the name of the source. Two series of one metric for
  one machine (two jobs, two replicas) are refused: which one is meant cannot be guessed.
* Other metrics are skipped. Of disks only whole ones count: no partitions, nor what lies on other disks or in memory
  (loop, ram, zram, device-mapper, md). Guest time is in user and nice already.
* The file is refused as a whole, with the place in it, for a sample that is no plain number, for times after 2100
  (milliseconds, most likely) and for a table that lacks a metric it needs.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import msgspec

from consent.catalogue import MAX_SAFE_INTEGER
from server.errors import ImportFailed
from server.imports.content import check_looks_like_json, read_content, split_documents
from server.imports.devices import is_whole_disk
from server.imports.format import Content, Format, Report
from server.imports.node_exporter import CPU, DISK, LARGEST_COUNTER, MEMORY, MODES
from server.imports.rates import Machine, Track, chunks, missing_disk, missing_memory, without_repeats
from server.imports.values import Imported

STEPS = 600
_YEAR_2100 = 4_102_444_800

_NAMES = {short: name for name, short in (MEMORY | DISK).items()}
#: What to ask Prometheus for; messages tell it.
QUERY = (
    '{__name__=~"node_cpu_seconds_total|node_memory_(Mem|Swap)(Total|Available|Free)_bytes'
    '|node_disk_(read_bytes|written_bytes|reads_completed|writes_completed|io_time_seconds)_total"}'
)

_DEVICE = re.compile(r"[!-~]{1,64}")
_CORE = re.compile(r"[0-9]{1,5}")
_LONGEST_NAME = 255


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
_decode_values = msgspec.json.Decoder(list[tuple[float, str]]).decode
_decode_value = msgspec.json.Decoder(tuple[float, str]).decode


@dataclass(slots=True)
class _Known:
    """One series of interest: the labels that make it, where it was seen first, the largest value, its samples."""

    labels: dict[str, str]
    entry: str
    largest: float
    track: Track = field(default_factory=Track)


def read(stream: BinaryIO, name: str) -> Iterator[Imported]:
    """The file's machines one after another, each in time order, at most ``STEPS`` time steps a chunk.

    Raises ImportFailed before the first chunk.
    """
    recording = _Recording(name)
    content = read_content(stream, name)
    check_looks_like_json(content, name)
    for prefix, answer in _answers(content, name):
        _read_answer(answer, recording, prefix)
    del content  # the samples are in arrays now
    any_rows = False
    for source, machine in recording.settled():
        for tables in chunks(without_repeats(machine), STEPS):
            any_rows = True
            yield Imported(source, tables)
    if not any_rows:
        raise ImportFailed(
            name,
            "data.result",
            "the counters are those of one scrape, and a rate takes two; save an answer of /api/v1/query_range",
        )


def _read_content(content: Content, report: Report) -> Iterator[Imported]:
    yield from read(content.stream, report.name)


def _matches(head: bytes) -> bool:
    return re.match(rb"\s*\{.{0,2000}?\"resultType\"", head, re.DOTALL) is not None or b'"status":"error"' in head[:200]


FORMAT = Format("prometheus", "answers of Prometheus's HTTP API (JSON)", _matches, _read_content)


class _Recording:
    """All series of a file, by machine."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._series: dict[tuple[str, str, str], _Known] = {}

    def failed(self, entry: str, reason: str) -> ImportFailed:
        """The error to raise."""
        return ImportFailed(self.name, entry, reason)

    def find(self, metric: dict[str, str], entry: str) -> _Known | None:
        """Where the samples of this series go; None if it is not of interest. Raises ImportFailed."""
        if "__name__" not in metric:
            raise self.failed(
                f"{entry}.metric",
                "the series has no name, as after rate() or sum(); query the counters themselves: " + QUERY,
            )
        name = metric["__name__"]
        part = self._part(name, metric, entry)
        if part is None:
            return None
        source = metric.get("instance", "")
        if not 0 < len(source) <= _LONGEST_NAME or not source.isprintable():
            raise self.failed(
                f"{entry}.metric", "the label instance, which tells machines apart, is missing or unusable"
            )
        largest = MAX_SAFE_INTEGER if name in MEMORY else LARGEST_COUNTER
        known = self._series.setdefault((source, name, part), _Known(metric, entry, largest))
        if known.labels != metric:
            labels = sorted(dict(known.labels.items() ^ metric.items()))
            raise self.failed(
                entry,
                f"a second series of {name} for {source} beside {known.entry}: {', '.join(labels)}; query one of them",
            )
        return known

    def _part(self, name: str, metric: dict[str, str], entry: str) -> str | None:
        if name in MEMORY:
            return ""
        if name == CPU:
            core = metric.get("cpu", "")
            if not _CORE.fullmatch(core) or int(core) > 32767:
                raise self.failed(f"{entry}.metric.cpu", "expected the number of a core")
            return f"{int(core)} {metric['mode']}" if metric.get("mode") in MODES else None
        if name in DISK:
            device = metric.get("device", "")
            if not _DEVICE.fullmatch(device):
                raise self.failed(f"{entry}.metric.device", "expected the short name of a disk")
            return device if is_whole_disk(device) else None
        return None

    def settled(self) -> Iterator[tuple[str, Machine]]:
        """The machines by name. Raises ImportFailed, before the first, for contradictions and for what is missing."""
        machines: dict[str, Machine] = {}
        for (source, name, part), known in sorted(self._series.items(), key=lambda item: item[0]):
            if not known.track.times:
                continue
            contradicted = known.track.settle()
            if contradicted is not None:
                raise self.failed(known.entry, f"two different values of {name} at {contradicted / 1000:.3f}")
            machine = machines.setdefault(source, Machine())
            if name in MEMORY:
                machine.memory[MEMORY[name]] = known.track
            elif name in DISK:
                machine.disk.setdefault(part, {})[DISK[name]] = known.track
            else:
                core, mode = part.split()
                machine.cpu.setdefault(int(core), {})[mode] = known.track
        if not machines:
            raise self.failed(
                "data.result",
                f"there is nothing of CPU, memory or whole disks in it; widen the time range or query {QUERY}",
            )
        for source, machine in machines.items():
            self._check_complete(source, machine)
        yield from machines.items()

    def _check_complete(self, source: str, machine: Machine) -> None:
        missing = missing_memory(machine.memory) if machine.memory else []
        for counters in machine.disk.values():
            missing = missing or missing_disk(counters)
        if missing:
            names = ", ".join(_NAMES[short] for short in missing)
            raise self.failed("data.result", f"{source} lacks {names}; query {QUERY}")


def _answers(content: bytes, name: str) -> Iterator[tuple[str, _Answer]]:
    """Each document and what to put before the places in it: nothing where there is one only."""
    try:
        yield "", _decode(content, name, "")
        return
    except ImportFailed as error:
        whole = error
    for number, document in enumerate(split_documents(content), start=1):
        if len(document) == len(content):
            raise whole
        prefix = f"document {number}: "
        yield prefix, _decode(document, name, prefix)


def _decode(document: bytes | memoryview, name: str, prefix: str) -> _Answer:
    try:
        return _decode_answer(document)
    except msgspec.ValidationError as error:
        reason, path = _place(error)
        raise ImportFailed(
            name, f"{prefix}{path.removeprefix('.')}", f"not an answer of Prometheus's HTTP API: {reason}"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "is cut off" if "truncated" in str(error) else f"is damaged ({str(error)[:80]})"
        raise ImportFailed(name, prefix.removesuffix(": "), f"the JSON {reason}; export the file again") from error


def _read_answer(answer: _Answer, recording: _Recording, prefix: str) -> None:
    if answer.status != "success" or answer.data is msgspec.UNSET:
        said = "".join(letter if letter.isprintable() else " " for letter in answer.error)[:200]
        raise recording.failed(f"{prefix}status", f"Prometheus answered with an error: {said or answer.status[:40]}")
    if answer.data.result_type not in ("matrix", "vector"):
        kind = answer.data.result_type[:40]
        raise recording.failed(f"{prefix}data.resultType", f"expected matrix or vector, found {kind!r}")
    place = f"{prefix}data.result"
    try:
        result = _decode_result(answer.data.result)
    except _UNREADABLE as error:
        reason, path = _place(error)
        raise recording.failed(place + path, reason) from error
    for index, series in enumerate(result):
        known = recording.find(series.metric, f"{place}[{index}]")
        if known is not None:
            _read_series(series, known, recording, f"{place}[{index}]")


def _read_series(series: _Series, known: _Known, recording: _Recording, entry: str) -> None:
    where = entry
    try:
        if series.values is not msgspec.UNSET:
            where = f"{entry}.values"
            for index, (time, text) in enumerate(_decode_values(series.values)):
                where = f"{entry}.values[{index}]"
                known.track.add(_milliseconds(time), _amount(text, known.largest))
        elif series.value is not msgspec.UNSET:
            where = f"{entry}.value"
            time, text = _decode_value(series.value)
            known.track.add(_milliseconds(time), _amount(text, known.largest))
        else:
            raise ValueError("there are neither values nor a value")
    except _UNREADABLE as error:
        reason, path = _place(error)
        raise recording.failed(where + path, reason) from error


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
