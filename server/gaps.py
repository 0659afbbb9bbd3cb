"""Where a chart has a hole, and why: pure.

Rules:

* What was sampled is known per bucket. A stretch without samples is a gap when it is longer than ``tolerance_ms``:
  the usual distance between samples must not look like one.
* A gap is cut where its reason changes. ``midnight``: before the retention floor everything is deleted. ``paused``: the
  machine told so. ``offline``: nothing is known.
* A piece too short to be a gap of its own takes the reason of its neighbour: a machine notices a pause within a second.
* A gap that lasts has no end (None).
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why nothing is there."""

    PAUSED = "paused"
    MIDNIGHT = "midnight"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Gap:
    """``start_ms <= time < end_ms`` without samples; ``end_ms`` None while it lasts."""

    start_ms: int
    end_ms: int | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Stretch:
    """``start_ms <= time < end_ms``."""

    start_ms: int
    end_ms: int


def tolerance(filled: Sequence[int], least_ms: int) -> int:
    """How long the silence between samples may be: three times the usual distance, and ``least_ms`` at least."""
    distances = [later - earlier for earlier, later in zip(filled, filled[1:], strict=False)]
    return max(least_ms, round(3 * statistics.median(distances))) if distances else least_ms


def stretches(filled: Sequence[int], bucket_ms: int, whole: Stretch, tolerance_ms: int) -> list[Stretch]:
    """The parts of ``whole`` without samples. ``filled`` are the starts of the buckets with samples, ascending."""
    edges = [whole.start_ms]
    for start in filled:
        edges += [start, start + bucket_ms]
    edges.append(whole.end_ms)
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [Stretch(start, end) for start, end in pairs if end - start > tolerance_ms]


def explain(
    empty: Iterable[Stretch], pauses: Iterable[Stretch], floor_ms: int, tolerance_ms: int, lasting_ms: int
) -> list[Gap]:
    """The gaps in ``empty``, in order; one that reaches ``lasting_ms`` (now) lasts."""
    known = sorted(pauses, key=lambda pause: pause.start_ms)
    found: list[Gap] = []
    for stretch in empty:
        for start, end, reason in _merged(_pieces(stretch, known, floor_ms), tolerance_ms):
            found.append(Gap(start, None if end >= lasting_ms else end, reason))
    return found


def _pieces(stretch: Stretch, pauses: Sequence[Stretch], floor_ms: int) -> list[tuple[int, int, Reason]]:
    pieces: list[tuple[int, int, Reason]] = []
    at = stretch.start_ms

    def add(end: int, reason: Reason) -> None:
        nonlocal at
        end = min(end, stretch.end_ms)
        if end > at:
            pieces.append((at, end, reason))
            at = end

    add(floor_ms, Reason.MIDNIGHT)
    for pause in pauses:
        add(pause.start_ms, Reason.OFFLINE)
        add(pause.end_ms, Reason.PAUSED)
    add(stretch.end_ms, Reason.OFFLINE)
    return pieces


def _merged(pieces: list[tuple[int, int, Reason]], tolerance_ms: int) -> list[tuple[int, int, Reason]]:
    """Pieces that are too short join the longer of their neighbours, and equal neighbours become one."""
    pieces = list(pieces)
    while len(pieces) > 1:
        index = min(range(len(pieces)), key=lambda at: pieces[at][1] - pieces[at][0])
        start, end, reason = pieces[index]
        if end - start > tolerance_ms:
            break
        beside = [at for at in (index - 1, index + 1) if 0 <= at < len(pieces)]
        other = max(beside, key=lambda at: pieces[at][1] - pieces[at][0])
        first, last = sorted((index, other))
        pieces[first : last + 1] = [(pieces[first][0], pieces[last][1], pieces[other][2])]
    joined: list[tuple[int, int, Reason]] = []
    for start, end, reason in pieces:
        if joined and joined[-1][2] is reason:
            joined[-1] = (joined[-1][0], end, reason)
        else:
            joined.append((start, end, reason))
    return joined
