"""OpenTelemetry's host metrics in OTLP: which data points are of interest, and which part of a machine each of them is.

Rules:

* Both spellings of names are understood: the semantic conventions (``cpu.mode``, ``cpu.logical_number``,
  ``system.device``, ``disk.io.direction``, ``system.memory.state``) and the older ones that the Collector's hostmetrics
  receiver and Python's instrumentation send (``state``, ``cpu``, ``device``, ``direction``; ``system.swap.usage``).
* Python's instrumentation counts cores from 1, and its swap is in bytes whatever its unit says. The Collector's mode
  ``wait`` is iowait, its ``interrupt`` the hardware's alone.
* Other metrics, other modes and what is no whole disk are of no interest and no fault. What is of interest and cannot
  be used is refused, counted by data point, and told in a few words.
* The name of the machine is ``host.name`` of the resource, else ``service.instance.id``.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# Generated modules make their names as they are loaded, where Pylint does not see them.
# pylint: disable=no-name-in-module
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, DataPointFlags, Metric

# pylint: enable=no-name-in-module

from consent.catalogue import MAX_SAFE_INTEGER
from server.imports.devices import is_device_name, is_whole_disk
from server.imports.node_exporter import LARGEST_COUNTER

#: Kinds of points: counters since some start, counters of an interval, and what is so at a moment.
CPU, CPU_DELTA, CPU_SHARE = "cpu", "cpu delta", "cpu share"
DISK, DISK_DELTA = "disk", "disk delta"
MEMORY = "memory"
#: ``Host.paging``: the machine sends metrics of paging; without usage among them it has no swap space.
_PAGING = "system.paging."
_COUNTS_FROM_ONE = "opentelemetry.instrumentation.system_metrics"
_MOST_WORDS = 5
_CORE = re.compile(r"(?:cpu)?([0-9]{1,5})")
_LARGEST_CORE = 32767
_MODES = {
    **{mode: mode for mode in ("user", "system", "nice", "idle", "iowait", "steal", "irq", "softirq")},
    "wait": "iowait",
    "interrupt": "irq",
}
_SECONDS, _BYTES, _ONE = frozenset({"s", ""}), frozenset({"By", ""}), frozenset({"1", ""})
_OPERATIONS = frozenset({"{operation}", "{operations}", "operations", "1", ""})


@dataclass(frozen=True, slots=True)
class _Known:
    """One metric of interest: its kind when cumulative and when delta, its units and the name of its value."""

    kind: str
    delta: str
    units: frozenset[str]
    name: str


_METRICS = {
    "system.cpu.time": _Known(CPU, CPU_DELTA, _SECONDS, "mode"),
    "system.cpu.utilization": _Known(CPU_SHARE, "", _ONE, "mode"),
    "system.memory.usage": _Known(MEMORY, "", _BYTES, "usage"),
    "system.memory.utilization": _Known(MEMORY, "", _ONE, "utilization"),
    "system.memory.limit": _Known(MEMORY, "", _BYTES, "limit"),
    "system.memory.linux.available": _Known(MEMORY, "", _BYTES, "available"),
    "system.linux.memory.available": _Known(MEMORY, "", _BYTES, "available"),
    "system.paging.usage": _Known(MEMORY, "", _BYTES, "swap"),
    "system.swap.usage": _Known(MEMORY, "", _BYTES | {"pages"}, "swap"),
    "system.disk.io": _Known(DISK, DISK_DELTA, _BYTES, "bytes"),
    "system.disk.operations": _Known(DISK, DISK_DELTA, _OPERATIONS, "operations"),
    "system.disk.io_time": _Known(DISK, DISK_DELTA, _SECONDS, "io_time"),
}
_DIRECTIONS = {
    ("bytes", "read"): "read_bytes",
    ("bytes", "write"): "write_bytes",
    ("operations", "read"): "reads",
    ("operations", "write"): "writes",
}
_USABLE = "a sum, cumulative or delta"


@dataclass(frozen=True, slots=True)
class Point:
    """One data point. ``part`` is the core, the disk or the swap device; ``start_ms`` is 0 where it is not told."""

    part: int | str
    name: str
    time_ms: int
    start_ms: int
    value: float


@dataclass(slots=True)
class Refusals:
    """How many data points were refused, and why, in a few words that hold nothing of what was sent but names."""

    points: int = 0
    words: list[str] = field(default_factory=list)

    def refuse(self, points: int, words: str) -> None:
        """Count ``points`` and keep the words once."""
        self.points += points
        if points and words not in self.words and len(self.words) < _MOST_WORDS:
            self.words.append(words)


@dataclass(slots=True)
class Host:
    """The points of interest of one machine, by kind."""

    kinds: dict[str, list[Point]] = field(default_factory=dict)
    paging: bool = False

    @property
    def count(self) -> int:
        """How many data points."""
        return sum(len(points) for points in self.kinds.values())


def hosts(request: ExportMetricsServiceRequest, refusals: Refusals, window: tuple[int, int]) -> dict[str, Host]:
    """The machines by name, empty where the resource has none. Points outside ``window`` (ms) are refused."""
    found: dict[str, Host] = {}
    for resource in request.resource_metrics:
        host = found.setdefault(_name(_attributes(resource.resource.attributes)), Host())
        for scope in resource.scope_metrics:
            first = 1 if scope.scope.name == _COUNTS_FROM_ONE else 0
            for metric in scope.metrics:
                host.paging = host.paging or metric.name.startswith(_PAGING)
                if metric.name in _METRICS:
                    _read(host, metric, first, refusals, window)
    return {name: host for name, host in found.items() if host.kinds}


def points_in(request: ExportMetricsServiceRequest) -> int:
    """All data points, of interest or not."""
    return sum(
        len(getattr(metric, kind).data_points)
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if (kind := metric.WhichOneof("data"))
    )


def _name(attributes: Mapping[str, str]) -> str:
    return attributes.get("host.name") or attributes.get("service.instance.id") or ""


def _read(host: Host, metric: Metric, first_core: int, refusals: Refusals, window: tuple[int, int]) -> None:
    known = _METRICS[metric.name]
    shape = metric.WhichOneof("data")
    if shape is None:
        return
    data: Any = getattr(metric, shape)
    kind = _kind(known, shape, data)
    if not kind:
        refusals.refuse(len(data.data_points), f"{metric.name} is not {_USABLE if known.delta else 'a gauge or a sum'}")
        return
    if metric.unit not in known.units:
        refusals.refuse(len(data.data_points), f"the unit of {metric.name} is not {max(known.units, key=len)}")
        return
    for sent in data.data_points:
        try:
            for point in _point(known, sent, first_core, window):
                host.kinds.setdefault(kind, []).append(point)
        except ValueError as error:
            refusals.refuse(1, f"{metric.name}: {error}")


def _kind(known: _Known, shape: str, data: Any) -> str:
    """The kind of the metric's points; empty where it cannot be used."""
    if not known.delta:  # a gauge, or a sum that goes up and down
        fits = shape == "gauge" or (
            shape == "sum" and data.aggregation_temporality != AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
        )
        return known.kind if fits else ""
    if shape != "sum":
        return ""
    return {
        AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE: known.kind,
        AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA: known.delta,
    }.get(data.aggregation_temporality, "")


