"""What midnight deletes, now or as a forecast."""

from server import end_of_day
from server.administration.acts import Desk, Json, act
from server.days import next_midnight_ms, retention_floor_ms


@act("purge")
def purge(desk: Desk, *, dry_run: bool = False) -> Json:
    """Run the end of day now. ``dry_run``: the rows that the next midnight would delete if it came with what is stored.

    Running it early deletes what the last midnight should have: the floor moves at midnight only.
    """
    if dry_run:
        midnight = next_midnight_ms(desk.now_ms, desk.config.zone)
        before = retention_floor_ms(midnight, desk.config)
        desk.note("purge.forecast", "samples")
        return {"dry_run": True, "at": midnight, "before": before, "rows": desk.store.expiring(before)}
    before = retention_floor_ms(desk.now_ms, desk.config)
    done = end_of_day.run(desk.config, desk.registry, desk.store, desk.now_ms)
    desk.note("purge.done", done.day)
    return {"dry_run": False, "at": None, "before": before, "rows": dict(done.rows), "proofs": done.proofs}
