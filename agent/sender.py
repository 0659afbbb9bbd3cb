"""One thread that sends batches in order, each signed when it is sent, and does what the answer asks for.

Rules:

* What an answer means is decided in ``agent.verdict``. Later: the batches go to the spool, and after a pause they are
  sent in order. One success brings the pace back.
* A 2xx without an ack for this very batch was not our server's: later.
* A wrong clock is corrected once per batch, from the time in the answer; refused again, the agent stops and says so.
* A batch that the server will never take (413, 415, 422) is dropped, counted and told; the others go on.
* A log or a status that cannot be written, or a spool that cannot be read now, is told and does not stop the sending.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from agent.client import Answer
from agent.delivery import Delivery
from agent.errors import ServerUnreachable, SpoolError
from agent.outbox import Outbox
from agent.sent_log import SentLog
from agent.server_clock import ServerClock
from agent.spool import Packed
from agent.status import StatusBoard
from agent.stop_switch import StopSwitch
from agent.verdict import STOPS, Move, decide, delay_seconds, retry_after_seconds
from consent.wire import Ack, Problem

_UNREACHABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the sender ended everything: how, the problem's type and the server's words."""

    move: Move
    problem: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Of one request. ``problem`` and ``detail`` say why it was not stored."""

    move: Move
    problem: str | None = None
    detail: str = ""
    retry_after: float | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """Where the agent writes down and says what it does: status, the log of what was sent, words for a person."""

    board: StatusBoard
    sent_log: SentLog
    tell: Callable[[str], None]


class Sender:
    """``run`` is the thread. It ends when the outbox is closed and empty, when ``halt`` was called and the server is
    away, or when the server ended it: then ``ending`` says why. Whatever the reason, ``over`` is true then.
    """

    def __init__(
        self,
        delivery: Delivery,
        outbox: Outbox,
        records: Records,
        clock: ServerClock,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._delivery = delivery
        self._outbox = outbox
        self._records = records
        self._clock = clock
        self._uniform = uniform
        self._halt = StopSwitch()
        self._failures = 0
        self.ending: Ending | None = None
        self.over = False
        self.failed = True  # until ``run`` came to its end

    def halt(self) -> None:
        """Do not wait for a server that is away. Safe from any thread."""
        self._halt.throw()

    def run(self) -> None:
        """Send until there is nothing more to do."""
        try:
            while self.ending is None:
                try:
                    packed = self._outbox.next()
                    if packed is None:
                        break
                    outcome = self._deliver(packed)
                except SpoolError as error:
                    outcome = _Outcome(Move.LATER, _UNREACHABLE, str(error))
                if outcome.move is Move.LATER and not self._later(outcome):
                    break
            self.failed = False
        finally:
            self._delivery.close()
            self.over = True

    def _deliver(self, packed: Packed) -> _Outcome:
        outcome = self._attempt(packed)
        if outcome.move is Move.RESYNC and outcome.answer is not None and self._clock.correct(outcome.answer):
            outcome = self._attempt(packed)
        if outcome.move is Move.RESYNC:
            outcome = _Outcome(Move.STOP, Problem.CLOCK_SKEW, f"{outcome.detail}; set this machine's clock")
        if outcome.move in STOPS:
            self.ending = Ending(outcome.move, outcome.problem or "unexpected", outcome.detail)
            self._report_problem(outcome)
        elif outcome.move is Move.STORED:
            self._back_to_pace()
        elif outcome.move is Move.DROP:
            self._outbox.done(packed)
            self._back_to_pace()
            self._records.tell(f"batch {packed.sequence} was refused and dropped: {outcome.detail}")
            self._report_problem(outcome)
        return outcome

    def _attempt(self, packed: Packed) -> _Outcome:
        began = time.monotonic()
        try:
            answer = self._delivery.post(packed)
        except ServerUnreachable as error:
            if error.sent:
                self._records.sent_log.add(packed, "no answer", self._clock.local_ms())
            return _Outcome(Move.LATER, _UNREACHABLE, str(error))
        latency_ms = (time.monotonic() - began) * 1000
        problem, detail = answer.problem()
        self._records.sent_log.add(packed, problem or str(answer.status), self._clock.local_ms())
        move = decide(answer.status, problem)
        if move is Move.STORED:
            ack = self._delivery.ack(answer, packed)
            if ack is None:
                return _Outcome(Move.LATER, _UNREACHABLE, "something other than the server answered")
            self._stored(packed, ack, latency_ms)
        retry_after = retry_after_seconds(answer.headers.get("retry-after", ""), self._clock.local_ms())
        return _Outcome(move, problem, detail, retry_after, answer)

    def _stored(self, packed: Packed, ack: Ack, latency_ms: float) -> None:
        self._clock.learn(ack.time + round(latency_ms / 2))
        self._outbox.done(packed)
        status = self._records.board.status
        rows = {table: status.rows_sent.get(table, 0) + count for table, count in ack.rows.items()}
        self._report(
            batches_sent=status.batches_sent + 1,
            rows_sent={**status.rows_sent, **rows},
            bytes_sent=status.bytes_sent + len(packed.body),
            last_ack_ms=self._clock.local_ms(),
            last_latency_ms=round(latency_ms, 1),
        )

    def _later(self, outcome: _Outcome) -> bool:
        """Wait for the next try; False when the process ends before it."""
        if not self._failures:
            self._records.tell(f"{outcome.detail}; batches wait in the spool, nothing is lost")
        delay = delay_seconds(self._failures, outcome.retry_after, self._uniform)
        self._failures += 1
        self._outbox.set_away(True)
        self._report_problem(outcome, next_try_ms=self._clock.local_ms() + round(delay * 1000))
        return not self._halt.wait(delay)

    def _back_to_pace(self) -> None:
        if self._failures:
            self._failures = 0
            self._outbox.set_away(False)
            self._records.tell("the server answers again; sending what waited")
            self._report(next_try_ms=None, problem=None, problem_detail=None, problem_ms=None)

    def _report_problem(self, outcome: _Outcome, **changes: object) -> None:
        self._report(
            problem=outcome.problem, problem_detail=outcome.detail, problem_ms=self._clock.local_ms(), **changes
        )

    def _report(self, **changes: object) -> None:
        batches, size, dropped = self._outbox.waiting()
        self._records.board.change(
            **changes,
            spool_batches=batches,
            spool_bytes=size,
            batches_dropped=dropped,
            skew_ms=self._clock.skew_ms,
        )
