"""Query parameters, each checked. What is wrong is named; what was sent is never echoed."""

from flask import request

from consent.catalogue import MAX_SAFE_INTEGER
from consent.wire import Problem
from server.errors import ProblemError
from server.row_formats import LAST_MS


def whole(name: str, low: int = 0, high: int = MAX_SAFE_INTEGER, default: int | None = None) -> int:
    """A whole number from ``low`` to ``high``; required without a ``default``. Raises ProblemError(INVALID_REQUEST)."""
    text = request.args.get(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 16 and low <= int(text) <= high):
        raise ProblemError(Problem.INVALID_REQUEST, f"{name} must be a whole number from {low} to {high}", path=name)
    return int(text)


def time_range(last_ms: int = LAST_MS) -> tuple[int, int]:
    """``start`` and ``end`` in ms, the end not included. Raises ProblemError(INVALID_REQUEST)."""
    start_ms, end_ms = whole("start", 0, last_ms), whole("end", 0, last_ms)
    if end_ms < start_ms:
        raise ProblemError(Problem.INVALID_REQUEST, "end must not be before start", path="end")
    return start_ms, end_ms


def one_of(name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    """One of ``allowed``; required without a ``default``. Raises ProblemError(INVALID_REQUEST)."""
    text = request.args.get(name, default)
    if text not in allowed:
        raise ProblemError(Problem.INVALID_REQUEST, f"{name} must be one of: {', '.join(allowed)}", path=name)
    return text
