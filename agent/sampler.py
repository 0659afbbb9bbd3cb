"""The beat: when to read which table, and the columns of the batch that is being filled.

Rules:

* A table is read at start + n * period of the monotonic clock, so the beat does not drift. A beat that was missed (a
  busy or sleeping machine) is skipped, never made up for: readings are never bunched. One that comes so late that the
  next is less than half a period away skips that one too.
* The period is the one agreed to, or a longer one from the settings; never a shorter one.
* The time of a sample is the wall clock's, in steps of 10 ms (the resolution of the counters). Times of a table only
  grow, so no time is used twice: where the clock went back a little, samples are left out until it has caught up;
  where it went back a lot (it had been wrong), the last digit of the new times tells them from the old ones.
* A table that the system fails to give leaves a gap; ``troubles`` says why.
* Only a batch with samples is handed out: a pause, a sleep or a failing table is a gap and nothing else.
"""

import math
from collections.abc import Callable, Mapping

from agent.collectors.protocol import Collector
from consent.catalogue import TABLES
from consent.chain import ActiveConsent
from consent.wire import Columns, Value

#: A clock that goes back by more than this was wrong before; by less, it is being corrected.
SMALL_STEP_MS = 60_000
_TICK_MS = 10
#: A batch is closed early at this size: far below the server's bound on its bytes, also on hundreds of cores.
MOST_ROWS = 30_000


class Beat:
    """Deadlines at ``start + n * period`` seconds of the monotonic clock."""

    __slots__ = ("_start", "period", "deadline")

    def __init__(self, start: float, period: float) -> None:
        self._start = start
        self.period = period
        self.deadline = start

    def due(self, now: float) -> bool:
        """Whether the deadline has come; if so, the next one is the first that lies half a period or more ahead."""
        if now < self.deadline:
            return False
        self.deadline = self._start + (math.floor((now - self._start) / self.period + 0.5) + 1) * self.period
        return True


class SampleClock:
    """Wall times (ms) of which none is given twice."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._last = -1
        self._setbacks = 0

    def time(self) -> int | None:
        """The time for a sample taken now, or None while the clock catches up with itself."""
        now = self._now_ms()
        if now < self._last - SMALL_STEP_MS and self._setbacks < _TICK_MS - 1:
            self._setbacks += 1
            self._last = -1
        time = now - now % _TICK_MS + self._setbacks
        if time <= self._last:
            return None
        self._last = time
        return time


class Sampler:
    """Reads the granted tables on their beats. Takes the ``ActiveConsent``; ``collectors`` come from the same one."""

    def __init__(
        self,
        consent: ActiveConsent,
        collectors: Mapping[str, Collector],
        *,
        period_seconds: float,
        batch_seconds: float,
        monotonic: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        start = monotonic()
        self._consent = consent
        self._collectors = {table: collectors[table] for table in consent.granted}
        self._beats = {
            table: Beat(start, max(period_seconds, float(period))) for table, period in consent.granted.items()
        }
        self._batch_seconds = batch_seconds
        self._monotonic = monotonic
        self._now_ms = now_ms
        self._clock = SampleClock(now_ms)
        self._columns: dict[str, dict[str, list[Value]]] = {}
        self._rows = 0
        self._began = start
        self.troubles: dict[str, str] = {}
        self.taken = 0  # beats that gave samples

    @property
    def periods(self) -> dict[str, float]:
        """Seconds between the readings of each table."""
        return {table: beat.period for table, beat in self._beats.items()}

    def wait_seconds(self) -> float:
        """How long until the next table is due; negative when it is overdue."""
        return min(beat.deadline for beat in self._beats.values()) - self._monotonic()

    def expired(self) -> bool:
        """Whether the consent has run out: then nothing may be read."""
        return self._now_ms() >= self._consent.valid_until_ms

    def sample(self) -> None:
        """Read the tables that are due now, unless the consent has run out."""
        now = self._monotonic()
        due = [table for table, beat in self._beats.items() if beat.due(now)]
        if not due or self.expired():
            return
        time = self._clock.time()
        read = {table: self._read(table) for table in due}
        if time is None or not any(read.values()):
            return
        if not self._rows:
            self._began = now
        self.taken += 1
        for table, rows in read.items():
            if rows:
                self._add(table, time, rows)

    def full(self) -> bool:
        """Whether the batch holds its seconds: the next beat would belong to the next batch."""
        if not self._rows:
            return False
        step = min(beat.period for beat in self._beats.values())
        # Half a step of tolerance, so that a reading that came a little early or late does not shift the batches.
        return self._rows >= MOST_ROWS or self._monotonic() - self._began + 1.5 * step >= self._batch_seconds

    def take(self) -> dict[str, Columns] | None:
        """The columns gathered so far, in the catalogue's order, or None if there are none. A new batch begins."""
        taken: dict[str, Columns] = {table: self._columns[table] for table in TABLES if table in self._columns}
        self._columns = {}
        self._rows = 0
        return taken or None

    def rest(self) -> None:
        """Forget the last readings: what happens from now to the next one is in no row."""
        for collector in self._collectors.values():
            collector.reset()

    def _read(self, table: str) -> list[tuple[Value, ...]]:
        try:
            rows = self._collectors[table].collect()
        except (OSError, NotImplementedError, RuntimeError, ValueError) as error:  # what psutil raises
            self.troubles[table] = f"{table} cannot be read on this system now: {error}"
            self._collectors[table].reset()
            return []
        self.troubles.pop(table, None)
        return rows

    def _add(self, table: str, time: int, rows: list[tuple[Value, ...]]) -> None:
        columns = self._columns.get(table)
        if columns is None:
            columns = self._columns[table] = {column.name: [] for column in TABLES[table].wire_columns}
        lists = list(columns.values())
        for row in rows:
            lists[0].append(time)
            for values, value in zip(lists[1:], row, strict=True):
                values.append(value)
        self._rows += len(rows)
