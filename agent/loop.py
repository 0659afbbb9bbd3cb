"""``sysmetric run``: the sampler in this thread, the sender in another, until something ends it.

Rules:

* Before every beat, and at least once a second, it looks for ``withdrawal.jws``, for a pause, for the end of the
  consent, for the stop switch and for the sender's end. What happens during a pause is in no sample; the server is
  told when it begins and ends, and a stop does not wait for that.
* A stop (SIGTERM, SIGINT) closes the batch that is being filled and gives the sender ``FLUSH_SECONDS``; what is not
  acknowledged by then is in the spool for the next start. That is an orderly end: exit code 0, for Ctrl-C too. A
  second signal ends at once (130); the spool is written first.
* A withdrawal stops everything at once: what waits is removed, nothing more is sent but the withdrawal itself, again
  and again until the server answers.
* An answer that ends the consent or needs a person raises ``Refused``; an expired consent raises ``NoConsent``.
"""

import os
import random
import threading
import time
from collections.abc import Callable
from enum import StrEnum

from agent.client import open_client
from agent.clock import clock_ms
from agent.collectors import make_collectors
from agent.config import Config
from agent.delivery import Delivery
from agent.ended import note_ended
from agent.errors import AgentError, NoConsent, Refused, ServerUnreachable
from agent.outbox import Outbox
from agent.packer import Packer
from agent.paths import AgentPaths
from agent.pause import Pause, read_pause
from agent.pause_teller import PauseTeller
from agent.sampler import Sampler
from agent.sender import Ending, Records, Sender
from agent.sent_log import SentLog
from agent.server_clock import ServerClock
from agent.spool import Spool
from agent.status import Status, StatusBoard
from agent.stop_switch import StopSwitch
from agent.verdict import Move, delay_seconds
from agent.withdrawal import deliver_withdrawal, origin_of, purge
from consent.chain import ActiveConsent
from consent.wire import Problem

LOOK_SECONDS = 1.0
FLUSH_SECONDS = 5.0
_REPORT_MS = 12_000

Tell = Callable[[str], None]


