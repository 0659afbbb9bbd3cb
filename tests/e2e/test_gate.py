"""The gate, seen from outside: what the operating system was asked for before a yes, and after a no.

strace records every file the agent opens and every socket it connects. The one connection before the yes is the one
that fetches the notice from the operator's server.
"""

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.ceremony import Ceremony
from tests.e2e.conftest import Operator, Volunteer
from tests.processes import BIN

pytestmark = pytest.mark.e2e
MEASURED = re.compile(r'"(/proc/stat|/proc/meminfo|/proc/vmstat|/proc/diskstats|/sys/(?:class/)?block[^"]*)"')
CALLS = "openat,open,socket,connect,rename,mkdir,unlink"


def _strace(log: Path) -> tuple[str, ...]:
    return ("strace", "-f", "-qq", "-e", f"trace={CALLS}", "-o", str(log))


def _connected(trace: str) -> set[str]:
    inet = re.findall(r"sa_family=AF_INET6?, sin6?_port=htons\((\d+)\)", trace)
    return set(inet)


def _wrote(trace: str, directory: Path) -> list[str]:
    return [
        line
        for line in trace.splitlines()
        if str(directory) in line and re.search(r"O_CREAT|O_WRONLY|O_RDWR|mkdir|rename", line)
    ]


def _quiet(trace: str, volunteer: Volunteer) -> None:
    assert not MEASURED.findall(trace), "nothing of the machine was read"
    assert not _wrote(trace, volunteer.directory), "nothing was written"
    assert not volunteer.files()


def test_a_no_reads_nothing_writes_nothing_and_sends_nothing(
    shared_operator: Operator, volunteer: Volunteer, tmp_path: Path
) -> None:
    before = shared_operator.call("consents", "list")
    ceremony = Ceremony(shared_operator.enrolment_url, volunteer.environment, wrapper=_strace(tmp_path / "trace"))
    ceremony.read_and_go_on()
    ceremony.choose(cpu="", memory="", disk="")
    assert ceremony.exit_code() == 3
    trace = (tmp_path / "trace").read_text()
    _quiet(trace, volunteer)
    assert _connected(trace) == {str(shared_operator.port)}, "only the notice was fetched"
    assert shared_operator.call("consents", "list") == before


def test_everything_up_to_the_last_word_reads_and_writes_nothing(
    shared_operator: Operator, volunteer: Volunteer, tmp_path: Path
) -> None:
    ceremony = Ceremony(shared_operator.enrolment_url, volunteer.environment, wrapper=_strace(tmp_path / "trace"))
    ceremony.read_and_go_on()
    ceremony.choose(cpu="y", memory="y", disk="y")
    ceremony.term()
    ceremony.answer_questions()
    ceremony.sign("no")
    assert ceremony.exit_code() == 3
    _quiet((tmp_path / "trace").read_text(), volunteer)


def test_the_trace_would_show_it_a_yes_reads_nothing_either_until_run(
    shared_operator: Operator, volunteer: Volunteer, tmp_path: Path
) -> None:
    """The counter-check: the same trace of `preview` after a yes does show the reading, so the pattern can see it."""
    volunteer.enrol(shared_operator.invite())
    command = [*_strace(tmp_path / "trace"), str(BIN / "sysmetric"), "preview"]
    done = subprocess.run(
        command, env=volunteer.environment, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    trace = (tmp_path / "trace").read_text()
    assert {"/proc/stat", "/proc/meminfo", "/proc/diskstats"} <= set(MEASURED.findall(trace))
    assert not _connected(trace), "a preview sends nothing"


@pytest.mark.parametrize("how", ["interrupt", "end of input"])
def test_leaving_is_a_no(shared_operator: Operator, volunteer: Volunteer, how: str) -> None:
    ceremony = Ceremony(shared_operator.enrolment_url, volunteer.environment)
    ceremony.read_and_go_on()
    ceremony.see("Share cpu")
    if how == "interrupt":
        ceremony.terminal.sendintr()
    else:
        ceremony.terminal.sendeof()
    assert ceremony.exit_code() == 3
    assert not volunteer.files()


@pytest.mark.parametrize("extra", [{}, {"DO_NOT_TRACK": "1"}], ids=["no terminal", "DO_NOT_TRACK"])
def test_no_terminal_and_do_not_track_open_no_socket(
    shared_operator: Operator, volunteer: Volunteer, tmp_path: Path, extra: dict[str, str]
) -> None:
    command = [*_strace(tmp_path / "trace"), str(BIN / "sysmetric"), "consent", "give", shared_operator.enrolment_url]
    done = subprocess.run(
        command, env={**volunteer.environment, **extra}, input="yes\n" * 50, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    trace = (tmp_path / "trace").read_text()
    _quiet(trace, volunteer)
    assert not _connected(trace)


def test_do_not_track_stops_sampling_too(shared_operator: Operator, volunteer: Volunteer, tmp_path: Path) -> None:
    volunteer.enrol(shared_operator.invite())
    for verb in ("run", "preview"):
        command = [*_strace(tmp_path / verb), str(BIN / "sysmetric"), verb]
        environment = {**volunteer.environment, "DO_NOT_TRACK": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 3, done.stderr
        trace = (tmp_path / verb).read_text()
        assert not MEASURED.findall(trace) and not _connected(trace)
