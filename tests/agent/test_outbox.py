"""The hand-over between the two threads."""

import threading
from collections.abc import Callable

import pytest

from agent.outbox import IN_MEMORY, Outbox
from agent.paths import AgentPaths
from agent.spool import Packed, Spool
from tests.consents import NOW_MS, SignedConsent


@pytest.fixture
def spool(signed_consent: Callable[..., SignedConsent], paths: AgentPaths) -> Spool:
    return Spool(signed_consent().active, paths.spool, max_bytes=10_000, now_ms=lambda: NOW_MS)


@pytest.fixture
def outbox(spool: Spool) -> Outbox:
    return Outbox(spool)


def packed(sequence: int) -> Packed:
    return Packed(sequence, NOW_MS, b"x" * 100)


def drained(outbox: Outbox) -> list[int]:
    outbox.close()
    sequences = []
    while (batch := outbox.next()) is not None:
        sequences.append(batch.sequence)
        outbox.done(batch)
    return sequences


def test_while_the_server_answers_nothing_touches_the_disk(outbox: Outbox, paths: AgentPaths) -> None:
    for sequence in range(100):
        outbox.put(packed(sequence))
        batch = outbox.next()
        assert batch == packed(sequence)
        outbox.done(batch)
    assert not paths.spool.exists()


def test_a_sender_that_is_stuck_makes_memory_overflow_into_the_spool_in_order(outbox: Outbox, spool: Spool) -> None:
    for sequence in range(2 * IN_MEMORY + 3):
        outbox.put(packed(sequence))
    assert spool.batches == 2 * (IN_MEMORY + 1)
    assert outbox.waiting() == (2 * IN_MEMORY + 3, 100 * (2 * IN_MEMORY + 3), 0)
    assert drained(outbox) == list(range(2 * IN_MEMORY + 3))


def test_while_the_server_is_away_each_batch_is_on_disk_at_once(outbox: Outbox, spool: Spool) -> None:
    outbox.put(packed(1))
    outbox.set_away(True)
    assert spool.batches == 1
    outbox.put(packed(2))
    assert spool.batches == 2
    outbox.set_away(False)
    outbox.put(packed(3))
    assert spool.batches == 2
    assert drained(outbox) == [1, 2, 3]


def test_a_batch_that_was_moved_while_it_was_sent_is_done_all_the_same(outbox: Outbox, spool: Spool) -> None:
    outbox.put(packed(1))
    sending = outbox.next()
    assert sending is not None
    outbox.spill()
    outbox.done(sending)
    assert (spool.batches, outbox.waiting()) == (0, (0, 0, 0))


def test_a_disk_that_takes_nothing_costs_the_oldest_and_is_told(outbox: Outbox, paths: AgentPaths) -> None:
    paths.spool.mkdir()
    outbox.set_away(True)
    for sequence in range(IN_MEMORY + 2):
        outbox.put(packed(sequence))
    assert outbox.trouble is not None and "spool.sqlite3" in outbox.trouble
    assert outbox.waiting() == (IN_MEMORY, 100 * IN_MEMORY, 2)
    paths.spool.rmdir()
    outbox.put(packed(99))
    assert outbox.trouble is None
    assert drained(outbox) == [*range(2, IN_MEMORY + 2), 99]


def test_dropping_all_counts_what_is_lost(outbox: Outbox) -> None:
    outbox.put(packed(1))
    outbox.set_away(True)
    outbox.set_away(False)
    outbox.put(packed(2))
    outbox.drop_all()
    assert outbox.waiting() == (0, 0, 2)
    assert not drained(outbox)


def test_an_abandoned_outbox_gives_nothing_and_writes_nothing(outbox: Outbox, paths: AgentPaths) -> None:
    outbox.put(packed(1))
    sending = outbox.next()
    assert sending is not None
    outbox.abandon()
    assert outbox.next() is None
    outbox.put(packed(2))
    outbox.set_away(True)
    outbox.done(sending)
    assert outbox.next() is None
    assert not paths.spool.exists()


def test_the_sender_sleeps_until_there_is_something(outbox: Outbox) -> None:
    got: list[Packed | None] = []

    def take() -> None:
        while (batch := outbox.next()) is not None:
            got.append(batch)
            outbox.done(batch)

    thread = threading.Thread(target=take)
    thread.start()
    outbox.put(packed(1))
    outbox.put(packed(2))
    outbox.close()
    thread.join(10)
    assert got == [packed(1), packed(2)]
