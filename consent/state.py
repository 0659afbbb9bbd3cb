"""The consent state machine: pure, no clock, no I/O.

Rules:

* Only ``given`` accepts data.
* ``withdrawn`` is final: joining again is a new key and a new instance (as ACME account deactivation, RFC 8555
  section 7.3.6). Withdrawing twice is the same as once.
* ``expired`` and ``superseded`` follow from the clock and from the current notice, so nobody has to run for them to
  take effect; ``effective`` computes them. A MAJOR notice version supersedes, MINOR and PATCH do not
  (EDPB Guidelines 05/2020 section 110; WP260 rev.01 section 29).
* A volunteer may withdraw in every state, also after the operator terminated.
"""

from enum import StrEnum

from consent.errors import TransitionRefused
from consent.notice import Version


class State(StrEnum):
    """Where a consent stands."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    TERMINATED = "terminated"


class Act(StrEnum):
    """What can happen to a consent; the value is the word for a message."""

    WITHDRAW = "withdrawn"
    EXPIRE = "expired"
    SUPERSEDE = "superseded"
    TERMINATE = "terminated"


_NEXT: dict[tuple[State, Act], State] = {
    (State.GIVEN, Act.WITHDRAW): State.WITHDRAWN,
    (State.GIVEN, Act.EXPIRE): State.EXPIRED,
    (State.GIVEN, Act.SUPERSEDE): State.SUPERSEDED,
    (State.GIVEN, Act.TERMINATE): State.TERMINATED,
    (State.EXPIRED, Act.WITHDRAW): State.WITHDRAWN,
    (State.EXPIRED, Act.TERMINATE): State.TERMINATED,
    (State.SUPERSEDED, Act.WITHDRAW): State.WITHDRAWN,
    (State.SUPERSEDED, Act.EXPIRE): State.EXPIRED,
    (State.SUPERSEDED, Act.TERMINATE): State.TERMINATED,
    (State.TERMINATED, Act.WITHDRAW): State.WITHDRAWN,
    (State.WITHDRAWN, Act.WITHDRAW): State.WITHDRAWN,
}


def after(state: State, act: Act) -> State:
    """The state that follows. Raises TransitionRefused where there is no such step."""
    try:
        return _NEXT[state, act]
    except KeyError:
        raise TransitionRefused(state.value, act.value) from None


def effective(state: State, *, valid_until_ms: int, notice: Version, current: Version, now_ms: int) -> State:
    """What a stored state means at ``now_ms`` while ``current`` is the published notice."""
    if state is not State.GIVEN:
        return state
    if now_ms >= valid_until_ms:
        return State.EXPIRED
    if notice.major < current.major:
        return State.SUPERSEDED
    return State.GIVEN
