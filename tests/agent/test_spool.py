"""Batches on disk: none lost, none kept too long, no number twice."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent.errors import SpoolError
from agent.paths import AgentPaths
from agent.spool import BLOCK, Packed, Spool
from consent.chain import ActiveConsent
from tests.consents import NOW_MS, SignedConsent, sign_consent

HOUR_MS = 3_600_000


class Wall:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def consent(signed_consent: Callable[..., SignedConsent]) -> ActiveConsent:
    return signed_consent().active


@pytest.fixture
def wall() -> Wall:
    return Wall()


def open_spool(consent: ActiveConsent, path: Path, now_ms: Callable[[], int], max_bytes: int = 1000) -> Spool:
    return Spool(consent, path, max_bytes=max_bytes, now_ms=now_ms)


def packed(sequence: int, size: int = 100, newest: int = NOW_MS) -> Packed:
    return Packed(sequence, newest, bytes([sequence % 256]) * size)


def drained(spool: Spool) -> list[int]:
    sequences = []
    while (batch := spool.oldest()) is not None:
        sequences.append(batch.sequence)
        spool.remove(batch.sequence)
    return sequences


def test_making_one_touches_nothing(consent: ActiveConsent, paths: AgentPaths, wall: Wall) -> None:
    spool = open_spool(consent, paths.spool, wall)
    assert spool.oldest() is None
    spool.remove(1)
    spool.clear()
    spool.purge()
    assert not paths.spool.exists()


def test_what_is_put_in_comes_out_in_order_and_after_a_restart(
    consent: ActiveConsent, paths: AgentPaths, wall: Wall
) -> None:
    spool = open_spool(consent, paths.spool, wall)
    spool.put([packed(3), packed(1)])
    spool.put([packed(2)])
    assert (spool.batches, spool.bytes) == (3, 300)
    spool.close()
    again = open_spool(consent, paths.spool, wall)
    again.reserve()
    assert (again.batches, again.bytes) == (3, 300)
    assert again.oldest() == packed(1)
    assert drained(again) == [1, 2, 3]
    assert again.dropped == 0


def test_the_same_number_again_replaces(consent: ActiveConsent, paths: AgentPaths, wall: Wall) -> None:
    spool = open_spool(consent, paths.spool, wall)
    spool.put([packed(1, 100)])
    spool.put([packed(1, 50)])
    assert (spool.batches, spool.bytes) == (1, 50)


def test_bounded_by_bytes_the_oldest_goes_first_and_is_counted(
    consent: ActiveConsent, paths: AgentPaths, wall: Wall
) -> None:
    spool = open_spool(consent, paths.spool, wall, max_bytes=1000)
    for sequence in range(1, 16, 3):
        spool.put([packed(sequence), packed(sequence + 1), packed(sequence + 2)])
    assert (spool.batches, spool.bytes, spool.dropped) == (10, 1000, 5)
    assert drained(spool) == list(range(6, 16))


def test_what_the_notice_does_not_keep_is_dropped(consent: ActiveConsent, paths: AgentPaths, wall: Wall) -> None:
    spool = open_spool(consent, paths.spool, wall)
    spool.put([packed(1, newest=NOW_MS), packed(2, newest=NOW_MS + HOUR_MS)])
    wall.ms = NOW_MS + consent.retention_hours * HOUR_MS
    assert spool.oldest() == packed(1, newest=NOW_MS)
    wall.ms += 1
    kept = spool.oldest()
    assert kept is not None and kept.sequence == 2
    assert spool.dropped == 1
    wall.ms += HOUR_MS
    assert spool.oldest() is None
    assert (spool.batches, spool.dropped) == (0, 2)


def test_the_file_is_private_shrinks_as_it_empties_and_forgets_what_it_held(
    consent: ActiveConsent, paths: AgentPaths, wall: Wall
) -> None:
    spool = open_spool(consent, paths.spool, wall, max_bytes=10_000_000)
    spool.put([Packed(sequence, NOW_MS, b"volunteer's load " * 5000) for sequence in range(20)])
    full = paths.spool.stat().st_size
    assert full > 1_500_000
    assert stat.S_IMODE(paths.spool.stat().st_mode) == 0o600
    assert len(drained(spool)) == 20
    assert paths.spool.stat().st_size < 50_000
    assert b"volunteer" not in paths.spool.read_bytes()
    assert os.listdir(paths.data_dir) == [paths.spool.name], "no journal stays behind"


def test_clear_forgets_the_batches_and_keeps_the_numbers(consent: ActiveConsent, paths: AgentPaths, wall: Wall) -> None:
    spool = open_spool(consent, paths.spool, wall)
    first = spool.reserve()
    spool.put([packed(1), packed(2)])
    spool.clear()
    assert (spool.batches, spool.dropped, spool.oldest()) == (0, 2, None)
    assert spool.reserve().start == first.stop


def test_purge_leaves_no_file(consent: ActiveConsent, paths: AgentPaths, wall: Wall) -> None:
    spool = open_spool(consent, paths.spool, wall)
    spool.put([packed(1)])
    Path(f"{paths.spool}-journal").write_bytes(b"left by a kill")
    spool.purge()
    assert not os.listdir(paths.data_dir)
    assert spool.oldest() is None


def test_blocks_never_overlap_and_the_rest_of_one_can_be_given_back(
    consent: ActiveConsent, paths: AgentPaths, wall: Wall
) -> None:
    spool = open_spool(consent, paths.spool, wall)
    first, second = spool.reserve(), spool.reserve()
    assert len(first) == len(second) == BLOCK and first.stop == second.start
    spool.give_back(range(second.start + 5, second.stop))
    wall.ms = 0
    third = open_spool(consent, paths.spool, wall).reserve()
    assert third.start == second.start + 5
    spool.give_back(second)
    assert open_spool(consent, paths.spool, wall).reserve().start == third.stop, "only the last block can be given back"


def test_numbers_go_on_from_the_clock_where_the_file_was_lost(
    consent: ActiveConsent, paths: AgentPaths, wall: Wall
) -> None:
    used = open_spool(consent, paths.spool, wall).reserve()
    assert used.start == NOW_MS // 1000
    paths.spool.unlink()
    wall.ms += BLOCK * 10_000
    assert open_spool(consent, paths.spool, wall).reserve().start >= used.stop


def test_batches_of_an_earlier_consent_are_not_sent(consent: ActiveConsent, paths: AgentPaths, wall: Wall) -> None:
    earlier = open_spool(consent, paths.spool, wall)
    earlier.put([packed(1)])
    earlier.close()
    later = open_spool(sign_consent().active, paths.spool, wall)
    later.reserve()
    assert later.batches == 0 and later.oldest() is None


def test_a_damaged_file_is_replaced_and_told(consent: ActiveConsent, paths: AgentPaths, wall: Wall) -> None:
    paths.spool.write_bytes(b"this is no database" * 500)
    paths.spool.chmod(0o600)
    spool = open_spool(consent, paths.spool, wall)
    spool.reserve()
    spool.put([packed(1)])
    assert spool.batches == 1
    assert "damaged" in spool.troubles[0] and str(paths.spool) in spool.troubles[0]


def test_a_file_that_cannot_be_used_is_named(consent: ActiveConsent, paths: AgentPaths, wall: Wall) -> None:
    paths.spool.mkdir()
    with pytest.raises(SpoolError, match="spool.sqlite3"):
        open_spool(consent, paths.spool, wall).reserve()


def test_a_file_that_others_can_read_is_refused(consent: ActiveConsent, paths: AgentPaths, wall: Wall) -> None:
    paths.spool.write_bytes(b"")
    paths.spool.chmod(0o644)
    with pytest.raises(SpoolError, match="not a private file"):
        open_spool(consent, paths.spool, wall).reserve()


def test_a_failure_in_the_middle_changes_nothing(consent: ActiveConsent, paths: AgentPaths, wall: Wall) -> None:
    spool = open_spool(consent, paths.spool, wall)
    spool.put([packed(1)])
    with pytest.raises(SpoolError):
        spool.put([packed(2), Packed(3, NOW_MS, None)])  # type: ignore[arg-type]  # what a full disk does, more simply
    assert drained(spool) == [1]


KILLED = """
import itertools, pathlib, sys
sys.path.insert(0, sys.argv[1])
from agent.spool import Packed, Spool
from tests.consents import NOW_MS, sign_consent
spool = Spool(sign_consent().active, pathlib.Path(sys.argv[2]), max_bytes=10**9, now_ms=lambda: NOW_MS)
block = spool.reserve()
for sequence in itertools.count(block.start):
    spool.put([Packed(sequence, NOW_MS, bytes(3000))])
    print(sequence, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_kill_at_any_moment_loses_nothing_that_was_put(paths: AgentPaths) -> None:
    root = str(Path(__file__).parents[2])
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, root, str(paths.spool)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            said = [process.stdout.readline() for _ in range(5)]
            process.send_signal(signal.SIGKILL)
            said += process.stdout.read().splitlines(keepends=True)
        whole = [int(line) for line in said if line.endswith("\n")]
        connection = sqlite3.connect(paths.spool)
        kept = [row[0] for row in connection.execute("SELECT sequence FROM batch ORDER BY sequence")]
        (following,) = connection.execute("SELECT sequence FROM next").fetchone()
        connection.close()
        assert set(whole) <= set(kept) and len(kept) <= len(whole) + 1
        assert following > max(kept), "the next start uses numbers that were never used"


class SpoolAgainstAList(RuleBasedStateMachine):
    """Whatever is done in whatever order, the spool is a bounded list on disk."""

    consent = sign_consent().active

    def __init__(self) -> None:
        super().__init__()
        import tempfile  # pylint: disable=import-outside-toplevel  # hypothesis makes many of these; no fixture can

        self.directory = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with  # removed in teardown
        self.path = Path(self.directory.name) / "spool"
        self.spool = open_spool(self.consent, self.path, lambda: NOW_MS, max_bytes=500)
        self.model: list[Packed] = []
        self.sequence = 0

    @rule(sizes=st.lists(st.integers(1, 200), max_size=4))
    def put(self, sizes: list[int]) -> None:
        batches = [packed(self.sequence + offset, size) for offset, size in enumerate(sizes, 1)]
        self.sequence += len(sizes)
        self.spool.put(batches)
        self.model += batches
        while sum(len(batch.body) for batch in self.model) > 500:
            self.model.pop(0)

    @rule()
    def take(self) -> None:
        batch = self.spool.oldest()
        assert batch == (self.model[0] if self.model else None)
        if batch is not None:
            self.spool.remove(batch.sequence)
            self.model.pop(0)

    @rule()
    def restart(self) -> None:
        self.spool.close()
        self.spool = open_spool(self.consent, self.path, lambda: NOW_MS, max_bytes=500)
        self.spool.reserve()

    @rule()
    def clear(self) -> None:
        self.spool.clear()
        self.model.clear()

    @invariant()
    def counts_are_right(self) -> None:
        assert self.spool.batches == len(self.model)
        assert self.spool.bytes == sum(len(batch.body) for batch in self.model)

    def teardown(self) -> None:
        self.spool.close()
        self.directory.cleanup()


TestSpoolAgainstAList = SpoolAgainstAList.TestCase
TestSpoolAgainstAList.settings = settings(max_examples=6, stateful_step_count=12, deadline=None)
