"""The midnight job: samples past the retention are deleted, and so are proofs and audit entries whose time is up.

Rules:

* Deleting comes first and recording the day last, and deleting twice is the same as once. So a server that is killed
  in the middle finishes at its next start, and a day that is recorded is done.
* Before anything is served, ``schedule`` runs the end of day if the last midnight is not recorded: the server was
  down, or was killed.
* The trigger is our own. APScheduler's ``CronTrigger`` (3.11.3, hour=0) goes from 29 March 2026 to 31 March in
  Europe/Warsaw and so leaves out the midnight after the clocks change; ``days.next_midnight_ms`` does not.
* Waits run on the monotonic clock, which stands still while a machine sleeps, and a disk can be full at midnight.
  So a second job asks every few minutes whether the last midnight is recorded, and runs it late rather than never.
* One worker thread runs both jobs, so they never meet; a job that missed its time runs once, however late
  (``misfire_grace_time=None``, ``coalesce=True``).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from consent.record import LONGEST_TERM_DAYS
from server.clock import DAY_MS
from server.config import Config
from server.days import local_date, longest_life_hours, next_midnight_ms, retention_floor_ms
from server.registry import Registry
from server.runtime import Runtime
from server.store.protocol import Store

__all__ = ["Done", "longest_life_hours", "retention_floor_ms", "run", "run_if_due", "schedule"]

ACTOR = "end-of-day"
CATCH_UP_MINUTES = 5
_log = logging.getLogger("sysmetric.end_of_day")


@dataclass(frozen=True, slots=True)
class Done:
    """The day that ended, the rows deleted per table, and how many consents' proofs and audit entries went."""

    day: str
    rows: Mapping[str, int]
    proofs: int
    audit_entries: int


def run(config: Config, registry: Registry, store: Store, now_ms: int) -> Done:
    """Delete what is past its time and record the day. Raises StoreError or RegistryError; then it is not recorded."""
    day = _ended_day(now_ms, config)
    floor_ms = retention_floor_ms(now_ms, config)
    rows = store.expire(floor_ms)
    registry.expire_pauses(floor_ms)
    proofs = registry.purge_evidence(now_ms)
    # An audit entry outlives every proof it can be about: a consent of the longest term plus the time of its proof.
    entries = registry.purge_audit(now_ms - (config.proof_days + LONGEST_TERM_DAYS) * DAY_MS)
    registry.audit(ACTOR, "day.ended", day, now_ms)
    registry.record_end_of_day(day, rows, now_ms)
    _log.info("day ended day=%s rows=%d proofs=%d audit_entries=%d", day, sum(rows.values()), len(proofs), entries)
    return Done(day, rows, len(proofs), entries)


def run_if_due(config: Config, registry: Registry, store: Store, now_ms: int) -> Done | None:
    """``run``, unless the last midnight is recorded already; then None."""
    last = registry.last_end_of_day()
    # Compared for equality, not order: a clock that once ran ahead must not stop deletion until that day comes.
    if last is not None and last.day == _ended_day(now_ms, config):
        return None
    return run(config, registry, store, now_ms)


def _ended_day(now_ms: int, config: Config) -> str:
    return (local_date(now_ms, config.zone) - timedelta(days=1)).isoformat()


def schedule(runtime: Runtime) -> BackgroundScheduler:
    """Catch up now, then at each midnight; the scheduler is running, and closing the runtime waits for a job
    under way and stops it.

    Raises StoreError or RegistryError when catching up fails: nothing that should be gone may be served.
    """

    def job() -> None:
        run_if_due(runtime.config, runtime.registry, runtime.store, runtime.now_ms())

    job()
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"misfire_grace_time": None, "coalesce": True},
    )
    scheduler.add_job(job, Midnight(runtime.config.zone), id="midnight")
    scheduler.add_job(job, IntervalTrigger(minutes=CATCH_UP_MINUTES, timezone=UTC), id="catch-up")
    scheduler.start()
    runtime.before_close(scheduler.shutdown)
    return scheduler


class Midnight(BaseTrigger):  # type: ignore[misc]  # apscheduler ships no types
    """Fires when the operator's next day begins."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first midnight after the one that fired, so that none is skipped; after ``now`` the first time."""
        after = now if previous_fire_time is None else previous_fire_time
        return datetime.fromtimestamp(next_midnight_ms(int(after.timestamp() * 1000), self._zone) / 1000, UTC)
