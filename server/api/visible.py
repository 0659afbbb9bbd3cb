"""Which instances the viewer of this request may see, and whether one is there at all.

Unknown, withdrawn and another's give the same answer, so that nobody can find out who takes part.
"""

from consent.state import State
from server.api.state import runtime
from server.errors import NotFound
from server.api.viewer import current_viewer, may_see

_ENDED = (State.WITHDRAWN, State.TERMINATED)


def visible_instance(instance: str) -> str:
    """``instance``, if it is here and the viewer may see it. Raises NotFound, or ProblemError for a bad token."""
    sources = runtime().registry.sources()
    if may_see(current_viewer(), instance, sources) and (instance in sources or _takes_part(instance)):
        return instance
    raise NotFound("no such instance")


def _takes_part(instance: str) -> bool:
    status = runtime().registry.consent_of(instance)
    return status is not None and status.state not in _ENDED
