"""Only one agent runs."""

import os
import subprocess
import sys

import pytest

from agent.errors import AgentError
from agent.lock import hold_lock, running_pid
from agent.paths import AgentPaths


def test_a_second_agent_is_told_which_process_runs(paths: AgentPaths) -> None:
    assert running_pid(paths.lock) is None
    with hold_lock(paths.lock):
        assert running_pid(paths.lock) == os.getpid()
        with pytest.raises(AgentError, match=f"process {os.getpid()}"), hold_lock(paths.lock):
            pass
    assert running_pid(paths.lock) is None
    with hold_lock(paths.lock):
        pass


def test_a_killed_process_holds_no_lock(paths: AgentPaths) -> None:
    code = (
        "import sys, pathlib\nfrom agent.lock import hold_lock\n"
        "with hold_lock(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(paths.lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        assert running_pid(paths.lock) == process.pid
        process.kill()
        process.wait()
    assert running_pid(paths.lock) is None