class Why(StrEnum):
    """What ended the sampling."""

    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Loop:
    """One run for one consent. ``tell`` gets sentences for a person; ``local_ms`` and ``monotonic`` are the clocks."""

    def __init__(
        self,
        paths: AgentPaths,
        consent: ActiveConsent,
        config: Config,
        stop: StopSwitch,
        *,
        tell: Tell,
        local_ms: Callable[[], int] = clock_ms,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._paths = paths
        self._consent = consent
        self._stop = stop
        self._clock = ServerClock(local_ms)
        self._spool = Spool(consent, paths.spool, max_bytes=config.spool_bytes, now_ms=self._clock.now_ms)
        self._packer = Packer(consent, self._spool)
        self._outbox = Outbox(self._spool)
        self._sampler = Sampler(
            consent,
            make_collectors(consent, monotonic),
            period_seconds=config.period_seconds,
            batch_seconds=config.batch_seconds,
            monotonic=monotonic,
            now_ms=self._clock.now_ms,
        )
        now = local_ms()
        status = Status(
            pid=os.getpid(),
            state="running",
            instance=consent.instance_id,
            record=consent.record_id,
            server=consent.origin,
            started_ms=now,
            updated_ms=now,
            periods=self._sampler.periods,
        )
        self._records = Records(StatusBoard(paths.status, status, local_ms), SentLog(paths.sent_log), tell)
        delivery = Delivery(consent, self._clock.now_ms, timeout_seconds=config.timeout_seconds)
        self._sender = Sender(delivery, self._outbox, self._records, self._clock)
        self._pause: Pause | None = None
        self._pauses = PauseTeller(consent, local_ms)
        self._told: dict[str, str | None] = {}

    def run(self) -> None:
        """Sample and send until the end. Raises Refused, NoConsent, SpoolError; see the rules of this module."""
        thread = threading.Thread(target=self._sender.run, name="sender", daemon=True)
        self._records.board.change()
        thread.start()
        why = Why.STOPPED
        try:
            why = self._sample()
        finally:
            self._flush(why, thread)
        ending = self._sender.ending
        if why is Why.WITHDRAWN:
            self._withdraw()
        elif ending is not None:
            self._obey(ending)
        elif why is Why.EXPIRED:
            self._records.board.change(state="stopped")
            raise NoConsent("the consent has expired, so nothing more is sampled; to go on: sysmetric consent give URL")
        else:
            self._records.board.change(state="stopped")
            if self._sender.failed and not thread.is_alive():
                raise AgentError(
                    "the sender failed for a reason that was not foreseen; what was not sent is in the spool"
                )

    def _sample(self) -> Why:
        while True:
            why = self._over()
            if why is not None:
                return why
            self._mind_pause()
            wait = LOOK_SECONDS
            if self._pause is None:
                self._sampler.sample()
                if self._sampler.full():
                    self._hand_over()
                self._report_taken()
                wait = min(wait, self._sampler.wait_seconds())
            self._stop.wait(wait)

    def _over(self) -> Why | None:
        if self._paths.withdrawal.exists():
            return Why.WITHDRAWN
        if self._stop.thrown or self._sender.over:
            return Why.STOPPED
        return Why.EXPIRED if self._sampler.expired() else None

    def _mind_pause(self) -> None:
        pause = read_pause(self._paths, self._clock.local_ms())
        if pause == self._pause:
            return
        if self._pause is None:
            self._sampler.rest()
            self._hand_over()
            self._records.tell("paused; nothing is sampled until: sysmetric resume")
        if pause is None:
            self._records.tell("sampling again")
        self._tell_pause(pause)
        self._pause = pause
        self._records.board.change(
            state="running" if pause is None else "paused", paused_until_ms=pause.until_ms if pause else None
        )

    def _tell_pause(self, pause: Pause | None) -> None:
        now = self._clock.now_ms()
        if pause is None:
            self._pauses.end(now)
        else:
            until = pause.until_ms
            self._pauses.begin(now, None if until is None else until + now - self._clock.local_ms())

    def _hand_over(self) -> None:
        tables = self._sampler.take()
        if tables is not None:
            self._records.board.note(samples_taken=self._sampler.taken)
            self._outbox.put(self._packer.pack(tables))
        self._tell_troubles()

    def _report_taken(self) -> None:
        """The sender reports with each batch; this is for batches that are long, or a server that is away."""
        if self._clock.local_ms() - self._records.board.status.updated_ms >= _REPORT_MS:
            self._records.board.change(samples_taken=self._sampler.taken)

    def _tell_troubles(self) -> None:
        """Each trouble once, when it begins; status has them all."""
        found: dict[str, str | None] = {
            **self._sampler.troubles,
            "spool": self._outbox.trouble,
            "status": self._records.board.trouble,
            "log": self._records.sent_log.trouble,
        }
        while self._spool.troubles:
            self._records.tell(self._spool.troubles.pop(0))
        if found != self._told:
            for name, trouble in found.items():
                if trouble is not None and self._told.get(name) is None:
                    self._records.tell(trouble)
            self._told = found
            self._records.board.change(troubles={name: trouble for name, trouble in found.items() if trouble})

    def _flush(self, why: Why, thread: threading.Thread) -> None:
        """End the sender's thread, leaving nothing in memory that should be kept."""
        self._sender.halt()
        self._pauses.halt()
        if why is Why.WITHDRAWN:
            self._outbox.abandon()
        elif self._sender.ending is None:
            self._hand_over()
        self._outbox.close()
        try:
            thread.join(FLUSH_SECONDS)
        finally:
            if why is not Why.WITHDRAWN:
                self._outbox.spill()
                self._packer.give_back()

    def _obey(self, ending: Ending) -> None:
        """Do what the server's word asks for, then raise Refused with the next step."""
        step = "see: sysmetric status"
        if ending.move is Move.STOP_FOR_GOOD:
            self._forget()
            note_ended(self._paths, self._consent, ending.detail, self._clock.local_ms())
            step = "what waited here is removed; to join again: sysmetric consent give URL"
        elif ending.move is Move.STOP_AND_DROP:
            self._outbox.drop_all()
            step = "what waited here is removed; to read and decide: sysmetric consent give URL"
        elif ending.problem == Problem.SEQUENCE_REUSED:
            step = "does a second machine use a copy of this key? If so, join anew there"
        if ending.move is not Move.STOP_FOR_GOOD:
            self._records.board.change(state="stopped")
        raise Refused(ending.problem, f"{ending.detail}; sampling has stopped; {step}")

    def _withdraw(self) -> None:
        self._forget()
        self._records.tell("consent was withdrawn: sampling has stopped and what waited here is removed")
        deliver_until_answered(self._paths, self._stop, tell=self._records.tell)

    def _forget(self) -> None:
        self._spool.close()
        self._records.sent_log.end()
        purge(self._paths)


def deliver_until_answered(paths: AgentPaths, stop: StopSwitch, *, tell: Tell) -> None:
    """Deliver a withdrawal, again and again until the server answers or ``stop``. Raises Refused, ConsentError."""
    failures = 0
    while True:
        try:
            with open_client(origin_of(paths)) as client:
                deliver_withdrawal(paths, client, clock_ms())
        except ServerUnreachable as error:
            if not failures:
                tell(f"{error}; the withdrawal is tried again until it is delivered")
        else:
            tell("the withdrawal was delivered; the receipt for the erasure: sysmetric consent receipt")
            return
        if stop.wait(delay_seconds(failures, None, random.uniform)):
            tell("the withdrawal is still to be delivered; to try again: sysmetric consent revoke")
            return
        failures += 1
