"""The audit trail as the operator reads it."""

from typing import Annotated

from msgspec import Meta

from server.administration.acts import Desk, Json, act


@act("audit-list")
def audit_list(desk: Desk, *, limit: Annotated[int, Meta(ge=1, le=100_000)] = 100) -> Json:
    """The newest audit entries, newest first."""
    entries = [
        {"time": entry.time_ms, "actor": entry.actor, "act": entry.act, "subject": entry.subject}
        for entry in desk.registry.audit_entries(limit)
    ]
    desk.note("audit.listed", "audit")
    return {"entries": entries}
