"""What the agent costs a volunteer at one sample a second, beside a plain psutil loop in the same minutes."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.processes import BenchmarkFailed, Usage, call, enrol, running_server
from tests.processes import running

#: Start-up is told apart from what it costs to go on.
_SETTLE_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class AgentResult:
    """One program. ``start_cpu_seconds`` is until it had settled; the rest is per hour of going on."""

    program: str
    seconds: float
    start_cpu_seconds: float
    cpu_seconds: float
    cpu_percent_of_a_core: float
    resident_mb: float


def measure(seconds: float) -> Iterator[AgentResult]:
    """Agent and floor side by side for ``seconds``, and the server that takes the agent's batches."""
    with tempfile.TemporaryDirectory(prefix="sysmetric-benchmark-") as name, running_server(Path(name)) as server:
        environment = enrol(Path(name) / "volunteer", server)
        with (
            running("sysmetric", "run", "--period", "1", env=environment, log=Path(name) / "sysmetric.log") as agent,
            _floor() as floor,
        ):
            pids = {"agent, period 1 s": agent.pid, "psutil loop, 1 s": floor.pid, "server with this agent": server.pid}
            time.sleep(_SETTLE_SECONDS)
            began = time.monotonic()
            before = {program: Usage.of(pid) for program, pid in pids.items()}
            time.sleep(seconds)
            after = {program: Usage.of(pid) for program, pid in pids.items()}
            elapsed = time.monotonic() - began
            sent = call("sysmetric", environment, "status")["batches_sent"]
        if not sent:
            raise BenchmarkFailed("the agent sent nothing, so its cost says nothing")
        for program in pids:
            used = after[program].cpu_seconds - before[program].cpu_seconds
            yield AgentResult(
                program=program,
                seconds=elapsed,
                start_cpu_seconds=before[program].cpu_seconds,
                cpu_seconds=used,
                cpu_percent_of_a_core=used / elapsed * 100,
                resident_mb=after[program].resident_bytes / 1e6,
            )


@contextmanager
def _floor() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, str(Path(__file__).parent / "floor.py")], stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=10)
