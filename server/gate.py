"""May this batch be stored? A pure function of the batch, the consent and the clock.

Rules, in this order:

1. An instance that nobody enrolled is answered like a bad signature, so that strangers cannot find out who takes part.
2. Withdrawn is final. Expired, superseded and terminated consents accept nothing either; each says so.
3. The batch names the consent record that is in force, and holds only tables that this record grants.
4. No table is sampled faster than its consented period. Beats come late on a busy machine, so a sample may be early by
   ``JITTER_MS`` and the period may run short by one per cent (clocks are slewed); nothing accumulates beyond that
   (the generic cell rate algorithm of ITU-T I.371). One step back of the wall clock per batch begins a new count.
"""

from collections.abc import Sequence

from consent.catalogue import TABLES
from consent.notice import Version
from consent.state import State, effective
from consent.wire import Batch, Columns, Problem
from server.errors import ProblemError
from server.registry.values import ConsentStatus

JITTER_MS = 750
#: Wall clock steps back that one batch may hold.
STEPS_BACK = 1

#: What an instance that is not known and a signature that is not valid are told, word for word the same.
STRANGER = "the request is not signed by a machine that takes part here"

_ENDED: dict[State, tuple[Problem, str]] = {
    State.WITHDRAWN: (Problem.CONSENT_WITHDRAWN, "this consent was withdrawn; joining again is a new consent"),
    State.EXPIRED: (Problem.CONSENT_EXPIRED, "this consent has expired; to go on, run: sysmetric consent give URL"),
    State.SUPERSEDED: (
        Problem.NOTICE_SUPERSEDED,
        "the notice has changed in substance; to go on, read the new one: sysmetric consent give URL",
    ),
    State.TERMINATED: (Problem.CONSENT_EXPIRED, "the operator ended this consent; nothing more is accepted under it"),
}


def admit(batch: Batch, status: ConsentStatus | None, current: Version, now_ms: int) -> None:
    """Return if the batch may be stored. ``current`` is the newest published notice. Raises ProblemError."""
    check_in_force(status, current, now_ms)
    assert status is not None  # check_in_force raises for a stranger
    if batch.record != status.record_id:
        raise ProblemError(Problem.CONSENT_REQUIRED, "the batch names another consent record than the one in force")
    for name, columns in batch.tables.items():
        if name not in status.granted:
            raise ProblemError(Problem.NOT_CONSENTED, f"the consent does not grant {name}", path=name)
        period_ms = status.granted[name] * 1000
        if any(_too_fast(times, period_ms) for times in _times_by_part(name, columns)):
            raise ProblemError(
                Problem.NOT_CONSENTED,
                f"{name} is sampled faster than the consent allows: every {status.granted[name]} s",
                path=f"{name}.time",
            )


def check_in_force(status: ConsentStatus | None, current: Version, now_ms: int) -> None:
    """Return if the consent accepts data now. Raises ProblemError saying how it ended."""
    if status is None:
        raise ProblemError(Problem.SIGNATURE_INVALID, STRANGER)
    state = effective(
        status.state,
        valid_until_ms=status.valid_until_ms,
        notice=status.notice_version,
        current=current,
        now_ms=now_ms,
    )
    if state is not State.GIVEN:
        raise ProblemError(*_ENDED[state])


def _times_by_part(table: str, columns: Columns) -> list[list[int]]:
    """The times of each core or device, in the order in which they were sent."""
    times: Sequence[int] = columns["time"]  # type: ignore[assignment]  # decoded as integers
    part = TABLES[table].part
    if part is None:
        return [list(times)]
    by_part: dict[object, list[int]] = {}
    for time, which in zip(times, columns[part.name], strict=True):
        by_part.setdefault(which, []).append(time)
    return list(by_part.values())


def _too_fast(times: list[int], period_ms: int) -> bool:
    due = previous = times[0]
    steps = 0
    for time in times:
        if time < previous:
            steps += 1
            due = time
        if steps > STEPS_BACK or time < due - JITTER_MS:
            return True
        due = max(time, due) + period_ms * 99 // 100
        previous = time
    return False