def _point(known: _Known, sent: Any, first_core: int, window: tuple[int, int]) -> Iterator[Point]:
    """The point, unless it is of no interest. Raises ValueError."""
    if sent.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK:
        return
    attributes = _attributes(sent.attributes)
    key = _key(known, attributes, first_core)
    if key is None:
        return
    time_ms, start_ms = sent.time_unix_nano // 1_000_000, sent.start_time_unix_nano // 1_000_000
    if not time_ms:
        raise ValueError("a data point has no time")
    if not window[0] <= time_ms <= window[1]:
        raise ValueError("a data point is older than what is kept" if time_ms < window[0] else "a time in the future")
    which = sent.WhichOneof("value")
    value = float(getattr(sent, which)) if which else math.nan
    largest = 1.001 if known.units is _ONE else MAX_SAFE_INTEGER if known.kind == MEMORY else LARGEST_COUNTER
    if not 0 <= value <= largest:  # nor NaN
        raise ValueError("a value is missing, or cannot be")
    yield Point(*key, time_ms, start_ms, value)


def _key(known: _Known, attributes: Mapping[str, str], first_core: int) -> tuple[int | str, str] | None:
    """The part and the name of a value; None for what is of no interest. Raises ValueError."""
    if known.kind == MEMORY:
        state = attributes.get("system.memory.state") or attributes.get("system.paging.state") or ""
        device = attributes.get("system.device") or attributes.get("device") or ""
        return device, f"{known.name} {state or attributes.get('state', '')}".strip()
    if known.name == "mode":
        mode = _MODES.get(attributes.get("cpu.mode") or attributes.get("state") or "")
        found = _CORE.fullmatch(attributes.get("cpu.logical_number") or attributes.get("cpu") or "")
        if found is None:
            raise ValueError("no number of a core in cpu.logical_number or cpu")
        core = int(found[1]) - first_core
        if not 0 <= core <= _LARGEST_CORE:
            raise ValueError("the number of a core cannot be")
        return None if mode is None else (core, mode)
    device = attributes.get("system.device") or attributes.get("device") or ""
    if not is_device_name(device):
        raise ValueError("no short name of a disk in system.device or device")
    if not is_whole_disk(device):
        return None
    direction = attributes.get("disk.io.direction") or attributes.get("direction") or ""
    name = known.name if known.name == "io_time" else _DIRECTIONS.get((known.name, direction))
    if name is None:
        raise ValueError("the direction is neither read nor write")
    return device, name


def _attributes(sent: Any) -> dict[str, str]:
    """Attributes that are text or whole numbers, as text."""
    found: dict[str, str] = {}
    for attribute in sent:
        which = attribute.value.WhichOneof("value")
        if which in ("string_value", "int_value"):
            found[attribute.key] = str(getattr(attribute.value, which))
    return found
