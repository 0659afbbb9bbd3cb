"""``sysmetric consent`` as a volunteer meets it: exit codes, what is said, what is on disk, what goes over the wire."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.paths import AgentPaths
from tests.agent.command_line import Ended, Sysmetric
from tests.agent.operator_server import Operator

ROOT = Path(__file__).parents[3]
TEXT_ONLY = ["GET /api/v1/notice?locale=en"]


@pytest.fixture
def sysmetric(fresh: Sysmetric, monkeypatch: pytest.MonkeyPatch) -> Sysmetric:
    """``sysmetric("consent", "show")`` on a machine that was never asked, for someone who reads English."""
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    return fresh


@pytest.fixture
def give(sysmetric: Sysmetric, operator: Operator) -> Callable[..., Ended]:
    """Joins by flags, with the hash that ``consent notice`` printed."""

    def join(*grants: str) -> Ended:
        sha256 = sysmetric("consent", "notice", operator.link, "--json").json["sha256"]
        flags = [word for table in grants or ("cpu", "memory") for word in ("--grant", table)]
        return sysmetric("consent", "give", operator.link, "--accept-notice", sha256, *flags, "--json")

    return join


def test_without_a_terminal_it_is_a_no(sysmetric: Sysmetric, operator: Operator, unprepared: AgentPaths) -> None:
    for extra in ([], ["--no-input"]):
        ended = sysmetric("consent", "give", operator.link, *extra)
        assert ended.code == 3 and ended.out == ""
        assert "sysmetric consent notice URL" in ended.err and "--accept-notice SHA256" in ended.err
        assert "the-invite" not in ended.err, "a secret does not belong in a log"
    assert not operator.requests and not unprepared.data_dir.exists()


def test_do_not_track_is_a_no(
    sysmetric: Sysmetric, operator: Operator, unprepared: AgentPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    ended = sysmetric("consent", "give", operator.link, "--accept-notice", "0" * 64, "--grant", "cpu")
    assert ended.code == 3 and "DO_NOT_TRACK" in ended.err
    assert not operator.requests and not unprepared.data_dir.exists()


def test_the_hash_of_another_text_is_a_no(sysmetric: Sysmetric, operator: Operator, unprepared: AgentPaths) -> None:
    ended = sysmetric("consent", "give", operator.link, "--accept-notice", "0" * 64, "--grant", "cpu")
    assert ended.code == 3 and "nothing was agreed to" in ended.err
    assert operator.paths == TEXT_ONLY and not unprepared.data_dir.exists()


@pytest.mark.parametrize(
    "flags",
    [
        ["--grant", "cpu"],
        ["--accept-notice", "0"],
        ["--term-days", "5"],
        ["--accept-notice", "0", "--grant", "cpu", "--term-days", "400"],
    ],
)
def test_half_of_the_flags_is_a_usage_error(sysmetric: Sysmetric, operator: Operator, flags: list[str]) -> None:
    assert sysmetric("consent", "give", operator.link, *flags).code == 2
    assert not operator.requests


def test_a_damaged_link_is_a_usage_error(sysmetric: Sysmetric) -> None:
    ended = sysmetric("consent", "give", "https://host/")
    assert ended.code == 2 and "in quotes" in ended.err


def test_the_notice_can_be_read_without_deciding(
    sysmetric: Sysmetric, operator: Operator, unprepared: AgentPaths
) -> None:
    ended = sysmetric("consent", "notice", operator.link)
    assert ended.code == 0 and "What it may give away" in ended.out and "SHA-256" in ended.out
    polish = sysmetric("consent", "notice", operator.link, "--locale", "pl", "--json").json
    assert polish["locale"] == "pl" and len(polish["sha256"]) == 64 and polish["offered"] == ["cpu", "memory", "disk"]
    assert [method for method, _, _, _ in operator.requests] == ["GET", "GET"]
    assert all(body == {} for _, _, body, _ in operator.requests)
    assert not unprepared.data_dir.exists()
    assert sysmetric("consent", "notice", operator.link, "--locale", "de").code == 5


def test_once_agreed_the_text_in_force_needs_no_link(
    sysmetric: Sysmetric, give: Callable[..., Ended], operator: Operator
) -> None:
    assert sysmetric("consent", "notice").code == 3
    give()
    operator.requests.clear()
    printed = sysmetric("consent", "notice", "--json").json
    assert printed["sha256"] == sysmetric("consent", "show", "--json").json["record"]["notice"]["sha256"]
    operator.key = Ed25519PrivateKey.generate()
    ended = sysmetric("consent", "notice")
    assert ended.code == 1 and "another key" in ended.err, "the operator's key stays pinned"


def test_nothing_about_the_machine_goes_with_the_first_request(sysmetric: Sysmetric, operator: Operator) -> None:
    sysmetric("consent", "notice", operator.link)
    headers = operator.requests[0][3]
    assert set(headers) <= {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert headers["user-agent"].startswith("sysmetric/") and "linux" not in headers["user-agent"].lower()


def test_a_life_from_yes_to_erasure(
    sysmetric: Sysmetric, give: Callable[..., Ended], operator: Operator, unprepared: AgentPaths
) -> None:
    joined = give("cpu", "disk")
    assert joined.code == 0 and joined.json["state"] == "given" and joined.json["granted"] == ["cpu", "disk"]

    shown = sysmetric("consent", "show", "--json").json
    assert shown["state"] == "given" and shown["server"] == operator.url
    assert shown["record"]["ceremony"] == {"method": "unattended", "tty": False, "seconds": 0, "quiz": "not-asked"}
    people = sysmetric("consent", "show").out
    assert "given, in force" in people and joined.json["alias"] in people and "✘ no" in people

    receipt = sysmetric("consent", "receipt", "--json").json
    assert receipt["receipt"]["record_id"] == joined.json["record_id"] and receipt["erasure_receipt"] is None
    assert receipt["receipt_jws"] == unprepared.receipt.read_text()

    verified = sysmetric("consent", "verify", "--json")
    assert verified.code == 0 and verified.json["holds"] and verified.json["broken_link"] is None
    assert "does not prove" in sysmetric("consent", "verify").out

    revoked = sysmetric("consent", "revoke")
    assert revoked.code == 0 and "cpu 7" in revoked.out and "Withdrawn" in revoked.out
    again = sysmetric("consent", "revoke", "--json")
    assert again.code == 0 and again.json["erasure"]["rows"] == {"cpu": 7, "memory": 1}
    assert sysmetric("consent", "show", "--json").json["state"] == "erased"
    links = sysmetric("consent", "verify", "--json").json["links"]
    assert [link["name"] for link in links][-2:] == ["withdrawal", "erasure receipt"]
    assert "cpu 7" in sysmetric("consent", "receipt").out


def test_a_second_yes_is_refused(give: Callable[..., Ended]) -> None:
    assert give().code == 0
    ended = give()
    assert ended.code == 1 and "takes part already" in ended.err and "sysmetric consent revoke" in ended.err


def test_a_broken_chain_is_named(sysmetric: Sysmetric, give: Callable[..., Ended], unprepared: AgentPaths) -> None:
    give()
    receipt = unprepared.receipt.read_text()
    unprepared.receipt.write_text(receipt[:-6] + "AAAAAA")
    ended = sysmetric("consent", "verify", "--json")
    assert ended.code == 1 and ended.json["broken_link"] == "receipt" and "broken at: receipt" in ended.err
    assert "✘" in sysmetric("consent", "verify").out
    assert "does not verify" in sysmetric("consent", "show").out or sysmetric("consent", "show").code == 1


@pytest.mark.parametrize("verb", ["show", "receipt", "verify", "revoke"])
def test_without_a_consent_it_says_so(sysmetric: Sysmetric, verb: str, unprepared: AgentPaths) -> None:
    ended = sysmetric("consent", verb)
    assert ended.code == 3 and "there is no consent" in ended.err and ended.out == ""
    assert not unprepared.data_dir.exists()


def test_revoking_offline_stops_here_and_says_what_is_left(
    sysmetric: Sysmetric, give: Callable[..., Ended], operator: Operator, unprepared: AgentPaths
) -> None:
    give()
    operator.trouble = lambda path: "drop"
    ended = sysmetric("consent", "revoke")
    assert ended.code == 4 and "nothing is sampled any more" in ended.err and unprepared.withdrawal.exists()
    assert sysmetric("consent", "show", "--json").json["state"] == "withdrawn"
    operator.trouble = lambda path: None
    assert sysmetric("consent", "revoke").code == 0
    assert not unprepared.key.exists()


def test_an_enrolment_without_an_answer_is_completed(
    sysmetric: Sysmetric, give: Callable[..., Ended], operator: Operator
) -> None:
    operator.trouble = lambda path: "drop" if path.endswith("consents") else None
    ended = give()
    assert ended.code == 4 and "run the same command again" in ended.err
    assert sysmetric("consent", "verify").code == 3
    assert sysmetric("consent", "show", "--json").json["state"] == "pending"
    operator.trouble = lambda path: None
    assert give().code == 0 and len(operator.receipts) == 1


def test_a_refused_enrolment_says_why(give: Callable[..., Ended], operator: Operator, unprepared: AgentPaths) -> None:
    operator.trouble = lambda path: "invite-refused" if path.endswith("consents") else None
    ended = give()
    assert ended.code == 5 and "invite-refused" in ended.err and not any(unprepared.data_dir.iterdir())


def test_a_wrong_clock_is_told(sysmetric: Sysmetric, operator: Operator) -> None:
    operator.ahead_ms = 7_200_000
    sha256 = sysmetric("consent", "notice", operator.link, "--json").json["sha256"]
    ended = sysmetric("consent", "give", operator.link, "--accept-notice", sha256, "--grant", "cpu")
    assert ended.code == 0 and "behind" in ended.err and "Signed" in ended.out


def test_the_machine_is_not_read_by_asking(unprepared: AgentPaths, operator: Operator) -> None:
    program = (
        "import sys\nfrom agent import cli\n"
        f"sys.argv = ['sysmetric', 'consent', 'notice', {operator.link!r}]\n"
        "try:\n    cli.main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "assert 'psutil' not in sys.modules, 'psutil reads /proc when it is imported'\n"
    )
    environ = {"PATH": os.environ["PATH"], "SYSMETRIC_DATA_DIR": str(unprepared.data_dir)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal")
class TestOnATerminal:
    def play(self, paths: AgentPaths, link: str, answers: list[str | bytes], **environ: str) -> tuple[int, str]:
        """Answer at every ``›``; the exit code and everything that was shown."""
        import pty  # pylint: disable=import-outside-toplevel  # POSIX only

        controller, terminal = pty.openpty()
        # A session of its own whose first process opens the terminal: so Ctrl-C is a signal, as for a person.
        process = subprocess.Popen(  # pylint: disable=consider-using-with  # it is waited for below
            ["/bin/sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(terminal)]
            + [sys.executable, "-m", "agent.cli", "consent", "give", link],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "SYSMETRIC_DATA_DIR": str(paths.data_dir),
                "SYSMETRIC_CONFIG_DIR": str(paths.config_dir),
                "SYSMETRIC_RUNTIME_DIR": str(paths.runtime_dir),
                "TERM": "dumb",
                "LANG": "C.UTF-8",
                **environ,
            },
        )
        shown = self._converse(process, controller, answers)
        os.close(terminal)
        os.close(controller)
        return process.wait(20), shown

    def _converse(self, process: "subprocess.Popen[bytes]", controller: int, answers: list[str | bytes]) -> str:
        shown, answered, deadline = b"", 0, time.monotonic() + 120  # a busy machine starts Python slowly
        pressed = time.monotonic()
        while time.monotonic() < deadline:
            over = process.poll() is not None
            ready, _, _ = select.select([controller], [], [], 0.0 if over else 0.1)
            if ready:
                shown += os.read(controller, 65536)
            elif over:
                break
            if shown.count("›".encode()) > answered and answered < len(answers):
                answer = answers[answered]
                os.write(controller, answer if isinstance(answer, bytes) else f"{answer}\n".encode())
                answered, pressed = answered + 1, time.monotonic()
            elif answers[answered - 1 : answered] == [b"\x03"] and time.monotonic() - pressed > 1 and not over:
                # A signal just before the read is noticed only after it: a person presses again.
                os.write(controller, b"\x03")
                pressed = time.monotonic()
        return shown.decode("utf-8", "replace")

    def test_a_yes(self, unprepared: AgentPaths, operator: Operator) -> None:
        code, shown = self.play(unprepared, operator.link, ["g", "y", "", "y", "30d", "2", "3", "1", "yes"])
        assert code == 0, shown
        assert "confirmed by the server" in shown
        assert unprepared.receipt.exists()
        assert operator.paths == ["GET /api/v1/notice", "POST /api/v1/consents", "POST /api/v1/withdrawal-codes"]

    def test_in_polish(self, unprepared: AgentPaths, operator: Operator) -> None:
        answers: list[str | bytes] = ["d", "t", "n", "n", "4", "2", "3", "1", "tak"]
        code, shown = self.play(unprepared, operator.link, answers, LANG="pl_PL.UTF-8")
        assert code == 0 and "potwierdzone przez serwer" in shown

    @pytest.mark.parametrize(
        "answers",
        [[""], ["q"], [b"\x04"], [b"\x03"], ["g", "n", "n", "n"], ["g", "y", "n", "n", "1", "2", "3", "1", ""]],
        ids=["enter", "q", "end-of-input", "ctrl-c", "no-to-all", "no-word"],
    )
    def test_a_no(self, unprepared: AgentPaths, operator: Operator, answers: list[str | bytes]) -> None:
        code, shown = self.play(unprepared, operator.link, answers)
        assert code == 3 and "Signed" not in shown, shown
        assert operator.paths == ["GET /api/v1/notice"]
        assert not unprepared.data_dir.exists() and not unprepared.runtime_dir.exists()

    def test_do_not_track(self, unprepared: AgentPaths, operator: Operator) -> None:
        code, shown = self.play(unprepared, operator.link, [], DO_NOT_TRACK="1")
        assert code == 3 and "DO_NOT_TRACK" in shown
        assert not operator.requests and not unprepared.data_dir.exists()
