"""A bad network between a real agent and a real server costs time and nothing else: every sample is stored, once.

The agent goes on through one fault after another; after each the network heals and everything that waited arrives.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.clock import clock_ms
from server.config import load_config
from server.runtime import open_runtime
from tests.e2e.conftest import Operator, Volunteer
from tests.faults.proxy import (
    Fault,
    Proxy,
    RedirectTo,
    answer_lost,
    answered_by_a_proxy,
    delivered_twice,
    half_open,
    no_http,
    one_byte_a_second,
    reset_in_the_middle,
)
from tests.processes import clean_environment, free_port, until

pytestmark = pytest.mark.e2e


@dataclass
class Line:
    """A volunteer's agent that runs, and the proxy through which it reaches the operator's server."""

    operator: Operator
    volunteer: Volunteer
    proxy: Proxy

    def status(self) -> dict[str, object]:
        found = self.volunteer.call("status")
        assert isinstance(found, dict)
        return found


@pytest.fixture
def line(tmp_path: Path, volunteer: Volunteer) -> Iterator[Line]:
    """The operator's origin is the proxy: what the agent signs is the address it knows."""
    (tmp_path / "operator").mkdir()
    port = free_port()
    proxy = Proxy(port)
    environment = clean_environment(LANG="C.UTF-8", SYSMETRIC_SERVER_DATA_DIR=str(tmp_path / "operator" / "server"))
    operator = Operator(tmp_path / "operator", port, environment)
    operator.init("--origin", proxy.url)
    try:
        operator.run()
        volunteer.enrol(operator.enrolment_url)
        volunteer.environment["SYSMETRIC_TIMEOUT_SECONDS"] = "1.5"
        yield Line(operator, volunteer, proxy)
    finally:
        proxy.close()
        operator.stop()


FAULTS = (
    reset_in_the_middle,
    half_open,
    one_byte_a_second,
    delivered_twice,
    answer_lost,
    answered_by_a_proxy,
    no_http,
)


def test_every_sample_arrives_once_whatever_the_network_does(line: Line) -> None:
    elsewhere = RedirectTo()
    agent = line.volunteer.run("--batch", "1")
    until("the first batch", lambda: line.status().get("batches_sent"))
    faults: tuple[Fault, ...] = (*FAULTS, elsewhere)
    for fault in faults:
        name = getattr(fault, "__name__", "redirect")
        done = line.proxy.happened
        line.proxy.fault = fault
        until(f"{name} happens", lambda: line.proxy.happened > done, 60)  # pylint: disable=cell-var-from-loop
        time.sleep(1.0)  # the fault lasts; another attempt may meet it
        line.proxy.fault = None
        before = int(str(line.status().get("batches_sent", 0)))
        until(
            f"after {name} everything is sent",
            lambda: (said := line.status()).get("spool_batches") == 0
            and int(str(said["batches_sent"])) >= before + 2,  # pylint: disable=cell-var-from-loop
            60,
        )
        assert agent.poll() is None, f"{name}: {line.volunteer.log()}"
    assert not elsewhere.visited, "a redirect to another host is not followed"
    elsewhere.close()
    agent.terminate()
    assert agent.wait(timeout=30) == 0
    assert "Traceback" not in line.volunteer.log()
    line.operator.stop()
    _check(line.operator.data_dir)


def _check(data_dir: Path) -> None:
    with open_runtime(load_config(data_dir, {}), now_ms=clock_ms) as runtime:
        store = runtime.store
        instance = [summary.instance for summary in store.latest()][0]
        rows = [row for table, row in store.rows(instance) if table == "memory"]
    times = [int(str(row["time"])) for row in rows]
    assert len(times) == len(set(times)), "no sample is there twice"
    widest = max(later - earlier for earlier, later in zip(times, times[1:], strict=False))
    assert widest < 4000, f"nothing is missing in between: {widest} ms"
