"""An agent that is killed at random moments, the server there or away: its spool is never torn, no sequence number is
used twice, at most the batch it was filling is missing, and that gap shows as a gap."""

import os
import random
import sqlite3
import time
from pathlib import Path

import pytest

from server.clock import clock_ms
from server.config import load_config
from server.runtime import open_runtime
from server.store.protocol import SeriesQuery, Store
from tests.e2e.conftest import Operator, Volunteer
from tests.processes import until

ROUNDS = int(os.environ.get("SYSMETRIC_KILL_ROUNDS", "9"))
BATCH_SECONDS = 2
#: The batch that was being filled, the sample that was due, and what a busy machine takes.
LONGEST_LOSS_MS = (BATCH_SECONDS + 1 + 2) * 1000


def spooled(volunteer: Volunteer) -> list[int]:
    """The numbers that wait on disk; the file must be sound, whatever happened to its writer."""
    path = volunteer.data_dir / "spool.sqlite3"
    if not path.exists():
        return []
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [sequence for (sequence,) in connection.execute("SELECT sequence FROM batch ORDER BY sequence")]
    finally:
        connection.close()


@pytest.mark.e2e
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_at_most_the_batch_it_was_filling_is_missing(operator: Operator, volunteer: Volunteer) -> None:
    seed = int(os.environ.get("SYSMETRIC_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
    moments = random.Random(seed)
    volunteer.enrol(operator.enrolment_url)
    lives: list[tuple[int, int]] = []  # when it was first seen to run, when it was killed
    for turn in range(ROUNDS):
        if turn % 3 == 1:
            operator.stop()
        elif operator.process is None:
            operator.run()
        agent = volunteer.run("--batch", str(BATCH_SECONDS))
        until("it runs", lambda: volunteer.call("status")["running"])
        began = clock_ms()
        time.sleep(moments.uniform(0.0, 4.0 * BATCH_SECONDS))  # the fault's moment, not a wait for something
        assert agent.poll() is None, (volunteer.directory / "agent.log").read_text()
        agent.kill()
        agent.wait()
        lives.append((began, clock_ms()))
        assert len(set(spooled(volunteer))) == len(spooled(volunteer)), f"seed {seed}"
    if operator.process is None:
        operator.run()
    agent = volunteer.run("--batch", str(BATCH_SECONDS))
    until(
        "everything was sent",
        lambda: (status := volunteer.call("status"))["running"]
        and status.get("batches_sent")
        and not spooled(volunteer),
        60,
    )
    agent.terminate()
    assert agent.wait(timeout=30) == 0, f"seed {seed}"
    said = (volunteer.directory / "agent.log").read_text()
    assert "damaged" not in said and "sequence" not in said and "Traceback" not in said, said
    operator.stop()
    _check(operator.data_dir, lives, f"seed {seed}")


def _check(data_dir: Path, lives: list[tuple[int, int]], told: str) -> None:
    with open_runtime(load_config(data_dir, {}), now_ms=clock_ms) as runtime:
        instance = [summary.instance for summary in runtime.store.latest()][0]
        times = sorted(int(str(row["time"])) for table, row in runtime.store.rows(instance) if table == "memory")
        assert len(times) == len(set(times)), f"{told}: no moment is there twice"
        for began, killed in lives:
            if killed - began > LONGEST_LOSS_MS:
                there = [time_ms for time_ms in times if began <= time_ms <= killed]
                assert (
                    there and killed - there[-1] <= LONGEST_LOSS_MS
                ), f"{told}: {killed - (there or [began])[-1]} ms lost"
        for (_, killed), (began, _) in zip(lives, lives[1:], strict=False):
            assert _has_a_gap(runtime.store, instance, killed, began) or began - killed < 2000, told


def _has_a_gap(store: Store, instance: str, start_ms: int, end_ms: int) -> bool:
    """Whether nothing is drawn somewhere between the two moments."""
    series = store.series(SeriesQuery(instance, "memory", start_ms, end_ms, 250))
    return None in series.groups[0].buckets["used_bytes"]["mean"]
