"""The installation as a whole, in figures."""

from collections import Counter
from server.administration.acts import Desk, Json, act
from server.administration.consents import effective_state


@act("stats")
def stats(desk: Desk) -> Json:
    """Rows per table, what they take on disk, machines, consents by state, and the last day that was ended."""
    states = Counter(effective_state(desk, consent).value for consent in desk.registry.list_consents())
    sources = desk.registry.sources()
    with_rows = {summary.instance for summary in desk.store.latest()}
    last = desk.registry.last_end_of_day()
    desk.note("stats.shown", "stats")
    return {
        "rows": desk.store.counts(),
        "bytes_on_disk": desk.store.bytes_on_disk(),
        "instances": {
            "with_rows": len(with_rows),
            "open_servers": len(with_rows & set(sources)),
            "volunteers": len(with_rows - set(sources)),
        },
        "consents": dict(states),
        "last_end_of_day": None if last is None else {"day": last.day, "rows": dict(last.counts)},
    }
