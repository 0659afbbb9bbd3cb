"""``GET /api/v1/instances``: the machines that the viewer may see, each with its newest values.

Rules:

* Filtering, sorting and paging happen here, so that a page of a thousand machines costs what a page of fifty does.
* ``counts`` are of everything the viewer may see, ``total`` of what the question left over.
* A value that is not there sorts last, whichever way; equal values sort by alias. So an order never flickers.
* A page beyond the last one is the last one: machines may have gone since the link was made.
* A machine whose volunteer paused it is ``paused`` at once, until it samples again.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request

from consent.alias import alias_of
from consent.wire import Problem
from server.api.parameters import one_of, whole
from server.api.state import runtime
from server.errors import ProblemError
from server.registry.pauses import Paused
from server.store.protocol import InstanceSummary
from server.api.viewer import Viewer, current_viewer, may_see

blueprint = Blueprint("instances", __name__)

#: An agent sends every few seconds; one that sampled within this long, or three of its periods, is live.
LIVE_MS = 15_000
#: Beyond this it is gone rather than late.
LATE_MS = 5 * 60_000

STATES = ("live", "late", "paused", "gone")
SOURCES = ("volunteer", "open-server")
MOST_WORDS = 100
MOST_ROWS = 200
MOST_NAMED = 100
_MOST_PAGES = 1_000_000

Entry = dict[str, Any]


_KEYS: dict[str, Callable[[Entry], Any]] = {
    "name": lambda entry: entry["alias"],
    "source": lambda entry: SOURCES.index(entry["source"]),
    "state": lambda entry: STATES.index(entry["state"]),
    "seen": lambda entry: entry["last_seen"],
    "cpu": lambda entry: entry["cpu_busy"],
    "memory": lambda entry: entry["memory_used_ratio"],
    "disk": lambda entry: entry["disk_bytes_per_second"],
}
#: What ``sort`` may be: ascending, and with a minus descending.
SORTS = (*_KEYS, *(f"-{key}" for key in _KEYS))


@dataclass(frozen=True, slots=True)
class Question:
    """Which machines, in which order. ``words`` must all occur in alias, name or source; ``size`` None is all."""

    words: str = ""
    sort: str = "name"
    page: int = 1
    size: int | None = None
    source: str = ""
    state: str = ""
    only: tuple[str, ...] = ()


@blueprint.get("/api/v1/instances")
def get_instances() -> Response:
    """The overview of this request's viewer."""
    return jsonify(overview(current_viewer(), _question()))


def overview(viewer: Viewer, question: Question = Question()) -> dict[str, Any]:
    """What ``/api/v1/instances`` answers. ``cursor`` is read first, so ``/api/v1/live`` after it misses nothing."""
    store, now_ms = runtime().store, runtime().now_ms()
    sources = runtime().registry.sources()
    cursor = store.cursor()
    live_ms = max(LIVE_MS, 3 * 1000 * runtime().config.period_seconds)
    paused = runtime().registry.paused_instances(now_ms)
    visible = [
        _shown(summary, sources.get(summary.instance), _state(summary, now_ms, live_ms, paused))
        for summary in store.latest()
        if may_see(viewer, summary.instance, sources)
    ]
    return {"cursor": cursor, "now": now_ms, **answered(visible, question)}


def answered(visible: list[Entry], question: Question) -> dict[str, Any]:
    """The part of an overview that ``question`` asks for, with counts. Pure."""
    left = [entry for entry in visible if _fits(entry, question)]
    size = question.size if question.size is not None else max(len(left), 1)
    page = min(question.page, max(1, -(-len(left) // size)))
    return {
        "newest": max((entry["last_seen"] for entry in visible), default=None),
        "counts": counts(visible),
        "total": len(left),
        "page": page,
        "size": size,
        "instances": ordered(left, question.sort)[(page - 1) * size : page * size],
    }


def counts(visible: list[Entry]) -> dict[str, int]:
    """How many machines there are, in ``all``, by state and by source."""
    states = Counter(entry["state"] for entry in visible)
    sources = Counter(entry["source"] for entry in visible)
    return {"all": len(visible), **{name: states[name] for name in STATES}, **{name: sources[name] for name in SOURCES}}


def ordered(entries: list[Entry], sort: str) -> list[Entry]:
    """``entries`` in the order that ``sort``, one of SORTS, asks for."""
    key = _KEYS[sort.removeprefix("-")]
    by_name = sorted(entries, key=lambda entry: (entry["alias"], entry["instance"]))
    there = [entry for entry in by_name if key(entry) is not None]
    absent = [entry for entry in by_name if key(entry) is None]
    # reverse keeps the order of equals, which is by name in both directions
    return sorted(there, key=key, reverse=sort.startswith("-")) + absent


def state_of(age_ms: int, live_ms: int) -> str:
    """``live``, ``late`` or ``gone``, from the age of the newest sample."""
    if age_ms <= live_ms:
        return "live"
    return "late" if age_ms <= max(LATE_MS, 2 * live_ms) else "gone"


def named_instances(most: int = MOST_NAMED) -> tuple[str, ...]:
    """The values of ``instance``, at most ``most``. Raises ProblemError(INVALID_REQUEST)."""
    named = request.args.getlist("instance")
    if len(named) > most or any(len(name) > 64 for name in named):
        raise ProblemError(Problem.INVALID_REQUEST, f"instance must be at most {most} ids", path="instance")
    return tuple(dict.fromkeys(named))


def _question() -> Question:
    words = request.args.get("q", "")
    if len(words) > MOST_WORDS:
        raise ProblemError(Problem.INVALID_REQUEST, f"q must be at most {MOST_WORDS} characters", path="q")
    return Question(
        words=words,
        sort=one_of("sort", SORTS, "name"),
        page=whole("page", 1, _MOST_PAGES, 1),
        size=whole("size", 1, MOST_ROWS) if "size" in request.args else None,
        source=one_of("source", ("", *SOURCES), ""),
        state=one_of("state", ("", *STATES), ""),
        only=named_instances(),
    )


def _fits(entry: Entry, question: Question) -> bool:
    if question.only and entry["instance"] not in question.only:
        return False
    if question.source and entry["source"] != question.source:
        return False
    if question.state and entry["state"] != question.state:
        return False
    text = f"{entry['alias']} {entry.get('name', '')} {entry['source']}".casefold()
    return all(word in text for word in question.words.casefold().split())


def _state(summary: InstanceSummary, now_ms: int, live_ms: int, paused: Paused) -> str:
    if paused.rests(summary.instance, summary.last_time):
        return "paused"
    return state_of(now_ms - summary.last_time, live_ms)


def _shown(summary: InstanceSummary, name: str | None, state: str) -> Entry:
    shown: Entry = {
        "instance": summary.instance,
        "alias": alias_of(summary.instance),
        "source": "volunteer" if name is None else "open-server",
        "last_seen": summary.last_time,
        "state": state,
        "cpu_busy": summary.cpu_busy,
        "memory_used_ratio": summary.memory_used_ratio,
        "disk_read_bytes_per_second": summary.disk_read_bytes_per_second,
        "disk_write_bytes_per_second": summary.disk_write_bytes_per_second,
        "disk_bytes_per_second": _throughput(summary),
        "cores": summary.cores,
        "memory_total_bytes": summary.memory_total_bytes,
    }
    return shown if name is None else {**shown, "name": name}


def _throughput(summary: InstanceSummary) -> float | None:
    read, write = summary.disk_read_bytes_per_second, summary.disk_write_bytes_per_second
    return None if read is None and write is None else (read or 0.0) + (write or 0.0)
