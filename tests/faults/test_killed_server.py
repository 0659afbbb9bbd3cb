"""What was acknowledged is there, exactly once, however often and whenever the server is killed.

Eight volunteers send signed batches without a pause while the server's processes get SIGKILL at random moments, its
start included. The rounds can be made more with ``SYSMETRIC_KILL_ROUNDS``.
"""

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from consent.state import State
from server.clock import clock_ms
from server.config import load_config
from server.runtime import open_runtime
from tests.faults.installation import Sender, site
from tests.server.installation import Volunteer

ROUNDS = int(os.environ.get("SYSMETRIC_KILL_ROUNDS", "50"))
SENDERS = 8
#: As far back as retention keeps, so that a long run finds room for all its samples.
HOUR_MS = 3_600_000


@pytest.mark.e2e
def test_every_acknowledged_batch_is_stored_exactly_once(tmp_path: Path) -> None:
    seed = int(os.environ.get("SYSMETRIC_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
    moments = random.Random(seed)
    with site(tmp_path / "site", SENDERS) as (server, volunteers):
        senders = [Sender(server, volunteer, clock_ms() - 20 * HOUR_MS) for volunteer in volunteers]
        server.start()
        server.await_ready()
        for sender in senders:
            sender.start()
        for turn in range(ROUNDS):
            if turn % 5:  # each fifth time it dies while it starts
                server.await_ready()
            time.sleep(moments.uniform(0.0, 0.4))  # the fault's moment, not a wait for something
            server.kill()
            server.start()
        server.await_ready()
        for sender in senders:
            sender.finish()
        assert server.stop() == 0, f"seed {seed}"
        assert [sender.refused for sender in senders] == [[]] * SENDERS, f"seed {seed}"
        acknowledged = sum(len(sender.acknowledged) for sender in senders)
        assert acknowledged >= ROUNDS, f"seed {seed}: the load was no load"
        _check(server.data_dir, senders, volunteers, f"seed {seed}, {acknowledged} acknowledged")


def _check(data_dir: Path, senders: list[Sender], volunteers: list[Volunteer], told: str) -> None:
    with open_runtime(load_config(data_dir, {}), now_ms=clock_ms) as runtime:
        assert {summary.instance for summary in runtime.store.latest()} <= {one.instance for one in volunteers}, told
        for sender in senders:
            status = runtime.registry.consent_of(sender.volunteer.instance)
            assert status is not None and status.state is State.GIVEN, told
            stored = Counter(
                (int(str(row["time"])) - sender.first_ms) // (Sender.SAMPLES * 1000)
                for _, row in runtime.store.rows(sender.volunteer.instance)
            )
            # 3 moments of 2 cores, 1 memory and 2 disks are 15 rows; a batch is there whole and once, or not at all.
            assert set(stored.values()) <= {Sender.SAMPLES * 5}, told
            assert set(sender.acknowledged) <= set(stored), told
            # Beyond what was acknowledged at most the one batch that was under way at the end.
            assert len(stored) <= len(sender.acknowledged) + 1, told
